/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decisions in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"
#include "tools/ballast/policy/policy_text.h"

static void assert_size(uint64_t bytes, const char *expected)
{
    char text[POLICY_SIZE_TEXT];
    assert_string_equal(policy_size_text(bytes, text), expected);
}

static void sizes_are_rounded_to_what_people_read(void **state)
{
    (void)state;
    assert_size(0, "0 bytes");
    assert_size(1023, "1023 bytes");
    assert_size(1024, "1 KiB");
    assert_size(640 * MIB, "640 MiB");
    assert_size(GIB + GIB / 2, "1.5 GiB");
    assert_size(GIB - 1, "1 GiB");
    assert_size(9 * GIB + 970 * MIB, "9.9 GiB");
    assert_size(10 * GIB + 600 * MIB, "11 GiB");
    assert_size(POLICY_BYTES_MAX, "64 TiB");
    assert_size(POLICY_MISSING, "unknown");
    assert_size(POLICY_MISSING - 1, "16777216 TiB");
}

static void each_value_has_a_name_and_others_have_none(void **state)
{
    (void)state;
    for (int i = 0; i <= POLICY_HOLD_FLOOR; i++) {
        assert_non_null(policy_hold_name((enum policy_hold)i));
    }
    for (int i = 0; i <= POLICY_SHRINK_MAXIMUM; i++) {
        assert_non_null(policy_reason_name((enum policy_reason)i));
    }
    assert_string_equal(policy_zone_name(POLICY_SOFT), "soft");
    assert_string_equal(policy_drift_name(POLICY_DRIFT_SELF_DEFLATED), "self-deflated");
    assert_string_equal(policy_mode_name(POLICY_MODE_TOTAL_STAYS), "total-stays");
    assert_string_equal(policy_unreclaimable_name(POLICY_HUGE_PAGES), "huge-pages");
    assert_null(policy_hold_name((enum policy_hold)(POLICY_HOLD_FLOOR + 1)));
    assert_null(policy_reason_name((enum policy_reason)(POLICY_SHRINK_MAXIMUM + 1)));
    assert_null(policy_zone_name((enum policy_zone)9));
    assert_null(policy_class_name((enum policy_class)3));
}

static void classes_are_parsed_by_name(void **state)
{
    (void)state;
    enum policy_class class = POLICY_GUARANTEED;
    assert_true(policy_class_parse("spare", &class));
    assert_int_equal(class, POLICY_SPARE);
    assert_false(policy_class_parse("Spare", &class));
    assert_false(policy_class_parse("", &class));
    assert_int_equal(class, POLICY_SPARE);
}

static void assert_explained(const struct world *world, size_t index, const char *expected)
{
    char text[512];
    const int length =
        policy_explain(&world->machines[index], &world->plan, world->now_ms, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void a_machine_at_rest_is_explained(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB);
    world_run(&world, 10);
    assert_explained(&world, 0,
                     "keeps 8 GiB: it uses 2 GiB and needs 2.8 GiB, and nobody is short of memory");
}

static void growth_is_explained_with_its_numbers(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB, 2 * GIB);
    world_step(&world);
    assert_explained(&world, 0,
                     "grows from 2 GiB to 2.8 GiB: it uses 2 GiB and needs 2.8 GiB, and the host "
                     "has it");
    world.machines[0].enabled = false;
    world_step(&world);
    assert_explained(
        &world, 0, "grows from 2.8 GiB to its maximum of 8 GiB: ballooning is switched off for it");
}

static void giving_is_explained_with_its_cause(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB);
    world_run(&world, 10);
    world.host.reserved_bytes = 8 * GIB;
    world_step(&world);
    assert_explained(&world, 0,
                     "gives 164 MiB and has 7.8 GiB then: memory is being collected for a "
                     "reservation; it uses 2 GiB, needs 2.8 GiB, and its share is 6.1 GiB");
}

static void a_maximum_below_its_ram_is_explained(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 32 * GIB, GIB);
    struct policy_machine *machine = world_add(&world, POLICY_BURST, GIB, 2 * GIB, GIB);
    machine->sample.ram_bytes = 4 * GIB;
    world.guests[0].size = 4 * GIB;
    world_step(&world);
    assert_explained(&world, 0,
                     "keeps 4 GiB although its maximum is 2 GiB: it was found just now; it may "
                     "give once its size is steady");
    world_run(&world, 3);
    assert_explained(&world, 0,
                     "gives 41 MiB and has 4 GiB then: it has more than its maximum; it uses 1 "
                     "GiB, needs 1.3 GiB, and its share is 2 GiB");
}

static void never_told(struct world *world)
{
    world->machines[0].sample.stats_ms = 0;
}

static void old(struct world *world)
{
    world->machines[0].sample.stats_ms = world->now_ms - 40000;
}

static void pause_it(struct world *world)
{
    world->machines[0].sample.paused = true;
}

static void assert_hold(void (*spoil)(struct world *), const char *expected)
{
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB);
    world.spoil = spoil;
    world_run(&world, 50);
    char text[512];
    policy_explain_hold(&world.machines[0], world.now_ms, text, sizeof text);
    assert_string_equal(text, expected);
}

