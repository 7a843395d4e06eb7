/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian's Linux as the control: what holds for our guest holds for the driver that everybody runs.
 * It can do what ours does not: lose its driver, take memory back by itself and stay there, panic
 * and leave its last statistics behind. Skipped where the kernel could not be downloaded.
 */

#include "tests/ballast/live/scenes.h"

#include <stdio.h>
#include <unistd.h>

static bool have_linux(const struct rig *rig)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/linux/ballast-initrd", rig->build);
    if (access(path, R_OK) != 0) {
        print_message("skipped: there is no Linux guest in %s/linux\n", rig->build);
        return false;
    }
    return true;
}

static void boot(struct rig *rig, const char *name, const char *balloon)
{
    char initrd[300];
    struct vm_config config = { .image = "linux/vmlinux",
                                .append = "console=ttyS0 quiet",
                                .cpu = "max,la57=off,erms=off,fsrm=off",
                                .balloon_properties = balloon,
                                .memory_mib = 384 };

    snprintf(initrd, sizeof(initrd), "%s/linux/ballast-initrd", rig->build);
    config.initrd = initrd;
    rig_guest_starts(rig, name, &config); /* both at once: each needs some seconds */
}

/* One idle guest, one that uses most of what it has, on a host too small for both. */
static void start_pair(struct rig *rig, const char *balloon)
{
    rig_configure(rig, "settle = 1s\nmargin = 16M\nstall-pause = 2s\n[host]\nmemory = 900M\n"
                       "[default]\nminimum = 128M\n");
    rig_start(rig);
    boot(rig, "idle", balloon);
    boot(rig, "busy", balloon);
    scene_ready(rig, "idle");
    scene_ready(rig, "busy");
    rig_say(rig, "busy", "use 200");
    rig_answer(rig, "busy", "@linux used");
}

static void memory_moves_between_linux_guests(struct rig *rig)
{
    if (!have_linux(rig)) {
        return;
    }
    start_pair(rig, "free-page-reporting=on");
    rig_until_least(rig, "busy", "size_bytes", 330 * RIG_MIB);
    rig_say(rig, "busy", "drop");
    rig_answer(rig, "busy", "@linux dropped");
    rig_say(rig, "idle", "use 100");
    rig_answer(rig, "idle", "@linux used");
    rig_say(rig, "idle", "use 80");
    rig_answer(rig, "idle", "@linux used");
    rig_until_least(rig, "idle", "size_bytes", 320 * RIG_MIB);
    assert_string_equal(rig_word(rig, "idle", "drift"), "null");
    assert_string_equal(rig_word(rig, "busy", "drift"), "null");
}

static void a_driver_that_is_taken_away_is_noticed(struct rig *rig)
{
    if (!have_linux(rig)) {
        return;
    }
    start_pair(rig, "free-page-reporting=off");
    rig_until_most(rig, "idle", "size_bytes", 360 * RIG_MIB);
    rig_say(rig, "idle", "unload");
    rig_answer(rig, "idle", "@linux unloaded");
    rig_until_word(rig, "idle", "drift", "driver-gone"); /* its statistics are missed */
    rig_until_least(rig, "idle", "booked_bytes", 384 * RIG_MIB);
    rig_until_word(rig, "idle", "decision/hold", "no-driver");
    rig_say(rig, "idle", "load");
    rig_answer(rig, "idle", "@linux loaded");
    rig_until_word(rig, "idle", "drift", "null");
}

static void a_guest_that_took_memory_back_keeps_it(struct rig *rig)
{
    if (!have_linux(rig)) {
        return;
    }
    start_pair(rig, "deflate-on-oom=on");
    rig_until_most(rig, "idle", "size_bytes", 320 * RIG_MIB);
    rig_say(rig, "idle", "use 200"); /* at once: more than the daemon can give in time */
    rig_answer(rig, "idle", "@linux used");
    rig_until_least(rig, "idle", "size_bytes", 260 * RIG_MIB);
    assert_string_not_equal(rig_word(rig, "idle", "drift"), "foreign");
}

static void a_panicked_guest_leaves_statistics_that_nobody_believes(struct rig *rig)
{
    uint64_t size;

    if (!have_linux(rig)) {
        return;
    }
    start_pair(rig, "free-page-reporting=off");
    rig_say(rig, "idle", "panic");
    rig_answer(rig, "idle", "Kernel panic");
    rig_until_word(rig, "idle", "decision/hold", "stale");
    size = rig_number(rig, "idle", "target_bytes");
    rig_periods(rig, 6);
    assert_string_equal(rig_word(rig, "idle", "decision/hold"), "stale");
    assert_true(rig_number(rig, "idle", "target_bytes") >= size);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(memory_moves_between_linux_guests),
        RIG_TEST(a_driver_that_is_taken_away_is_noticed),
        RIG_TEST(a_guest_that_took_memory_back_keeps_it),
        RIG_TEST(a_panicked_guest_leaves_statistics_that_nobody_believes),
    };

    return rig_main("tests/ballast/live/test_linux.c", tests, sizeof(tests) / sizeof(tests[0]),
                    argc, argv);
}
