/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host model and the scores, on small cases that were computed by hand.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_host.h"

static struct sim_host host;
static struct sim_guest guest;
static struct sim_watch watch;
static struct sim_score *score;

/* 4 GiB, of which the minimum is one; it uses as much as it is said to. */
static int setup(void **state)
{
    (void)state;
    guest = (struct sim_guest){ .max = 4 * SIM_GIB, .size = 4 * SIM_GIB, .min = SIM_GIB };
    guest.class = POLICY_BURST;
    watch = (struct sim_watch){ 0 };
    host = (struct sim_host){ .total = 16 * SIM_GIB, .own = SIM_GIB };
    score = calloc(1, sizeof *score);
    return score ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(score);
    return 0;
}

static void second(int64_t now, int64_t need, int64_t size)
{
    guest.load.anon = need;
    guest.size = size;
    sim_watch_step(&watch, &guest, &host, now, score);
}

static void what_is_not_used_is_available(void **state)
{
    (void)state;
    sim_host_settle(&host, 10 * SIM_GIB);
    assert_int_equal(host.available, 5 * SIM_GIB);
    assert_int_equal(host.swapped, 0);
    assert_int_equal(host.psi_some, 0);
}

static void what_does_not_fit_is_swapped_and_comes_back_slowly(void **state)
{
    (void)state;
    sim_host_settle(&host, 17 * SIM_GIB);
    assert_int_equal(host.available, 0);
    assert_int_equal(host.swapped, 2 * SIM_GIB);
    /* An eighth of the memory: half of the time something waits; a tenth of it in one second. */
    assert_int_equal(host.psi_some, 500);
    assert_int_equal(host.psi_full, 125);
    sim_host_settle(&host, 10 * SIM_GIB);
    assert_int_equal(host.swapped, 2 * SIM_GIB - 200 * SIM_MIB);
    assert_int_equal(host.available, 5 * SIM_GIB + host.swapped);
}

/* 1 GiB of 8 is swapped; this machine holds 4, so half of it; idle pages count twice:
 * 2 busy of 2 + 2 x 2. */
static void the_host_swaps_idle_pages_twice_as_readily(void **state)
{
    (void)state;
    host.swapped = SIM_GIB;
    host.resident = 8 * SIM_GIB;
    guest.resident = 4 * SIM_GIB;
    guest.anon = 2 * SIM_GIB;
    int64_t used = 0;
    assert_int_equal(sim_host_swapped_of(&host, &guest, &used), SIM_GIB / 2);
    assert_int_equal(used, SIM_GIB / 6);
}

static void guarantees_leave_a_tenth_of_the_host(void **state)
{
    (void)state;
    struct sim_guest guests[2] = { guest, guest };
    guests[0].class = POLICY_GUARANTEED;
    guests[1].min = 4 * SIM_GIB;
    struct sim_rng rng = sim_rng_at(1, 1, 1);
    sim_host_init(&host, SIM_DAILY, rng, guests, 2);
    int64_t room = (host.total - host.own_base * 5 / 4) * 9 / 10;
    assert_in_range(guests[0].max + guests[1].min, room - 2, room);
    assert_int_equal(guests[0].min, SIM_GIB);
}

/* 6 % of 4, 4 % of 8, 2 % of 16, 1 % of the rest: of these 32 % and 16 % are the zones. */
static void zones_are_parts_of_the_least_free_memory(void **state)
{
    (void)state;
    struct sim_guest guests[12];
    for (size_t i = 0; i < 12; i++) {
        guests[i] = guest;
        guests[i].max = 16 * SIM_GIB;
    }
    struct sim_rng rng = sim_rng_at(1, 1, 1);
    sim_host_init(&host, SIM_DAILY, rng, guests, 12);
    int64_t least = (24 + 32 + 32) * SIM_GIB / 100 + (host.total - 28 * SIM_GIB) / 100;
    assert_in_range(host.hard, least * 32 / 100 - 2, least * 32 / 100);
    assert_in_range(host.low, least * 16 / 100 - 2, least * 16 / 100);
}

