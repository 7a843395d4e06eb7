/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines whose balloon somebody else set before the guest's driver ran: who starts machines does
 * that, and an incoming migration brings a target along. Nothing tells which target is in force, so
 * the daemon has to see to it that it is its own: no machine stays below what was promised to it,
 * and what the switch and the doctor say is what the machine has. Memory that is plugged is the
 * same matter, because it moves size and target at once.
 */

#include "tests/ballast/live/scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MACHINE_MIB 384U

/* Not yet running, so that its target can be set before its driver comes. */
static const struct vm_config stopped = {
    .memory_mib = MACHINE_MIB,
    .paused = true,
    .may_pause = true,
};

static void configure(struct rig *rig, const char *lines)
{
    char text[300];

    snprintf(text, sizeof(text),
             "settle = 1s\nfloor = 16M\n[host]\nmemory = 4G\n[default]\nminimum = 192M\n%s", lines);
    rig_configure(rig, text);
}

static void set_small(struct rig *rig, const char *name)
{
    rig_foreign(rig, name, "balloon", json_pack("{s:I}", "value", (json_int_t)(90 * RIG_MIB)));
}

static void run(struct rig *rig, const char *name)
{
    rig_foreign(rig, name, "cont", NULL);
    rig_ready(rig, name);
}

/* Nothing is amiss with a machine that has what it was promised. */
static void is_good(struct rig *rig, const char *name)
{
    int status;
    char *text;
    char words[64];

    assert_string_equal(rig_word(rig, name, "drift"), "null");
    snprintf(words, sizeof(words), "doctor %s", name);
    text = rig_ballast(rig, &status, words);
    if (strstr(text, "promised to it: it has had less") != NULL) {
        fail_msg("the doctor says: %s", text);
    }
    free(text);
}

static void a_target_set_before_the_daemon_came_does_not_stay(struct rig *rig)
{
    configure(rig, "");
    rig_guest_starts(rig, "a", &stopped);
    set_small(rig, "a");
    rig_start(rig);
    rig_wait_event(rig, "target", "a");
    run(rig, "a");
    scene_settled(rig, "a");
    rig_until_least(rig, "a", "size_bytes", MACHINE_MIB * RIG_MIB);
    is_good(rig, "a");
}

static void a_target_set_before_the_driver_ran_does_not_stay(struct rig *rig)
{
    configure(rig, "");
    rig_start(rig);
    rig_guest_starts(rig, "a", &stopped);
    rig_wait_event(rig, "target", "a");
    rig_periods(rig, 3);
    set_small(rig, "a"); /* behind the daemon's first word */
    run(rig, "a");
    scene_settled(rig, "a");
    rig_until_least(rig, "a", "size_bytes", MACHINE_MIB * RIG_MIB);
    rig_periods(rig, 6);
    assert_int_equal(rig_number(rig, "a", "size_bytes"), MACHINE_MIB * RIG_MIB);
    is_good(rig, "a");
}

/* Found with its driver, when it has long had what somebody set. */
static void a_machine_that_is_found_small_has_its_minimum(struct rig *rig)
{
    configure(rig, "");
    rig_guest_starts(rig, "a", &stopped);
    set_small(rig, "a");
    run(rig, "a");
    rig_start(rig);
    rig_until_least(rig, "a", "size_bytes", 192 * RIG_MIB);
    scene_settled(rig, "a");
    is_good(rig, "a");
}

static void guarantee_and_switch_are_judged_by_what_the_machine_has(struct rig *rig)
{
    int status;
    char *text;

    configure(rig, "[machine whole]\nclass = guaranteed\n");
    rig_guest_starts(rig, "whole", &stopped);
    rig_guest_starts(rig, "off", &stopped);
    set_small(rig, "whole");
    set_small(rig, "off");
    run(rig, "whole");
    run(rig, "off");
    rig_start(rig);
    rig_until_least(rig, "whole", "size_bytes", MACHINE_MIB * RIG_MIB);
    scene_settled(rig, "off");
    text = rig_ballast(rig, &status, "disable off");
    assert_int_equal(status, 0);
    free(text);
    rig_until_least(rig, "off", "size_bytes", MACHINE_MIB * RIG_MIB);
    rig_periods(rig, 2);
    assert_non_null(strstr(rig_word(rig, "off", "ballooning/text"), "held at its maximum"));
    is_good(rig, "whole");
    is_good(rig, "off");
}

/* A machine without a driver does not follow: that is said, and nothing else. */
static void what_the_switch_lacks_is_told(struct rig *rig)
{
    int status;
    char *text;

    configure(rig, "");
    rig_guest_starts(rig, "a", &stopped);
    set_small(rig, "a");
    run(rig, "a");
    rig_start(rig);
    scene_settled(rig, "a");
    rig_foreign(rig, "a", "stop", NULL);
    rig_until_word(rig, "a", "state", "paused");
    if (rig_number(rig, "a", "size_bytes") < MACHINE_MIB * RIG_MIB) {
        text = rig_ballast(rig, &status, "disable a");
        assert_int_equal(status, 0);
        assert_null(strstr(text, "held at its maximum"));
        assert_non_null(strstr(text, "missing"));
        free(text);
    }
    rig_foreign(rig, "a", "cont", NULL);
}

