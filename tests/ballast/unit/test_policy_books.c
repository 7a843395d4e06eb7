/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The books: what each sum means, and that it has no other meaning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"
#include "tools/ballast/policy/policy_text.h"

static const struct books_machine *book(const struct world *world, size_t index)
{
    return &world->machines[index].decision.books;
}

static struct books_host asked(const struct world *world)
{
    return books_ask(&world->settings, &world->host, world->machines, world->count, world->now_ms);
}

/* ---- arrived ---- */

/* What must hold of the host's books in every period. */
static void assert_books(const struct world *world)
{
    const struct books_host *books = &world->plan.books;
    if (books->booked_bytes <= books->ceiling_bytes) {
        assert_true(books->booked_bytes + books->reserved_arrived_bytes + books->arrived_bytes <=
                    books->ceiling_bytes);
    } else {
        assert_int_equal(books->reserved_arrived_bytes, 0);
        assert_int_equal(books->arrived_bytes, 0);
    }
    assert_true(books->reserved_arrived_bytes <= books->reserved_bytes);
    assert_true(books->owed_bytes >= books->booked_bytes);
    assert_true(books->tied_bytes >= books->promised_bytes);
    if (books->could_promise_bytes != 0) {
        assert_true(books->could_promise_bytes + books->promised_bytes + books->reserved_bytes <=
                    books->total_bytes);
        assert_int_equal(books->excess_bytes, 0);
    }
}

static void a_reservation_arrives_only_as_far_as_memory_has_come_free(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB / 2);
    world_add(&world, POLICY_BURST, 5 * GIB, 10 * GIB, 2 * GIB);
    world.guests[0].cold = true; /* the host has 13.5 GiB available, and owes the guest 10 */
    world_run(&world, 10);
    world.host.reserved_bytes = 8 * GIB;
    world_step(&world);
    assert_true(world.host.available_bytes > 13 * GIB);
    assert_in_range(world.plan.books.reserved_arrived_bytes, 4 * GIB, 6 * GIB);
    unsigned periods = 0;
    while (world.plan.books.reserved_arrived_bytes < 8 * GIB && periods++ < 300) {
        world_step(&world);
        assert_books(&world);
    }
    /* It comes with what the guest gives, and not sooner. */
    assert_in_range(periods, 5, 200);
    assert_true(world.guests[0].size <= 16 * GIB - GIB / 2 - 8 * GIB);
}

static void reports(struct world *world)
{
    world->machines[0].sample.reporting = true;
}

static void a_reservation_arrives_without_trust_in_reports(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB / 2);
    world_add(&world, POLICY_BURST, 5 * GIB, 10 * GIB, 2 * GIB);
    world.guests[0].cold = true;
    world.spoil = reports;
    world_run(&world, 10);
    assert_true(book(&world, 0)->booked_bytes < 5 * GIB);
    assert_int_equal(book(&world, 0)->owed_bytes, 10 * GIB);
    world.host.reserved_bytes = 8 * GIB;
    world_step(&world);
    assert_int_equal(book(&world, 0)->booked_bytes, 10 * GIB);
    assert_in_range(world.plan.books.reserved_arrived_bytes, 4 * GIB, 6 * GIB);
    world_run(&world, 200);
    assert_int_equal(world.plan.books.reserved_arrived_bytes, 8 * GIB);
    assert_true(world.guests[0].size + 8 * GIB <= 16 * GIB - GIB / 2);
}

static void a_reservation_arrives_without_overcommitment(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB / 2);
    world.settings.overcommit_percent = 200;
    world_add(&world, POLICY_BURST, 5 * GIB, 10 * GIB, 2 * GIB);
    world.guests[0].cold = true;
    world_run(&world, 10);
    assert_true(world.plan.books.ceiling_bytes > 16 * GIB);
    world.host.reserved_bytes = 8 * GIB;
    world_step(&world);
    assert_true(world.plan.books.ceiling_bytes < 16 * GIB);
    assert_in_range(world.plan.books.reserved_arrived_bytes, 4 * GIB, 6 * GIB);
}

