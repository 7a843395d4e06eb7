/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host that has less than its machines need: what yields, how far, and when it comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

/* Two machines whose uses fit the host, but not with their margins. */
static void full_host(struct world *world)
{
    world_init(world, 18 * GIB, GIB);
    world->settings.reserve_bytes = GIB / 2;
    world->settings.slush_bytes = GIB / 2;
    world_add_sized(world, POLICY_BURST, GIB, 10 * GIB, 7 * GIB + GIB / 2, 8 * GIB);
    world_add_sized(world, POLICY_BURST, GIB, 10 * GIB, 7 * GIB + GIB / 2, 8 * GIB);
    world_run(world, 5);
}

static void margins_yield_alike_while_somebody_lacks_what_it_needs(void **state)
{
    (void)state;
    struct world world;
    full_host(&world);
    world.guests[0].used = 7 * GIB + GIB / 4;
    world.guests[1].used = 8 * GIB + GIB / 4;
    world_run(&world, 60);
    assert_in_range(world.machines[0].decision.margin_bytes, GIB / 4, GIB / 2 - 1);
    assert_int_equal(world.machines[0].decision.margin_bytes,
                     world.machines[1].decision.margin_bytes);
    assert_true(world.guests[1].size > 8 * GIB + GIB / 4);
    assert_true(world.guests[0].size >=
                world.guests[0].used + world.machines[0].decision.margin_bytes);
}

static void margins_never_yield_by_more_than_half(void **state)
{
    (void)state;
    struct world world;
    full_host(&world);
    world.guests[0].used = 9 * GIB;
    world.guests[1].used = 9 * GIB;
    world_run(&world, 600);
    assert_int_equal(world.machines[0].decision.margin_bytes, GIB / 4);
}

static void margins_come_back_when_all_demand_is_met(void **state)
{
    (void)state;
    struct world world;
    full_host(&world);
    world.guests[1].used = 9 * GIB;
    world_run(&world, 60);
    assert_true(world.machines[0].decision.margin_bytes < GIB / 2);
    world.guests[1].used = GIB;
    world.guests[0].used = GIB;
    world_run(&world, 1200);
    assert_int_equal(world.machines[0].decision.margin_bytes, GIB / 2);
    assert_int_equal(world.plan.books.slush_bytes, GIB / 2);
}

static void faulting(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        world->machines[i].sample.major_faults = (uint64_t)(world->now_ms - WORLD_FROM);
    }
}

static void three_quarters_of_the_fund_are_lent_to_those_that_suffer_for_long(void **state)
{
    (void)state;
    struct world world;
    full_host(&world);
    assert_int_equal(world.plan.books.slush_bytes, GIB / 2);
    world.spoil = faulting;
    world_run(&world, 15);
    assert_true(world.plan.books.slush_bytes > GIB / 4); /* not at once */
    world_run(&world, 120);
    assert_int_equal(world.plan.books.slush_bytes, GIB / 8);
    assert_true(world.host.available_bytes >= world.settings.reserve_bytes);
    world.spoil = NULL;
    world.guests[0].used = GIB;
    world.guests[1].used = GIB;
    world_run(&world, 7200);
    assert_int_equal(world.plan.books.slush_bytes, GIB / 2);
}

/* Machine 0 faults with much available; machine 1 then lacks more than margins and fund can pay. */
static void first_faults(struct world *world)
{
    world->machines[0].sample.major_faults = (uint64_t)(world->now_ms - WORLD_FROM);
}

static void who_suffers_gives_when_another_lacks_what_it_needs_for_long(void **state)
{
    (void)state;
    struct world world;
    full_host(&world);
    world.guests[0].used = 5 * GIB;
    world.spoil = first_faults;
    world_run(&world, 20);
    assert_true(world.machines[0].memory.boost_until_ms > world.now_ms);
    const uint64_t before = world.guests[0].size;
    world.guests[1].used = 9 * GIB + GIB / 2;
    world_run(&world, 8);
    assert_true(world.guests[0].size >= before); /* first it keeps what it has, */
    world_run(&world, 60);
    assert_true(world.guests[0].size < before);
    assert_true(world.guests[0].size >=
                world.guests[0].used + world.machines[0].decision.margin_bytes); /* then a floor */
}

static void one_starts(struct world *world)
{
    world->machines[1].sample.resets = 1;
    world->machines[1].sample.resident_bytes = GIB;
    world->host.available_bytes += world->guests[1].size - GIB;
}

static void what_starting_machines_do_not_use_yet_is_lent_for_needs_only(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 14 * GIB, GIB);
    world.settings.reserve_bytes = GIB / 2;
    world.settings.slush_bytes = GIB / 4;
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 3 * GIB, 4 * GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_run(&world, 5);
    world.spoil = one_starts;
    world_run(&world, 2);
    assert_int_equal(world.machines[1].decision.books.booked_bytes, 8 * GIB);
    world.guests[0].used = 6 * GIB;
    world_run(&world, 5);
    const struct policy_decision *decision = &world.machines[0].decision;
    assert_true(decision->target_bytes >= 6 * GIB + decision->margin_bytes);
    assert_true(decision->target_bytes < decision->demand_bytes); /* the buffer waits */
    assert_true(world.plan.books.booked_bytes >
                world.plan.books.ceiling_bytes + world.plan.books.slush_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(margins_yield_alike_while_somebody_lacks_what_it_needs),
        cmocka_unit_test(margins_never_yield_by_more_than_half),
        cmocka_unit_test(margins_come_back_when_all_demand_is_met),
        cmocka_unit_test(three_quarters_of_the_fund_are_lent_to_those_that_suffer_for_long),
        cmocka_unit_test(who_suffers_gives_when_another_lacks_what_it_needs_for_long),
        cmocka_unit_test(what_starting_machines_do_not_use_yet_is_lent_for_needs_only),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/strait.c", tests, NULL, NULL);
}
