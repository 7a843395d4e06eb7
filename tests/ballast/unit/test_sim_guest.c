/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest model: no memory is made or lost, and each part behaves as its description says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_guest.h"

static struct sim_guest guest;
static int64_t now;

/* 4 GiB, wants nothing and never changes its mind; the driver is there. */
static int setup(void **state)
{
    (void)state;
    struct sim_rng rng = sim_rng_at(1, 2, 3);
    sim_guest_init(&guest, SIM_DAILY, rng, NULL);
    guest.max = 4 * SIM_GIB;
    guest.min = SIM_GIB;
    guest.size = guest.max;
    guest.shown_size = guest.max;
    guest.target = guest.max;
    guest.swap_size = 512 * SIM_MIB;
    guest.reporting = false;
    guest.class = POLICY_BURST;
    guest.load = (struct sim_load){ .shape = SIM_TRACE,
                                    .max = guest.max,
                                    .ceiling = guest.max - guest.kernel,
                                    .anon_rate = guest.max,
                                    .hot_rate = guest.max,
                                    .until = INT64_MAX };
    now = 0;
    return 0;
}

static void run(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        sim_guest_step(&guest, ++now);
    }
}

static void want(int64_t anon, int64_t hot)
{
    guest.load.anon_goal = anon;
    guest.load.hot_goal = hot;
}

static void check(const struct sim_guest *checked)
{
    assert_true(checked->anon >= 0);
    assert_true(checked->swap >= 0);
    assert_true(checked->hot >= 0);
    assert_true(checked->cold >= 0);
    assert_true(checked->lost >= 0);
    assert_true(sim_guest_free(checked) >= 0);
    assert_true(checked->size <= checked->max);
    assert_true(checked->swap <= checked->swap_size);
    assert_true(checked->shortfall >= 0);
    if (!checked->locked) {
        assert_true(checked->resident >= sim_guest_used(checked));
        assert_true(checked->resident <= checked->size);
    }
}

static void no_memory_is_made_or_lost(void **state)
{
    (void)state;
    struct sim_rng chance = sim_rng_at(7, 7, 7);
    for (uint64_t i = 0; i < 64; i++) {
        struct sim_guest any;
        enum sim_family family = (enum sim_family)(i % SIM_TRACE);
        sim_guest_init(&any, family, sim_rng_at(5, family, i), NULL);
        for (int64_t second = 1; second < 20000; second++) {
            if (second % 40 == 0) {
                sim_guest_command(&any, sim_rng_range(&chance, 0, 17 * SIM_GIB));
            }
            sim_guest_step(&any, second);
            check(&any);
        }
    }
}

static void the_wants_do_not_depend_on_the_policy(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 16; i++) {
        struct sim_guest large;
        struct sim_guest small;
        enum sim_family family = (enum sim_family)(i % SIM_TRACE);
        sim_guest_init(&large, family, sim_rng_at(9, family, i), NULL);
        small = large;
        sim_guest_command(&small, 0);
        for (int64_t second = 1; second < 30000; second++) {
            sim_guest_step(&large, second);
            sim_guest_step(&small, second);
            assert_int_equal(sim_guest_need(&large), sim_guest_need(&small));
            assert_int_equal(large.ideal_anon, small.ideal_anon);
        }
    }
}

static void the_size_follows_the_target_at_the_drivers_speed(void **state)
{
    (void)state;
    run(10);
    guest.inflate_rate = 200 * SIM_MIB;
    guest.deflate_rate = 400 * SIM_MIB;
    sim_guest_command(&guest, 3 * SIM_GIB);
    run(2);
    assert_int_equal(guest.size, 4 * SIM_GIB - 400 * SIM_MIB);
    run(10);
    assert_int_equal(guest.size, 3 * SIM_GIB);
    sim_guest_command(&guest, 4 * SIM_GIB);
    run(2);
    assert_int_equal(guest.size, 3 * SIM_GIB + 800 * SIM_MIB);
}

