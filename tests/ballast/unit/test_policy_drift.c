/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes that move without a command, and guests that do not move with one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

/* One machine of 8 GiB with 3 GiB, on a host that has no more to give. */
static struct policy_machine *at_rest(struct world *world)
{
    world_init(world, 16 * GIB, GIB);
    world->settings.reserve_bytes = 11 * GIB + 700 * MIB;
    world->settings.settle_ms = 5000;
    struct policy_machine *machine =
        world_add_sized(world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, 3 * GIB);
    world_run(world, 15);
    assert_int_equal(world_target(world, 0), 3 * GIB);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    return machine;
}

static void oom_deflater(struct world *world)
{
    world->machines[0].sample.deflate_on_oom = true;
}

static void memory_that_a_guest_took_back_is_not_fought(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.spoil = oom_deflater;
    world.guests[0].stuck = true;
    world.guests[0].size = 4 * GIB;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_SELF_DEFLATED);
    assert_int_equal(machine->memory.drift_bytes, GIB);
    assert_int_equal(machine->decision.target_bytes, 4 * GIB);
    assert_int_equal(machine->decision.reason, POLICY_GROW_DRIFT);
    assert_true(machine->decision.set_target);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_PEAK);
    world_step(&world);
    assert_int_equal(world_target(&world, 0), 4 * GIB);
    assert_false(machine->decision.set_target);
    world_run(&world, 15);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
}

static void a_foreign_command_ends_control_until_the_machine_is_adopted(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.guests[0].stuck = true;
    world.guests[0].size = 2 * GIB + 512 * MIB;
    const unsigned commands = world.commands;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_FOREIGN);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_FOREIGN);
    world.guests[0].used = 2 * GIB + 400 * MIB; /* it needs more, but somebody else decides */
    world_run(&world, 50);
    assert_int_equal(world.commands, commands);
    policy_adopt(&machine->memory);
    world.settings.reserve_bytes = GIB;
    world.guests[0].stuck = false;
    /* What was in force before does not count any more. */
    machine->sample.commanded_bytes = 3 * GIB;
    world.guests[0].stuck = true;
    world_step(&world);
    assert_int_equal(machine->decision.before_bytes, 2 * GIB + 512 * MIB);
    world.guests[0].stuck = false;
    world_run(&world, 20);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_true(world_target(&world, 0) > 3 * GIB);
}

static void growth_without_a_command_is_foreign_where_guests_cannot_take(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.guests[0].stuck = true;
    world.guests[0].size = 5 * GIB;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_FOREIGN);
    assert_int_equal(machine->decision.books.booked_bytes, 5 * GIB);
}

static void a_reset_ends_foreign_control(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.guests[0].stuck = true;
    world.guests[0].size = 5 * GIB;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_FOREIGN);
    machine->sample.resets++;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(world_target(&world, 0), 8 * GIB);
}

static void without_driver(struct world *world)
{
    world->machines[0].sample.driver = POLICY_DRIVER_UNKNOWN;
    world->machines[0].sample.stats_ms = 0;
}

static void a_driver_that_went_away_is_named_and_everything_booked(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.spoil = without_driver;
    world.guests[0].stuck = true;
    world.guests[0].size = 8 * GIB;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_DRIVER_GONE);
    assert_int_equal(machine->memory.drift_bytes, 5 * GIB);
    assert_int_equal(machine->decision.books.booked_bytes, 8 * GIB);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_NO_DRIVER);
    /* The driver shall not fill its balloon at once when it comes back. */
    assert_int_equal(machine->decision.target_bytes, 8 * GIB);
    world.spoil = NULL;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_RESET);
    world_run(&world, 10);
    assert_int_not_equal(machine->decision.hold, POLICY_HOLD_RESET);
}

static void a_driver_nobody_tells_of_is_missed_by_its_silence(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world_observe(&world);
    machine->sample.driver = POLICY_DRIVER_UNKNOWN;
    machine->sample.actual_bytes = 8 * GIB;
    world.now_ms += 20000; /* statistics are stale by now */
    world_decide(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_DRIVER_GONE);
}

