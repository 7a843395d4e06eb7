/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The safety rules. In each test the same donor would give to the same needy machine, and gives
 * when the rule's condition does not hold: the control in donor_gives() is part of every test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

enum { DONOR, NEEDY };

static void calm(struct world *world)
{
    world_init(world, 16 * GIB, GIB);
    world_add(world, POLICY_BURST, GIB, 8 * GIB, GIB);
    world_add_sized(world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, 4 * GIB);
    world->settings.slush_bytes = 256 * MIB;
    world->settings.settle_ms = 20000;
}

/* Runs some periods, then lets NEEDY ask for more than has arrived, and says whether DONOR is told
 * to shrink within `periods`. */
static bool donor_gives_within(struct world *world, void (*spoil)(struct world *), unsigned periods)
{
    world_run(world, 8);
    world->spoil = spoil;
    world->guests[NEEDY].used = 7 * GIB;
    for (unsigned i = 0; i < periods; i++) {
        const uint64_t before = world->machines[DONOR].sample.commanded_bytes;
        world_step(world);
        if (world_target(world, DONOR) < (before != 0 ? before : 8 * GIB)) {
            return true;
        }
    }
    return false;
}

static bool donor_gives(void (*spoil)(struct world *))
{
    struct world world;
    calm(&world);
    return donor_gives_within(&world, spoil, 3);
}

static void assert_held(void (*spoil)(struct world *), enum policy_hold hold)
{
    struct world world;
    assert_true(donor_gives(NULL));
    calm(&world);
    assert_false(donor_gives_within(&world, spoil, 3));
    assert_int_equal(world.machines[DONOR].decision.hold, hold);
}

static struct policy_sample *donor(struct world *world)
{
    return &world->machines[DONOR].sample;
}

static uint64_t booked(const struct world *world)
{
    return world->machines[DONOR].decision.books.booked_bytes;
}

static void never_told(struct world *world)
{
    donor(world)->stats_ms = 0;
}

static void no_available(struct world *world)
{
    donor(world)->available_bytes = POLICY_MISSING;
}

static void old_stats(struct world *world)
{
    donor(world)->stats_ms = world->now_ms - world->settings.stale_ms - 1;
}

static void future_stats(struct world *world)
{
    donor(world)->stats_ms = world->now_ms + 1;
}

static void a_guest_without_statistics_is_not_shrunk(void **state)
{
    (void)state;
    assert_held(never_told, POLICY_HOLD_NO_STATS);
}

static void unknown_and_silent(struct world *world)
{
    donor(world)->stats_ms = 0;
    donor(world)->driver = POLICY_DRIVER_UNKNOWN;
}

static void a_guest_of_which_nothing_is_known_is_booked_whole(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 32 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world.spoil = never_told; /* it has a driver, so its size is what it has */
    world_step(&world);
    assert_int_equal(booked(&world), 3 * GIB);
    world.spoil = unknown_and_silent;
    world_step(&world);
    assert_int_equal(booked(&world), 8 * GIB);
}

static void missing_available_is_missing_and_not_a_number(void **state)
{
    (void)state;
    assert_held(no_available, POLICY_HOLD_NO_STATS);
}

static void a_guest_without_fresh_statistics_is_not_shrunk(void **state)
{
    (void)state;
    assert_held(old_stats, POLICY_HOLD_STALE);
}

static void statistics_from_the_future_are_not_fresh(void **state)
{
    (void)state;
    assert_held(future_stats, POLICY_HOLD_STALE);
}

static void a_guest_without_driver_is_not_shrunk_and_booked_whole(void **state)
{
    (void)state;
    assert_held(unknown_and_silent, POLICY_HOLD_NO_STATS);
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world_run(&world, 10);
    assert_true(booked(&world) < 8 * GIB || world_target(&world, DONOR) == 8 * GIB);
    world.guests[DONOR].stuck = true;
    world.guests[DONOR].size = 3 * GIB;
    world.spoil = unknown_and_silent;
    world_step(&world);
    assert_int_equal(booked(&world), 8 * GIB);
}

static void more_available_than_total(struct world *world)
{
    donor(world)->total_bytes = donor(world)->available_bytes - 1;
}

static void more_available_than_size(struct world *world)
{
    donor(world)->total_bytes = POLICY_MISSING;
    donor(world)->available_bytes = 9 * GIB;
}

static void more_total_than_ram(struct world *world)
{
    donor(world)->total_bytes = 9 * GIB;
}

static void called_a_lie(struct world *world)
{
    donor(world)->stats_lie = true;
}

