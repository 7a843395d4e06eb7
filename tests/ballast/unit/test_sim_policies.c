/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each baseline's formula on numbers that were computed by hand.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_policy.h"

static struct sim_host_view host;
static struct sim_view views[3];

/* A machine of `size` with statistics that say so much free memory and no cache. */
static struct sim_view machine(int64_t min, int64_t size, int64_t max, int64_t unused)
{
    return (struct sim_view){
        .class = POLICY_BURST,
        .weight = 1000,
        .min = min,
        .max = max,
        .size = size,
        .target = size,
        .resident = size,
        .stats_time = 1,
        .stats_size = size,
        .stats_total = size,
        .stats_free = unused,
        .stats_available = unused,
    };
}

/* Calls a policy so often with nothing moving in between. */
static void call(const struct sim_policy *policy, size_t count, int times)
{
    void *host_state = calloc(1, policy->host_state_size + 1);
    void *machine_states = calloc(count, policy->machine_state_size + 1);
    struct sim_call arguments = { &host, views, count, host_state, machine_states };
    for (int i = 0; i < times; i++) {
        policy->decide(&arguments);
    }
    free(host_state);
    free(machine_states);
}

static void set_host(int64_t total, int64_t available)
{
    host = (struct sim_host_view){ .now = 10, .total = total, .available = available, .period = 1 };
}

static void without_a_manager_everybody_has_its_ram(void **state)
{
    (void)state;
    set_host(16 * SIM_GIB, 0);
    views[0] = machine(SIM_GIB, 2 * SIM_GIB, 8 * SIM_GIB, 0);
    call(&sim_policy_static, 1, 1);
    assert_int_equal(views[0].target, 8 * SIM_GIB);
}

/* goal = 80 - 90 = -10 GiB; alloc = 6 + 6 - 10 = 2; want = 2 + 1 each; the step is cut to 100 MiB.
 */
static void proxmox_takes_100_mib_a_pass(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(2 * SIM_GIB, 8 * SIM_GIB, 8 * SIM_GIB, 4 * SIM_GIB);
    views[1] = views[0];
    call(&sim_policy_proxmox, 2, 1);
    assert_int_equal(views[0].target, 8 * SIM_GIB - 100 * SIM_MIB);
    assert_int_equal(views[1].target, 8 * SIM_GIB - 100 * SIM_MIB);
}

static void proxmox_rests_within_10_mib_of_its_goal(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 20 * SIM_GIB - 9 * SIM_MIB);
    views[0] = machine(2 * SIM_GIB, 8 * SIM_GIB, 8 * SIM_GIB, 4 * SIM_GIB);
    call(&sim_policy_proxmox, 1, 1);
    assert_int_equal(views[0].target, 8 * SIM_GIB);
}

/* 3 % free is below a quarter of the minimum: such a machine shrinks only when nobody else can. */
static void proxmox_takes_first_from_those_with_free_memory(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(2 * SIM_GIB, 8 * SIM_GIB, 8 * SIM_GIB, 250 * SIM_MIB);
    views[1] = machine(2 * SIM_GIB, 8 * SIM_GIB, 8 * SIM_GIB, 4 * SIM_GIB);
    call(&sim_policy_proxmox, 2, 1);
    assert_int_equal(views[0].target, 8 * SIM_GIB);
    assert_int_equal(views[1].target, 8 * SIM_GIB - 100 * SIM_MIB);
    views[1] = views[0];
    call(&sim_policy_proxmox, 2, 1);
    assert_int_equal(views[0].target, 8 * SIM_GIB - 100 * SIM_MIB);
}

/* The warm machine and the silent one are short by this rule; shares split the goal of 40 MiB. */
static void proxmox_grows_by_shares(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 20 * SIM_GIB + 40 * SIM_MIB);
    views[0] = machine(2 * SIM_GIB, 2 * SIM_GIB, 8 * SIM_GIB, 0);
    views[0].weight = 3000;
    views[1] = machine(2 * SIM_GIB, 2 * SIM_GIB, 8 * SIM_GIB, SIM_GIB);
    views[1].stats_time = 0;
    call(&sim_policy_proxmox, 2, 1);
    assert_int_equal(views[0].target, 2 * SIM_GIB + 30 * SIM_MIB);
    assert_int_equal(views[1].target, 2 * SIM_GIB + 10 * SIM_MIB);
}

/* h = 0.10; u = 1000 - 900; T = max(100, 100 + 0.1 x 1000, 950). */
static void mom_takes_5_percent(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(100 * SIM_MIB, 1000 * SIM_MIB, 2000 * SIM_MIB, 900 * SIM_MIB);
    call(&sim_policy_mom, 1, 2);
    assert_int_equal(views[0].target, 950 * SIM_MIB);
}

static void mom_decides_at_every_second_collection(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(100 * SIM_MIB, 1000 * SIM_MIB, 2000 * SIM_MIB, 900 * SIM_MIB);
    call(&sim_policy_mom, 1, 1);
    assert_int_equal(views[0].target, 1000 * SIM_MIB);
}

