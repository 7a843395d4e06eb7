/* SPDX-License-Identifier: BSD-2-Clause */
/* The histogram against sorted values, and at the ends of what it can hold. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "apps/latency/histogram.h"

#define VALUES 20000U

static struct histogram histogram;

static int make_empty(void **state)
{
    (void)state;
    histogram_init(&histogram);
    return 0;
}

static void an_empty_one_has_no_values(void **state)
{
    (void)state;
    assert_int_equal(histogram.count, 0);
    assert_int_equal(histogram_quantile(&histogram, 0), 0);
    assert_int_equal(histogram_quantile(&histogram, HISTOGRAM_WHOLE), 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (uint64_t v = 1; v <= 50; v++) {
        histogram_record(&histogram, v);
    }
    for (uint32_t percent = 2; percent <= 100; percent += 2) {
        assert_int_equal(histogram_quantile(&histogram, percent * 1000), percent / 2);
    }
    assert_int_equal(histogram.min, 1);
    assert_int_equal(histogram.max, 50);
}

static void the_largest_quantile_is_the_largest_value(void **state)
{
    (void)state;
    histogram_record(&histogram, 1000001);
    histogram_record(&histogram, 3);
    assert_int_equal(histogram_quantile(&histogram, HISTOGRAM_WHOLE), 1000001);
    assert_int_equal(histogram_quantile(&histogram, 50000), 3);
    assert_int_equal(histogram_quantile(&histogram, 50001), 1000001);
    assert_int_equal(histogram_quantile(&histogram, 0), 3);
}

static void every_power_of_two_is_recorded_and_its_neighbours(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (unsigned i = 0; i < 3; i++) {
            uint64_t value = (UINT64_C(1) << bit) - 1 + i;
            uint64_t found;

            histogram_init(&histogram);
            histogram_record(&histogram, value);
            histogram_record(&histogram, UINT64_MAX); /* so that max does not cut it off */
            found = histogram_quantile(&histogram, 50000);
            assert_true(found >= value);
            assert_true(found - value <= value / HISTOGRAM_PARTS);
        }
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Random, of all sizes alike. */
static uint64_t random_value(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> (*random % 64);
}

static void quantiles_are_those_of_sorted_values_to_one_part_in_32(void **state)
{
    static uint64_t values[VALUES];
    uint64_t random = 88172645463325252U;

    (void)state;
    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = random_value(&random);
        histogram_record(&histogram, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), compare);
    for (uint32_t share = 5; share <= HISTOGRAM_WHOLE; share += 5) {
        uint64_t exact =
            values[((uint64_t)share * VALUES + HISTOGRAM_WHOLE - 1) / HISTOGRAM_WHOLE - 1];
        uint64_t found = histogram_quantile(&histogram, share);

        assert_true(found >= exact);
        assert_true(found - exact <= exact / HISTOGRAM_PARTS);
    }
    assert_int_equal(histogram.min, values[0]);
    assert_int_equal(histogram.max, values[VALUES - 1]);
}

static void rows_are_powers_of_two_and_lose_nothing(void **state)
{
    uint64_t random = 1;
    uint64_t expected[HISTOGRAM_ROWS] = { 0 };

    (void)state;
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t value = random_value(&random);
        unsigned row = 0;

        while (row < HISTOGRAM_ROWS - 1 && value >= histogram_row_from(row + 1)) {
            row++;
        }
        expected[row]++;
        histogram_record(&histogram, value);
    }
    for (unsigned row = 0; row < HISTOGRAM_ROWS; row++) {
        assert_int_equal(histogram_row_count(&histogram, row), expected[row]);
    }
}

static void a_sum_is_as_if_all_had_been_recorded_in_one(void **state)
{
    static struct histogram parts[2];
    static struct histogram sum;
    uint64_t random = 7;

    (void)state;
    histogram_init(&sum);
    histogram_init(&parts[0]);
    histogram_init(&parts[1]);
    histogram_add(&sum, &parts[0]); /* nothing */
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t value = random_value(&random);

        histogram_record(&parts[i % 3 == 0], value);
        histogram_record(&histogram, value);
    }
    histogram_add(&sum, &parts[0]);
    histogram_add(&sum, &parts[1]);
    assert_memory_equal(&sum, &histogram, sizeof(sum));
}

static void counts_beyond_32_bits_have_right_quantiles(void **state)
{
    (void)state;
    histogram_record(&histogram, 10);
    histogram_record(&histogram, 20);
    histogram.buckets[10] = UINT64_MAX / 4; /* as if recorded so often */
    histogram.buckets[20] = UINT64_MAX / 4;
    histogram.count = UINT64_MAX / 4 * 2;
    assert_int_equal(histogram_quantile(&histogram, 50000), 10);
    assert_int_equal(histogram_quantile(&histogram, 50001), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_one_has_no_values, make_empty),
        cmocka_unit_test_setup(small_values_are_exact, make_empty),
        cmocka_unit_test_setup(the_largest_quantile_is_the_largest_value, make_empty),
        cmocka_unit_test_setup(every_power_of_two_is_recorded_and_its_neighbours, make_empty),
        cmocka_unit_test_setup(quantiles_are_those_of_sorted_values_to_one_part_in_32, make_empty),
        cmocka_unit_test_setup(rows_are_powers_of_two_and_lose_nothing, make_empty),
        cmocka_unit_test_setup(a_sum_is_as_if_all_had_been_recorded_in_one, make_empty),
        cmocka_unit_test_setup(counts_beyond_32_bits_have_right_quantiles, make_empty),
    };

    return cmocka_run_group_tests_name("apps/latency/histogram.c", tests, NULL, NULL);
}
