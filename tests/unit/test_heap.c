/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of libc/heap over the real frame allocator and memory of this process: what comes back
 * and when, the ends of memory, and that mistakes of a program are caught.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/heap_fixture.h"

/* ---- what comes back ---- */

static size_t mixed_size(void)
{
    return next_random() % 20 == 0 ? next_size() : 16 + next_random() % 2048;
}

static size_t tiny_size(void)
{
    return 1 + next_random() % 48;
}

static void everything_freed_in_any_order_leaves_no_frame_held(void **state)
{
    size_t sum = fill_objects(mixed_size);

    (void)state;
    assert_true(held() * FRAME_SIZE >= sum);
    assert_true(held() * FRAME_SIZE < sum + sum / 3);
    shuffle_objects();
    free_objects(0, OBJECTS);
    assert_int_equal(held(), 0);
}

static void tiny_objects_leave_no_bookkeeping_behind(void **state)
{
    (void)state;
    fill_objects(tiny_size);
    assert_true(heap_stats().meta_frames > 1);
    free_objects(0, OBJECTS);
    assert_int_equal(held(), 0);
}

static void one_block_that_stays_keeps_less_than_a_hundredth(void **state)
{
    uint64_t most;

    (void)state;
    fill_objects(mixed_size);
    most = held();
    shuffle_objects();
    free_objects(1, OBJECTS);
    assert_true(held() * 100 <= most);
    free_objects(0, 1);
}

/* Blocks that are runs of their own come back whatever stays; of the others every group with one
 * survivor stays. */
static size_t large_size(void)
{
    return HEAP_OWN_RUN_BYTES + next_random() % 4096;
}

static void large_blocks_come_back_one_by_one(void **state)
{
    uint64_t most;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        objects[i] = heap_malloc(large_size());
        assert_non_null(objects[i]);
    }
    most = held();
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 10 != 0) {
            heap_free(objects[i]);
        }
    }
    assert_true(held() * 9 <= most);
    for (unsigned i = 0; i < 1000; i += 10) {
        heap_free(objects[i]);
    }
}

/* A class that is emptied and filled over and over keeps its last group, until all is freed. */
static void a_group_that_is_kept_for_speed_goes_back_in_the_end(void **state)
{
    void *other = heap_malloc(100);

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        heap_free(heap_malloc(4000));
    }
    assert_true(held() > 2);
    heap_trim();
    assert_true(held() <= 2);
    heap_free(other);
}

static void a_long_random_run_does_not_spread_out(void **state)
{
    uint64_t early = 0;

    (void)state;
    fill_objects(mixed_size);
    for (unsigned round = 1; round <= 40; round++) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            unsigned at = (unsigned)(next_random() % OBJECTS);

            heap_free(objects[at]);
            objects[at] = heap_malloc(mixed_size());
            assert_non_null(objects[at]);
        }
        early = round == 10 ? held() : early;
    }
    assert_true(held() < early + early / 20);
    free_objects(0, OBJECTS);
}

/* ---- contents and places ---- */

static void blocks_keep_their_contents_among_many(void **state)
{
    (void)state;
    frame_memory_soil();
    for (unsigned i = 0; i < 20000; i++) {
        unsigned index = (unsigned)(next_random() % MODEL_HEAP_BLOCKS);

        if (model.count < MODEL_HEAP_BLOCKS / 2 || (index >= model.count && model.count < 500)) {
            assert_true(model_heap_malloc(&model, next_size() % 9000));
        } else if (index < model.count && i % 3 == 0) {
            assert_true(model_heap_realloc(&model, index, next_size()));
        } else {
            model_heap_free(&model, index % model.count);
        }
    }
    model_heap_check(&model);
    model_heap_free_all(&model);
}

static void every_alignment_is_kept_and_what_is_none_refused(void **state)
{
    (void)state;
    frame_memory_soil();
    for (size_t align = 1; align <= 2 * MIB; align *= 2) {
        for (size_t bytes = 0; bytes < 20000; bytes = bytes * 3 + 1) {
            assert_true(model_heap_aligned(&model, align, bytes));
        }
    }
    model_heap_check(&model);
    for (unsigned i = 0; i < model.count; i++) {
        assert_true(model_heap_realloc(&model, i, 3 + next_size()));
    }
    model_heap_free_all(&model);
    errno = 0;
    assert_null(heap_aligned_alloc(0, 10));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(heap_aligned_alloc(48, 10));
    assert_int_equal(errno, EINVAL);
}

static void calloc_gives_zeroes_out_of_used_memory(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        frame_memory_soil();
        for (size_t bytes = 1; bytes < 300000; bytes += bytes / 2 + 1) {
            assert_true(model_heap_calloc(&model, 1, bytes));
            assert_true(model_heap_calloc(&model, bytes, 1));
        }
        model_heap_free_all(&model);
    }
}

static void a_block_that_shrinks_gives_frames_back_at_once(void **state)
{
    unsigned char *block = heap_malloc(MIB);

    (void)state;
    /* What mallocng keeps with a block takes another frame, and its bookkeeping one. */
    assert_int_equal(held(), 256 + 1 + 1);
    memset(block, 7, MIB);
    block = heap_realloc(block, 100 * KIB);
    assert_non_null(block);
    assert_int_equal(held(), 25 + 1 + 1);
    assert_int_equal(block[100 * KIB - 1], 7);
    block = heap_realloc(block, 100);
    assert_non_null(block);
    assert_true(held() <= 2);
    heap_free(block);
}

static void nothing_is_a_block_too_and_null_is_none(void **state)
{
    void *first = heap_malloc(0);
    void *second = heap_realloc(NULL, 0);

    (void)state;
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    heap_free(first);
    heap_free(second);
    heap_free(NULL);
    assert_int_equal(heap_usable_size(NULL), 0);
}

