/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of the memory map. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "mm/memmap.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/model_memmap.h"

#define RESERVED 2U
#define PAGE     FRAME_SIZE

static struct memmap map;

static void assert_ranges(const struct frame_range *expected, unsigned count)
{
    assert_int_equal(map.count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(map.ranges[i].first, expected[i].first);
        assert_int_equal(map.ranges[i].count, expected[i].count);
    }
}

#define ASSERT_RANGES(...)                                                                         \
    do {                                                                                           \
        const struct frame_range expected_[] = { __VA_ARGS__ };                                    \
        assert_ranges(expected_, ARRAY_SIZE(expected_));                                           \
    } while (0)

static err_t build(const struct memmap_entry *entries, size_t count)
{
    err_t err = memmap_build(&map, entries, count);

    model_memmap_well_formed(&map);
    return err;
}

/* ---- building ---- */

static void a_firmware_map_becomes_its_usable_ranges(void **state)
{
    /* The shape of the map of a QEMU machine with 4 GiB. */
    static const struct memmap_entry entries[] = {
        { 0, 0x9fc00, 1 },
        { 0x9fc00, 0x400, RESERVED },
        { 0xf0000, 0x10000, RESERVED },
        { 0x100000, 0xbfee0000, 1 },
        { 0xbffe0000, 0x20000, RESERVED },
        { 0xfffc0000, 0x40000, RESERVED },
        { 4 * GIB, GIB, 1 },
    };

    (void)state;
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    ASSERT_RANGES({ 1, 0x9e }, { 0x100, 0xbfee0 }, { 0x100000, 0x40000 });
    assert_int_equal(memmap_frames(&map), 0x9e + 0xbfee0 + 0x40000);
    assert_int_equal(memmap_end(&map), 0x140000);
    assert_int_equal(map.dropped_frames, 0);
}

static void unsorted_touching_and_overlapping_entries_are_merged(void **state)
{
    static const struct memmap_entry entries[] = {
        { 30 * PAGE, 10 * PAGE, 1 }, { 10 * PAGE, 10 * PAGE, 1 }, { 20 * PAGE, 10 * PAGE, 1 },
        { 15 * PAGE, 2 * PAGE, 1 },  { 38 * PAGE, 4 * PAGE, 1 },  { 50 * PAGE, PAGE, 1 },
    };

    (void)state;
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    ASSERT_RANGES({ 10, 32 }, { 50, 1 });
}

static void what_any_entry_calls_not_usable_is_not_used(void **state)
{
    static const struct memmap_entry entries[] = {
        { 12 * PAGE, 2 * PAGE, RESERVED }, { 10 * PAGE, 90 * PAGE, 1 }, { 13 * PAGE, 3 * PAGE, 7 },
        { 90 * PAGE, 20 * PAGE, 0 },       { 12 * PAGE, 4 * PAGE, 1 },
    };

    (void)state;
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    ASSERT_RANGES({ 10, 2 }, { 16, 74 });
}

static void partly_usable_frames_are_left_out(void **state)
{
    static const struct memmap_entry entries[] = {
        { 10 * PAGE + 1, 5 * PAGE, 1 },    /* 11..14 */
        { 20 * PAGE, 10 * PAGE - 1, 1 },   /* 20..28 */
        { 24 * PAGE + 4095, 2, RESERVED }, /* 24 and 25 */
        { 40 * PAGE + 10, PAGE, 1 },       /* none */
    };

    (void)state;
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    ASSERT_RANGES({ 11, 4 }, { 20, 4 }, { 26, 3 });
}

static void wrapping_and_empty_entries_are_survived(void **state)
{
    static const struct memmap_entry entries[] = {
        { 10 * PAGE, 0, 1 },        { 20 * PAGE, 20 * PAGE, 1 },
        { 25 * PAGE, 0, RESERVED }, { 30 * PAGE, UINT64_MAX, RESERVED },
        { UINT64_MAX - 5, 100, 1 },
    };

    (void)state;
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    ASSERT_RANGES({ 20, 10 });
}

static void nothing_usable_is_an_error(void **state)
{
    static const struct memmap_entry only_frame_zero[] = { { 0, PAGE, 1 } };
    static const struct memmap_entry all_barred[] = { { 0, GIB, 1 }, { 0, UINT64_MAX, RESERVED } };

    (void)state;
    assert_int_equal(build(NULL, 0), ERR_NOMEM);
    assert_int_equal(build(only_frame_zero, 1), ERR_NOMEM);
    assert_int_equal(build(all_barred, 2), ERR_NOMEM);
    assert_int_equal(memmap_end(&map), 0);
    assert_int_equal(memmap_frames(&map), 0);
}

