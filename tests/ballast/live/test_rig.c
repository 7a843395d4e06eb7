/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rig that the other tests stand on: however busy the host is, a guest is told nothing before
 * it takes commands, and a machine that the daemon does not know yet is not called settled.
 */

#include "tests/ballast/live/scenes.h"

#include <stdlib.h>
#include <sys/wait.h>

static bool is_settled(const char *driver, const char *hold, uint64_t used_bytes)
{
    json_t *machine = json_pack("{s:s, s:s, s:I, s:{s:s?}}", "state", "running", "driver", driver,
                                "used_bytes", (json_int_t)used_bytes, "decision", "hold", hold);
    bool settled = scene_is_settled(machine);

    assert_non_null(machine);
    json_decref(machine);
    return settled;
}

/* Statistics and driver are there already, and the last decision was made without them: the next
 * one begins with a machine that starts. */
static void a_machine_that_was_judged_before_its_driver_came_is_not_settled(struct rig *rig)
{
    (void)rig;
    assert_false(is_settled("ok", "no-driver", RIG_MIB));
    assert_false(is_settled("ok", "reset", RIG_MIB));
    assert_false(is_settled("none", "moving", RIG_MIB));
    assert_false(is_settled("ok", "stale", RIG_MIB));
    assert_false(is_settled("ok", NULL, 0));
    assert_true(is_settled("ok", NULL, RIG_MIB));
    assert_true(is_settled("unknown", "floor", RIG_MIB));
}

static void a_guest_that_starts_is_told_nothing_before_it_is_ready(struct rig *rig)
{
    rig_configure(rig, "[host]\nmemory = 1000M\n");
    rig_start(rig);
    rig_guest_starts(rig, "a", NULL);
    assert_false(rig_find(rig, "a")->ready);
    rig_say(rig, "a", "print first");
    rig_answer(rig, "a", "text=\"first\"");
    rig_foreign(rig, "a", "system_reset", NULL);
    assert_false(rig_find(rig, "a")->ready);
    rig_say(rig, "a", "print second");
    rig_answer(rig, "a", "text=\"second\"");
    scene_end(rig, "a");
}

static void a_private_libvirt_that_ends_leaves_another_ones_folders_mounted(struct rig *rig)
{
    int status =
        system("timeout 120 sh tests/ballast/live/libvirt_two.sh"); /* NOLINT(cert-env33-c) */

    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        rig_skip(rig, "namespaces cannot be made here");
    }
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_machine_that_was_judged_before_its_driver_came_is_not_settled),
        RIG_TEST(a_guest_that_starts_is_told_nothing_before_it_is_ready),
        RIG_TEST(a_private_libvirt_that_ends_leaves_another_ones_folders_mounted),
    };

    return rig_main("tests/ballast/live/rig.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                    argv);
}
