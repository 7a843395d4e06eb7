/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Properties of policy_decide() that hold whatever the numbers are, with a seeded generator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"

/* A host with some machines of all kinds, sized so that promises fit. */
static void world_random(struct world *world, uint64_t *seed)
{
    world_init(world, 0, GIB);
    uint64_t sizes = 0;
    uint64_t promises = 0;
    const unsigned count = 1 + (unsigned)random_below(seed, 16);
    for (unsigned i = 0; i < count; i++) {
        const uint64_t max = (64 + random_below(seed, 8000)) * MIB;
        const enum policy_class class = (enum policy_class)random_below(seed, 3);
        const uint64_t min = max / 100 * random_below(seed, 60);
        struct policy_machine *machine =
            world_add(world, class, min, max, max / 100 * random_below(seed, 90));
        machine->weight = 1 + (uint32_t)random_below(seed, POLICY_WEIGHT_MAX);
        machine->enabled = random_below(seed, 10) != 0;
        machine->sample.reporting = random_below(seed, 4) == 0;
        world->guests[i].give_per_s = (1 + random_below(seed, 300)) * MIB;
        world->guests[i].cold = random_below(seed, 3) == 0;
        const bool whole = class == POLICY_GUARANTEED || !machine->enabled;
        if (!whole) {
            world->guests[i].size = min + (max - min) / 100 * random_below(seed, 101);
            machine->sample.commanded_bytes = world->guests[i].size;
        }
        sizes += world->guests[i].size;
        promises += whole ? max : min;
    }
    const uint64_t least = promises + promises / 10;
    world->host.total_bytes =
        2 * GIB + least + (sizes > least ? sizes - least : 0) + random_below(seed, 4096) * MIB;
}

static void world_shake(struct world *world, uint64_t *seed)
{
    for (size_t i = 0; i < world->count; i++) {
        if (random_below(seed, 20) == 0) {
            const uint64_t max = world->machines[i].max_bytes;
            world->guests[i].used = max / 100 * random_below(seed, 96);
        }
        if (random_below(seed, 200) == 0) {
            world->machines[i].sample.resets++;
        }
        if (random_below(seed, 300) == 0) {
            world->guests[i].stuck = !world->guests[i].stuck;
        }
    }
}

static void check_bounds(const struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct policy_machine *machine = &world->machines[i];
        const struct policy_decision *decision = &machine->decision;
        const uint64_t max = machine->max_bytes;
        assert_in_range(decision->target_bytes, machine->min_bytes, max);
        if (machine->class == POLICY_GUARANTEED || !machine->enabled) {
            assert_int_equal(decision->target_bytes, max);
        }
        if (decision->target_bytes < decision->before_bytes) {
            assert_int_equal(decision->hold, POLICY_HOLD_NONE);
            assert_true(decision->target_bytes >= decision->floor_bytes);
            assert_true(decision->target_bytes >= decision->used_bytes + decision->margin_bytes);
            assert_true(decision->target_bytes >= max - max / 100 * 65 - 65);
        }
    }
    assert_true(world->plan.granted_bytes <= world->plan.books.arrived_bytes +
                                                 world->plan.books.slush_left_bytes +
                                                 world->plan.lendable_bytes);
}

static void nobody_ever_shrinks_below_minimum_floor_or_the_largest_balloon(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 60; run++) {
        uint64_t seed = run;
        static struct world world;
        world_random(&world, &seed);
        for (unsigned i = 0; i < 300; i++) {
            world_shake(&world, &seed);
            world_step(&world);
            check_bounds(&world);
        }
    }
}

static void shares_add_up_to_at_most_the_ceiling(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 200; run++) {
        uint64_t seed = run;
        static struct world world;
        world_random(&world, &seed);
        for (size_t i = 0; i < world.count; i++) {
            world.machines[i].sample.reporting = false;
        }
        world_run(&world, 6);
        uint64_t want = 0;
        uint64_t least = 0;
        for (size_t i = 0; i < world.count; i++) {
            const struct policy_decision *decision = &world.machines[i].decision;
            want += decision->want_bytes;
            /* What is promised or cannot be taken may be more than there is. */
            least += decision->before_bytes > decision->floor_bytes ? decision->before_bytes
                                                                    : decision->floor_bytes;
        }
        const uint64_t most =
            least > world.plan.books.budget_bytes ? least : world.plan.books.ceiling_bytes;
        assert_true(want <= most);
    }
}

static void the_same_inputs_give_the_same_bytes(void **state)
{
    (void)state;
    static struct world first;
    static struct world second;
    uint64_t seed = 99;
    world_random(&first, &seed);
    world_run(&first, 20);
    memcpy(&second, &first, sizeof second);
    world_step(&first);
    world_step(&second);
    assert_memory_equal(&first, &second, sizeof first);
}

/* Between two calls for one host there may be calls for others: nothing is remembered elsewhere. */
static void calls_for_other_hosts_change_nothing(void **state)
{
    (void)state;
    static struct world alone;
    static struct world mixed;
    static struct world other;
    uint64_t seed = 4;
    world_random(&alone, &seed);
    memcpy(&mixed, &alone, sizeof mixed);
    world_random(&other, &seed);
    world_run(&alone, 50);
    for (unsigned i = 0; i < 50; i++) {
        world_step(&other);
        world_step(&mixed);
    }
    assert_memory_equal(&alone, &mixed, sizeof alone);
}

