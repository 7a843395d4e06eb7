/* SPDX-License-Identifier: BSD-2-Clause */
/* The balloon's state machine: rule by rule, then random histories against a model of a host and an
 * allocator. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/virtio/balloon.h"
#include "tests/fakes/fake_seams.h"

#define MS UINT64_C(1000000)

static struct balloon b;
static uint64_t now;

static struct balloon_actions tell(enum balloon_event_kind kind, uint64_t pages)
{
    struct balloon_event event = { .kind = kind, .pages = pages, .now_ns = now };

    return balloon_step(&b, &event);
}

static struct balloon_actions begin(uint64_t budget, uint64_t available)
{
    struct balloon_event event = {
        .kind = BALLOON_SLICE_BEGIN, .pages = budget, .available = available, .now_ns = now
    };

    return balloon_step(&b, &event);
}

static const struct balloon_limits limits = { .retry_min_ms = 100,
                                              .retry_max_ms = 10000,
                                              .calm_min_ms = 1000,
                                              .calm_max_ms = 60000,
                                              .headroom_pages = 5000,
                                              .max_pages = UINT32_MAX };

static int setup(void **state)
{
    (void)state;
    now = 1;
    balloon_init(&b, &limits);
    return 0;
}

/* Brings `pages` into the balloon in one go. */
static void filled(uint64_t pages)
{
    (void)tell(BALLOON_TARGET, pages);
    (void)begin(pages, pages);
    (void)tell(BALLOON_SENT, pages);
    (void)tell(BALLOON_ACKED, pages);
    (void)tell(BALLOON_SLICE_END, 0);
}

static void a_new_balloon_wants_nothing_but_to_tell_that_it_is_empty(void **state)
{
    struct balloon_actions a = begin(100, 100);

    (void)state;
    assert_int_equal(a.inflate, 0);
    assert_int_equal(a.deflate, 0);
    a = tell(BALLOON_SLICE_END, 0);
    assert_true(a.write_actual);
    assert_int_equal(a.actual, 0);
    assert_false(a.again);
    assert_true(a.retry_ns == BALLOON_NEVER);
    a = tell(BALLOON_SLICE_END, 0);
    assert_false(a.write_actual);
}

static void a_slice_is_bounded_by_budget_memory_and_target(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 1000);
    assert_int_equal(begin(100, 5000).inflate, 100);
    assert_int_equal(begin(5000, 70).inflate, 70);
    assert_int_equal(begin(5000, 5000).inflate, 1000);
}

static void what_is_leaving_counts_towards_the_target(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 1000);
    (void)begin(600, 5000);
    (void)tell(BALLOON_SENT, 600);
    assert_int_equal(begin(600, 5000).inflate, 400);
    (void)tell(BALLOON_SENT, 400);
    assert_int_equal(begin(600, 5000).inflate, 0);
}

static void actual_counts_only_what_was_acknowledged(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 10);
    (void)begin(10, 10);
    (void)tell(BALLOON_SENT, 10);
    assert_int_equal(tell(BALLOON_SLICE_END, 0).actual, 0);
    (void)tell(BALLOON_ACKED, 4);
    assert_int_equal(tell(BALLOON_SLICE_END, 0).actual, 4);
    (void)tell(BALLOON_ACKED, 6);
    assert_int_equal(tell(BALLOON_SLICE_END, 0).actual, 10);
}

static void nothing_is_released_while_pages_are_leaving(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 10);
    (void)begin(10, 10);
    (void)tell(BALLOON_SENT, 10);
    (void)tell(BALLOON_ACKED, 9);
    (void)tell(BALLOON_TARGET, 0);
    assert_int_equal(begin(100, 0).deflate, 0);
    assert_false(tell(BALLOON_SLICE_END, 0).again);
    (void)tell(BALLOON_ACKED, 1);
    assert_true(tell(BALLOON_SLICE_END, 0).again);
    assert_int_equal(begin(100, 0).deflate, 10);
}

static void nothing_is_sent_while_pages_are_returning(void **state)
{
    (void)state;
    filled(10);
    (void)tell(BALLOON_TARGET, 5);
    assert_int_equal(begin(100, 0).deflate, 5);
    (void)tell(BALLOON_RELEASED, 5);
    assert_int_equal(tell(BALLOON_SLICE_END, 0).actual, 5);
    (void)tell(BALLOON_TARGET, 10);
    assert_int_equal(begin(100, 100).inflate, 0);
    (void)tell(BALLOON_TOLD, 5);
    assert_int_equal(begin(100, 100).inflate, 5);
}

