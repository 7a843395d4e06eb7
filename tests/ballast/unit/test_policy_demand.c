/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest needs, out of what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

static struct policy_machine *one_guest(struct world *world, uint64_t used)
{
    world_init(world, 64 * GIB, GIB);
    struct policy_machine *machine = world_add(world, POLICY_BURST, GIB, 10 * GIB, used);
    world_step(world);
    return machine;
}

static uint64_t demand_for(uint64_t lately)
{
    return (lately + lately / 5 + GIB / 2 + 4095) / 4096 * 4096; /* 20 %, and 5 % of 10 GiB */
}

static void demand_is_use_and_a_buffer_and_a_margin(void **state)
{
    (void)state;
    struct world world;
    const struct policy_machine *machine = one_guest(&world, 4 * GIB);
    assert_int_equal(machine->decision.used_bytes, 4 * GIB);
    assert_int_equal(machine->decision.demand_bytes, demand_for(4 * GIB));
}

static void while_use_rises_the_demand_is_ahead_of_it(void **state)
{
    (void)state;
    struct world world;
    const struct policy_machine *machine = one_guest(&world, 2 * GIB);
    for (uint64_t i = 1; i <= 4; i++) { /* four seconds ahead */
        world.guests[0].used = 2 * GIB + i * 100 * MIB;
        world_step(&world);
        const uint64_t used = 2 * GIB + i * 100 * MIB;
        assert_in_range(machine->decision.demand_bytes, demand_for(used) + 399 * MIB,
                        demand_for(used) + 401 * MIB);
    }
    world.guests[0].used = 5 * GIB; /* but by an eighth of the maximum at most */
    world_step(&world);
    assert_in_range(machine->decision.demand_bytes, demand_for(5 * GIB) + 5 * GIB / 4 - 4096,
                    demand_for(5 * GIB) + 5 * GIB / 4);
    world_step(&world);
    assert_int_equal(machine->decision.demand_bytes, demand_for(5 * GIB));
}

static void demand_stays_within_minimum_and_maximum(void **state)
{
    (void)state;
    struct world world;
    assert_int_equal(one_guest(&world, 0)->decision.demand_bytes, GIB);
    assert_int_equal(one_guest(&world, 9 * GIB)->decision.demand_bytes, 10 * GIB);
}

static void demand_rises_at_once_and_falls_over_seconds(void **state)
{
    (void)state;
    struct world world;
    const struct policy_machine *machine = one_guest(&world, 2 * GIB);
    world.guests[0].used = 6 * GIB;
    world_step(&world);
    assert_true(machine->decision.demand_bytes >= demand_for(6 * GIB));
    world_step(&world);
    assert_int_equal(machine->decision.demand_bytes, demand_for(6 * GIB));
    world.guests[0].used = 2 * GIB;
    world_step(&world);
    assert_in_range(machine->decision.demand_bytes, demand_for(5 * GIB), demand_for(6 * GIB) - 1);
    world_run(&world, 60);
    assert_in_range(machine->decision.demand_bytes, demand_for(2 * GIB),
                    demand_for(2 * GIB + 64 * MIB));
}

static void a_rhythm_is_remembered_for_minutes_and_a_single_burst_is_not(void **state)
{
    (void)state;
    struct world world;
    const struct policy_machine *machine = one_guest(&world, 2 * GIB);
    for (unsigned i = 0; i < 4; i++) {
        world.guests[0].used = 6 * GIB;
        world_run(&world, 5);
        world.guests[0].used = 2 * GIB;
        world_run(&world, 55);
    }
    assert_int_equal(machine->decision.demand_bytes, demand_for(6 * GIB));
    world_run(&world, 360);
    assert_in_range(machine->decision.demand_bytes, demand_for(2 * GIB), demand_for(2 * GIB + MIB));
    world.guests[0].used = 6 * GIB;
    world_run(&world, 5);
    world.guests[0].used = 2 * GIB;
    world_run(&world, 90);
    assert_in_range(machine->decision.demand_bytes, demand_for(2 * GIB),
                    demand_for(2 * GIB + 64 * MIB));
}

