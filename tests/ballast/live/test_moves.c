/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory moves between real machines by their demand: the host of each case has less than its
 * machines could use together. Every word that the guests wrote is checked at the end, and no guest
 * is refused memory that the host could have given.
 */

#include "tests/ballast/live/scenes.h"

#include <stdio.h>

static void two_machines_swap_their_demand(struct rig *rig)
{
    const struct vm_config half = { .memory_mib = 512 };

    rig_configure(rig, "settle = 1s\nmargin = 16M\n[host]\nmemory = 1000M\n"
                       "[default]\nminimum = 128M\n");
    rig_start(rig);
    rig_guest(rig, "a", &half);
    rig_guest(rig, "b", &half);
    scene_ready(rig, "a");
    scene_ready(rig, "b");
    scene_grow(rig, "a", 320);
    scene_grown(rig, "a");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);

    scene_free(rig, "a");
    scene_grow(rig, "b", 360);
    scene_grown(rig, "b");
    rig_until_least(rig, "b", "size_bytes", 400 * RIG_MIB);

    scene_free(rig, "b");
    scene_grow(rig, "a", 360);
    scene_grown(rig, "a");
    assert_true(rig_number(rig, "b", "size_bytes") >= 128 * RIG_MIB);
    scene_end(rig, "a");
    scene_end(rig, "b");
}

static void a_peak_is_paid_by_five_idle_machines(struct rig *rig)
{
    static const char *const idle[] = { "idle1", "idle2", "idle3", "idle4", "idle5" };
    const struct vm_config small = { .memory_mib = 192 };
    const struct vm_config large = { .memory_mib = 640 };
    int64_t begin;

    rig_configure(rig, "settle = 1s\nmargin = 16M\n[host]\nmemory = 1600M\n"
                       "[default]\nminimum = 64M\n");
    rig_start(rig);
    for (size_t i = 0; i < 5; i++) {
        rig_guest(rig, idle[i], &small);
    }
    for (size_t i = 0; i < 5; i++) {
        scene_ready(rig, idle[i]);
    }
    rig_guest(rig, "peak", &large);
    scene_ready(rig, "peak");
    begin = vm_now_ms();
    scene_grow(rig, "peak", 480);
    scene_grown(rig, "peak");
    print_message("a peak of 480 MiB was served, and written to, within %d ms\n",
                  (int)(vm_now_ms() - begin));
    rig_until_least(rig, "peak", "size_bytes", 520 * RIG_MIB);
    for (size_t i = 0; i < 5; i++) {
        assert_true(rig_number(rig, idle[i], "size_bytes") >= 64 * RIG_MIB);
        scene_end(rig, idle[i]);
    }
    scene_end(rig, "peak");
}

static void a_boot_storm_ends_with_everyone_at_work(struct rig *rig)
{
    const struct vm_config config = { .memory_mib = 128 };
    char name[16];

    rig_configure(rig, "settle = 1s\nmargin = 8M\n[host]\nmemory = 1600M\n"
                       "[default]\nminimum = 48M\n");
    rig_start(rig);
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "boot%02u", i);
        rig_guest_starts(rig, name, &config);
    }
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "boot%02u", i);
        scene_ready(rig, name);
        scene_grow(rig, name, 24);
    }
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "boot%02u", i);
        scene_grown(rig, name);
        scene_end(rig, name);
    }
}

static void a_guaranteed_machine_is_never_touched(struct rig *rig)
{
    const struct vm_config half = { .memory_mib = 384 };

    rig_configure(rig, "settle = 1s\nmargin = 16M\n[host]\nmemory = 1000M\n"
                       "[default]\nminimum = 128M\n[machine db]\nclass = guaranteed\n");
    rig_start(rig);
    rig_guest(rig, "db", &half);
    rig_guest(rig, "web", &half);
    rig_guest(rig, "batch", &half);
    scene_ready(rig, "web");
    scene_ready(rig, "batch");
    scene_grow(rig, "web", 240);
    scene_grown(rig, "web");
    scene_free(rig, "web");
    scene_grow(rig, "batch", 240);
    scene_grown(rig, "batch");
    assert_int_equal(rig_number(rig, "db", "size_bytes"), 384 * RIG_MIB);
    /* What it is told, at its start and when its driver comes, is to have all its RAM. */
    assert_int_equal(rig_number(rig, "db", "ledger/lent_mib_s"), 0);
    assert_int_equal(rig_number(rig, "db", "target_bytes"), 384 * RIG_MIB);
    scene_end(rig, "db");
    scene_end(rig, "web");
    scene_end(rig, "batch");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(two_machines_swap_their_demand),
        RIG_TEST(a_peak_is_paid_by_five_idle_machines),
        RIG_TEST(a_boot_storm_ends_with_everyone_at_work),
        RIG_TEST(a_guaranteed_machine_is_never_touched),
    };

    return rig_main("tests/ballast/live/test_moves.c", tests, sizeof(tests) / sizeof(tests[0]),
                    argc, argv);
}