static void deflating_more_than_the_balloon_may_release_is_refused(void **state)
{
    (void)state;
    filled(10);
    (void)tell(BALLOON_TARGET, 4);
    (void)begin(100, 0);
    assert_true(EXPECT_PANIC(tell(BALLOON_RELEASED, 7)));
}

static void sending_beyond_the_target_is_refused(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 10);
    (void)begin(100, 100);
    assert_true(EXPECT_PANIC(tell(BALLOON_SENT, 11)));
}

static void acknowledging_what_was_not_sent_is_refused(void **state)
{
    (void)state;
    assert_true(EXPECT_PANIC(tell(BALLOON_ACKED, 1)));
    assert_true(EXPECT_PANIC(tell(BALLOON_TOLD, 1)));
}

static void pauses_double_up_to_the_longest(void **state)
{
    static const uint64_t pauses[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };

    (void)state;
    (void)tell(BALLOON_TARGET, UINT32_MAX);
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        struct balloon_actions a = begin(100, 0);

        /* It is said once, with the number of pages. */
        assert_int_equal(a.missing, i == 0 ? UINT32_MAX : 0);
        a = tell(BALLOON_SLICE_END, 0);
        assert_int_equal(a.retry_ns, now + pauses[i] * MS);
        assert_false(a.again);
        now = a.retry_ns - 1;
        assert_int_equal(begin(100, 100).inflate, 0);
        now++;
    }
}

static void a_free_ends_the_pause_and_progress_shortens_the_next(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 1000);
    for (unsigned i = 0; i < 5; i++) {
        (void)begin(100, 0);
        now = tell(BALLOON_SLICE_END, 0).retry_ns;
    }
    (void)begin(100, 0);
    (void)tell(BALLOON_FREED, 0);
    assert_int_equal(begin(100, 3).inflate, 3);
    (void)tell(BALLOON_SENT, 3);
    assert_int_equal(begin(100, 0).missing, 0);
    assert_int_equal(tell(BALLOON_SLICE_END, 0).retry_ns, now + 100 * MS);
}

static void an_episode_ends_when_the_target_is_lowered_or_reached(void **state)
{
    (void)state;
    (void)tell(BALLOON_TARGET, 1000);
    assert_int_equal(begin(100, 0).missing, 1000);
    (void)tell(BALLOON_TARGET, 2000);
    now += 1000 * MS;
    assert_int_equal(begin(100, 0).missing, 0);
    (void)tell(BALLOON_TARGET, 50);
    assert_int_equal(begin(100, 0).missing, 50);
    (void)tell(BALLOON_FREED, 0);
    (void)begin(100, 50);
    (void)tell(BALLOON_SENT, 50);
    (void)tell(BALLOON_TARGET, 60);
    assert_int_equal(begin(100, 0).missing, 10);
    assert_int_equal(b.episodes, 3);
}

static void a_lost_device_starts_from_nothing_and_tells_so(void **state)
{
    struct balloon_actions a;

    (void)state;
    filled(10);
    (void)tell(BALLOON_LOST, 0);
    assert_int_equal(balloon_held(&b), 0);
    a = tell(BALLOON_SLICE_END, 0);
    assert_true(a.write_actual);
    assert_int_equal(a.actual, 0);
}

/* The model's side of a random history. */
static uint64_t model_free, model_in, model_leaving, model_returning, model_target, rng;

static uint64_t pick(uint64_t below)
{
    rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (rng >> 33) % below;
}

/* Part of what may be moved is moved; the model keeps the books. */
static void random_slice(uint64_t *retries)
{
    struct balloon_actions a = begin(1 + pick(200), model_free);
    uint64_t part;

    assert_true(a.inflate == 0 || a.deflate == 0);
    assert_true(a.inflate <= model_free);
    assert_true(a.deflate <= model_in);
    *retries += a.retry_ns != BALLOON_NEVER;
    if (a.inflate > 0) {
        assert_true(model_in + model_leaving + a.inflate <= model_target);
        assert_int_equal(model_returning, 0);
        part = pick(a.inflate + 1);
        (void)tell(BALLOON_SENT, part);
        model_free -= part;
        model_leaving += part;
        if (part < a.inflate && pick(2) == 0) {
            (void)tell(BALLOON_EMPTY, 0);
        }
    }
    if (a.deflate > 0) {
        assert_true(model_in - a.deflate >= model_target);
        assert_int_equal(model_leaving, 0);
        part = pick(a.deflate + 1);
        (void)tell(BALLOON_RELEASED, part);
        model_in -= part;
        model_free += part;
        model_returning += part;
    }
    a = tell(BALLOON_SLICE_END, 0);
    assert_int_equal(a.actual, model_in);
    assert_int_equal(b.written, model_in);
}