static void memory_above_the_limit_is_dropped_and_counted(void **state)
{
    uint64_t limit = FRAME_AREAS_MAX * AREA_SIZE;
    struct memmap_entry entries[] = {
        { limit - 8 * PAGE, 20 * PAGE, 1 },
        { 2 * limit, 3 * PAGE, 1 },
    };

    (void)state;
    assert_int_equal(build(entries, 2), OK);
    ASSERT_RANGES({ (pfn_t)(limit / PAGE) - 8, 8 });
    assert_int_equal(map.dropped_frames, 12 + 3);
}

static void beyond_the_limit_the_smallest_ranges_are_dropped(void **state)
{
    static struct memmap_entry entries[MEMMAP_RANGES_MAX + 20];
    uint64_t dropped = 0;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
        /* Every seventh is a single frame: 21 of 148; one of them finds room. */
        uint64_t frames = i % 7 == 3 ? 1 : 10 + i;

        entries[i] = (struct memmap_entry){ (1 + i * 500) * PAGE, frames * PAGE, 1 };
    }
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    assert_int_equal(map.count, MEMMAP_RANGES_MAX);
    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
        if (!model_memmap_has(&map, 1 + i * 500)) {
            assert_int_equal(entries[i].size, PAGE);
            dropped++;
        }
    }
    assert_int_equal(dropped, 20);
    assert_int_equal(map.dropped_frames, 20);
}

/* ---- reserving ---- */

static void build_one(uint64_t first, uint64_t frames)
{
    struct memmap_entry entry = { first * PAGE, frames * PAGE, 1 };

    assert_int_equal(build(&entry, 1), OK);
}

static void reserving_removes_every_frame_it_touches(void **state)
{
    (void)state;
    build_one(10, 90);
    memmap_reserve(&map, 20 * PAGE + 4095, 2);
    ASSERT_RANGES({ 10, 10 }, { 22, 78 });
    memmap_reserve(&map, 5 * PAGE, 6 * PAGE);
    ASSERT_RANGES({ 11, 9 }, { 22, 78 });
    memmap_reserve(&map, 99 * PAGE, UINT64_MAX);
    ASSERT_RANGES({ 11, 9 }, { 22, 77 });
    memmap_reserve(&map, 15 * PAGE, 10 * PAGE);
    ASSERT_RANGES({ 11, 4 }, { 25, 74 });
    memmap_reserve(&map, 30 * PAGE, 0);
    memmap_reserve(&map, 15 * PAGE, 10 * PAGE);
    memmap_reserve(&map, 0, 11 * PAGE);
    ASSERT_RANGES({ 11, 4 }, { 25, 74 });
    memmap_reserve(&map, 0, UINT64_MAX);
    assert_int_equal(map.count, 0);
}

static void a_reservation_in_a_full_map_drops_the_smallest_piece(void **state)
{
    static struct memmap_entry entries[MEMMAP_RANGES_MAX];

    (void)state;
    for (unsigned i = 0; i < MEMMAP_RANGES_MAX; i++) {
        entries[i] = (struct memmap_entry){ (1 + i * 500) * PAGE, (i == 9 ? 3 : 100) * PAGE, 1 };
    }
    assert_int_equal(build(entries, ARRAY_SIZE(entries)), OK);
    memmap_reserve(&map, 1050 * PAGE, PAGE);
    model_memmap_well_formed(&map);
    assert_int_equal(map.count, MEMMAP_RANGES_MAX);
    assert_int_equal(map.dropped_frames, 3);
    assert_false(model_memmap_has(&map, 1050));
    assert_true(model_memmap_has(&map, 1049));
    assert_true(model_memmap_has(&map, 1051));
    assert_false(model_memmap_has(&map, 1 + 9 * 500));
}

/* ---- finding ---- */