static void a_peak_waits_until_its_memory_is_there(void **state)
{
    (void)state;
    watch.base = SIM_GIB;
    second(2, 2 * SIM_GIB, SIM_GIB);
    second(3, 2 * SIM_GIB, SIM_GIB * 3 / 2);
    second(4, 2 * SIM_GIB, SIM_GIB * 3 / 2);
    assert_int_equal(score->peaks, 0);
    second(5, 2 * SIM_GIB, 2 * SIM_GIB);
    assert_int_equal(score->peaks, 1);
    assert_int_equal(score->waits[3], 1);
    second(6, 3 * SIM_GIB, 4 * SIM_GIB);
    assert_int_equal(score->peaks, 2);
    assert_int_equal(score->waits[0], 1);
    second(7, 3 * SIM_GIB + 128 * SIM_MIB, 4 * SIM_GIB); /* less than a sixteenth */
    assert_int_equal(score->peaks, 2);
}

static void a_guarantee_is_broken_when_the_host_swaps_it(void **state)
{
    (void)state;
    guest.anon = 2 * SIM_GIB;
    guest.resident = 4 * SIM_GIB;
    second(1, 2 * SIM_GIB, SIM_GIB);
    assert_int_equal(score->violations_s, 0);
    host.swapped = SIM_GIB;
    host.resident = 8 * SIM_GIB;
    second(2, 2 * SIM_GIB, SIM_GIB + SIM_GIB / 4); /* half a GiB of it is swapped */
    assert_int_equal(score->violations_s, 1);
    second(3, SIM_GIB / 2, SIM_GIB + SIM_GIB / 4); /* it does not need it */
    assert_int_equal(score->violations_s, 1);
    guest.class = POLICY_GUARANTEED;
    second(4, 4 * SIM_GIB, 4 * SIM_GIB);
    assert_int_equal(score->violations_s, 2);
}

static void shortfall_is_what_is_missing_and_what_the_host_swapped(void **state)
{
    (void)state;
    guest.shortfall = 100;
    guest.anon = 4 * SIM_GIB;
    guest.resident = 4 * SIM_GIB;
    second(1, SIM_GIB, SIM_GIB);
    assert_int_equal(host.shortfall, 100);
    host.swapped = 64;
    host.resident = 8 * SIM_GIB;
    second(2, SIM_GIB, SIM_GIB);
    assert_int_equal(host.shortfall, 100 + 100 + 32);
}

/* 4 of 5 MiB beyond the minimum in one second, 1 of 5 in the next. */
static void the_share_counts_what_is_beyond_the_minimum(void **state)
{
    (void)state;
    second(1, SIM_GIB + 5 * SIM_MIB, SIM_GIB + 4 * SIM_MIB);
    second(2, SIM_GIB + 5 * SIM_MIB, SIM_GIB + SIM_MIB);
    second(3, SIM_GIB, SIM_GIB);
    assert_int_equal(watch.needed, 10 * SIM_MIB);
    assert_int_equal(watch.served, 5 * SIM_MIB);
}

static void waits_have_percentiles(void **state)
{
    (void)state;
    assert_int_equal(sim_score_wait(score, 50), 0);
    score->peaks = 100;
    score->waits[2] = 50;
    score->waits[9] = 49;
    score->waits[SIM_WAIT_MAX] = 1;
    assert_int_equal(sim_score_wait(score, 50), 2);
    assert_int_equal(sim_score_wait(score, 51), 9);
    assert_int_equal(sim_score_wait(score, 99), 9);
    assert_int_equal(sim_score_wait(score, 100), SIM_WAIT_MAX);
}

/* Jain: (1 + 0)^2 / (2 x 1) = 0.5; equal shares give 1. */
static void fairness_is_jains_index(void **state)
{
    (void)state;
    assert_int_equal(sim_score_fairness(score), 10000);
    *score = (struct sim_score){ .share_count = 2, .share_sum = 1000000 };
    score->share_square_sum = 1000000000000;
    assert_int_equal(sim_score_fairness(score), 5000);
    score->share_sum = 2000000;
    score->share_square_sum = 2000000000000;
    assert_int_equal(sim_score_fairness(score), 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_used_is_available, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_swapped_and_comes_back_slowly, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_host_swaps_idle_pages_twice_as_readily, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(guarantees_leave_a_tenth_of_the_host, setup, teardown),
        cmocka_unit_test_setup_teardown(zones_are_parts_of_the_least_free_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peak_waits_until_its_memory_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_guarantee_is_broken_when_the_host_swaps_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(shortfall_is_what_is_missing_and_what_the_host_swapped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_share_counts_what_is_beyond_the_minimum, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(waits_have_percentiles, setup, teardown),
        cmocka_unit_test_setup_teardown(fairness_is_jains_index, setup, teardown),
    };
    return cmocka_run_group_tests_name("tools/ballast/sim/sim_host.c", tests, NULL, NULL);
}