static void more_weight_never_means_a_smaller_share(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 200; run++) {
        uint64_t seed = run * 7;
        static struct world light;
        static struct world heavy;
        world_random(&light, &seed);
        memcpy(&heavy, &light, sizeof heavy);
        const size_t which = random_below(&seed, light.count);
        const uint32_t weight = light.machines[which].weight;
        heavy.machines[which].weight =
            weight > POLICY_WEIGHT_MAX / 3 ? POLICY_WEIGHT_MAX : weight * 3;
        world_step(&light);
        world_step(&heavy);
        assert_true(heavy.machines[which].decision.want_bytes + 4096 >=
                    light.machines[which].decision.want_bytes);
    }
}

static void at_rest_there_is_no_command_for_a_thousand_periods(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 40; run++) {
        uint64_t seed = run * 13;
        static struct world world;
        world_random(&world, &seed);
        for (size_t i = 0; i < world.count; i++) {
            world.guests[i].give_per_s += 32 * MIB; /* one that stalls is asked again and again */
        }
        world_run(&world, 700);
        const unsigned commands = world.commands;
        world_run(&world, 1000);
        assert_int_equal(world.commands, commands);
    }
}

static void a_host_without_machines_is_no_special_case(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_run(&world, 3);
    assert_int_equal(world.plan.books.booked_bytes, 0);
    assert_true(world.plan.admit);
}

/* ---- promises ---- */

static uint64_t missing(const struct world *world)
{
    return books_ask(&world->settings, &world->host, world->machines, world->count, world->now_ms)
        .missing_bytes;
}

static void promises_that_fit_miss_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB);
    world_add(&world, POLICY_SPARE, 2 * GIB, 8 * GIB, GIB);
    world_observe(&world);
    assert_int_equal(missing(&world), 0);
}

static void what_is_missing_for_promises_is_told(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, 0);
    world.settings.reserve_bytes = GIB;
    world_add_sized(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB, 4 * GIB);
    world_add_sized(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB, 4 * GIB);
    world_observe(&world);
    world.machines[0].sample.overhead_bytes = 100 * MIB;
    world.host.available_bytes -= 100 * MIB;
    world.machines[0].class = POLICY_GUARANTEED;
    assert_int_equal(missing(&world), 0);
    world.machines[1].enabled = false;
    assert_int_equal(missing(&world), GIB + 100 * MIB);
    world.host.reserved_bytes = 3 * GIB;
    assert_int_equal(missing(&world), 4 * GIB + 100 * MIB);
    world.machines[1].enabled = true;
    world.machines[1].sample.unreclaimable = POLICY_LOCKED;
    assert_int_equal(missing(&world), 4 * GIB + 100 * MIB);
}

/* ---- settings ---- */

static void the_default_settings_have_no_fault(void **state)
{
    (void)state;
    struct policy_settings settings;
    policy_settings_default(&settings);
    assert_null(policy_settings_fault(&settings));
}

static void settings_out_of_range_are_named(void **state)
{
    (void)state;
    struct policy_settings settings;
    policy_settings_default(&settings);
    settings.balloon_max_percent = 91;
    assert_string_equal(policy_settings_fault(&settings), "the largest balloon must be 1 to 90 %");
    policy_settings_default(&settings);
    settings.idle_tax_percent = 100;
    assert_non_null(policy_settings_fault(&settings));
    policy_settings_default(&settings);
    settings.swing_again_ms = settings.swing_first_ms - 1;
    assert_non_null(policy_settings_fault(&settings));
    policy_settings_default(&settings);
    settings.stall_pause_max_ms = settings.stall_pause_ms - 1;
    assert_non_null(policy_settings_fault(&settings));
}

static void the_reserve_goes_up_in_falling_steps(void **state)
{
    (void)state;
    struct policy_settings settings;
    policy_settings_default(&settings);
    /* 6 % of 4, 4 % of 8 and 2 % of 16 GiB. */
    assert_int_equal(policy_reserve(&settings, 28 * GIB) / MIB, 901);
    assert_int_equal(policy_reserve(&settings, 2 * GIB), 2 * GIB * 6 / 100);
    assert_int_equal(policy_reserve(&settings, 0), 0);
    settings.reserve_bytes = 5;
    assert_int_equal(policy_reserve(&settings, 28 * GIB), 5);
}

static void the_slush_fund_suits_small_and_large_hosts(void **state)
{
    (void)state;
    struct policy_settings settings;
    policy_settings_default(&settings);
    assert_int_equal(policy_slush(&settings, 100 * GIB), GIB);
    assert_int_equal(policy_slush(&settings, 16 * GIB), 256 * MIB);
    assert_int_equal(policy_slush(&settings, GIB), 64 * MIB);
    settings.slush_bytes = 7;
    assert_int_equal(policy_slush(&settings, GIB), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_ever_shrinks_below_minimum_floor_or_the_largest_balloon),
        cmocka_unit_test(shares_add_up_to_at_most_the_ceiling),
        cmocka_unit_test(the_same_inputs_give_the_same_bytes),
        cmocka_unit_test(calls_for_other_hosts_change_nothing),
        cmocka_unit_test(more_weight_never_means_a_smaller_share),
        cmocka_unit_test(at_rest_there_is_no_command_for_a_thousand_periods),
        cmocka_unit_test(a_host_without_machines_is_no_special_case),
        cmocka_unit_test(promises_that_fit_miss_nothing),
        cmocka_unit_test(what_is_missing_for_promises_is_told),
        cmocka_unit_test(the_default_settings_have_no_fault),
        cmocka_unit_test(settings_out_of_range_are_named),
        cmocka_unit_test(the_reserve_goes_up_in_falling_steps),
        cmocka_unit_test(the_slush_fund_suits_small_and_large_hosts),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/policy.c", tests, NULL, NULL);
}