static void an_incoming_machine_has_its_minimum(struct rig *rig)
{
    char uri[128];
    const char *incoming[] = { "-incoming", uri, NULL };
    const struct vm_config source = { .memory_mib = MACHINE_MIB, .may_pause = true };
    const struct vm_config target = { .memory_mib = MACHINE_MIB,
                                      .may_pause = true,
                                      .extra = incoming };

    snprintf(uri, sizeof(uri), "unix:%s/migration", rig->folder);
    configure(rig, "[machine source]\nmanaged = off\n");
    rig_start(rig);
    rig_guest(rig, "source", &source);
    set_small(rig, "source");
    rig_until_most(rig, "source", "size_bytes", 90 * RIG_MIB);
    rig_guest_starts(rig, "target", &target);
    rig_until_word(rig, "target", "state", "migrating");
    rig_foreign(rig, "source", "migrate", json_pack("{s:s}", "uri", uri));
    rig_until_word(rig, "target", "state", "running");
    rig_until_least(rig, "target", "size_bytes", 192 * RIG_MIB);
    rig_periods(rig, 6);
    assert_true(rig_number(rig, "target", "size_bytes") >= 192 * RIG_MIB);
    is_good(rig, "target");
}

static bool is_calm(json_t *machine)
{
    const char *hold = json_string_value(rig_member(machine, "decision/hold"));

    return json_is_null(rig_member(machine, "drift")) &&
           (hold == NULL || (strcmp(hold, "lies") != 0 && strcmp(hold, "foreign") != 0));
}

/* Whether our guest uses the memory does not matter. */
static void memory_that_is_plugged_makes_nobody_a_liar_or_foreign(struct rig *rig)
{
    static const char *const slots[] = { "-m", "384M,slots=2,maxmem=1G", NULL };
    const struct vm_config config = { .memory_mib = MACHINE_MIB, .extra = slots };
    const uint64_t more = 128 * RIG_MIB;

    configure(rig, "");
    rig_start(rig);
    rig_guest(rig, "a", &config);
    scene_settled(rig, "a");
    rig_foreign(rig, "a", "object-add",
                json_pack("{s:s, s:s, s:I}", "qom-type", "memory-backend-ram", "id", "plugged",
                          "size", (json_int_t)more));
    rig_foreign(
        rig, "a", "device_add",
        json_pack("{s:s, s:s, s:s}", "driver", "pc-dimm", "id", "dimm", "memdev", "plugged"));
    rig_until_least(rig, "a", "ram_bytes", MACHINE_MIB * RIG_MIB + more);
    for (unsigned i = 0; i < 12; i++) {
        rig_until(rig, "a", is_calm, "neither a liar nor foreign");
        rig_periods(rig, 1);
    }
    assert_int_equal(rig_events(rig, "drift", "a"), 0);
    assert_int_equal(rig_number(rig, "a", "size_bytes"), MACHINE_MIB * RIG_MIB + more);
    assert_int_equal(rig_number(rig, "a", "target_bytes"), MACHINE_MIB * RIG_MIB + more);
}

/* ---- the same with Debian's driver, which comes late ---- */

static void a_linux_whose_driver_comes_late_is_not_starved(struct rig *rig)
{
    char initrd[300];
    struct vm_config config = { .image = "linux/vmlinux",
                                .append = "console=ttyS0 quiet -- late",
                                .cpu = "max,la57=off,erms=off,fsrm=off",
                                .memory_mib = MACHINE_MIB,
                                .paused = true,
                                .may_pause = true };

    snprintf(initrd, sizeof(initrd), "%s/linux/ballast-initrd", rig->build);
    if (access(initrd, R_OK) != 0) {
        rig_skip(rig, "there is no Linux guest");
    }
    config.initrd = initrd;
    configure(rig, "");
    rig_guest_starts(rig, "linux", &config);
    set_small(rig, "linux");
    rig_start(rig);
    rig_wait_event(rig, "target", "linux");
    run(rig, "linux");
    rig_say(rig, "linux", "load");
    rig_answer(rig, "linux", "@linux loaded");
    scene_settled(rig, "linux");
    rig_until_least(rig, "linux", "size_bytes", MACHINE_MIB * RIG_MIB);
    rig_say(rig, "linux", "use 100");
    rig_answer(rig, "linux", "@linux used"); /* it lives */
    is_good(rig, "linux");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_target_set_before_the_daemon_came_does_not_stay),
        RIG_TEST(a_target_set_before_the_driver_ran_does_not_stay),
        RIG_TEST(a_machine_that_is_found_small_has_its_minimum),
        RIG_TEST(guarantee_and_switch_are_judged_by_what_the_machine_has),
        RIG_TEST(what_the_switch_lacks_is_told),
        RIG_TEST(an_incoming_machine_has_its_minimum),
        RIG_TEST(memory_that_is_plugged_makes_nobody_a_liar_or_foreign),
        RIG_TEST(a_linux_whose_driver_comes_late_is_not_starved),
    };

    return rig_main("tests/ballast/live/test_starters.c", tests, sizeof(tests) / sizeof(tests[0]),
                    argc, argv);
}
