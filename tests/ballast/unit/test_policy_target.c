/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets that somebody else set, and sizes that do not follow theirs. QEMU has one target, the
 * last that anybody set, and the guest's driver follows it from the moment on in which it runs:
 * `starter` below is that QEMU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

#define RAM     (512 * MIB)
#define STARTER (96 * MIB)

/* One machine whose target in force is QEMU's, and not what the policy takes it for. */
static struct {
    uint64_t target;
    bool driver;      /* the guest's is there */
    bool deaf;        /* the guest follows no target */
    unsigned taken;   /* of our commands, as counted when it was looked at last */
    uint64_t plugged; /* RAM beyond what it started with */
} qemu;

static void as_qemu(struct world *world)
{
    struct policy_machine *machine = &world->machines[0];
    struct policy_sample *sample = &machine->sample;
    struct guest *guest = &world->guests[0];
    const uint64_t ram = RAM + qemu.plugged;
    if (sample->commands_taken != qemu.taken) {
        qemu.taken = sample->commands_taken;
        qemu.target = sample->commanded_bytes;
    }
    if (qemu.driver && !qemu.deaf && !sample->paused && !sample->migrating) {
        guest->size = qemu.target < ram ? qemu.target : ram;
    }
    guest->used = guest->size < 128 * MIB ? guest->size / 2 : 64 * MIB;
    sample->ram_bytes = ram;
    sample->actual_bytes = guest->size;
    sample->resident_bytes = guest->size;
    sample->stats_actual_bytes = guest->size;
    sample->total_bytes = guest->size;
    sample->available_bytes = guest->size - guest->used;
    sample->driver = qemu.driver ? POLICY_DRIVER_OK : POLICY_DRIVER_UNKNOWN;
    sample->stats_ms = qemu.driver ? world->now_ms : 0;
}

/* A machine of 512 MiB, of which 128 are guaranteed, on a host with room. */
static struct policy_machine *starter(struct world *world)
{
    world_init(world, 16 * GIB, GIB);
    world->settings.settle_ms = 5000;
    struct policy_machine *machine = world_add(world, POLICY_BURST, 128 * MIB, RAM, 64 * MIB);
    world->guests[0].stuck = true;
    world->spoil = as_qemu;
    qemu.target = RAM;
    qemu.driver = false;
    qemu.deaf = false;
    qemu.taken = 0;
    qemu.plugged = 0;
    return machine;
}

/* It runs, with its driver, for long. */
static struct policy_machine *at_rest(struct world *world)
{
    struct policy_machine *machine = starter(world);
    qemu.driver = true;
    world_run(world, 30);
    assert_int_equal(world->guests[0].size, RAM);
    assert_true(machine->memory.target_known);
    return machine;
}

static void a_machine_just_found_is_told_its_size(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = starter(&world);
    qemu.target = STARTER;
    world_step(&world);
    assert_true(machine->decision.set_target);
    assert_true(machine->decision.repeat);
    assert_int_equal(machine->decision.target_bytes, RAM);
    world_run(&world, 10);
    assert_int_equal(world.repeats, 1); /* it was taken, and nothing has happened since */
    assert_int_equal(world.commands, 0);
    qemu.driver = true;
    world_run(&world, 30);
    assert_int_equal(world.guests[0].size, RAM);
}

static void a_target_set_before_the_driver_came_does_not_stay(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = starter(&world);
    world_run(&world, 10);
    qemu.target = STARTER; /* after ours, and it falls below its guarantee */
    qemu.driver = true;
    world_step(&world);
    assert_int_equal(world.guests[0].size, STARTER);
    assert_true(machine->decision.set_target);
    assert_int_equal(machine->decision.target_bytes, RAM);
    assert_int_equal(machine->decision.below_bytes, 32 * MIB);
    world_step(&world);
    assert_int_equal(world.guests[0].size, RAM);
    assert_int_equal(machine->decision.below_bytes, 0);
    world_run(&world, 60);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(world.guests[0].size, RAM);
}

static void a_guaranteed_machine_gets_its_maximum_whoever_started_it(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = starter(&world);
    machine->class = POLICY_GUARANTEED;
    qemu.target = STARTER;
    qemu.driver = true;
    world_step(&world);
    assert_int_equal(machine->decision.below_bytes, RAM - STARTER);
    world_run(&world, 2);
    assert_int_equal(world.guests[0].size, RAM);
}

static void a_machine_that_is_found_small_grows_to_its_minimum(void **state)
{
    (void)state;
    struct world world;
    (void)starter(&world);
    qemu.target = STARTER;
    qemu.driver = true;
    world_run(&world, 3);
    assert_true(world.guests[0].size >= 128 * MIB);
}