static void a_guest_that_lies_is_not_shrunk_and_booked_whole(void **state)
{
    (void)state;
    assert_held(more_available_than_total, POLICY_HOLD_LIES);
    assert_held(more_available_than_size, POLICY_HOLD_LIES);
    assert_held(more_total_than_ram, POLICY_HOLD_LIES);
    assert_held(called_a_lie, POLICY_HOLD_LIES);
    struct world world;
    world_init(&world, 64 * GIB, GIB);
    world.settings.reserve_bytes = 50 * GIB;
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world.spoil = called_a_lie;
    world_run(&world, 2);
    assert_int_equal(world_target(&world, DONOR), 3 * GIB);
    assert_int_equal(booked(&world), 8 * GIB);
}

static void locked(struct world *world)
{
    donor(world)->unreclaimable = POLICY_LOCKED;
}

static void huge(struct world *world)
{
    donor(world)->unreclaimable = POLICY_HUGE_PAGES;
}

static void assigned(struct world *world)
{
    donor(world)->unreclaimable = POLICY_PINNED;
}

static void deviceless(struct world *world)
{
    donor(world)->unreclaimable = POLICY_NO_DEVICE;
}

static void container(struct world *world)
{
    donor(world)->unreclaimable = POLICY_PLATFORM;
}

static void memory_that_would_not_come_free_is_not_taken(void **state)
{
    (void)state;
    assert_held(locked, POLICY_HOLD_UNRECLAIMABLE);
    assert_held(huge, POLICY_HOLD_UNRECLAIMABLE);
    assert_held(assigned, POLICY_HOLD_UNRECLAIMABLE);
    assert_held(deviceless, POLICY_HOLD_UNRECLAIMABLE);
    assert_held(container, POLICY_HOLD_UNRECLAIMABLE);
}

static void what_a_locked_guest_lost_is_given_back(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world.spoil = locked;
    world_step(&world);
    assert_int_equal(world_target(&world, DONOR), 8 * GIB);
    assert_int_equal(world.machines[DONOR].decision.reason, POLICY_GROW_PINNED);
}

static void a_machine_without_a_balloon_gets_no_command(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_GUARANTEED, GIB, 8 * GIB, GIB, 3 * GIB);
    world.spoil = deviceless;
    world_run(&world, 20);
    assert_int_equal(world.commands, 0);
}

static void guaranteed(struct world *world)
{
    world->machines[DONOR].class = POLICY_GUARANTEED;
}

static void disabled(struct world *world)
{
    world->machines[DONOR].enabled = false;
}

static void unmanaged(struct world *world)
{
    world->machines[DONOR].enabled = false;
    world->machines[DONOR].unmanaged = true;
}

/* Whoever moves it may: that is nobody's interference. When it is managed it begins anew. */
static void a_machine_that_is_not_managed_is_not_touched_and_moves_as_it_likes(void **state)
{
    (void)state;
    assert_held(unmanaged, POLICY_HOLD_UNMANAGED);
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    const struct policy_machine *machine =
        world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    unmanaged(&world);
    for (unsigned i = 0; i < 30; i++) {
        world.guests[DONOR].size = (i % 2 == 0 ? 3 : 5) * GIB;
        world_step(&world);
        assert_int_equal(machine->decision.reason, POLICY_KEEP);
        assert_false(machine->decision.set_target);
        assert_int_equal(machine->decision.books.booked_bytes, 8 * GIB);
        assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    }
    assert_int_equal(world.commands, 0);
    world.machines[DONOR].unmanaged = false;
    world.machines[DONOR].enabled = true;
    world_step(&world);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_NEW);
    world_run(&world, 10);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
}

static void guaranteed_and_disabled_machines_are_never_shrunk(void **state)
{
    (void)state;
    assert_held(guaranteed, POLICY_HOLD_GUARANTEED);
    assert_held(disabled, POLICY_HOLD_DISABLED);
}

static void a_disabled_machine_is_pinned_to_its_maximum_at_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_SPARE, GIB, 8 * GIB, GIB, 2 * GIB);
    world.settings.reserve_bytes = 12 * GIB; /* no surplus to be had */
    world_step(&world);
    assert_int_equal(world_target(&world, DONOR), 2 * GIB);
    world.machines[DONOR].enabled = false;
    world_step(&world);
    assert_int_equal(world_target(&world, DONOR), 8 * GIB);
}

static void pause_donor(struct world *world)
{
    donor(world)->paused = true;
}

static void migrate_donor(struct world *world)
{
    donor(world)->migrating = true;
}

static void paused_and_migrating_machines_are_left_alone(void **state)
{
    (void)state;
    assert_held(pause_donor, POLICY_HOLD_PAUSED);
    assert_held(migrate_donor, POLICY_HOLD_MIGRATING);
}