static void a_target_stays_within_minimum_and_ram(void **state)
{
    (void)state;
    sim_guest_command(&guest, 0);
    assert_int_equal(guest.target, guest.min);
    sim_guest_command(&guest, 99 * SIM_GIB);
    assert_int_equal(guest.target, guest.max);
}

static void without_a_driver_nothing_moves(void **state)
{
    (void)state;
    sim_guest_command(&guest, 2 * SIM_GIB);
    run(7);
    assert_int_equal(guest.size, guest.max);
    run(1);
    assert_true(guest.size < guest.max);
}

static void a_machine_with_all_its_ram_lacks_nothing(void **state)
{
    (void)state;
    want(2 * SIM_GIB, SIM_GIB);
    for (int i = 0; i < 100; i++) {
        run(1);
        assert_int_equal(guest.shortfall, 0);
    }
    assert_int_equal(guest.anon, 2 * SIM_GIB);
    assert_int_equal(guest.hot, SIM_GIB);
}

static void what_finds_no_room_is_swapped_and_missing(void **state)
{
    (void)state;
    run(10);
    sim_guest_command(&guest, 2 * SIM_GIB);
    run(20);
    want(2 * SIM_GIB, 0);
    run(8);
    assert_int_equal(guest.anon + guest.swap, 2 * SIM_GIB);
    assert_true(guest.swap > 0);
    assert_int_equal(guest.shortfall, 2 * SIM_GIB - guest.anon);
    assert_true(guest.swap_out > 0);
    /* And comes back. */
    sim_guest_command(&guest, 4 * SIM_GIB);
    run(20);
    assert_int_equal(guest.swap, 0);
    assert_int_equal(guest.shortfall, 0);
}

static void a_program_is_killed_when_swap_is_full_for_ten_seconds(void **state)
{
    (void)state;
    guest.swap_size = 0;
    run(10);
    sim_guest_command(&guest, SIM_GIB);
    run(20);
    want(3 * SIM_GIB, 0);
    run(9);
    assert_int_equal(guest.kills, 0);
    run(1);
    assert_int_equal(guest.kills, 1);
    assert_true(guest.lost > 0);
}

static void a_guest_that_may_takes_memory_back_instead(void **state)
{
    (void)state;
    guest.swap_size = 0;
    guest.deflate_on_oom = true;
    run(10);
    sim_guest_command(&guest, SIM_GIB);
    run(20);
    want(2 * SIM_GIB, 0);
    run(30);
    assert_int_equal(guest.kills, 0);
    assert_true(guest.size > 2 * SIM_GIB);
    assert_int_equal(guest.target, SIM_GIB);
    /* It keeps it until the target is sent again. */
    want(SIM_GIB / 4, 0);
    run(30);
    assert_true(guest.size > 2 * SIM_GIB);
    sim_guest_command(&guest, SIM_GIB);
    run(30);
    assert_int_equal(guest.size, SIM_GIB);
}

static void cold_cache_goes_before_hot(void **state)
{
    (void)state;
    want(0, SIM_GIB);
    guest.load.cold_rate = 100 * SIM_MIB;
    run(60);
    assert_true(guest.cold > SIM_GIB);
    guest.load.cold_rate = 0;
    sim_guest_command(&guest, guest.kernel + SIM_GIB + guest.watermark + 100 * SIM_MIB);
    run(30);
    assert_int_equal(guest.hot, SIM_GIB);
    assert_int_equal(guest.cold, 100 * SIM_MIB);
    sim_guest_command(&guest, SIM_GIB);
    run(30);
    assert_true(guest.hot < SIM_GIB);
    assert_true(guest.shortfall > 0);
    assert_true(guest.major_faults > 0);
}

static void touched_memory_stays_resident_unless_reported(void **state)
{
    (void)state;
    want(2 * SIM_GIB, 0);
    run(20);
    want(0, 0);
    run(60);
    assert_true(guest.resident >= 2 * SIM_GIB);
    guest.reporting = true;
    run(120);
    assert_true(guest.resident < SIM_GIB / 2);
}

static void locked_memory_never_comes_free(void **state)
{
    (void)state;
    guest.locked = true;
    run(10);
    sim_guest_command(&guest, SIM_GIB);
    run(60);
    assert_int_equal(guest.size, SIM_GIB);
    assert_int_equal(guest.resident, guest.max);
}

