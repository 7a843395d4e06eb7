/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of the start of the page-frame allocator, and of what opening an area costs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "mm/frame.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/frame_fixture.h"

#define B BLOCK_FRAMES

/* ---- start ---- */

static void bad_ranges_are_refused(void **state)
{
    static const struct frame_range zero[] = { { 0, 5 } };
    static const struct frame_range empty[] = { { 5, 0 } };
    static const struct frame_range unsorted[] = { { 100, 5 }, { 50, 5 } };
    static const struct frame_range overlap[] = { { 50, 60 }, { 100, 5 } };
    static const struct frame_range touching[] = { { 50, 50 }, { 100, 5 } };
    static const struct frame_range wrapping[] = { { UINT32_MAX - 2, 5 } };
    static const struct frame_range too_high[] = { { FRAME_AREAS_MAX * AREA_FRAMES - 1, 2 } };
    static unsigned char memory[64] __attribute__((aligned(64)));

    (void)state;
    assert_int_equal(frame_init(memory, SIZE_MAX, zero, 1, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, empty, 1, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, unsorted, 2, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, overlap, 2, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, touching, 2, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, wrapping, 1, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, too_high, 1, false), ERR_RANGE);
    assert_int_equal(frame_init(memory, SIZE_MAX, NULL, 0, false), ERR_NOMEM);
}

static void too_little_metadata_is_refused(void **state)
{
    static const struct frame_range range = { 1, AREA_FRAMES };
    static unsigned char memory[64] __attribute__((aligned(64)));
    size_t needed = frame_metadata_bytes(AREA_FRAMES + 1);

    (void)state;
    assert_int_equal(frame_init(memory, needed - 1, &range, 1, false), ERR_RANGE);
    assert_true(needed == 2 * frame_metadata_bytes(AREA_FRAMES));
}

static void metadata_is_at_most_36_kib_per_gib(void **state)
{
    (void)state;
    for (pfn_t gib = 1; gib <= FRAME_AREAS_MAX; gib++) {
        assert_true(frame_metadata_bytes(gib * AREA_FRAMES) <= gib * 36 * KIB);
    }
}

/* Pages of the metadata in which the garbage pattern was overwritten. */
static unsigned metadata_pages_written(void)
{
    unsigned pages = 0;

    for (size_t page = 0; page < fixture_metadata_bytes; page += FRAME_SIZE) {
        size_t bytes = (size_t)min_u64(FRAME_SIZE, fixture_metadata_bytes - page);

        for (size_t i = 0; i < bytes; i++) {
            if (fixture_metadata[page + i] != FIXTURE_GARBAGE) {
                pages++;
                break;
            }
        }
    }
    return pages;
}

static void a_guest_of_256_gib_starts_without_touching_its_metadata(void **state)
{
    static const struct frame_range ranges[] = { { 1, 158 },
                                                 { 256, FIXTURE_FRAMES(3 * GIB) - 256 },
                                                 { FIXTURE_FRAMES(4 * GIB),
                                                   FIXTURE_FRAMES(253 * GIB) } };

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 3, false), OK);
    assert_int_equal(metadata_pages_written(), 0);
    assert_int_equal(fixture_stats().total, 158 + FIXTURE_FRAMES(256 * GIB) - 256);
    assert_int_equal(frame_state(FIXTURE_FRAMES(200 * GIB)), FRAME_FREE_RETURNED);
    for (unsigned i = 0; i < 3000; i++) {
        frame_free(frame_alloc());
        (void)frame_alloc();
    }
    frame_free_order(fixture_alloc_order(BLOCK_ORDER), BLOCK_ORDER);
    assert_in_range(metadata_pages_written(), 1, 6);
    frame_check();
}