/* u = 970 and g A = 100: more than it has. */
static void mom_takes_nothing_from_a_warm_cache(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(100 * SIM_MIB, 1000 * SIM_MIB, 2000 * SIM_MIB, 30 * SIM_MIB);
    call(&sim_policy_mom, 1, 2);
    assert_int_equal(views[0].target, 1000 * SIM_MIB);
    /* At 4 % g is below zero: 970 - 10 = 960, more than 950. */
    set_host(100 * SIM_GIB, 4 * SIM_GIB);
    call(&sim_policy_mom, 1, 2);
    assert_int_equal(views[0].target, 960 * SIM_MIB);
}

static void mom_gives_5_percent(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 50 * SIM_GIB);
    views[0] = machine(100 * SIM_MIB, 1000 * SIM_MIB, 2000 * SIM_MIB, 900 * SIM_MIB);
    call(&sim_policy_mom, 1, 2);
    assert_int_equal(views[0].target, 1050 * SIM_MIB);
}

/* f = (10 - 4 GiB - 9 MiB) / 12 GiB; T = 2 + 6 f. A millionth of 6 GiB is 6 KiB. */
static void squeezed_gives_all_the_same_fraction(void **state)
{
    (void)state;
    set_host(10 * SIM_GIB, 0);
    views[0] = machine(2 * SIM_GIB, 8 * SIM_GIB, 8 * SIM_GIB, 6 * SIM_GIB);
    views[1] = machine(2 * SIM_GIB, 8 * SIM_GIB, 8 * SIM_GIB, 0);
    call(&sim_policy_squeezed, 2, 1);
    int64_t expected = 5 * SIM_GIB - 9 * SIM_MIB / 2;
    assert_in_range(views[0].target, expected - 8, expected);
    assert_int_equal(views[0].target, views[1].target);
}

static void squeezed_grows_only_with_what_has_arrived(void **state)
{
    (void)state;
    set_host(10 * SIM_GIB + 9 * SIM_MIB, 0);
    views[0] = machine(2 * SIM_GIB, 7 * SIM_GIB, 8 * SIM_GIB, 0);
    views[1] = machine(2 * SIM_GIB, 2 * SIM_GIB, 8 * SIM_GIB, 0);
    call(&sim_policy_squeezed, 2, 1);
    assert_int_equal(views[0].target, 5 * SIM_GIB);
    assert_int_equal(views[1].target, 3 * SIM_GIB); /* one was free */
}

/* pref 0.65 and 1.3 GiB, surplus 2.05: T = 0.999 x 4/3 and 0.999 x 8/3 GiB, growth when it is
 * there. */
static void qmemman_shares_in_proportion_to_preference(void **state)
{
    (void)state;
    set_host(4 * SIM_GIB + 50 * SIM_MIB, 0);
    views[0] = machine(SIM_GIB / 4, 2 * SIM_GIB, 4 * SIM_GIB, SIM_GIB);
    views[0].stats_cache = SIM_GIB / 2;
    views[1] = machine(SIM_GIB / 4, 2 * SIM_GIB, 4 * SIM_GIB, SIM_GIB);
    call(&sim_policy_qmemman, 2, 1);
    assert_in_range(views[0].target, SIM_GIB * 1332 / 1000 - 8, SIM_GIB * 1332 / 1000 + 8);
    assert_int_equal(views[1].target, 2 * SIM_GIB);
    views[0].size = views[0].target;
    views[0].stats_total = views[0].size;
    views[0].stats_free = views[0].size - SIM_GIB;
    call(&sim_policy_qmemman, 2, 1);
    assert_in_range(views[1].target, SIM_GIB * 2664 / 1000 - 8, SIM_GIB * 2664 / 1000 + 8);
}

/* 1.3 x 3 > 2 GiB for one, the other can give 2 - 1.3 x 0.5 GiB. */
static void qmemman_squeezes_down_to_preference_when_short(void **state)
{
    (void)state;
    set_host(5 * SIM_GIB + 50 * SIM_MIB, 0);
    views[0] = machine(SIM_GIB / 4, 3 * SIM_GIB, 6 * SIM_GIB, 0);
    views[0].stats_swap = SIM_GIB;
    views[1] = machine(SIM_GIB / 4, 2 * SIM_GIB, 4 * SIM_GIB, SIM_GIB * 3 / 2);
    call(&sim_policy_qmemman, 2, 1);
    assert_in_range(views[1].target, SIM_GIB * 65 / 100 - 8, SIM_GIB * 65 / 100 + 8);
}

static void qmemman_leaves_small_changes_alone(void **state)
{
    (void)state;
    set_host(4 * SIM_GIB + 50 * SIM_MIB, 0);
    views[0] = machine(SIM_GIB / 4, 2 * SIM_GIB, 4 * SIM_GIB, SIM_GIB);
    views[1] = machine(SIM_GIB / 4, 2 * SIM_GIB, 4 * SIM_GIB, SIM_GIB + 20 * SIM_MIB);
    call(&sim_policy_qmemman, 2, 1);
    assert_int_equal(views[0].target, 2 * SIM_GIB);
    assert_int_equal(views[1].target, 2 * SIM_GIB);
}

