/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's zones: where they begin and end, and what changes in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

/* A reserve of 800 MiB: eighths are 100. */
static void host_only(struct world *world)
{
    world_init(world, 16 * GIB, 0);
    world->settings.reserve_bytes = 800 * MIB;
    world->settings.slush_bytes = 200 * MIB;
}

static enum policy_zone zone_with(struct world *world, uint64_t available)
{
    world->now_ms += PERIOD_MS;
    world->host.available_bytes = available;
    world_decide(world);
    return world->plan.zone;
}

static void each_zone_begins_at_its_part_of_the_reserve(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    assert_int_equal(zone_with(&world, 600 * MIB), POLICY_GREEN);
    assert_int_equal(zone_with(&world, 600 * MIB - 1), POLICY_SOFT);
    assert_int_equal(zone_with(&world, 400 * MIB - 1), POLICY_HARD);
    assert_true(world.plan.admit);
    assert_int_equal(zone_with(&world, 200 * MIB - 1), POLICY_LOW);
    assert_false(world.plan.admit);
}

static void a_host_may_fall_through_all_zones_at_once(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    assert_int_equal(zone_with(&world, GIB), POLICY_GREEN);
    assert_int_equal(zone_with(&world, 0), POLICY_LOW);
}

static void leaving_a_zone_takes_more_than_entering_it_and_some_seconds(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    assert_int_equal(zone_with(&world, 590 * MIB), POLICY_SOFT);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(zone_with(&world, 800 * MIB), POLICY_SOFT);
    }
    assert_int_equal(zone_with(&world, 801 * MIB), POLICY_GREEN);
    assert_int_equal(zone_with(&world, 590 * MIB), POLICY_SOFT);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(zone_with(&world, GIB), POLICY_SOFT);
    }
    assert_int_equal(zone_with(&world, GIB), POLICY_GREEN);
}

static void zones_are_left_one_by_one(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    assert_int_equal(zone_with(&world, 0), POLICY_LOW);
    enum policy_zone last = POLICY_LOW;
    for (unsigned i = 0; i < 20; i++) {
        const enum policy_zone zone = zone_with(&world, 2 * GIB);
        assert_in_range(last - zone, 0, 1);
        last = zone;
    }
    assert_int_equal(last, POLICY_GREEN);
}

static void pressure_raises_the_zone_by_one_until_it_is_half_gone(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    world.host.psi_some_centi = 1000;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(zone_with(&world, 2 * GIB), POLICY_SOFT);
    }
    world.host.psi_some_centi = 501;
    assert_int_equal(zone_with(&world, 2 * GIB), POLICY_SOFT);
    world.host.psi_some_centi = 499;
    assert_int_equal(zone_with(&world, 2 * GIB), POLICY_GREEN);
    world.host.psi_full_centi = 500;
    assert_int_equal(zone_with(&world, 2 * GIB), POLICY_SOFT);
    assert_int_equal(zone_with(&world, 590 * MIB), POLICY_HARD);
}

static void take_a_gib(struct world *world)
{
    world->host.available_bytes = 500 * MIB;
}

static void a_short_host_takes_what_is_above_demand(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_run(&world, 10);
    assert_int_equal(world_target(&world, 0), 8 * GIB);
    world.spoil = take_a_gib;
    world_step(&world);
    assert_int_equal(world.plan.zone, POLICY_SOFT);
    assert_int_equal(world.machines[0].decision.reason, POLICY_SHRINK_ZONE);
    assert_int_equal(world.machines[0].decision.before_bytes - world_target(&world, 0),
                     8 * GIB * 2 / 100 / 4096 * 4096);
}

static void take_more(struct world *world)
{
    world->host.available_bytes = 300 * MIB;
}

static void in_the_hard_zone_steps_are_larger(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_run(&world, 10);
    world.spoil = take_more;
    world_step(&world);
    assert_int_equal(world.plan.zone, POLICY_HARD);
    assert_true(world.machines[0].decision.step_bytes > 8 * GIB * 7 / 100);
}

static void even_in_the_low_zone_guarantees_are_kept(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    world.settings.inflate_percent = 100;
    world_add(&world, POLICY_GUARANTEED, GIB, 2 * GIB, GIB);
    world_add(&world, POLICY_BURST, 3 * GIB, 4 * GIB, GIB);
    world_add(&world, POLICY_SPARE, GIB, 4 * GIB, 2 * GIB);
    world_run(&world, 10);
    world.own = 15 * GIB;
    world_run(&world, 60);
    assert_int_equal(world.plan.zone, POLICY_LOW);
    assert_int_equal(world_target(&world, 0), 2 * GIB);
    assert_true(world_target(&world, 1) >= 3 * GIB);
    assert_true(world_target(&world, 1) < 3 * GIB + MIB);
    assert_true(world_target(&world, 2) >= 2 * GIB + 4 * GIB / 20);
    assert_true(world_target(&world, 2) < 2 * GIB + 4 * GIB / 20 + MIB);
}

static void what_guests_reported_is_trusted_only_in_green(void **state)
{
    (void)state;
    struct world world;
    host_only(&world);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world.machines[0].sample.reporting = true;
    world.guests[0].cold = true;
    world_run(&world, 3);
    /* 1 GiB resident, and a quarter of the other 7 is doubted. */
    assert_int_equal(world.machines[0].decision.books.booked_bytes, GIB + 7 * GIB / 4);
    world.spoil = take_a_gib;
    world_step(&world);
    assert_int_equal(world.machines[0].decision.books.booked_bytes, 8 * GIB);
}

static void what_guests_report_saves_them_from_inflation(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    for (unsigned i = 0; i < 3; i++) {
        world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, i == 2 ? 3 * GIB : 8 * GIB);
        world.machines[i].sample.reporting = true;
        world.guests[i].cold = true;
    }
    world_run(&world, 10);
    world.guests[2].used = 4 * GIB;
    world_run(&world, 60);
    assert_true(world.guests[2].size >= 4 * GIB);
    assert_int_equal(world_target(&world, 0), 8 * GIB);
    assert_int_equal(world_target(&world, 1), 8 * GIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_zone_begins_at_its_part_of_the_reserve),
        cmocka_unit_test(a_host_may_fall_through_all_zones_at_once),
        cmocka_unit_test(leaving_a_zone_takes_more_than_entering_it_and_some_seconds),
        cmocka_unit_test(zones_are_left_one_by_one),
        cmocka_unit_test(pressure_raises_the_zone_by_one_until_it_is_half_gone),
        cmocka_unit_test(a_short_host_takes_what_is_above_demand),
        cmocka_unit_test(in_the_hard_zone_steps_are_larger),
        cmocka_unit_test(even_in_the_low_zone_guarantees_are_kept),
        cmocka_unit_test(what_guests_reported_is_trusted_only_in_green),
        cmocka_unit_test(what_guests_report_saves_them_from_inflation),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/zone.c", tests, NULL, NULL);
}
