/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines whose maximum is below their RAM. They start with all of it, so that they have more than
 * their maximum until they have given it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

#define RAM (4 * GIB)
#define MAX (2 * GIB)

/* On a host that has memory enough, so that nothing but its maximum asks for any. */
static struct policy_machine *limited(struct world *world, uint64_t used)
{
    world_init(world, 32 * GIB, GIB);
    struct policy_machine *machine = world_add(world, POLICY_BURST, GIB, MAX, used);
    world->guests[0].size = RAM;
    machine->sample.ram_bytes = RAM;
    return machine;
}

static void a_machine_above_its_maximum_comes_down_to_it_in_steps(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    uint64_t last = RAM;
    unsigned steps = 0;
    for (unsigned i = 0; i < 120; i++) {
        world_step(&world);
        assert_int_not_equal(machine->decision.hold, POLICY_HOLD_LIES);
        const uint64_t target = world_target(&world, 0);
        assert_true(target <= last);
        if (target < last) {
            assert_int_equal(machine->decision.reason, POLICY_SHRINK_MAXIMUM);
            assert_true(last - target <= machine->decision.step_bytes);
            steps++;
        }
        last = target;
    }
    assert_true(steps > 10);
    assert_int_equal(last, MAX);
    assert_int_equal(world.guests[0].size, MAX);
    assert_int_equal(machine->decision.reason, POLICY_KEEP);
}

static void it_is_booked_with_what_it_has_until_it_has_given(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    world_step(&world);
    assert_int_equal(machine->decision.books.booked_bytes, RAM);
    world_run(&world, 20);
    assert_true(world.guests[0].size > MAX && world.guests[0].size < RAM);
    assert_true(machine->decision.books.booked_bytes >= world.guests[0].size);
    world_run(&world, 100);
    assert_int_equal(machine->decision.books.booked_bytes, MAX);
}

static void stale(struct world *world)
{
    world->machines[0].sample.stats_ms = world->now_ms - world->settings.stale_ms - 1;
}

static void one_that_is_held_keeps_what_it_has_and_says_why(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    world.spoil = stale;
    world_run(&world, 30);
    assert_int_equal(world_target(&world, 0), RAM);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_STALE);
    assert_int_equal(machine->decision.reason, POLICY_KEEP_HELD);
    assert_int_equal(world.commands, 0);
}

static void one_that_uses_more_than_its_maximum_keeps_what_it_uses(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, 3 * GIB);
    world_run(&world, 300);
    assert_true(world_target(&world, 0) > 3 * GIB && world_target(&world, 0) < RAM);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_FLOOR);
    assert_int_equal(world.guests[0].oom, 0);
    world.guests[0].used = GIB;
    world_run(&world, 600);
    assert_int_equal(world_target(&world, 0), MAX);
}

static void nothing_makes_it_larger_than_its_maximum_again(void **state)
{
    (void)state;
    struct world world;
    limited(&world, GIB);
    world_run(&world, 120);
    world.guests[0].used = MAX;
    for (unsigned i = 0; i < 60; i++) {
        world_step(&world);
        assert_true(world_target(&world, 0) <= MAX);
    }
}

static void boots(struct world *world)
{
    world->machines[0].sample.stats_ms = 0;
    world->machines[0].sample.driver = POLICY_DRIVER_UNKNOWN;
}

static void one_that_starts_keeps_its_ram_until_it_is_stable(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    world.spoil = boots;
    world_run(&world, 20);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_NO_STATS);
    assert_int_equal(world_target(&world, 0), RAM);
    world.spoil = NULL;
    for (unsigned i = 0; i < 50; i++) {
        world_step(&world);
        assert_int_equal(machine->decision.hold, POLICY_HOLD_RESET);
        assert_int_equal(machine->decision.books.booked_bytes, RAM);
        assert_int_equal(world.commands, 0);
    }
    world_run(&world, 120);
    assert_int_equal(world_target(&world, 0), MAX);
}

static void lie_of_available(struct world *world)
{
    world->machines[0].sample.available_bytes = RAM + 64 * MIB;
    world->machines[0].sample.total_bytes = RAM;
}

static void lie_of_total(struct world *world)
{
    world->machines[0].sample.total_bytes = RAM + 64 * MIB;
}

static void more_than_its_ram_is_still_a_lie(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    world.spoil = lie_of_available;
    world_step(&world);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_LIES);
    assert_int_equal(machine->decision.books.booked_bytes, RAM);
    world.spoil = lie_of_total;
    world_step(&world);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_LIES);
}

static void what_it_takes_back_by_itself_is_followed_and_given_later(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    machine->sample.deflate_on_oom = true;
    world_run(&world, 120);
    world.guests[0].used = 3 * GIB;
    world.guests[0].size = 3 * GIB + 512 * MIB;
    machine->sample.commanded_bytes = MAX;
    world.guests[0].stuck = true; /* it holds on to it, whatever it was asked for */
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_SELF_DEFLATED);
    assert_int_equal(world_target(&world, 0), 3 * GIB + 512 * MIB);
    world.guests[0].stuck = false;
    world.guests[0].used = GIB;
    world_run(&world, 900);
    assert_int_equal(world_target(&world, 0), MAX);
}

/* Where nobody tells the RAM, as in the simulator, it is the maximum. */
static void without_a_ram_the_maximum_is_the_ram(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = limited(&world, GIB);
    machine->sample.ram_bytes = POLICY_MISSING;
    world.guests[0].size = MAX;
    world_run(&world, 30);
    assert_int_equal(world_target(&world, 0), MAX);
    assert_int_equal(machine->decision.books.booked_bytes, MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_above_its_maximum_comes_down_to_it_in_steps),
        cmocka_unit_test(it_is_booked_with_what_it_has_until_it_has_given),
        cmocka_unit_test(one_that_is_held_keeps_what_it_has_and_says_why),
        cmocka_unit_test(one_that_uses_more_than_its_maximum_keeps_what_it_uses),
        cmocka_unit_test(nothing_makes_it_larger_than_its_maximum_again),
        cmocka_unit_test(one_that_starts_keeps_its_ram_until_it_is_stable),
        cmocka_unit_test(more_than_its_ram_is_still_a_lie),
        cmocka_unit_test(what_it_takes_back_by_itself_is_followed_and_given_later),
        cmocka_unit_test(without_a_ram_the_maximum_is_the_ram),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/maximum.c", tests, NULL, NULL);
}