/* Low memory ends below 2 GiB, the rest begins at 4 GiB: areas 2 and 3 have no frame. */
static void the_metadata_of_a_hole_is_never_touched(void **state)
{
    static const struct frame_range ranges[] = { { 1, 2 * AREA_FRAMES - B },
                                                 { 4 * AREA_FRAMES, AREA_FRAMES } };
    size_t offset;
    size_t gap = frame_metadata_gap(ranges, 2, &offset);
    pfn_t first;

    (void)state;
    assert_int_equal(gap, 2 * (size_t)AREA_FRAMES / 8);
    assert_int_equal(fixture_start_ranges(ranges, 2, false), OK);
    assert_in_range(offset, 0, fixture_metadata_bytes - gap);
    assert_int_equal(fixture_stats().metadata_bytes, frame_metadata_bytes(5 * AREA_FRAMES) - gap);
    while (frame_alloc_order(0, &first) == OK) {
        /* every frame there is, one by one, so that every row is written */
    }
    frame_free_run(4 * AREA_FRAMES, AREA_FRAMES);
    frame_check();
    for (size_t i = 0; i < gap; i++) {
        assert_int_equal(fixture_metadata[offset + i], FIXTURE_GARBAGE);
    }
}

static void memory_without_a_hole_has_no_gap_in_its_metadata(void **state)
{
    static const struct frame_range ranges[] = { { 1, 158 }, { 256, 2 * AREA_FRAMES } };
    size_t offset;

    (void)state;
    assert_int_equal(frame_metadata_gap(ranges, 2, &offset), 0);
    assert_int_equal(frame_metadata_gap(ranges, 0, &offset), 0);
}

static void a_cold_start_counts_as_returned_and_a_warm_one_as_backed(void **state)
{
    (void)state;
    fixture_start(4, false);
    assert_int_equal(fixture_stats().free_returned, 4 * B);
    assert_int_equal(frame_state(B), FRAME_FREE_RETURNED);
    fixture_start(4, true);
    assert_int_equal(fixture_stats().free_returned, 0);
    assert_int_equal(frame_state(B), FRAME_FREE_BACKED);
    assert_int_equal(frame_state(0), FRAME_NOT_RAM);
    assert_int_equal(frame_state(5 * B), FRAME_NOT_RAM);
    assert_int_equal(frame_state(PFN_NONE), FRAME_NOT_RAM);
}

static void opening_an_area_changes_no_number(void **state)
{
    static const struct frame_range ranges[] = { { 3, 5 * B }, { AREA_FRAMES + 7, 3 * B } };
    struct frame_stats before;
    pfn_t first;

    (void)state;
    for (unsigned warm = 0; warm < 2; warm++) {
        assert_int_equal(fixture_start_ranges(ranges, 2, warm == 1), OK);
        before = fixture_stats();
        assert_int_equal(frame_state(3), FRAME_FREE_BACKED);
        /* Nothing of that size: the search opens everything. */
        assert_int_equal(frame_alloc_order(FRAME_ORDER_MAX, &first), ERR_NOMEM);
        frame_check();
        assert_int_equal(fixture_stats().total, before.total);
        assert_int_equal(fixture_stats().free_backed, before.free_backed);
        assert_int_equal(fixture_stats().free_returned, before.free_returned);
        assert_int_equal(frame_state(3), FRAME_FREE_BACKED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_ranges_are_refused),
        cmocka_unit_test(too_little_metadata_is_refused),
        cmocka_unit_test(metadata_is_at_most_36_kib_per_gib),
        cmocka_unit_test(a_guest_of_256_gib_starts_without_touching_its_metadata),
        cmocka_unit_test(the_metadata_of_a_hole_is_never_touched),
        cmocka_unit_test(memory_without_a_hole_has_no_gap_in_its_metadata),
        cmocka_unit_test(a_cold_start_counts_as_returned_and_a_warm_one_as_backed),
        cmocka_unit_test(opening_an_area_changes_no_number),
    };

    return cmocka_run_group_tests_name("mm/frame_area.c", tests, NULL, fixture_stop);
}