static void a_hold_says_what_would_change_it(void **state)
{
    (void)state;
    assert_hold(NULL, "");
    assert_hold(never_told,
                "its guest does not say how much memory it could spare; it may give once "
                "its balloon driver sends statistics");
    assert_hold(old,
                "its guest's last statistics are 40 seconds old; it may give once there are new "
                "ones");
    assert_hold(pause_it, "it is paused; it may give when it runs again");
}

/* Every combination of a reason and a hold, whether or not it can come about, is a sentence. */
static void nothing_is_left_unexplained(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    struct policy_machine *machine = world_add(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB);
    world_run(&world, 10);
    for (int reason = 0; reason <= POLICY_SHRINK_MAXIMUM; reason++) {
        for (int hold = 1; hold <= POLICY_HOLD_FLOOR; hold++) {
            char text[512];
            machine->decision.reason = (enum policy_reason)reason;
            machine->decision.hold = (enum policy_hold)hold;
            assert_in_range(policy_explain(machine, &world.plan, world.now_ms, text, sizeof text),
                            20, 400);
            assert_in_range(policy_explain_hold(machine, world.now_ms, text, sizeof text), 20, 200);
        }
    }
}

static void is_unmanaged(struct world *world)
{
    world->machines[0].enabled = false;
    world->machines[0].unmanaged = true;
}

/* Nobody switched anything off, and it grows nowhere. */
static void a_machine_that_is_not_managed_is_explained_as_that(void **state)
{
    (void)state;
    assert_hold(is_unmanaged, "it is not managed here: it is shown, and never touched; managing it "
                              "would change that");
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add_sized(&world, POLICY_BURST, GIB, 8 * GIB, GIB, 3 * GIB);
    is_unmanaged(&world);
    world_run(&world, 10);
    assert_explained(&world, 0, "has 3 GiB: it is only shown here, and never asked for anything");
}

/* Others lack memory: "nobody is short" would be wrong. */
static void a_machine_at_rest_beside_one_that_lacks_memory_is_explained(void **state)
{
    (void)state;
    struct world world;
    char text[512];
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB);
    world_run(&world, 10);
    world.plan.short_bytes = GIB;
    policy_explain(&world.machines[0], &world.plan, world.now_ms, text, sizeof text);
    assert_string_equal(text,
                        "keeps 8 GiB: it uses 2 GiB and needs 2.8 GiB, and its share is 8 GiB");
    world.plan.short_bytes = 0;
    world.plan.zone = POLICY_SOFT;
    policy_explain(&world.machines[0], &world.plan, world.now_ms, text, sizeof text);
    assert_null(strstr(text, "nobody is short"));
}

/* It may not have more than its minimum taken, although its guest could give it. */
static void the_largest_balloon_is_named_where_it_overrides_a_minimum(void **state)
{
    (void)state;
    struct world world;
    char text[512];
    world_init(&world, 16 * GIB, GIB);
    world.settings.reserve_bytes = 12 * GIB; /* no surplus to be had */
    world_add_sized(&world, POLICY_BURST, 256 * MIB, 8 * GIB, 128 * MIB, 2867 * MIB);
    world_run(&world, 10);
    assert_int_equal(world.machines[0].decision.hold, POLICY_HOLD_FLOOR);
    assert_int_equal(world.machines[0].decision.books.smallest_rule, BOOKS_BALLOON_MAX);
    policy_explain_hold(&world.machines[0], world.now_ms, text, sizeof text);
    assert_string_equal(text,
                        "the largest balloon that is allowed (balloon-max) leaves it 2.8 GiB, "
                        "more than the 256 MiB that it is guaranteed");
}

static void a_text_that_does_not_fit_is_cut(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, 16 * GIB, GIB);
    world_add(&world, POLICY_BURST, GIB, 8 * GIB, 2 * GIB);
    world_run(&world, 10);
    char text[8];
    assert_true(policy_explain(&world.machines[0], &world.plan, world.now_ms, text, sizeof text) >
                8);
    assert_string_equal(text, "keeps 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_rounded_to_what_people_read),
        cmocka_unit_test(each_value_has_a_name_and_others_have_none),
        cmocka_unit_test(classes_are_parsed_by_name),
        cmocka_unit_test(a_machine_at_rest_is_explained),
        cmocka_unit_test(growth_is_explained_with_its_numbers),
        cmocka_unit_test(giving_is_explained_with_its_cause),
        cmocka_unit_test(a_maximum_below_its_ram_is_explained),
        cmocka_unit_test(a_hold_says_what_would_change_it),
        cmocka_unit_test(a_machine_that_is_not_managed_is_explained_as_that),
        cmocka_unit_test(a_machine_at_rest_beside_one_that_lacks_memory_is_explained),
        cmocka_unit_test(the_largest_balloon_is_named_where_it_overrides_a_minimum),
        cmocka_unit_test(nothing_is_left_unexplained),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/policy_text.c", tests, NULL, NULL);
}
