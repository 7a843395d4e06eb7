/* SPDX-License-Identifier: BSD-2-Clause */
/* The balloon's state machine after an allocation took pages: what it says, and when it looks
 * again. Its other rules are in test_balloon.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/virtio/balloon.h"

#define MS       UINT64_C(1000000)
#define HEADROOM 5000U

static struct balloon b;
static uint64_t now;

static struct balloon_actions tell(enum balloon_event_kind kind, uint64_t pages, uint64_t available)
{
    struct balloon_event event = {
        .kind = kind, .pages = pages, .available = available, .now_ns = now
    };

    return balloon_step(&b, &event);
}

/* 10000 pages are in the balloon, as many are wished, and an allocation takes 100 of them. */
static int setup(void **state)
{
    static const struct balloon_limits limits = { .retry_min_ms = 100,
                                                  .retry_max_ms = 10000,
                                                  .calm_min_ms = 1000,
                                                  .calm_max_ms = 60000,
                                                  .headroom_pages = HEADROOM,
                                                  .max_pages = UINT32_MAX };

    (void)state;
    now = 1;
    balloon_init(&b, &limits);
    (void)tell(BALLOON_TARGET, 10000, 0);
    (void)tell(BALLOON_SLICE_BEGIN, 10000, 10000);
    (void)tell(BALLOON_SENT, 10000, 0);
    (void)tell(BALLOON_ACKED, 10000, 0);
    (void)tell(BALLOON_SLICE_END, 0, 0);
    (void)tell(BALLOON_TAKEN, 100, 0);
    (void)tell(BALLOON_ANNOUNCED, 100, 0);
    (void)tell(BALLOON_TOLD, 100, 0);
    return 0;
}

static void under_pressure_nothing_is_missing_and_calm_is_waited_for(void **state)
{
    struct balloon_actions a = tell(BALLOON_SLICE_BEGIN, 100, 0);

    (void)state;
    assert_int_equal(a.inflate, 0);
    assert_int_equal(a.missing, 0);
    a = tell(BALLOON_SLICE_END, 0, 0);
    assert_false(a.again);
    assert_int_equal(a.retry_ns, now + 1000 * MS);
    now = a.retry_ns;
    assert_int_equal(tell(BALLOON_SLICE_BEGIN, 1000, HEADROOM + 30).inflate, 30);
    assert_int_equal(b.episodes, 0);
    assert_int_equal(b.retries, 0);
}

/* A long pause has begun before the allocation comes. */
static void an_older_pause_does_not_outlast_calm(void **state)
{
    struct balloon_actions a;

    (void)state;
    (void)tell(BALLOON_TARGET, 20000, 0);
    now += 2000 * MS;
    for (unsigned i = 0; i < 10; i++) {
        (void)tell(BALLOON_SLICE_BEGIN, 100, i == 0 ? 1 : 0);
        (void)tell(BALLOON_SENT, i == 0 ? 1 : 0, 0);
        a = tell(BALLOON_SLICE_END, 0, 0);
        now = a.retry_ns == BALLOON_NEVER ? now : a.retry_ns;
    }
    assert_true(b.paused);
    assert_int_equal(b.episodes, 1);
    (void)tell(BALLOON_SLICE_BEGIN, 100, 0);
    (void)tell(BALLOON_ACKED, 1, 0);
    (void)tell(BALLOON_TAKEN, 100, 0);
    (void)tell(BALLOON_ANNOUNCED, 100, 0);
    (void)tell(BALLOON_TOLD, 100, 0);
    a = tell(BALLOON_SLICE_END, 0, 0);
    assert_int_equal(a.retry_ns, b.calm_at_ns);
    now = a.retry_ns;
    assert_int_equal(tell(BALLOON_SLICE_BEGIN, 100, HEADROOM + 10).inflate, 10);
}

static void headroom_is_not_called_a_shortage(void **state)
{
    struct balloon_actions a;

    (void)state;
    now += 1000 * MS;
    /* Calm, but no headroom yet. */
    a = tell(BALLOON_SLICE_BEGIN, 100, HEADROOM);
    assert_int_equal(a.inflate + a.missing, 0);
    a = tell(BALLOON_SLICE_END, 0, 0);
    assert_int_equal(a.retry_ns, now + 100 * MS);
    /* Headroom, and what is above it goes; then the rest of the wish waits. */
    now = a.retry_ns;
    assert_int_equal(tell(BALLOON_SLICE_BEGIN, 100, HEADROOM + 5).inflate, 5);
    (void)tell(BALLOON_SENT, 5, 0);
    a = tell(BALLOON_SLICE_BEGIN, 100, HEADROOM);
    assert_int_equal(a.inflate + a.missing, 0);
    assert_int_equal(b.episodes, 0);
    /* When it is used, too, more is wished than there is. */
    now += 100 * MS;
    assert_int_equal(tell(BALLOON_SLICE_BEGIN, 100, 0).missing, 95);
}

static void a_new_wish_does_not_wait_for_headroom(void **state)
{
    (void)state;
    now += 1000 * MS;
    (void)tell(BALLOON_SLICE_BEGIN, 100, HEADROOM);
    assert_true(b.paused);
    (void)tell(BALLOON_TARGET, 10001, 0);
    assert_int_equal(tell(BALLOON_SLICE_BEGIN, 1000, HEADROOM).inflate, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(under_pressure_nothing_is_missing_and_calm_is_waited_for, setup),
        cmocka_unit_test_setup(an_older_pause_does_not_outlast_calm, setup),
        cmocka_unit_test_setup(headroom_is_not_called_a_shortage, setup),
        cmocka_unit_test_setup(a_new_wish_does_not_wait_for_headroom, setup),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon.c", tests, NULL, NULL);
}