/* ---- the ends of memory ---- */

static void sizes_beyond_all_memory_are_refused(void **state)
{
    static const size_t sizes[] = { SIZE_MAX,     SIZE_MAX - 15, SIZE_MAX / 2 + 1,
                                    SIZE_MAX / 2, SIZE_MAX / 4,  (size_t)PFN_NONE << FRAME_SHIFT,
                                    1 * GIB };

    (void)state;
    assert_true(model_heap_malloc(&model, 5000));
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_false(model_heap_malloc(&model, sizes[i]));
        assert_false(model_heap_calloc(&model, 1, sizes[i]));
        assert_false(model_heap_realloc(&model, 0, sizes[i]));
        assert_false(model_heap_aligned(&model, 64, sizes[i]));
        assert_false(model_heap_aligned(&model, (size_t)1 << 63, sizes[i]));
    }
    assert_false(model_heap_calloc(&model, SIZE_MAX / 8, 16));
    assert_false(model_heap_calloc(&model, (size_t)1 << 32, (size_t)1 << 32));
    assert_false(model_heap_aligned(&model, (size_t)1 << 40, 16));
    model_heap_check(&model);
    model_heap_free_all(&model);
}

static void blocks_until_memory_ends_and_all_of_it_again(void **state)
{
    uint64_t rounds_frames[2];

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        unsigned count = 0;

        while (count < OBJECTS && (objects[count] = heap_malloc(6000)) != NULL) {
            count++;
        }
        assert_true(count > POOL_FRAMES * FRAME_SIZE / 6000 * 3 / 4);
        rounds_frames[round] = held();
        for (unsigned i = 0; i < count; i++) {
            heap_free(objects[i]);
        }
        assert_int_equal(held(), 0);
    }
    assert_int_equal(rounds_frames[0], rounds_frames[1]);
}

/* Memory ends after each possible number of frames, in each function. */
static void memory_that_ends_at_any_step_loses_nothing(void **state)
{
    static const size_t sizes[] = {
        1, 100, 700, 3000, HEAP_OWN_RUN_BYTES - 1, HEAP_OWN_RUN_BYTES, 40000
    };
    pfn_t hoard;

    (void)state;
    assert_int_equal(frame_alloc_run(POOL_FRAMES, &hoard), OK);
    for (pfn_t left = 0; left < 24; left++) {
        for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
            for (unsigned tries = 0; tries < 40; tries++) {
                if (model_heap_malloc(&model, sizes[i])) {
                    (void)model_heap_realloc(&model, 0, sizes[(i + 1) % ARRAY_SIZE(sizes)]);
                }
                (void)model_heap_calloc(&model, 3, sizes[i]);
                (void)model_heap_aligned(&model, 256, sizes[i]);
            }
            model_heap_check(&model);
            model_heap_free_all(&model);
            assert_int_equal(frame_free_count(), left);
        }
        frame_free(hoard + left);
    }
    frame_free_run(hoard + 24, POOL_FRAMES - 24);
}

/* ---- pressure ---- */

static unsigned cached;

static bool give_up_cache(pfn_t count)
{
    (void)count;
    if (cached == 0) {
        return false;
    }
    for (unsigned i = 0; i < 64 && cached > 0; i++) {
        heap_free(objects[--cached]);
    }
    return true;
}

static void a_cache_in_the_heap_is_given_up_for_an_allocation(void **state)
{
    (void)state;
    while (cached < OBJECTS && (objects[cached] = heap_malloc(9500)) != NULL) {
        cached++;
    }
    assert_true(cached > 1000);
    frame_set_reclaim(give_up_cache);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(model_heap_malloc(&model, 16 + i * 150));
    }
    assert_true(cached > 500);
    frame_set_reclaim(NULL);
    free_objects(0, cached);
    model_heap_check(&model);
    model_heap_free_all(&model);
    cached = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_freed_in_any_order_leaves_no_frame_held, start,
                                        stop),
        cmocka_unit_test_setup_teardown(tiny_objects_leave_no_bookkeeping_behind, start, stop),
        cmocka_unit_test_setup_teardown(one_block_that_stays_keeps_less_than_a_hundredth, start,
                                        stop),
        cmocka_unit_test_setup_teardown(large_blocks_come_back_one_by_one, start, stop),
        cmocka_unit_test_setup_teardown(a_group_that_is_kept_for_speed_goes_back_in_the_end, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_long_random_run_does_not_spread_out, start, stop),
        cmocka_unit_test_setup_teardown(blocks_keep_their_contents_among_many, start, stop),
        cmocka_unit_test_setup_teardown(every_alignment_is_kept_and_what_is_none_refused, start,
                                        stop),
        cmocka_unit_test_setup_teardown(calloc_gives_zeroes_out_of_used_memory, start, stop),
        cmocka_unit_test_setup_teardown(a_block_that_shrinks_gives_frames_back_at_once, start,
                                        stop),
        cmocka_unit_test_setup_teardown(nothing_is_a_block_too_and_null_is_none, start, stop),
        cmocka_unit_test_setup_teardown(sizes_beyond_all_memory_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(blocks_until_memory_ends_and_all_of_it_again, start, stop),
        cmocka_unit_test_setup_teardown(memory_that_ends_at_any_step_loses_nothing, start, stop),
        cmocka_unit_test_setup_teardown(a_cache_in_the_heap_is_given_up_for_an_allocation, start,
                                        stop),
    };

    return cmocka_run_group_tests_name("libc/heap", tests, NULL, NULL);
}