static void the_lowest_aligned_run_is_found(void **state)
{
    static const struct memmap_entry entries[] = { { 3 * PAGE, 10 * PAGE, 1 },
                                                   { 100 * PAGE, 1000 * PAGE, 1 } };
    paddr_t start = 0;

    (void)state;
    assert_int_equal(build(entries, 2), OK);
    assert_int_equal(memmap_find(&map, 1, PAGE, 0, UINT64_MAX, &start), OK);
    assert_int_equal(start, 3 * PAGE);
    assert_int_equal(memmap_find(&map, 5 * PAGE, 8 * PAGE, 0, UINT64_MAX, &start), OK);
    assert_int_equal(start, 8 * PAGE);
    assert_int_equal(memmap_find(&map, 6 * PAGE, 8 * PAGE, 0, UINT64_MAX, &start), OK);
    assert_int_equal(start, 104 * PAGE);
    assert_int_equal(memmap_find(&map, PAGE, PAGE, 4 * PAGE + 1, UINT64_MAX, &start), OK);
    assert_int_equal(start, 5 * PAGE);
    assert_int_equal(memmap_find(&map, 1000 * PAGE, PAGE, 0, UINT64_MAX, &start), OK);
    assert_int_equal(start, 100 * PAGE);
}

static void a_run_that_does_not_fit_is_refused(void **state)
{
    paddr_t start = 77;

    (void)state;
    build_one(100, 1000);
    assert_int_equal(memmap_find(&map, 1001 * PAGE, PAGE, 0, UINT64_MAX, &start), ERR_NOMEM);
    assert_int_equal(memmap_find(&map, UINT64_MAX, PAGE, 0, UINT64_MAX, &start), ERR_NOMEM);
    assert_int_equal(memmap_find(&map, 11 * PAGE, PAGE, 0, 110 * PAGE, &start), ERR_NOMEM);
    assert_int_equal(memmap_find(&map, PAGE, PAGE, 1100 * PAGE, UINT64_MAX, &start), ERR_NOMEM);
    assert_int_equal(memmap_find(&map, PAGE, PAGE, UINT64_MAX, UINT64_MAX, &start), ERR_NOMEM);
    assert_int_equal(memmap_find(&map, PAGE, UINT64_C(1) << 63, 0, UINT64_MAX, &start), ERR_NOMEM);
    assert_int_equal(start, 77);
    assert_int_equal(memmap_find(&map, 10 * PAGE, PAGE, 0, 110 * PAGE, &start), OK);
    assert_true(EXPECT_PANIC((void)(memmap_find(&map, PAGE, 3 * PAGE, 0, GIB, &start) == OK)));
}

/* ---- against the model ---- */

static uint64_t random_state = UINT64_C(0x2545F4914F6CDD1D);

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % limit;
}

static void random_maps_agree_with_the_model(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct memmap_entry entries[12];
        uint64_t gone = random_below(600) * PAGE / 2;
        uint64_t gone_bytes = random_below(40) * PAGE / 2;
        struct memmap before;

        for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
            entries[i].start = random_below(600) * PAGE / 2;
            entries[i].size = random_below(100) * PAGE / 2;
            entries[i].type = random_below(3) == 0 ? RESERVED : MEMMAP_USABLE;
        }
        (void)(build(entries, ARRAY_SIZE(entries)) == OK);
        for (uint64_t pfn = 0; pfn < 400; pfn++) {
            assert_int_equal(model_memmap_has(&map, pfn),
                             model_memmap_usable(entries, ARRAY_SIZE(entries), pfn));
        }
        before = map;
        memmap_reserve(&map, gone, gone_bytes);
        model_memmap_well_formed(&map);
        for (uint64_t pfn = 0; pfn < 400; pfn++) {
            bool hit = (pfn + 1) * PAGE > gone && pfn * PAGE < gone + gone_bytes && gone_bytes > 0;

            assert_int_equal(model_memmap_has(&map, pfn), !hit && model_memmap_has(&before, pfn));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_firmware_map_becomes_its_usable_ranges),
        cmocka_unit_test(unsorted_touching_and_overlapping_entries_are_merged),
        cmocka_unit_test(what_any_entry_calls_not_usable_is_not_used),
        cmocka_unit_test(partly_usable_frames_are_left_out),
        cmocka_unit_test(wrapping_and_empty_entries_are_survived),
        cmocka_unit_test(nothing_usable_is_an_error),
        cmocka_unit_test(memory_above_the_limit_is_dropped_and_counted),
        cmocka_unit_test(beyond_the_limit_the_smallest_ranges_are_dropped),
        cmocka_unit_test(reserving_removes_every_frame_it_touches),
        cmocka_unit_test(a_reservation_in_a_full_map_drops_the_smallest_piece),
        cmocka_unit_test(the_lowest_aligned_run_is_found),
        cmocka_unit_test(a_run_that_does_not_fit_is_refused),
        cmocka_unit_test(random_maps_agree_with_the_model),
    };

    return cmocka_run_group_tests_name("mm/memmap.c", tests, NULL, NULL);
}