static void what_the_host_does_not_have_has_not_arrived(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_run(&world, 30);
    world.own = 12 * GIB; /* a moment ago: the average has not followed */
    world.host.reserved_bytes = 8 * GIB;
    world_step(&world);
    assert_true(world.plan.books.ceiling_bytes > 12 * GIB);
    assert_int_equal(world.plan.books.reserved_arrived_bytes,
                     4 * GIB - world.plan.books.reserve_bytes);
}

/* What was accepted arrives, if everybody keeps to what was promised. */
static void the_fund_yields_to_what_was_promised(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB / 2);
    world.settings.reserve_bytes = GIB / 2;
    world.settings.slush_bytes = GIB;
    world_add(&world, POLICY_GUARANTEED, 8 * GIB, 8 * GIB, 2 * GIB);
    world_run(&world, 3);
    assert_int_equal(world.plan.books.could_promise_bytes, 7 * GIB);
    assert_int_equal(world.plan.books.slush_bytes, GIB);
    world.host.reserved_bytes = 6 * GIB + GIB / 2;
    world_step(&world);
    assert_int_equal(world.plan.books.slush_bytes / MIB, 512);
    world.host.reserved_bytes = 7 * GIB;
    world_step(&world);
    assert_int_equal(world.plan.books.slush_bytes / MIB, 0);
    assert_int_equal(world.plan.books.reserved_arrived_bytes, 7 * GIB);
    assert_int_equal(world.plan.books.missing_bytes, 0);
    assert_books(&world);
}

static void what_has_arrived_goes_to_the_oldest_first(void **state)
{
    (void)state;
    struct books_reservation reservations[] = { { .name = "z", .bytes = 3 * GIB },
                                                { .name = "a", .bytes = 3 * GIB },
                                                { .name = "m", .bytes = GIB } };
    books_reservations_share(reservations, 3, 5 * GIB);
    assert_int_equal(reservations[0].arrived_bytes, 3 * GIB);
    assert_int_equal(reservations[1].arrived_bytes, 2 * GIB);
    assert_int_equal(reservations[2].arrived_bytes, 0);
    books_reservations_share(reservations, 3, 100 * GIB);
    assert_int_equal(reservations[2].arrived_bytes, GIB);
}

/* ---- containers ---- */

static void contain(struct world *world)
{
    world->machines[1].sample.unreclaimable = POLICY_PLATFORM;
}

static void a_container_is_the_hosts_own_use(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, 5 * GIB, 10 * GIB, 2 * GIB);
    world_add(&world, POLICY_BURST, 8 * GIB, 16 * GIB, 100 * MIB);
    world.guests[1].size = 100 * MIB; /* it uses this much, and its limit is 16 GiB */
    world.spoil = contain;
    world_run(&world, 60);
    const struct books_machine *entry = book(&world, 1);
    assert_int_equal(entry->booked_bytes, 0);
    assert_int_equal(entry->owed_bytes, 0);
    assert_int_equal(entry->promised_bytes, 0);
    assert_int_equal(entry->least_rule, BOOKS_CONTAINER);
    assert_int_equal(entry->smallest_rule, BOOKS_CONTAINER);
    assert_int_equal(world.plan.books.booked_bytes, 10 * GIB);
    assert_in_range(world.plan.books.own_bytes, GIB + 100 * MIB - 100, GIB + 100 * MIB);
    assert_int_equal(world.plan.books.promised_bytes, 5 * GIB);
    assert_int_equal(world.commands, 0); /* nobody shrinks for it */
    world.host.reserved_bytes = 8 * GIB; /* and no reservation is refused */
    assert_int_equal(asked(&world).excess_bytes, 0);
    world_step(&world);
    assert_int_equal(world.plan.books.missing_bytes, 0);
}

/* ---- promises ---- */

static void tells_no_driver(struct world *world)
{
    world->machines[0].sample.driver = POLICY_DRIVER_UNKNOWN;
}

static void tells_nothing(struct world *world)
{
    world->machines[0].sample.driver = POLICY_DRIVER_UNKNOWN;
    world->machines[0].sample.stats_ms = 0;
}