static void a_gap_of_minutes_is_no_use(void **state)
{
    (void)state;
    struct world world;
    const struct policy_machine *machine = one_guest(&world, 6 * GIB);
    world_run(&world, 200);
    world.now_ms += 86400000;
    world.guests[0].used = 2 * GIB;
    world_run(&world, 60);
    assert_in_range(machine->decision.demand_bytes, demand_for(2 * GIB),
                    demand_for(2 * GIB + 64 * MIB));
}

static void small_machines_keep_a_small_margin(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, GIB, 0);
    const struct policy_machine *machine =
        world_add(&world, POLICY_BURST, 16 * MIB, 64 * MIB, 10 * MIB);
    world_step(&world);
    assert_int_equal(machine->decision.margin_bytes, 8 * MIB);
}

/* The two ways in which guests count a balloon, of 4 GiB here. */
static void total_stays(struct world *world)
{
    world->machines[0].sample.total_bytes = 10 * GIB - 100 * MIB;
}

static void total_shrinks(struct world *world)
{
    world->machines[0].sample.total_bytes = world->guests[0].size - 100 * MIB;
}

static void assert_mode(void (*spoil)(struct world *), enum policy_mode mode)
{
    struct world world;
    world_init(&world, 64 * GIB, GIB);
    struct policy_machine *machine = world_add(&world, POLICY_BURST, GIB, 10 * GIB, 2 * GIB);
    world.spoil = spoil;
    world_run(&world, 5);
    assert_int_equal(machine->memory.mode, POLICY_MODE_UNKNOWN);
    assert_int_equal(machine->memory.full_total_bytes, 10 * GIB - 100 * MIB);
    world.guests[0].size = 6 * GIB;
    world.guests[0].stuck = true;
    machine->sample.commanded_bytes = 6 * GIB;
    world_run(&world, 1);
    assert_int_equal(machine->memory.mode, mode);
    assert_int_equal(machine->decision.used_bytes, 2 * GIB);
}

static void both_ways_of_counting_a_balloon_are_told_apart(void **state)
{
    (void)state;
    assert_mode(total_stays, POLICY_MODE_TOTAL_STAYS);
    assert_mode(total_shrinks, POLICY_MODE_TOTAL_SHRINKS);
}

static void counters(struct world *world)
{
    struct policy_sample *sample = &world->machines[0].sample;
    sample->swap_in_bytes = 900 * GIB;
    sample->major_faults = 1000000;
    sample->oom_kills = 3;
}

static void what_was_counted_before_it_was_known_is_no_suffering(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 64 * GIB, GIB);
    const struct policy_machine *machine = world_add(&world, POLICY_BURST, GIB, 10 * GIB, 9 * GIB);
    world.spoil = counters;
    world_run(&world, 10);
    assert_int_equal(machine->memory.boost_bytes, 0);
    /* A restart of the guest begins them anew. */
    world.spoil = NULL;
    world_run(&world, 3);
    assert_int_equal(machine->memory.boost_bytes, 0);
}

static void swapping(struct world *world)
{
    world->machines[0].sample.swap_in_bytes = (uint64_t)(world->now_ms - WORLD_FROM) * 10000;
}

static void suffering_raises_the_demand_step_by_step(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = one_guest(&world, 3 * GIB + GIB / 2);
    world.guests[0].size = 4 * GIB;
    world.guests[0].stuck = true;
    machine->sample.commanded_bytes = 4 * GIB;
    world.spoil = swapping;
    world_run(&world, 2);
    assert_int_equal(machine->memory.boost_bytes, 10 * GIB / 16 + 10 * GIB / 160);
    world_run(&world, 5);
    assert_true(machine->memory.boost_bytes >= 10 * GIB / 16 + 3 * (10 * GIB / 160));
    assert_true(machine->decision.demand_bytes > demand_for(3 * GIB + GIB / 2) + 10 * GIB / 16);
}

/* The period before left demand of somebody unmet. */
static void swapping_while_others_are_short(struct world *world)
{
    swapping(world);
    world->memory.short_bytes = GIB;
}

