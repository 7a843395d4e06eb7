/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that moves: a host and guests in a closed loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

/* Periods until the guest has what it uses and its margin, or 0. */
static unsigned served_after(struct world *world, size_t index, unsigned most)
{
    for (unsigned i = 1; i <= most; i++) {
        world_step(world);
        const struct policy_decision *decision = &world->machines[index].decision;
        if (world->guests[index].size >= decision->used_bytes + decision->margin_bytes &&
            world->guests[index].size >= world->guests[index].used) {
            return i;
        }
    }
    return 0;
}

static uint64_t shortfall(const struct world *world)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < world->count; i++) {
        sum += world->guests[i].shortfall;
    }
    return sum;
}

/* HOST.md's example: a rule that looks at free memory leaves the peak machine 251 MiB short for
 * good, while the others keep gigabytes of cache. */
static void a_peak_among_warm_caches_gets_all_it_needs(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 64 * GIB, 7 * GIB);
    for (unsigned i = 0; i < 8; i++) {
        world_add_sized(&world, POLICY_BURST, 2 * GIB, 8 * GIB, 2 * GIB, 6 * GIB);
    }
    world_run(&world, 30);
    world.guests[3].used = 5 * GIB + 717 * MIB;
    assert_in_range(served_after(&world, 3, 10), 1, 3);
    world_run(&world, 300);
    const uint64_t size = world.guests[3].size;
    assert_true(size >= world.guests[3].used + world.machines[3].decision.margin_bytes);
    assert_int_equal(world.machines[3].decision.short_bytes, 0);
    assert_int_equal(shortfall(&world), 0);
}

static void two_machines_swap_their_demand(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 12 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 5 * GIB, 6 * GIB + 512 * MIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world_run(&world, 30);
    const uint64_t before = world_target(&world, 1);
    world.guests[0].used = GIB;
    world_run(&world, 15);
    for (unsigned i = 0; i < 40; i++) { /* as a program fills its memory, 100 MiB a second */
        world.guests[1].used += 100 * MIB;
        world_step(&world);
    }
    world_run(&world, 60);
    assert_true(world_target(&world, 1) >= before + 2 * GIB);
    assert_true(world.guests[1].size >= 5 * GIB);
    assert_int_equal(shortfall(&world), 0);
    assert_int_equal(world.machines[1].decision.short_bytes, 0);
}

static void a_peak_is_paid_at_once_and_the_fund_refilled_by_idle_machines(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 25 * GIB, GIB); /* what the machines have, and one each beside it */
    world.settings.slush_bytes = GIB;
    world.settings.reserve_bytes = GIB;
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 2 * GIB);
    for (unsigned i = 0; i < 5; i++) {
        world_add(&world, POLICY_BURST, GIB, 4 * GIB, GIB);
    }
    world_run(&world, 20);
    assert_int_equal(world.commands, 0);
    assert_true(world.plan.books.arrived_bytes < MIB); /* but for rounding */
    const uint64_t now = world.guests[0].size;
    world.guests[0].used = now + 400 * MIB;
    world_step(&world);
    assert_int_equal(world.machines[0].decision.reason, POLICY_GROW_PEAK);
    assert_true(world_target(&world, 0) >= world.guests[0].used);
    world_run(&world, 60);
    assert_true(world.plan.books.slush_left_bytes >= GIB - GIB / 8);
    assert_int_equal(world.machines[0].decision.short_bytes, 0);
    for (unsigned i = 1; i < 6; i++) {
        assert_true(world_target(&world, i) < 4 * GIB);
    }
}

static void grants_never_exceed_what_arrived_and_the_fund(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, GIB);
    for (unsigned i = 0; i < 5; i++) {
        world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 4 * GIB);
    }
    world_run(&world, 20);
    for (unsigned i = 0; i < 5; i++) {
        world.guests[i].used = 6 * GIB;
    }
    for (unsigned i = 0; i < 100; i++) {
        world_step(&world);
        assert_true(world.plan.books.booked_bytes <=
                    world.plan.books.budget_bytes + world.plan.books.slush_bytes);
        assert_true(world.plan.granted_bytes <=
                    world.plan.books.arrived_bytes + world.plan.books.slush_left_bytes);
    }
}

/* A guest whose size fell, but whose memory the host did not get back. */
static void still_resident(struct world *world)
{
    world->machines[0].sample.resident_bytes = 8 * GIB;
}

