/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of the statistics buffer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/virtio/balloon_stats.h"
#include "tests/fakes/fake_seams.h"

static void entries_are_packed_and_little_endian(void **state)
{
    const struct balloon_stat_values values = { .total_frames = 0x123456,
                                                .free_frames = 0x1234,
                                                .cache_frames = 2,
                                                .available_frames = 0x12,
                                                .alloc_stalls = 3,
                                                .async_reclaimed_frames = 0x104,
                                                .direct_reclaimed_frames = 5 };
    static const uint8_t expected[BALLOON_STATS_BYTES] = {
        4,  0, 0,    0x40, 0x23, 0x01, 0,    0, 0, 0, /* 0x1234 frames free */
        5,  0, 0,    0x60, 0x45, 0x23, 0x01, 0, 0, 0, /* 0x123456 frames in all */
        6,  0, 0,    0x20, 0x01, 0,    0,    0, 0, 0, /* 0x12 frames available */
        7,  0, 0,    0x20, 0,    0,    0,    0, 0, 0, /* two frames of caches */
        0,  0, 0,    0,    0,    0,    0,    0, 0, 0, /* never swapped in */
        1,  0, 0,    0,    0,    0,    0,    0, 0, 0, /* nor out */
        2,  0, 0,    0,    0,    0,    0,    0, 0, 0, /* no page faults, neither kind */
        3,  0, 0,    0,    0,    0,    0,    0, 0, 0, /**/
        10, 0, 0,    0,    0,    0,    0,    0, 0, 0, /* nobody was killed */
        11, 0, 3,    0,    0,    0,    0,    0, 0, 0, /* stalls */
        14, 0, 0x04, 0x01, 0,    0,    0,    0, 0, 0, /* pages, not bytes */
        15, 0, 5,    0,    0,    0,    0,    0, 0, 0,
    };
    uint8_t buffer[BALLOON_STATS_BYTES + 1];

    (void)state;
    memset(buffer, 0xee, sizeof(buffer));
    balloon_stats_encode(buffer, &values);
    assert_memory_equal(buffer, expected, BALLOON_STATS_BYTES);
    assert_int_equal(buffer[BALLOON_STATS_BYTES], 0xee);
}

static void values_that_contradict_each_other_are_refused(void **state)
{
    const struct balloon_stat_values values = { .total_frames = 10, .free_frames = 11 };
    uint8_t buffer[BALLOON_STATS_BYTES];

    (void)state;
    assert_true(EXPECT_PANIC(balloon_stats_encode(buffer, &values)));
}

static void the_length_obeys_the_letter_and_the_meaning_of_the_specification(void **state)
{
    (void)state;
    assert_int_equal(BALLOON_STATS_BYTES % 6, 0);
    assert_int_equal(BALLOON_STATS_BYTES % 10, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_packed_and_little_endian),
        cmocka_unit_test(the_length_obeys_the_letter_and_the_meaning_of_the_specification),
        cmocka_unit_test(values_that_contradict_each_other_are_refused),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_stats.c", tests, NULL, NULL);
}