static void a_daemon_started_anew_sends_the_target_that_was_stored(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    qemu.target = STARTER; /* set while no daemon ran */
    world_observe(&world);
    machine->sample.commanded_bytes = 256 * MIB;
    machine->sample.commands_taken = qemu.taken = 0;
    machine->memory = (struct policy_memory){ 0 };
    world_step(&world);
    assert_true(machine->decision.set_target);
    assert_int_equal(machine->decision.target_bytes, 256 * MIB);
    world_step(&world);
    assert_int_equal(world.guests[0].size, 256 * MIB);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
}

static void a_machine_that_comes_in_keeps_its_size_and_no_less_than_its_minimum(void **state)
{
    (void)state;
    const uint64_t brought[] = { 300 * MIB, STARTER };
    const uint64_t kept[] = { 300 * MIB, 128 * MIB };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct policy_machine *machine = starter(&world);
        world.settings.reserve_bytes = 15 * GIB; /* nobody is given more than he must have */
        machine->sample.migrating = true;
        world_run(&world, 10);
        assert_int_equal(world.commands + world.repeats, 0);
        machine->sample.migrating = false;
        qemu.driver = true;
        qemu.target = brought[i];
        world_step(&world);
        assert_true(machine->decision.set_target);
        assert_true(world_target(&world, 0) >= kept[i]);
        world_run(&world, 5);
        assert_true(world.guests[0].size >= kept[i]);
        assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    }
}

static void a_guest_that_starts_anew_gets_its_maximum_whatever_was_set_meanwhile(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    qemu.driver = false;
    machine->sample.resets++;
    qemu.target = STARTER;
    world_run(&world, 3);
    qemu.driver = true;
    world_run(&world, 2);
    assert_int_equal(world.guests[0].size, RAM);
    qemu.driver = false; /* and set after our first word, before its driver runs */
    machine->sample.resets++;
    world_run(&world, 3);
    qemu.target = STARTER;
    qemu.driver = true;
    world_run(&world, 2);
    assert_int_equal(world.guests[0].size, RAM);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
}

/* QEMU keeps the balloon: what is plugged is added to size and target. */
static void plug(struct world *world, int64_t mib)
{
    struct policy_machine *machine = &world->machines[0];
    qemu.plugged += (uint64_t)(mib * (int64_t)MIB);
    qemu.target += (uint64_t)(mib * (int64_t)MIB);
    machine->max_bytes += (uint64_t)(mib * (int64_t)MIB);
}

static void memory_that_is_plugged_or_unplugged_is_nobodys_target(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    plug(&world, 256);
    world_step(&world);
    assert_int_equal(world.guests[0].size, RAM + 256 * MIB);
    assert_int_equal(machine->decision.before_bytes, RAM + 256 * MIB);
    assert_true(machine->decision.set_target);
    assert_int_not_equal(machine->decision.hold, POLICY_HOLD_LIES);
    world_run(&world, 30);
    assert_int_equal(world.guests[0].size, RAM + 256 * MIB);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(machine->memory.stalls, 0);
    plug(&world, -256);
    world_step(&world);
    assert_int_equal(machine->decision.before_bytes, RAM);
    world_run(&world, 30);
    assert_int_equal(world.guests[0].size, RAM);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(machine->memory.stalls, 0);
}

/* The policy is told the RAM a period later than the size, and statistics from before. */
static bool ram_late;
static bool stats_late;

static void as_slow_monitor(struct world *world)
{
    struct policy_sample *sample = &world->machines[0].sample;
    as_qemu(world);
    if (ram_late) {
        sample->ram_bytes -= qemu.plugged;
    }
    if (stats_late) {
        sample->stats_ms = world->now_ms - 5000;
        sample->stats_actual_bytes = RAM + 256 * MIB;
        sample->total_bytes = RAM + 256 * MIB;
        sample->available_bytes = RAM + 100 * MIB;
    }
}

static void numbers_of_different_moments_are_no_lies(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    world.spoil = as_slow_monitor;
    plug(&world, 256);
    machine->max_bytes = RAM;
    ram_late = true;
    stats_late = false;
    world_step(&world);
    assert_int_not_equal(machine->decision.hold, POLICY_HOLD_LIES);
    ram_late = false;
    machine->max_bytes = RAM + 256 * MIB;
    world_run(&world, 20);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    plug(&world, -256);
    stats_late = true;
    world_step(&world);
    assert_int_not_equal(machine->decision.hold, POLICY_HOLD_LIES);
    stats_late = false;
    world_run(&world, 20);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
}

/* Somebody else's target is named, and only that. */
static void a_target_is_foreign_once_ours_was_met(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    qemu.target = 200 * MIB;
    world_step(&world);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_FOREIGN);
    assert_false(machine->decision.set_target);
    world_run(&world, 100);
    assert_int_equal(world.guests[0].size, 200 * MIB);
    policy_adopt(&machine->memory);
    world_step(&world);
    assert_true(machine->decision.set_target);
    assert_int_equal(world_target(&world, 0), 200 * MIB);
}

/* ---- sizes that do not follow ---- */