static void what_has_not_arrived_in_the_host_is_not_granted(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, 6 * GIB);
    world.spoil = still_resident;
    world_run(&world, 10);
    world.guests[1].used = 7 * GIB + 512 * MIB;
    world_run(&world, 60);
    assert_true(world.machines[0].decision.books.booked_bytes >= 8 * GIB - 128 * MIB);
    assert_true(world.machines[0].memory.stalls > 0);
    assert_true(world_target(&world, 0) > 7 * GIB);
}

static void nobody_shrinks_in_green_when_nobody_needs_it(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 32 * GIB, GIB);
    for (unsigned i = 0; i < 6; i++) {
        world_add(&world, i % 2 == 0 ? POLICY_BURST : POLICY_SPARE, GIB, 4 * GIB, GIB * i / 2);
    }
    world_run(&world, 1000);
    assert_int_equal(world.commands, 0);
    assert_int_equal(world.plan.zone, POLICY_GREEN);
}

static void surplus_is_handed_out_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 32 * GIB, GIB);
    for (unsigned i = 0; i < 6; i++) {
        world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 2 * GIB);
    }
    world_run(&world, 60);
    const unsigned commands = world.commands;
    assert_in_range(commands, 6, 18);
    assert_true(world_target(&world, 0) > 4 * GIB);
    world_run(&world, 1000);
    assert_int_equal(world.commands, commands);
}

static void nothing_oscillates_under_constant_demand(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, 2 * GIB);
    for (unsigned i = 0; i < 8; i++) {
        world_add(&world, i < 5 ? POLICY_BURST : POLICY_SPARE, GIB / 2, 4 * GIB,
                  GIB + i * 300 * MIB);
    }
    world_run(&world, 400);
    const unsigned commands = world.commands;
    world_run(&world, 1000);
    assert_int_equal(world.commands, commands);
}

static void jitter(struct world *world)
{
    static uint64_t seed = 7;
    const uint64_t noise = random_below(&seed, 48 * MIB);
    world->host.available_bytes -= noise < world->host.available_bytes ? noise : 0;
    for (size_t i = 0; i < world->count; i++) {
        struct policy_sample *sample = &world->machines[i].sample;
        const uint64_t wobble = random_below(&seed, 8 * MIB);
        sample->available_bytes -= wobble < sample->available_bytes ? wobble : 0;
    }
}

static void noise_in_the_samples_moves_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, 2 * GIB);
    for (unsigned i = 0; i < 8; i++) {
        world_add(&world, POLICY_BURST, GIB / 2, 4 * GIB, GIB + i * 200 * MIB);
    }
    world.spoil = jitter;
    world_run(&world, 600);
    const unsigned commands = world.commands;
    world_run(&world, 1000);
    assert_in_range(world.commands - commands, 0, 2);
}

static void spare_machines_give_before_burst_machines(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, 4 * GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_add(&world, POLICY_SPARE, GIB, 8 * GIB, GIB);
    world_run(&world, 10);
    world_run(&world, 20);
    const uint64_t before = world_target(&world, 1);
    world.host.reserved_bytes = world.plan.books.arrived_bytes + 100 * MIB;
    world_run(&world, 8);
    assert_int_equal(world_target(&world, 1), before);
    assert_true(world_target(&world, 2) < world_target(&world, 1));
    world.host.reserved_bytes = 10 * GIB; /* and then they do */
    world_run(&world, 20);
    assert_true(world_target(&world, 1) < before);
}

static void burst_machines_are_paid_before_spare_machines(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 10 * GIB + 300 * MIB, GIB);
    world_add_sized(&world, POLICY_SPARE, GIB, 8 * GIB, 2 * GIB, 4 * GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, 4 * GIB);
    world_step(&world);
    world.guests[0].used = 4 * GIB;
    world.guests[1].used = 4 * GIB;
    world_step(&world);
    /* What one cannot do without comes before the other's buffer, but the fund is not for spare. */
    const uint64_t need = 4 * GIB + 8 * GIB / 20;
    assert_in_range(world_target(&world, 1), need, 8 * GIB);
    assert_true(world_target(&world, 0) < need);
    assert_true(world_target(&world, 0) > 4 * GIB);
}

static void weights_decide_when_there_is_not_enough(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 14 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 12 * GIB, GIB, 4 * GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 12 * GIB, GIB, 4 * GIB);
    world.machines[1].weight = 2 * POLICY_WEIGHT_DEFAULT;
    world_run(&world, 10);
    world.guests[0].used = 11 * GIB;
    world.guests[1].used = 11 * GIB;
    world_step(&world);
    const uint64_t light = world.machines[0].decision.want_bytes;
    const uint64_t heavy = world.machines[1].decision.want_bytes;
    assert_true(heavy > light);
}