static void a_machine_that_starts_is_promised_what_its_settings_say(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    struct policy_machine *machine = world_add(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB);
    /* Before anything was decided, without a driver, and while it settles: booked is its maximum.
     */
    world_observe(&world);
    assert_int_equal(asked(&world).promised_bytes, 2 * GIB);
    world.spoil = tells_nothing;
    world_run(&world, 10);
    assert_int_equal(book(&world, 0)->promised_bytes, 2 * GIB);
    assert_int_equal(book(&world, 0)->booked_bytes, 8 * GIB);
    world.spoil = NULL;
    world_run(&world, 10);
    assert_true(machine->memory.settling);
    assert_int_equal(book(&world, 0)->promised_bytes, 2 * GIB);
    assert_int_equal(book(&world, 0)->booked_bytes, 8 * GIB);
    machine->sample.resets++;
    world_step(&world);
    assert_true(machine->memory.settling);
    assert_int_equal(book(&world, 0)->promised_bytes, 2 * GIB);
    assert_int_equal(world.plan.books.promised_bytes, 2 * GIB);
    /* A reservation that is accepted a minute later is accepted now. */
    world.host.reserved_bytes = 8 * GIB;
    assert_int_equal(asked(&world).excess_bytes, 0);
}

static void a_machine_that_never_gets_a_driver_may_claim_all(void **state)
{
    (void)state;
    void (*const spoils[])(struct world *) = { tells_nothing, tells_no_driver };
    const uint64_t promises[] = { 8 * GIB, 2 * GIB };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        world_init(&world, 16 * GIB, GIB);
        struct policy_machine *machine = world_add(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB);
        world.spoil = spoils[i];
        world_run(&world, BOOKS_START_MS / PERIOD_MS);
        assert_int_equal(book(&world, 0)->promised_bytes, 2 * GIB);
        world_run(&world, 2);
        assert_int_equal(book(&world, 0)->promised_bytes, promises[i]);
        assert_int_equal(book(&world, 0)->least_rule == BOOKS_WHOLE, promises[i] == 8 * GIB);
        /* It begins anew: again it has time. */
        machine->sample.resets++;
        world_run(&world, 2);
        assert_int_equal(book(&world, 0)->promised_bytes, 2 * GIB);
    }
}

static void loses_its_driver(struct world *world)
{
    world->guests[0].stuck = true;
    world->guests[0].size = 8 * GIB;
    world->machines[0].sample.actual_bytes = 8 * GIB;
    world->machines[0].sample.driver = POLICY_DRIVER_UNKNOWN;
    world->machines[0].sample.stats_ms = WORLD_FROM + PERIOD_MS;
}

static void a_machine_that_lost_its_driver_may_claim_all(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 7 * GIB, GIB); /* too small for its maximum */
    struct policy_machine *machine =
        world_add_sized(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB, 4 * GIB);
    world_run(&world, BOOKS_START_MS / PERIOD_MS + 10);
    assert_int_equal(book(&world, 0)->promised_bytes, 2 * GIB);
    world.spoil = loses_its_driver;
    world_run(&world, 30);
    assert_int_equal(machine->memory.drift, POLICY_DRIFT_DRIVER_GONE);
    assert_int_equal(book(&world, 0)->promised_bytes, 8 * GIB);
}

static void who_cannot_give_is_promised_its_maximum(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        struct world world;
        world_init(&world, 16 * GIB, GIB);
        struct policy_machine *machine = world_add(&world, POLICY_BURST, 2 * GIB, 8 * GIB, GIB);
        machine->class = kind == 0 ? POLICY_GUARANTEED : POLICY_BURST;
        machine->enabled = kind != 1;
        machine->sample.unreclaimable = kind == 2 ? POLICY_LOCKED : POLICY_RECLAIMABLE;
        world_run(&world, 5);
        assert_int_equal(book(&world, 0)->promised_bytes, 8 * GIB);
        assert_int_equal(book(&world, 0)->least_bytes, 8 * GIB);
        assert_int_equal(book(&world, 0)->smallest_bytes, 8 * GIB);
        assert_int_equal(book(&world, 0)->smallest_rule, BOOKS_WHOLE);
        assert_int_equal(book(&world, 0)->takeable_bytes, 0);
    }
}

