/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Water filling against what it promises: sums, caps, proportions, and a search that is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/ballast/unit/policy_fixture.h"
#include "tools/ballast/policy/policy_internal.h"

static struct policy_machine machines[64];

static void part(size_t index, uint64_t weight, uint64_t offset, uint64_t cap)
{
    machines[index].scratch =
        (struct policy_scratch){ .weight = weight, .offset_bytes = offset, .cap_bytes = cap };
}

static uint64_t share(size_t index)
{
    return machines[index].scratch.share_bytes;
}

static void with_enough_everybody_gets_the_cap(void **state)
{
    (void)state;
    part(0, 1, 0, 100 * MIB);
    part(1, 1000, GIB, 200 * MIB);
    assert_int_equal(policy_fill(machines, 2, 300 * MIB), 300 * MIB);
    assert_int_equal(share(0), 100 * MIB);
    assert_int_equal(share(1), 200 * MIB);
}

static void weights_divide_what_is_scarce(void **state)
{
    (void)state;
    part(0, 1000, 0, GIB);
    part(1, 3000, 0, GIB);
    policy_fill(machines, 2, 400 * MIB);
    assert_in_range(share(0), 100 * MIB - 4096, 100 * MIB);
    assert_in_range(share(1), 300 * MIB - 4096, 300 * MIB);
}

static void what_a_full_one_leaves_goes_to_the_others(void **state)
{
    (void)state;
    part(0, 1000, 0, 10 * MIB);
    part(1, 1000, 0, GIB);
    part(2, 1000, 0, GIB);
    policy_fill(machines, 3, 410 * MIB);
    assert_int_equal(share(0), 10 * MIB);
    assert_in_range(share(1), 200 * MIB - 4096, 200 * MIB);
    assert_int_equal(share(1), share(2));
}

static void who_has_more_waits_until_the_others_have_as_much(void **state)
{
    (void)state;
    part(0, 1000, 500 * MIB, GIB);
    part(1, 1000, 100 * MIB, GIB);
    policy_fill(machines, 2, 300 * MIB);
    assert_int_equal(share(0), 0);
    assert_in_range(share(1), 300 * MIB - 4096, 300 * MIB);
    policy_fill(machines, 2, 600 * MIB);
    assert_in_range(share(0), 100 * MIB - 4096, 100 * MIB);
    assert_in_range(share(1), 500 * MIB - 4096, 500 * MIB);
}

static void who_takes_no_part_gets_nothing(void **state)
{
    (void)state;
    part(0, 0, 0, 0);
    part(1, 5, 0, GIB);
    policy_fill(machines, 2, MIB);
    assert_int_equal(share(0), 0);
    assert_in_range(share(1), MIB - 4096, MIB);
}

static void nothing_is_divided_into_nothings(void **state)
{
    (void)state;
    part(0, 1, 0, GIB);
    part(1, 50000, 7, 1);
    assert_int_equal(policy_fill(machines, 2, 0), 0);
    assert_int_equal(share(0) + share(1), 0);
    assert_int_equal(policy_fill(machines, 0, GIB), 0);
}

/* Any numbers at all, up to the largest: the sum fits, nearly nothing is left over that could be
 * had, and between two that both could have more the level is the same. */
static void any_numbers_are_divided_as_promised(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (unsigned run = 0; run < 3000; run++) {
        const size_t count = 1 + random_below(&seed, 64);
        const unsigned shift = (unsigned)random_below(&seed, 46);
        uint64_t caps = 0;
        for (size_t i = 0; i < count; i++) {
            const uint64_t cap =
                random_below(&seed, 4) == 0 ? 0 : random_next(&seed) >> (18 + shift);
            part(i, 1 + random_below(&seed, 50000), random_next(&seed) >> (18 + shift), cap);
            caps += cap;
        }
        const uint64_t budget = caps == 0 ? 5 : random_next(&seed) % (caps + 1);
        const uint64_t given = policy_fill(machines, count, budget);
        uint64_t sum = 0;
        bool open = false;
        for (size_t i = 0; i < count; i++) {
            assert_true(share(i) <= machines[i].scratch.cap_bytes);
            open = open || share(i) < machines[i].scratch.cap_bytes;
            sum += share(i);
        }
        assert_int_equal(sum, given);
        assert_true(given <= budget);
        /* One step of the level is weight / 256 bytes for each. */
        assert_true(!open || budget - given <= count * (50000 / 256 + 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_enough_everybody_gets_the_cap),
        cmocka_unit_test(weights_divide_what_is_scarce),
        cmocka_unit_test(what_a_full_one_leaves_goes_to_the_others),
        cmocka_unit_test(who_has_more_waits_until_the_others_have_as_much),
        cmocka_unit_test(who_takes_no_part_gets_nothing),
        cmocka_unit_test(nothing_is_divided_into_nothings),
        cmocka_unit_test(any_numbers_are_divided_as_promised),
    };
    return cmocka_run_group_tests_name("tools/ballast/policy/fill.c", tests, NULL, NULL);
}