static void a_machine_just_found_is_not_shrunk(void **state)
{
    (void)state;
    struct world world;
    assert_true(donor_gives(NULL));
    calm(&world);
    world.guests[NEEDY].used = 7 * GIB;
    for (unsigned i = 0; i < 3; i++) {
        world_step(&world);
        assert_int_equal(world.machines[DONOR].decision.hold, POLICY_HOLD_NEW);
        assert_int_equal(world_target(&world, DONOR), 8 * GIB);
    }
    world_run(&world, 2);
    assert_true(world_target(&world, DONOR) < 8 * GIB);
}

static void reset_donor(struct world *world)
{
    donor(world)->resets = 1;
}

static void after_a_reset_a_guest_is_left_alone_until_it_is_stable(void **state)
{
    (void)state;
    assert_held(reset_donor, POLICY_HOLD_RESET);
    struct world world;
    calm(&world);
    assert_false(donor_gives_within(&world, reset_donor, 19));
    assert_true(donor_gives_within(&world, reset_donor, 10));
}

static void reset_and_silent(struct world *world)
{
    donor(world)->resets = 1;
    donor(world)->stats_ms = WORLD_FROM + PERIOD_MS; /* from before the reset */
}

static void after_a_reset_the_target_is_raised_and_the_maximum_booked(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world.settings.reserve_bytes = 12 * GIB;
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world_run(&world, 10);
    assert_true(booked(&world) < 4 * GIB);
    world.guests[DONOR].stuck = true;
    world.spoil = reset_and_silent;
    world_step(&world);
    assert_int_equal(world_target(&world, DONOR), 8 * GIB);
    assert_int_equal(world.machines[DONOR].decision.reason, POLICY_GROW_PINNED);
    assert_int_equal(booked(&world), 8 * GIB);
    /* Old statistics do not start the time in which it settles. */
    world_run(&world, 100);
    assert_true(world.machines[DONOR].memory.settling);
    assert_int_equal(booked(&world), 8 * GIB);
}

static void a_driver_that_comes_late_is_a_start_too(void **state)
{
    (void)state;
    struct world world;
    calm(&world);
    world.spoil = unknown_and_silent; /* until the needy one asks */
    assert_false(donor_gives_within(&world, NULL, 3));
    assert_int_equal(world.machines[DONOR].decision.hold, POLICY_HOLD_RESET);
}

static void a_guest_is_never_shrunk_below_its_floor(void **state)
{
    (void)state;
    struct world world;
    calm(&world);
    world.guests[DONOR].used = 6 * GIB;
    world.host.reserved_bytes = 16 * GIB; /* everything is asked for */
    world.settings.inflate_percent = 100;
    world_run(&world, 120);
    /* 5 % of 8 GiB stay available. */
    assert_true(world_target(&world, DONOR) >= 6 * GIB + 8 * GIB / 20);
    assert_true(world_target(&world, DONOR) < 6 * GIB + 8 * GIB / 20 + MIB);
    assert_int_equal(world.machines[DONOR].decision.hold, POLICY_HOLD_FLOOR);
}

static void a_guest_is_never_shrunk_below_its_minimum(void **state)
{
    (void)state;
    struct world world;
    calm(&world);
    world.machines[DONOR].min_bytes = 7 * GIB;
    world.host.reserved_bytes = 16 * GIB;
    world.settings.inflate_percent = 100;
    world_run(&world, 120);
    assert_int_equal(world_target(&world, DONOR), 7 * GIB);
    assert_int_equal(world.machines[DONOR].decision.hold, POLICY_HOLD_FLOOR);
}

static void a_balloon_is_never_larger_than_allowed(void **state)
{
    (void)state;
    struct world world;
    calm(&world);
    world.machines[DONOR].min_bytes = 0;
    world.guests[DONOR].used = 100 * MIB;
    world.host.reserved_bytes = 16 * GIB; /* everything is asked for */
    world.settings.inflate_percent = 100;
    world_run(&world, 120);
    const uint64_t least = 8 * GIB - 8 * GIB * 65 / 100;
    assert_true(world_target(&world, DONOR) >= least);
    assert_true(world_target(&world, DONOR) < least + MIB);
}

static void swaps(struct world *world)
{
    donor(world)->swap_in_bytes = (uint64_t)(world->now_ms - WORLD_FROM) * 20000;
    donor(world)->available_bytes = GIB;
}

static void faults(struct world *world)
{
    donor(world)->major_faults = (uint64_t)(world->now_ms - WORLD_FROM);
    donor(world)->available_bytes = GIB;
}

static void stalls(struct world *world)
{
    donor(world)->alloc_stalls = (uint64_t)(world->now_ms - WORLD_FROM);
    donor(world)->available_bytes = GIB;
}

static void kills(struct world *world)
{
    donor(world)->oom_kills = (uint64_t)(world->now_ms - WORLD_FROM) / 1000;
}

static void unknown_counters(struct world *world)
{
    donor(world)->swap_in_bytes = POLICY_MISSING;
    donor(world)->major_faults = POLICY_MISSING;
    donor(world)->alloc_stalls = POLICY_MISSING;
    donor(world)->oom_kills = POLICY_MISSING;
}