static void cost(struct world *world)
{
    world->machines[0].sample.overhead_bytes = 100 * MIB;
    world->host.available_bytes -= 100 * MIB;
}

static void overhead_is_promised_and_not_twice(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world.settings.reserve_bytes = GIB;
    world_add(&world, POLICY_BURST, 4 * GIB, 8 * GIB, GIB);
    world.spoil = cost;
    world_run(&world, 5);
    assert_int_equal(book(&world, 0)->promised_bytes, 4 * GIB + 100 * MIB);
    assert_int_equal(world.plan.books.promised_bytes, 4 * GIB + 100 * MIB);
    assert_int_equal(world.plan.books.could_promise_bytes, 10 * GIB - 100 * MIB);
    assert_in_range(world.plan.books.own_bytes, GIB + 100 * MIB - 100, GIB + 100 * MIB);
}

/* ---- sizes that can be reached ---- */

static void the_largest_balloon_may_leave_more_than_the_minimum(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world.settings.reserve_bytes = GIB;
    world_add(&world, POLICY_BURST, GIB, 10 * GIB, GIB);
    world_run(&world, 5);
    const struct books_machine *entry = book(&world, 0);
    assert_int_equal(entry->promised_bytes, GIB);
    assert_int_equal(entry->least_bytes, 10 * GIB * 35 / 100);
    assert_int_equal(entry->least_rule, BOOKS_BALLOON_MAX);
    assert_int_equal(entry->smallest_bytes, 10 * GIB * 35 / 100);
    assert_int_equal(entry->smallest_rule, BOOKS_BALLOON_MAX);
    assert_int_equal(entry->takeable_bytes, 10 * GIB * 65 / 100);
    /* Nobody else can have what no balloon takes. */
    assert_int_equal(world.plan.books.could_promise_bytes, 14 * GIB - 10 * GIB * 35 / 100);
    assert_int_equal(world.plan.books.missing_bytes, 0);
    world.settings.balloon_max_percent = 90;
    world_step(&world);
    assert_int_equal(book(&world, 0)->least_bytes, GIB);
    assert_int_equal(book(&world, 0)->least_rule, BOOKS_MINIMUM);
    assert_int_equal(world.plan.books.could_promise_bytes, 13 * GIB);
}

static void use_and_ignorance_keep_a_machine_larger(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    struct policy_machine *machine = world_add(&world, POLICY_BURST, GIB, 8 * GIB, 5 * GIB);
    world_run(&world, 5);
    const struct books_machine *entry = book(&world, 0);
    assert_int_equal(entry->smallest_rule, BOOKS_USE);
    assert_int_equal(entry->smallest_bytes, machine->decision.floor_bytes);
    assert_true(entry->smallest_bytes >= 5 * GIB + machine->decision.margin_bytes);
    assert_int_equal(entry->takeable_bytes, 8 * GIB - entry->smallest_bytes);
    world.spoil = tells_nothing;
    world_step(&world);
    assert_int_equal(entry->smallest_rule, BOOKS_UNKNOWN);
    assert_int_equal(entry->smallest_bytes, 8 * GIB);
    assert_int_equal(entry->takeable_bytes, 0);
}

static void pause_it(struct world *world)
{
    world->machines[0].sample.paused = true;
}

static void nothing_can_be_taken_while_a_hold_applies(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, 4 * GIB, 8 * GIB, GIB);
    world_run(&world, 5);
    assert_int_equal(book(&world, 0)->takeable_bytes, 4 * GIB);
    world.spoil = pause_it;
    world_step(&world);
    assert_int_equal(book(&world, 0)->takeable_bytes, 0);
    assert_int_equal(book(&world, 0)->smallest_bytes, 4 * GIB);
}

/* ---- bookings ---- */

