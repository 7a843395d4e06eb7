/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The owner's switch and the operator's promises on real machines, by the command line tool: off is
 * honoured at once by holding the machine at its maximum, the device goes at the next start; what
 * the host cannot honour is refused with the amount that is missing.
 */

#include "tests/ballast/live/scenes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without reporting, which would give memory back before a balloon has to. */
static const struct vm_config half = { .memory_mib = 384,
                                       .balloon_properties = "free-page-reporting=off" };

/* A host in which one machine shrank for the other. */
static void start_pair(struct rig *rig, const char *memory)
{
    char lines[256];

    snprintf(lines, sizeof(lines),
             "settle = 1s\nmargin = 16M\n[host]\nmemory = %s\n[default]\nminimum = 96M\n", memory);
    rig_configure(rig, lines);
    rig_start(rig);
    rig_guest(rig, "a", &half);
    rig_guest(rig, "b", &half);
    scene_ready(rig, "a");
    scene_ready(rig, "b");
}

static void switching_off_pins_at_once_and_removes_the_device_at_the_next_start(struct rig *rig)
{
    const struct vm_config without = { .memory_mib = 384, .no_balloon = true };

    start_pair(rig, "1400M");
    rig_tool(rig, "disable a", 0, "");
    rig_until_word(rig, "a", "ballooning/state", "pending-restart");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);
    rig_tool(rig, "device a", 0, "");

    rig_kill(rig, "a");
    rig_until_gone(rig, "a");
    rig_guest(rig, "a", &without);
    rig_until_word(rig, "a", "ballooning/state", "disabled");
    rig_tool(rig, "enable a", 0, "");
    rig_until_word(rig, "a", "ballooning/state", "pending-restart");

    rig_kill(rig, "a");
    rig_until_gone(rig, "a");
    rig_guest(rig, "a", &half);
    rig_until_word(rig, "a", "ballooning/state", "enabled");
}

static void switching_off_is_refused_where_the_host_cannot_honour_it(struct rig *rig)
{
    start_pair(rig, "800M");
    rig_tool(rig, "disable a", 0, "");
    rig_tool(rig, "disable b", 5, "MiB");
    rig_until_word(rig, "b", "ballooning/state", "refused");
    assert_true(rig_number(rig, "b", "ballooning/missing_bytes") > 0);
    rig_tool(rig, "enable b", 0, "");
    rig_until_word(rig, "b", "ballooning/state", "enabled");
}

static void a_reservation_makes_room_and_becomes_the_machines_own(struct rig *rig)
{
    start_pair(rig, "1100M");
    scene_grow(rig, "a", 64);
    scene_grown(rig, "a");
    rig_tool(rig, "reserve 256M --for c", 0, "");
    rig_until_host(rig, "reserved_bytes", 256 * RIG_MIB);
    rig_tool(rig, "reservations", 0, "c");
    rig_tool(rig, "reserve 64G --for huge", 5, "GiB");
    rig_until_most(rig, "b", "size_bytes", 340 * RIG_MIB);
    rig_guest(rig, "c", &(const struct vm_config){ .memory_mib = 256 });
    scene_ready(rig, "c");
    rig_until_host(rig, "reserved_bytes", 0);
    rig_tool(rig, "reserve 16M --for d", 0, "");
    rig_tool(rig, "release d", 0, "");
    rig_tool(rig, "release d", 4, "reservation for d");
    scene_end(rig, "a");
}

static void settings_survive_a_restart_of_the_daemon(struct rig *rig)
{
    start_pair(rig, "1400M");
    rig_tool(rig, "set a --min 192M --weight 2000 --class spare", 0, "");
    rig_tool(rig, "disable b", 0, "");
    assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL);
    rig_start(rig);
    rig_until_word(rig, "a", "class", "spare");
    assert_int_equal(rig_number(rig, "a", "minimum_bytes"), 192 * RIG_MIB);
    assert_int_equal(rig_number(rig, "a", "weight"), 2000);
    rig_until_word(rig, "b", "ballooning/state", "pending-restart");
    rig_tool(rig, "set a --weight 0", 2, "weight");
    rig_tool(rig, "set nobody --weight 5", 4, "nobody");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(switching_off_pins_at_once_and_removes_the_device_at_the_next_start),
        RIG_TEST(switching_off_is_refused_where_the_host_cannot_honour_it),
        RIG_TEST(a_reservation_makes_room_and_becomes_the_machines_own),
        RIG_TEST(settings_survive_a_restart_of_the_daemon),
    };

    return rig_main("tests/ballast/live/test_switch.c", tests, sizeof(tests) / sizeof(tests[0]),
                    argc, argv);
}