static void the_demand_of_who_suffers_rises_more_slowly_while_others_are_short(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = one_guest(&world, 3 * GIB + GIB / 2);
    world.guests[0].size = 4 * GIB;
    world.guests[0].stuck = true;
    machine->sample.commanded_bytes = 4 * GIB;
    world.spoil = swapping_while_others_are_short;
    world_run(&world, 2);
    assert_int_equal(machine->memory.boost_bytes, 10 * GIB / 16 + 10 * GIB / 320);
    world_run(&world, 2);
    assert_int_equal(machine->memory.boost_bytes, 10 * GIB / 16 + 3 * (10 * GIB / 320));
}

static void what_a_guest_suffered_without_is_given_up_over_half_an_hour(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = one_guest(&world, 3 * GIB + GIB / 2);
    world.guests[0].size = 4 * GIB;
    world.guests[0].stuck = true;
    machine->sample.commanded_bytes = 4 * GIB;
    world.spoil = swapping;
    world_run(&world, 7);
    const uint64_t boost = machine->memory.boost_bytes;
    world.spoil = NULL;
    world_run(&world, 29);
    assert_int_equal(machine->memory.boost_bytes, boost);
    world_run(&world, 600);
    assert_in_range(machine->memory.boost_bytes, boost / 2, boost * 3 / 4);
    world_run(&world, 2 * 3600);
    assert_int_equal(machine->memory.boost_bytes, 0);
}

static void without_memory_to_give_no_debt_grows(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 6 * GIB, GIB);
    const struct policy_machine *machine =
        world_add_sized(&world, POLICY_BURST, GIB, 10 * GIB, 4 * GIB, 4 * GIB);
    world.spoil = swapping;
    world_run(&world, 300);
    assert_in_range(machine->memory.boost_bytes, 10 * GIB / 16, 10 * GIB / 8);
}

static void faults_with_much_available_count_when_they_last(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 9 * GIB, GIB);
    const struct policy_machine *machine =
        world_add_sized(&world, POLICY_BURST, GIB, 10 * GIB, GIB, 6 * GIB);
    world_run(&world, 2);
    world.spoil = swapping;
    world_run(&world, 9);
    assert_int_equal(machine->memory.boost_bytes, 0); /* programs that start */
    world_run(&world, 3);
    assert_true(machine->memory.boost_bytes != 0); /* a hot cache that is too small */
}

static void a_guest_with_its_maximum_is_not_cured_by_memory(void **state)
{
    (void)state;
    struct world world;
    const struct policy_machine *machine = one_guest(&world, GIB);
    world.spoil = swapping;
    world_run(&world, 60);
    assert_int_equal(machine->memory.boost_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demand_is_use_and_a_buffer_and_a_margin),
        cmocka_unit_test(while_use_rises_the_demand_is_ahead_of_it),
        cmocka_unit_test(demand_stays_within_minimum_and_maximum),
        cmocka_unit_test(demand_rises_at_once_and_falls_over_seconds),
        cmocka_unit_test(a_rhythm_is_remembered_for_minutes_and_a_single_burst_is_not),
        cmocka_unit_test(a_gap_of_minutes_is_no_use),
        cmocka_unit_test(small_machines_keep_a_small_margin),
        cmocka_unit_test(both_ways_of_counting_a_balloon_are_told_apart),
        cmocka_unit_test(what_was_counted_before_it_was_known_is_no_suffering),
        cmocka_unit_test(suffering_raises_the_demand_step_by_step),
        cmocka_unit_test(the_demand_of_who_suffers_rises_more_slowly_while_others_are_short),
        cmocka_unit_test(what_a_guest_suffered_without_is_given_up_over_half_an_hour),
        cmocka_unit_test(without_memory_to_give_no_debt_grows),
        cmocka_unit_test(faults_with_much_available_count_when_they_last),
        cmocka_unit_test(a_guest_with_its_maximum_is_not_cured_by_memory),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/demand.c", tests, NULL, NULL);
}