static void a_guest_on_its_way_has_not_drifted(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.guests[0].give_per_s = 20 * MIB;
    world.host.reserved_bytes = 500 * MIB; /* down, */
    world_run(&world, 12);
    assert_true(world_target(&world, 0) < 3 * GIB);
    world.host.reserved_bytes = 0;
    world.settings.reserve_bytes = GIB; /* and up in the middle of it */
    world.guests[0].used = 2 * GIB + 500 * MIB;
    world_run(&world, 60);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_true(world_target(&world, 0) > 3 * GIB);
}

/* ---- stalls ---- */

static void asked_and_stuck(struct world *world)
{
    (void)at_rest(world);
    world->host.reserved_bytes = 500 * MIB;
    world->guests[0].stuck = true;
}

static void a_stalled_guest_gets_room_and_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    asked_and_stuck(&world);
    const struct policy_machine *machine = &world.machines[0];
    world_run(&world, 3);
    assert_true(world_target(&world, 0) < 3 * GIB);
    world_run(&world, 3);
    assert_int_equal(machine->decision.reason, POLICY_GROW_STALLED);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_STALLED);
    assert_int_equal(machine->decision.target_bytes, 3 * GIB + 128 * MIB);
    assert_int_equal(machine->decision.hold_until_ms, world.now_ms + 60000);
    const unsigned commands = world.commands;
    world.guests[0].stuck = false;
    world_run(&world, 59);
    assert_int_equal(world.commands, commands);
}

static void each_further_stall_doubles_the_pause_up_to_a_limit(void **state)
{
    (void)state;
    struct world world;
    asked_and_stuck(&world);
    const struct policy_machine *machine = &world.machines[0];
    const int64_t pauses[] = { 60000, 120000, 240000, 480000, 900000, 900000 };
    world.settings.reversals_per_hour = 3600;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        for (unsigned t = 0; t < 1000 && machine->memory.stalls == i; t++) {
            world.guests[0].size = 3 * GIB;
            world_step(&world);
        }
        assert_int_equal(machine->memory.stalls, i + 1);
        assert_int_equal(machine->memory.held_until_ms, world.now_ms + pauses[i]);
    }
}

static void a_slow_guest_has_not_stalled_and_is_asked_for_less(void **state)
{
    (void)state;
    struct world world;
    (void)at_rest(&world);
    world.host.reserved_bytes = 500 * MIB;
    world.guests[0].give_per_s = 30 * MIB;
    world_run(&world, 20);
    const struct policy_machine *machine = &world.machines[0];
    assert_int_equal(machine->memory.stalls, 0);
    assert_in_range(machine->memory.speed_bytes_per_s, MIB, 200 * MIB);
    assert_true(machine->decision.target_bytes < 3 * GIB - 200 * MIB);
}

static void a_paused_guest_does_not_stall(void **state)
{
    (void)state;
    struct world world;
    asked_and_stuck(&world);
    world_run(&world, 2);
    world.machines[0].sample.paused = true;
    world_run(&world, 30);
    assert_int_equal(world.machines[0].memory.stalls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_a_guest_took_back_is_not_fought),
        cmocka_unit_test(a_foreign_command_ends_control_until_the_machine_is_adopted),
        cmocka_unit_test(growth_without_a_command_is_foreign_where_guests_cannot_take),
        cmocka_unit_test(a_reset_ends_foreign_control),
        cmocka_unit_test(a_driver_that_went_away_is_named_and_everything_booked),
        cmocka_unit_test(a_driver_nobody_tells_of_is_missed_by_its_silence),
        cmocka_unit_test(a_guest_on_its_way_has_not_drifted),
        cmocka_unit_test(a_stalled_guest_gets_room_and_is_left_alone),
        cmocka_unit_test(each_further_stall_doubles_the_pause_up_to_a_limit),
        cmocka_unit_test(a_slow_guest_has_not_stalled_and_is_asked_for_less),
        cmocka_unit_test(a_paused_guest_does_not_stall),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/drift.c", tests, NULL, NULL);
}