/* g = 1000 + 400 - 400, h = 600 - 400: half of the difference goes into the balloon. */
static void balance_halves_the_difference(void **state)
{
    (void)state;
    set_host(64 * SIM_GIB, 600 * SIM_MIB);
    views[0] = machine(SIM_GIB, 4 * SIM_GIB, 4 * SIM_GIB, 1000 * SIM_MIB);
    views[0].stats_cache = 400 * SIM_MIB;
    call(&sim_policy_balance, 1, 1);
    assert_int_equal(views[0].target, 4 * SIM_GIB - 400 * SIM_MIB);
}

static void balance_gives_back_to_a_guest_that_has_less(void **state)
{
    (void)state;
    set_host(64 * SIM_GIB, 1400 * SIM_MIB);
    views[0] = machine(SIM_GIB, SIM_GIB + SIM_MIB, 4 * SIM_GIB, 400 * SIM_MIB);
    /* The balloon is nearly full: bias' is 48 MiB less a little; g is about -48, h is 1000. */
    call(&sim_policy_balance, 1, 1);
    assert_in_range(views[0].target, SIM_GIB + 524 * SIM_MIB, SIM_GIB + 526 * SIM_MIB);
}

/* e = 0.10, I = 0.5: (0.05 + 0.025) x 4 GiB. */
static void the_pi_controller_adds_both_parts(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(SIM_GIB, 4 * SIM_GIB, 4 * SIM_GIB, 3 * SIM_GIB);
    call(&sim_policy_pi, 1, 1);
    assert_int_equal(views[0].target, 4 * SIM_GIB - 4 * SIM_GIB * 75 / 1000);
}

static void the_pi_controller_stops_at_what_is_used(void **state)
{
    (void)state;
    set_host(100 * SIM_GIB, 10 * SIM_GIB);
    views[0] = machine(SIM_GIB, 4 * SIM_GIB, 4 * SIM_GIB, 200 * SIM_MIB);
    call(&sim_policy_pi, 1, 1);
    assert_int_equal(views[0].target, 4 * SIM_GIB - 200 * SIM_MIB);
    /* Below 10 % it does not ask what is used: e = 0.15, I = 0.75, (0.075 + 0.0375) x 4 GiB. */
    views[0].target = 4 * SIM_GIB;
    set_host(100 * SIM_GIB, 5 * SIM_GIB);
    call(&sim_policy_pi, 1, 1);
    assert_int_equal(views[0].target, 4 * SIM_GIB - 4 * SIM_GIB * 1125 / 10000);
}

static void guaranteed_machines_are_left_alone_by_all(void **state)
{
    (void)state;
    for (size_t i = 0; sim_policies[i]; i++) {
        if (sim_policies[i] == &sim_policy_ballast) {
            continue; /* has tests of its own */
        }
        set_host(8 * SIM_GIB, SIM_GIB / 4);
        views[0] = machine(4 * SIM_GIB, 4 * SIM_GIB, 4 * SIM_GIB, 3 * SIM_GIB);
        views[1] = machine(SIM_GIB, 4 * SIM_GIB, 4 * SIM_GIB, 3 * SIM_GIB);
        call(sim_policies[i], 2, 2);
        assert_int_equal(views[0].target, 4 * SIM_GIB);
    }
}

static void policies_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(sim_policy_find("qmemman"), &sim_policy_qmemman);
    assert_null(sim_policy_find("none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_manager_everybody_has_its_ram),
        cmocka_unit_test(proxmox_takes_100_mib_a_pass),
        cmocka_unit_test(proxmox_rests_within_10_mib_of_its_goal),
        cmocka_unit_test(proxmox_takes_first_from_those_with_free_memory),
        cmocka_unit_test(proxmox_grows_by_shares),
        cmocka_unit_test(mom_takes_5_percent),
        cmocka_unit_test(mom_decides_at_every_second_collection),
        cmocka_unit_test(mom_takes_nothing_from_a_warm_cache),
        cmocka_unit_test(mom_gives_5_percent),
        cmocka_unit_test(squeezed_gives_all_the_same_fraction),
        cmocka_unit_test(squeezed_grows_only_with_what_has_arrived),
        cmocka_unit_test(qmemman_shares_in_proportion_to_preference),
        cmocka_unit_test(qmemman_squeezes_down_to_preference_when_short),
        cmocka_unit_test(qmemman_leaves_small_changes_alone),
        cmocka_unit_test(balance_halves_the_difference),
        cmocka_unit_test(balance_gives_back_to_a_guest_that_has_less),
        cmocka_unit_test(the_pi_controller_adds_both_parts),
        cmocka_unit_test(the_pi_controller_stops_at_what_is_used),
        cmocka_unit_test(guaranteed_machines_are_left_alone_by_all),
        cmocka_unit_test(policies_are_found_by_name),
    };
    return cmocka_run_group_tests_name("tools/ballast/sim/sim_policy.h", tests, NULL, NULL);
}
