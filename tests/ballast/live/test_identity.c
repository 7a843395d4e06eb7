/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a real machine is: its UUID, as QEMU tells it, and without one its name and socket.
 */

#include "tests/ballast/live/scenes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Starts `web` with this UUID (NULL: without one), and waits until the daemon knows it. */
static void start_web(struct rig *rig, const char *uuid)
{
    const char *const words[] = { "-uuid", uuid, NULL };
    const struct vm_config config = { .memory_mib = 128, .extra = uuid == NULL ? NULL : words };

    rig_guest(rig, "web", &config);
    scene_ready(rig, "web");
}

static void end_web(struct rig *rig)
{
    rig_kill(rig, "web");
    rig_until_gone(rig, "web");
}

static void begin(struct rig *rig)
{
    rig_configure(rig, "settle = 1s\n[host]\nmemory = 2G\n");
    rig_start(rig);
}

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

static void another_machine_of_the_name_starts_from_the_defaults(struct rig *rig)
{
    begin(rig);
    start_web(rig, UUID_A);
    assert_string_equal(rig_word(rig, "web", "uuid"), UUID_A);
    rig_tool(rig, "set web --owner alice --class spare", 0, "");
    rig_tool(rig, "disable web", 0, "");
    end_web(rig);
    start_web(rig, UUID_B);
    assert_string_equal(rig_word(rig, "web", "owner"), "");
    assert_string_equal(rig_word(rig, "web", "class"), "burst");
    assert_string_equal(rig_word(rig, "web", "ballooning/state"), "enabled");
    rig_tool(rig, "events --machine web", 0, "another machine of this name");
    end_web(rig);
    start_web(rig, UUID_A);
    assert_string_equal(rig_word(rig, "web", "owner"), "alice");
    assert_string_equal(rig_word(rig, "web", "ballooning/state"), "pending-restart");
    end_web(rig);
    rig_tool(rig, "forget web", 0, "forgotten");
    rig_tool(rig, "forget web", 4, "");
    start_web(rig, UUID_A);
    assert_string_equal(rig_word(rig, "web", "owner"), "");
}

static void an_expected_machine_takes_over_also_when_the_daemon_is_killed(struct rig *rig)
{
    begin(rig);
    start_web(rig, UUID_A);
    rig_tool(rig, "set web --owner alice", 0, "");
    rig_tool(rig, "disable web", 0, "");
    rig_tool(rig, "expect web --for 1h", 0, "expected");
    end_web(rig);
    rig_stop(rig, SIGKILL);
    rig_start(rig);
    start_web(rig, UUID_B);
    assert_string_equal(rig_word(rig, "web", "owner"), "alice");
    assert_string_equal(rig_word(rig, "web", "ballooning/state"), "pending-restart");
    rig_tool(rig, "audit", 0, "seconds=3600");
    end_web(rig);
    start_web(rig, UUID_A); /* it counts once */
    assert_string_equal(rig_word(rig, "web", "owner"), "");
}

static void a_machine_without_a_uuid_keeps_its_settings(struct rig *rig)
{
    begin(rig);
    start_web(rig, NULL);
    assert_string_equal(rig_word(rig, "web", "uuid"), "null");
    rig_tool(rig, "set web --owner alice", 0, "");
    end_web(rig);
    rig_stop(rig, SIGTERM);
    rig_start(rig);
    start_web(rig, NULL);
    assert_string_equal(rig_word(rig, "web", "owner"), "alice");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(another_machine_of_the_name_starts_from_the_defaults),
        RIG_TEST(an_expected_machine_takes_over_also_when_the_daemon_is_killed),
        RIG_TEST(a_machine_without_a_uuid_keeps_its_settings),
    };

    return rig_main("ballast: who a machine is", tests, sizeof(tests) / sizeof(tests[0]), argc,
                    argv);
}