static void a_minimum_is_kept_whatever_the_host_has(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 4 * GIB, 3 * GIB);
    struct policy_machine *machine =
        world_add_sized(&world, POLICY_BURST, GIB, 2 * GIB, 100 * MIB, 512 * MIB);
    world_step(&world);
    assert_int_equal(machine->decision.target_bytes, GIB);
    assert_int_equal(machine->decision.reason, POLICY_GROW_BELOW_MINIMUM);
}

static void a_reservation_is_collected_from_those_who_have_more_than_they_need(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, GIB);
    for (unsigned i = 0; i < 5; i++) {
        world_add(&world, POLICY_BURST, GIB, 4 * GIB, GIB);
    }
    world_run(&world, 20);
    assert_int_equal(world.commands, 0);
    world.host.reserved_bytes = 8 * GIB;
    world_step(&world);
    assert_int_equal(world.machines[0].decision.reason, POLICY_SHRINK_RESERVATION);
    world_run(&world, 120);
    assert_true(world.plan.books.booked_bytes <= world.plan.books.budget_bytes);
    assert_true(world.host.available_bytes >= 8 * GIB);
    const unsigned commands = world.commands;
    world_run(&world, 100);
    assert_int_equal(world.commands, commands);
}

static void what_is_on_its_way_is_not_asked_for_again(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 28 * GIB, GIB); /* what the machines have, and one each beside it */
    world.settings.slush_bytes = GIB;
    world.settings.reserve_bytes = GIB;
    world_add(&world, POLICY_BURST, GIB, 12 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 12 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 100 * MIB, GIB);
    world.guests[0].give_per_s = 20 * MIB; /* some seconds for what it is asked for at once */
    world_run(&world, 10);
    const uint64_t before = world_target(&world, 0) + world_target(&world, 1);
    world.host.reserved_bytes = world.plan.books.arrived_bytes + 50 * MIB;
    world_run(&world, 30);
    const uint64_t taken = before - world_target(&world, 0) - world_target(&world, 1);
    assert_in_range(taken, 50 * MIB, 12 * GIB / 200 + MIB); /* half a dead band is the least */
}

static void a_clock_that_stands_still_takes_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_run(&world, 10);
    world.host.reserved_bytes = 24 * GIB;
    world_observe(&world);
    world_decide(&world);
    assert_int_equal(world_target(&world, 0), 8 * GIB);
}

static void a_daemon_that_slept_takes_no_giant_step(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 24 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_run(&world, 10);
    world.host.reserved_bytes = 24 * GIB;
    world.now_ms += 3600000;
    world_step(&world);
    assert_true(world_target(&world, 0) < 8 * GIB);
    assert_true(world_target(&world, 0) >= 8 * GIB - 8 * GIB * 2 * 5 * 4 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peak_among_warm_caches_gets_all_it_needs),
        cmocka_unit_test(two_machines_swap_their_demand),
        cmocka_unit_test(a_peak_is_paid_at_once_and_the_fund_refilled_by_idle_machines),
        cmocka_unit_test(grants_never_exceed_what_arrived_and_the_fund),
        cmocka_unit_test(what_has_not_arrived_in_the_host_is_not_granted),
        cmocka_unit_test(nobody_shrinks_in_green_when_nobody_needs_it),
        cmocka_unit_test(surplus_is_handed_out_once),
        cmocka_unit_test(nothing_oscillates_under_constant_demand),
        cmocka_unit_test(noise_in_the_samples_moves_nothing),
        cmocka_unit_test(spare_machines_give_before_burst_machines),
        cmocka_unit_test(burst_machines_are_paid_before_spare_machines),
        cmocka_unit_test(weights_decide_when_there_is_not_enough),
        cmocka_unit_test(a_minimum_is_kept_whatever_the_host_has),
        cmocka_unit_test(a_reservation_is_collected_from_those_who_have_more_than_they_need),
        cmocka_unit_test(what_is_on_its_way_is_not_asked_for_again),
        cmocka_unit_test(a_clock_that_stands_still_takes_nothing),
        cmocka_unit_test(a_daemon_that_slept_takes_no_giant_step),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy", tests, NULL, NULL);
}