static void a_guest_that_suffers_is_not_shrunk(void **state)
{
    (void)state;
    assert_held(swaps, POLICY_HOLD_SUFFERS);
    assert_held(faults, POLICY_HOLD_SUFFERS);
    assert_held(stalls, POLICY_HOLD_SUFFERS);
    assert_held(kills, POLICY_HOLD_SUFFERS);
    assert_true(donor_gives(unknown_counters));
}

static void the_next_step_waits_for_the_last(void **state)
{
    (void)state;
    struct world world;
    calm(&world);
    world.guests[DONOR].give_per_s = 20 * MIB;
    assert_true(donor_gives_within(&world, NULL, 3));
    const uint64_t target = world_target(&world, DONOR);
    world_step(&world);
    assert_int_equal(world.machines[DONOR].decision.hold, POLICY_HOLD_MOVING);
    assert_int_equal(world_target(&world, DONOR), target);
}

static void after_a_peak_a_machine_is_left_alone_longer_when_it_comes_again(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    world.settings.reserve_bytes = 11 * GIB + 600 * MIB; /* no surplus, but slush */
    world_run(&world, 10);
    struct policy_machine *machine = &world.machines[DONOR];
    const uint64_t size = machine->sample.actual_bytes;
    world.guests[DONOR].used = 3 * GIB;
    world_step(&world);
    assert_true(machine->decision.target_bytes > size);
    world_step(&world);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_PEAK);
    assert_true(machine->decision.hold_until_ms <= world.now_ms + 10000);
    world_run(&world, 30);
    assert_int_not_equal(machine->decision.hold, POLICY_HOLD_PEAK);
    world.settings.reserve_bytes -= 600 * MIB;
    world.guests[DONOR].used += 300 * MIB;
    world_run(&world, 2);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_PEAK);
    assert_true(machine->decision.hold_until_ms > world.now_ms + 90000);
}

static void a_machine_that_reverses_too_often_is_not_shrunk(void **state)
{
    (void)state;
    struct world world;
    calm(&world);
    world_run(&world, 8);
    world.machines[DONOR].memory.hour_ms = world.now_ms;
    world.machines[DONOR].memory.reversals = world.settings.reversals_per_hour;
    assert_false(donor_gives_within(&world, NULL, 3));
    assert_int_equal(world.machines[DONOR].decision.hold, POLICY_HOLD_REVERSALS);
    /* Another hour begins. */
    world.now_ms += 3600000;
    assert_true(donor_gives_within(&world, NULL, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_without_statistics_is_not_shrunk),
        cmocka_unit_test(a_guest_of_which_nothing_is_known_is_booked_whole),
        cmocka_unit_test(missing_available_is_missing_and_not_a_number),
        cmocka_unit_test(a_guest_without_fresh_statistics_is_not_shrunk),
        cmocka_unit_test(statistics_from_the_future_are_not_fresh),
        cmocka_unit_test(a_guest_without_driver_is_not_shrunk_and_booked_whole),
        cmocka_unit_test(a_guest_that_lies_is_not_shrunk_and_booked_whole),
        cmocka_unit_test(memory_that_would_not_come_free_is_not_taken),
        cmocka_unit_test(what_a_locked_guest_lost_is_given_back),
        cmocka_unit_test(a_machine_without_a_balloon_gets_no_command),
        cmocka_unit_test(a_machine_that_is_not_managed_is_not_touched_and_moves_as_it_likes),
        cmocka_unit_test(guaranteed_and_disabled_machines_are_never_shrunk),
        cmocka_unit_test(a_disabled_machine_is_pinned_to_its_maximum_at_once),
        cmocka_unit_test(paused_and_migrating_machines_are_left_alone),
        cmocka_unit_test(a_machine_just_found_is_not_shrunk),
        cmocka_unit_test(after_a_reset_a_guest_is_left_alone_until_it_is_stable),
        cmocka_unit_test(after_a_reset_the_target_is_raised_and_the_maximum_booked),
        cmocka_unit_test(a_driver_that_comes_late_is_a_start_too),
        cmocka_unit_test(a_guest_is_never_shrunk_below_its_floor),
        cmocka_unit_test(a_guest_is_never_shrunk_below_its_minimum),
        cmocka_unit_test(a_balloon_is_never_larger_than_allowed),
        cmocka_unit_test(a_guest_that_suffers_is_not_shrunk),
        cmocka_unit_test(the_next_step_waits_for_the_last),
        cmocka_unit_test(after_a_peak_a_machine_is_left_alone_longer_when_it_comes_again),
        cmocka_unit_test(a_machine_that_reverses_too_often_is_not_shrunk),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/hold.c", tests, NULL, NULL);
}