static void vanish(struct world *world)
{
    struct policy_sample *sample = &world->machines[0].sample;
    sample->actual_bytes = POLICY_MISSING;
    sample->resident_bytes = POLICY_MISSING;
    tells_nothing(world);
}

static void who_nobody_can_vouch_for_is_booked_with_all_it_may_take(void **state)
{
    (void)state;
    void (*const spoils[])(struct world *) = { tells_nothing, vanish };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        world_init(&world, 16 * GIB, GIB);
        world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 4 * GIB);
        world.spoil = spoils[i];
        world_run(&world, 3);
        assert_int_equal(book(&world, 0)->booked_bytes, 8 * GIB);
        assert_int_equal(book(&world, 0)->owed_bytes, 8 * GIB);
        assert_int_equal(world.plan.books.booked_bytes, 8 * GIB);
    }
}

static void the_books_hold_whatever_happens(void **state)
{
    (void)state;
    uint64_t seed = 20261201;
    for (unsigned turn = 0; turn < 60; turn++) {
        struct world world;
        world_init(&world, 8 * GIB + random_below(&seed, 24 * GIB), GIB);
        world.settings.overcommit_percent = 50 + (uint32_t)random_below(&seed, 150);
        const size_t count = random_below(&seed, 6);
        for (size_t i = 0; i < count; i++) {
            const uint64_t max = (1 + random_below(&seed, 8)) * GIB;
            struct policy_machine *machine =
                world_add(&world, (enum policy_class)random_below(&seed, 3),
                          random_below(&seed, max), max, random_below(&seed, max));
            machine->enabled = random_below(&seed, 5) != 0;
            machine->sample.reporting = random_below(&seed, 2) != 0;
            world.guests[i].cold = random_below(&seed, 2) != 0;
        }
        for (unsigned step = 0; step < 40; step++) {
            world.host.reserved_bytes =
                step % 10 == 0 ? random_below(&seed, 10 * GIB) : world.host.reserved_bytes;
            world_step(&world);
            assert_books(&world);
        }
    }
}

static void rules_have_names(void **state)
{
    (void)state;
    assert_string_equal(books_rule_name(BOOKS_MINIMUM), "minimum");
    assert_string_equal(books_rule_name(BOOKS_BALLOON_MAX), "balloon-max");
    assert_string_equal(books_rule_name(BOOKS_USE), "use");
    assert_string_equal(books_rule_name(BOOKS_WHOLE), "whole");
    assert_string_equal(books_rule_name(BOOKS_UNKNOWN), "unknown");
    assert_string_equal(books_rule_name(BOOKS_CONTAINER), "container");
    assert_null(books_rule_name((enum books_rule)6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reservation_arrives_only_as_far_as_memory_has_come_free),
        cmocka_unit_test(a_reservation_arrives_without_trust_in_reports),
        cmocka_unit_test(a_reservation_arrives_without_overcommitment),
        cmocka_unit_test(what_the_host_does_not_have_has_not_arrived),
        cmocka_unit_test(the_fund_yields_to_what_was_promised),
        cmocka_unit_test(what_has_arrived_goes_to_the_oldest_first),
        cmocka_unit_test(a_container_is_the_hosts_own_use),
        cmocka_unit_test(a_machine_that_starts_is_promised_what_its_settings_say),
        cmocka_unit_test(a_machine_that_never_gets_a_driver_may_claim_all),
        cmocka_unit_test(a_machine_that_lost_its_driver_may_claim_all),
        cmocka_unit_test(who_cannot_give_is_promised_its_maximum),
        cmocka_unit_test(overhead_is_promised_and_not_twice),
        cmocka_unit_test(the_largest_balloon_may_leave_more_than_the_minimum),
        cmocka_unit_test(use_and_ignorance_keep_a_machine_larger),
        cmocka_unit_test(nothing_can_be_taken_while_a_hold_applies),
        cmocka_unit_test(who_nobody_can_vouch_for_is_booked_with_all_it_may_take),
        cmocka_unit_test(the_books_hold_whatever_happens),
        cmocka_unit_test(rules_have_names),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/books.c", tests, NULL, NULL);
}