static void a_reset_empties_the_balloon_and_hides_it(void **state)
{
    (void)state;
    struct sim_view view;
    run(10);
    sim_guest_command(&guest, 2 * SIM_GIB);
    run(20);
    guest.load.reboots++;
    run(1);
    sim_guest_view(&guest, 0, now, &view);
    assert_int_equal(guest.size, guest.max);
    assert_int_equal(view.size, 2 * SIM_GIB);
    assert_int_equal(view.driver, SIM_DRIVER_NONE);
    assert_int_equal(view.resets, 1);
    run(30);
    assert_int_equal(guest.size, 2 * SIM_GIB); /* squeezed to the old target */
}

static void statistics_come_every_two_seconds_with_their_time(void **state)
{
    (void)state;
    struct sim_view view;
    guest.stats_phase = 0;
    want(SIM_GIB, 0);
    run(12);
    sim_guest_view(&guest, 0, now, &view);
    assert_int_equal(view.stats_time, 12);
    assert_int_equal(view.stats_total, guest.max - guest.hidden);
    assert_int_equal(view.stats_available, sim_guest_free(&guest) - guest.watermark + guest.cold -
                                               sim_min(guest.cold / 2, guest.watermark));
    run(1);
    sim_guest_view(&guest, 0, now, &view);
    assert_int_equal(view.stats_time, 12);
}

static void a_liar_is_not_scored_for_its_own_loss(void **state)
{
    (void)state;
    run(10);
    guest.faulty = SIM_FAULT_LOW_LIE;
    guest.fault_until = now + 1;
    sim_guest_command(&guest, SIM_GIB);
    want(2 * SIM_GIB, 0);
    run(30);
    assert_true(sim_guest_lies(&guest));
    assert_true(guest.anon < 2 * SIM_GIB);
    assert_int_equal(guest.shortfall, 0);
    assert_int_equal(guest.stats_available, guest.stats_total * 95 / 100);
}

static void a_removed_driver_gives_everything_back(void **state)
{
    (void)state;
    run(10);
    sim_guest_command(&guest, SIM_GIB);
    run(20);
    guest.faulty = SIM_FAULT_NO_DRIVER;
    guest.fault_until = now + 1;
    run(2);
    int64_t told = guest.stats_time;
    run(20);
    assert_int_equal(guest.size, guest.max);
    assert_int_equal(guest.stats_time, told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_memory_is_made_or_lost, setup),
        cmocka_unit_test_setup(the_wants_do_not_depend_on_the_policy, setup),
        cmocka_unit_test_setup(the_size_follows_the_target_at_the_drivers_speed, setup),
        cmocka_unit_test_setup(a_target_stays_within_minimum_and_ram, setup),
        cmocka_unit_test_setup(without_a_driver_nothing_moves, setup),
        cmocka_unit_test_setup(a_machine_with_all_its_ram_lacks_nothing, setup),
        cmocka_unit_test_setup(what_finds_no_room_is_swapped_and_missing, setup),
        cmocka_unit_test_setup(a_program_is_killed_when_swap_is_full_for_ten_seconds, setup),
        cmocka_unit_test_setup(a_guest_that_may_takes_memory_back_instead, setup),
        cmocka_unit_test_setup(cold_cache_goes_before_hot, setup),
        cmocka_unit_test_setup(touched_memory_stays_resident_unless_reported, setup),
        cmocka_unit_test_setup(locked_memory_never_comes_free, setup),
        cmocka_unit_test_setup(a_reset_empties_the_balloon_and_hides_it, setup),
        cmocka_unit_test_setup(statistics_come_every_two_seconds_with_their_time, setup),
        cmocka_unit_test_setup(a_liar_is_not_scored_for_its_own_loss, setup),
        cmocka_unit_test_setup(a_removed_driver_gives_everything_back, setup),
    };
    return cmocka_run_group_tests_name("tools/ballast/sim/sim_guest.c", tests, NULL, NULL);
}
