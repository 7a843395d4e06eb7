/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers and requests of the balloon. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/virtio/balloon_pool.h"
#include "tests/fakes/fake_balloon.h"
#include "tests/fakes/fake_seams.h"

static struct balloon_pool pool;

/* What a request is given on its way, and comes back with. */
#define TAG 7
static uint8_t tag;

static void make(const struct balloon_profile *profile, unsigned descriptors, bool indirect)
{
    fake_balloon_init(4096);
    assert_int_equal(balloon_pool_init(&pool, &fake_balloon_mem), OK);
    balloon_pool_shape(&pool, profile, descriptors, indirect);
}

static void one_frame_is_always_there(void **state)
{
    (void)state;
    make(&balloon_profile_qemu, 128, true);
    assert_int_equal(balloon_pool_room(&pool), 1024);
    assert_int_equal(balloon_pool_room_at_most(&pool), 8 * 4096);
    fake_balloon.alloc_fails_after = 1;
    balloon_pool_grow(&pool, 16384, 0);
    assert_int_equal(pool.held, 1);
    balloon_pool_grow(&pool, 16384, fake_balloon.free_frames);
    assert_int_equal(pool.held, 1);
    balloon_pool_grow(&pool, 16384, 0);
    assert_int_equal(pool.held, 16);
    balloon_pool_shrink(&pool);
    assert_int_equal(fake_balloon.allocs, 1);
    balloon_pool_fini(&pool);
    assert_int_equal(fake_balloon.allocs, 0);
}

static void a_request_holds_the_numbers_in_order(void **state)
{
    struct virtq_buffer buffers[VIRTQ_BUFFERS_MAX];
    uint16_t cookie;
    uint32_t expected = 7;

    (void)state;
    make(&balloon_profile_qemu, 128, true);
    balloon_pool_grow(&pool, 4096, 0);
    assert_true(balloon_pool_open(&pool));
    assert_int_equal(balloon_pool_append(&pool, 7, 1023), 1023);
    assert_int_equal(balloon_pool_append(&pool, 1030, 1500), 1500);
    assert_int_equal(balloon_pool_close(&pool, 5, TAG, buffers, &cookie), 3);
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t *pfns = (const uint32_t *)(uintptr_t)buffers[i].address;

        assert_int_equal(buffers[i].bytes, i < 2 ? 4096 : (2523 - 2048) * 4);
        for (uint32_t k = 0; k < buffers[i].bytes / 4; k++) {
            assert_int_equal(pfns[k], expected++);
        }
    }
    assert_int_equal(balloon_pool_oldest(&pool), 5);
    balloon_pool_check(&pool);
    assert_int_equal(balloon_pool_done(&pool, cookie, &tag), 2523);
    assert_int_equal(tag, TAG);
    assert_true(EXPECT_PANIC(balloon_pool_done(&pool, cookie, &tag)));
    balloon_pool_fini(&pool);
}

static void requests_are_cut_to_the_queue(void **state)
{
    (void)state;
    make(&balloon_profile_qemu, 8, false);
    assert_int_equal(pool.requests, 2);
    assert_int_equal(pool.pfns_per_request, 4096);
    balloon_pool_shape(&pool, &balloon_profile_qemu, 2, true);
    assert_int_equal(pool.requests, 2);
    assert_int_equal(pool.pfns_per_request, 2048);
    balloon_pool_shape(&pool, &balloon_profile_careful, 256, false);
    assert_int_equal(pool.requests, 64);
    assert_int_equal(pool.frames, 16);
    balloon_pool_fini(&pool);
}

static void buffers_in_flight_cannot_be_given_back(void **state)
{
    struct virtq_buffer buffers[VIRTQ_BUFFERS_MAX];
    uint16_t cookie;

    (void)state;
    make(&balloon_profile_careful, 256, false);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(balloon_pool_open(&pool));
        assert_int_equal(balloon_pool_append(&pool, 1 + 300 * i, 300), 256);
        assert_int_equal(balloon_pool_close(&pool, i, TAG, buffers, &cookie), 1);
    }
    assert_false(balloon_pool_open(&pool));
    assert_true(EXPECT_PANIC(balloon_pool_shrink(&pool)));
    balloon_pool_forget(&pool);
    balloon_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_frame_is_always_there),
        cmocka_unit_test(a_request_holds_the_numbers_in_order),
        cmocka_unit_test(requests_are_cut_to_the_queue),
        cmocka_unit_test(buffers_in_flight_cannot_be_given_back),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_pool.c", tests, NULL, NULL);
}