static void random_event(void)
{
    uint64_t part;

    switch (pick(6)) {
    case 0:
        model_target = pick(8) == 0 ? UINT32_MAX : pick(1500);
        (void)tell(BALLOON_TARGET, model_target);
        break;
    case 1:
        part = pick(model_leaving + 1);
        (void)tell(BALLOON_ACKED, part);
        model_leaving -= part;
        model_in += part;
        break;
    case 2:
        part = pick(model_returning + 1);
        (void)tell(BALLOON_TOLD, part);
        model_returning -= part;
        break;
    case 3:
        (void)tell(BALLOON_FREED, 0);
        break;
    case 4:
        now += pick(300) * MS;
        break;
    default:
        if (pick(50) == 0) {
            (void)tell(BALLOON_LOST, 0);
            model_free += model_in + model_leaving;
            model_in = model_leaving = model_returning = model_target = 0;
        }
        break;
    }
}

static void random_histories_keep_the_rules_and_end_at_the_target(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t retries = 0;

        (void)setup(state);
        rng = seed;
        model_free = 1000;
        model_in = model_leaving = model_returning = model_target = 0;
        for (unsigned i = 0; i < 400; i++) {
            random_event();
            random_slice(&retries);
            assert_int_equal(model_free + model_in + model_leaving, 1000);
            assert_int_equal(balloon_held(&b), model_in + model_leaving);
        }
        /* A patient host gets what it wishes, or everything. */
        for (unsigned i = 0; i < 3000; i++) {
            (void)tell(BALLOON_ACKED, model_leaving);
            (void)tell(BALLOON_TOLD, model_returning);
            model_in += model_leaving;
            model_leaving = model_returning = 0;
            now += 100 * MS;
            random_slice(&retries);
        }
        assert_int_equal(model_in + model_leaving, model_target < 1000 ? model_target : 1000);
    }
}

static void a_hopeless_target_costs_few_attempts(void **state)
{
    unsigned attempts = 0;
    uint64_t end = 3600 * 1000 * MS;

    (void)state;
    (void)tell(BALLOON_TARGET, UINT32_MAX);
    while (now < end) {
        struct balloon_actions a;

        (void)begin(100, 0);
        a = tell(BALLOON_SLICE_END, 0);
        assert_false(a.again);
        now = a.retry_ns;
        attempts++;
    }
    assert_true(attempts <= 3600 / 10 + 8);
    assert_int_equal(b.episodes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_balloon_wants_nothing_but_to_tell_that_it_is_empty, setup),
        cmocka_unit_test_setup(a_slice_is_bounded_by_budget_memory_and_target, setup),
        cmocka_unit_test_setup(what_is_leaving_counts_towards_the_target, setup),
        cmocka_unit_test_setup(actual_counts_only_what_was_acknowledged, setup),
        cmocka_unit_test_setup(nothing_is_released_while_pages_are_leaving, setup),
        cmocka_unit_test_setup(nothing_is_sent_while_pages_are_returning, setup),
        cmocka_unit_test_setup(deflating_more_than_the_balloon_may_release_is_refused, setup),
        cmocka_unit_test_setup(sending_beyond_the_target_is_refused, setup),
        cmocka_unit_test_setup(acknowledging_what_was_not_sent_is_refused, setup),
        cmocka_unit_test_setup(pauses_double_up_to_the_longest, setup),
        cmocka_unit_test_setup(a_free_ends_the_pause_and_progress_shortens_the_next, setup),
        cmocka_unit_test_setup(an_episode_ends_when_the_target_is_lowered_or_reached, setup),
        cmocka_unit_test_setup(a_lost_device_starts_from_nothing_and_tells_so, setup),
        cmocka_unit_test_setup(random_histories_keep_the_rules_and_end_at_the_target, setup),
        cmocka_unit_test_setup(a_hopeless_target_costs_few_attempts, setup),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon.c", tests, NULL, NULL);
}