static void a_size_that_does_not_follow_is_sent_its_target_ever_later(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    machine->sample.resets++; /* it starts anew, and has little from then on */
    world.guests[0].size = STARTER;
    qemu.deaf = true;
    world_step(&world);
    int64_t last_ms = world.now_ms;
    int64_t waited_ms = 0;
    unsigned sent = 0;
    for (unsigned i = 0; i < 2000; i++) {
        world_step(&world);
        if (machine->decision.set_target && machine->decision.behind_bytes != 0) {
            const int64_t wait_ms = world.now_ms - last_ms;
            assert_true(wait_ms >= waited_ms);
            assert_in_range(wait_ms, 9000, 302000);
            waited_ms = wait_ms;
            last_ms = world.now_ms;
            sent++;
        }
    }
    assert_in_range(sent, 6, 15);
    assert_int_equal(machine->decision.target_bytes, RAM);
    assert_int_equal(machine->decision.behind_bytes, RAM - STARTER);
    assert_int_equal(machine->decision.below_bytes, 32 * MIB);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE);
    qemu.deaf = false;
    world_run(&world, 2);
    assert_int_equal(world.guests[0].size, RAM);
    assert_int_equal(machine->decision.behind_bytes, 0);
    assert_int_equal(machine->memory.repeats, 0);
}

static void a_size_that_moves_slowly_is_not_behind(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    machine->sample.resets++;
    world.guests[0].size = STARTER;
    qemu.deaf = true;
    world_step(&world);
    const unsigned repeats = world.repeats;
    for (unsigned i = 0; i < 60; i++) {
        world.guests[0].size += 2 * MIB;
        world_step(&world);
        assert_int_equal(machine->decision.behind_bytes, 0);
    }
    assert_true(world.repeats <= repeats + 1); /* of the start itself */
}

static void a_machine_that_is_too_small_and_does_not_grow_is_held_for_that(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    qemu.deaf = true;
    machine->min_bytes = 128 * MIB;
    world.guests[0].size = STARTER;
    machine->memory = (struct policy_memory){ 0 }; /* found so */
    world_run(&world, 20);
    assert_int_equal(machine->decision.hold, POLICY_HOLD_BEHIND);
    assert_int_equal(machine->decision.below_bytes, 32 * MIB);
    assert_true(machine->memory.below_ms < world.now_ms - 15000);
}

static void a_paused_machine_is_not_behind(void **state)
{
    (void)state;
    struct world world;
    struct policy_machine *machine = at_rest(&world);
    machine->sample.resets++;
    world.guests[0].size = STARTER;
    machine->sample.paused = true;
    world_run(&world, 60);
    assert_int_equal(machine->decision.behind_bytes, 0);
}

/* ---- a driver that goes ---- */

static void statistics_tell_whether_a_driver_went_or_somebody_else_gave_everything(void **state)
{
    (void)state;
    for (unsigned driver_stays = 0; driver_stays < 2; driver_stays++) {
        struct world world;
        struct policy_machine *machine = at_rest(&world);
        machine->max_bytes = 256 * MIB;
        machine->sample.commanded_bytes = qemu.target = 256 * MIB;
        world_run(&world, 10);
        assert_int_equal(world.guests[0].size, 256 * MIB);
        qemu.target = RAM;
        world_step(&world);
        assert_int_equal(machine->memory.drift, POLICY_DRIFT_NONE); /* nobody knows yet */
        assert_false(machine->decision.set_target);
        qemu.driver = driver_stays != 0;
        world_run(&world, 20);
        assert_int_equal(machine->memory.drift,
                         driver_stays != 0 ? POLICY_DRIFT_FOREIGN : POLICY_DRIFT_DRIVER_GONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_just_found_is_told_its_size),
        cmocka_unit_test(a_target_set_before_the_driver_came_does_not_stay),
        cmocka_unit_test(a_guaranteed_machine_gets_its_maximum_whoever_started_it),
        cmocka_unit_test(a_machine_that_is_found_small_grows_to_its_minimum),
        cmocka_unit_test(a_daemon_started_anew_sends_the_target_that_was_stored),
        cmocka_unit_test(a_machine_that_comes_in_keeps_its_size_and_no_less_than_its_minimum),
        cmocka_unit_test(a_guest_that_starts_anew_gets_its_maximum_whatever_was_set_meanwhile),
        cmocka_unit_test(memory_that_is_plugged_or_unplugged_is_nobodys_target),
        cmocka_unit_test(numbers_of_different_moments_are_no_lies),
        cmocka_unit_test(a_target_is_foreign_once_ours_was_met),
        cmocka_unit_test(a_size_that_does_not_follow_is_sent_its_target_ever_later),
        cmocka_unit_test(a_size_that_moves_slowly_is_not_behind),
        cmocka_unit_test(a_machine_that_is_too_small_and_does_not_grow_is_held_for_that),
        cmocka_unit_test(a_paused_machine_is_not_behind),
        cmocka_unit_test(statistics_tell_whether_a_driver_went_or_somebody_else_gave_everything),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/target.c", tests, NULL, NULL);
}
