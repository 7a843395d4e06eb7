/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of the sources of memory under pressure. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "mm/pressure.h"
#include "tests/fakes/fake_seams.h"

#define DEADLINE UINT64_C(1000)

/* A source that has something and gives all it is asked for, unless it is told to be slow. */
struct pool {
    struct pressure_source source;
    uint64_t has;
    uint64_t gives_at_once; /* at most, each time */
    uint64_t takes_ns;
    unsigned times;
    uint64_t last_frames;
    uint64_t last_deadline_ns;
    enum pressure_place last_place;
    void (*inside)(struct pool *pool);
};

static uint64_t now;
static struct pool pools[4];
static char order[32]; /* of the questions, a letter each */

static uint64_t now_ns(void)
{
    return now;
}

static uint64_t pool_can_give(void *context)
{
    const struct pool *pool = context;

    return pool->has;
}

static uint64_t pool_give(void *context, uint64_t frames, enum pressure_place place,
                          uint64_t deadline_ns)
{
    struct pool *pool = context;
    uint64_t given = frames < pool->gives_at_once ? frames : pool->gives_at_once;

    pool->times++;
    pool->last_frames = frames;
    pool->last_place = place;
    pool->last_deadline_ns = deadline_ns;
    strncat(order, pool->source.name, 1);
    now += pool->takes_ns;
    if (pool->inside != NULL) {
        pool->inside(pool);
    }
    pool->has -= given < pool->has ? given : pool->has;
    return given;
}

static struct pressure_source *add(unsigned index, unsigned cost, uint64_t has)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    struct pool *pool = &pools[index];

    *pool = (struct pool){ .has = has, .gives_at_once = UINT64_MAX };
    pool->source = (struct pressure_source){ .name = names[index],
                                             .cost = cost,
                                             .safe = PRESSURE_WORK,
                                             .context = pool,
                                             .can_give = pool_can_give,
                                             .give = pool_give };
    pressure_register(&pool->source);
    return &pool->source;
}

static uint64_t ask(uint64_t frames)
{
    return pressure_ask(frames, PRESSURE_HOST_WANTS, PRESSURE_TASK, now + DEADLINE);
}

static int start(void **state)
{
    (void)state;
    now = 5;
    order[0] = '\0';
    memset(&fake_seams, 0, sizeof(fake_seams));
    pressure_init(now_ns);
    return 0;
}

/* ---- who is asked ---- */

static void the_cheapest_is_asked_first_and_no_more_than_needed(void **state)
{
    (void)state;
    add(0, 30, 100);
    add(1, 10, 100);
    add(2, 20, 100);
    assert_int_equal(ask(150), 150);
    assert_string_equal(order, "bc");
    assert_int_equal(pools[1].last_frames, 100);
    assert_int_equal(pools[2].last_frames, 50);
    assert_int_equal(pools[2].last_deadline_ns, 5 + DEADLINE);
    assert_int_equal(ask(0), 0);
    assert_string_equal(order, "bc");
}

static void sources_of_one_cost_are_asked_in_the_order_of_registration(void **state)
{
    (void)state;
    add(2, 7, 1);
    add(0, 7, 1);
    add(1, 7, 1);
    assert_int_equal(ask(3), 3);
    assert_string_equal(order, "cab");
}

static void a_source_that_has_nothing_is_not_asked(void **state)
{
    (void)state;
    add(0, 1, 0);
    add(1, 2, 5);
    assert_int_equal(ask(9), 5);
    assert_string_equal(order, "b");
    assert_int_equal(pressure_counters().fell_short, 1);
}

static void a_source_is_asked_only_where_it_is_safe(void **state)
{
    (void)state;
    add(0, 1, 100)->safe = PRESSURE_TASK;
    add(1, 2, 100)->safe = PRESSURE_ALLOC;
    add(2, 3, 100)->safe = PRESSURE_WORK;
    (void)pressure_ask(1, PRESSURE_HOST_WANTS, PRESSURE_WORK, DEADLINE);
    (void)pressure_ask(1, PRESSURE_ALLOC_FAILS, PRESSURE_ALLOC, DEADLINE);
    assert_int_equal(pools[1].last_place, PRESSURE_ALLOC);
    (void)pressure_ask(1, PRESSURE_HOST_WANTS, PRESSURE_TASK, DEADLINE);
    assert_string_equal(order, "cba");
}

static void an_unregistered_source_is_not_asked(void **state)
{
    (void)state;
    add(0, 1, 10);
    add(1, 2, 10);
    pressure_unregister(&pools[0].source);
    assert_int_equal(ask(20), 10);
    assert_int_equal(pressure_available(), 0);
    assert_true(EXPECT_PANIC(pressure_unregister(&pools[0].source)));
    assert_true(EXPECT_PANIC(pressure_register(&pools[1].source)));
}

/* ---- deadlines ---- */

static void a_promise_counts_for_the_host_until_its_deadline(void **state)
{
    (void)state;
    add(0, 1, 100);
    add(1, 2, 100);
    pools[0].gives_at_once = 30;
    assert_int_equal(ask(100), 30);
    assert_int_equal(ask(60), 0); /* 70 are on their way */
    assert_string_equal(order, "a");
    assert_int_equal(ask(80), 10);
    assert_string_equal(order, "ab");
    pressure_gave(&pools[0].source, 70);
    assert_int_equal(pools[0].source.given, 100);
    assert_int_equal(ask(20), 20);
    assert_string_equal(order, "aba");
    assert_int_equal(pools[0].source.missed, 0);
}

static void a_promise_is_no_help_for_an_allocation(void **state)
{
    (void)state;
    add(0, 1, 100);
    add(1, 2, 100);
    pools[0].gives_at_once = 30;
    assert_int_equal(pressure_ask(100, PRESSURE_ALLOC_FAILS, PRESSURE_ALLOC, DEADLINE), 100);
    assert_int_equal(pools[1].last_frames, 70);
}

static void a_later_promise_does_not_count_for_an_earlier_deadline(void **state)
{
    (void)state;
    add(0, 1, 100);
    add(1, 2, 100);
    pools[0].gives_at_once = 0;
    assert_int_equal(ask(100), 0);
    assert_int_equal(pressure_ask(100, PRESSURE_HOST_WANTS, PRESSURE_TASK, now + 1), 100);
    assert_string_equal(order, "ab");
}

static void a_missed_deadline_is_counted_logged_once_and_leaves_the_source_alone(void **state)
{
    (void)state;
    add(0, 1, 100);
    add(1, 2, 1000);
    pools[0].gives_at_once = 0;
    assert_int_equal(ask(100), 0);
    now += DEADLINE + 1;
    assert_int_equal(ask(100), 100); /* noticed here; the other one is asked */
    assert_string_equal(order, "ab");
    assert_int_equal(pools[0].source.missed, 1);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1);
    assert_non_null(strstr(fake_seams.last_log, "a missed its deadline with 100 frames"));
    assert_int_equal(pressure_available(), 900);
    now += PRESSURE_SKIP_NS - 1;
    (void)ask(1);
    assert_string_equal(order, "abb");
    now += 1;
    assert_int_equal(pressure_available(), 999);
    (void)ask(1);
    assert_string_equal(order, "abba");
    now += DEADLINE + 1;
    (void)ask(1);
    assert_int_equal(pools[0].source.missed, 2);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1); /* the same episode */
}

static void a_kept_deadline_ends_the_episode(void **state)
{
    (void)state;
    add(0, 1, 100);
    pools[0].gives_at_once = 0;
    for (unsigned episode = 1; episode <= 2; episode++) {
        (void)ask(10);
        now += DEADLINE + 1;
        (void)ask(10);
        assert_int_equal(fake_seams.log_lines[LOG_WARN], episode);
        now += PRESSURE_SKIP_NS;
        (void)ask(10);
        pressure_gave(&pools[0].source, 10);
        now += DEADLINE + 1;
        pools[0].gives_at_once = 1;
        assert_int_equal(ask(1), 1);
        pools[0].gives_at_once = 0;
    }
    assert_int_equal(pools[0].source.missed, 2);
}

static void a_gift_after_the_deadline_is_a_miss(void **state)
{
    (void)state;
    add(0, 1, 100);
    pools[0].takes_ns = DEADLINE + 1;
    assert_int_equal(ask(10), 10);
    assert_int_equal(pools[0].source.missed, 1);
    assert_int_equal(pressure_available(), 0);

    add(1, 2, 100);
    pools[1].gives_at_once = 0;
    assert_int_equal(ask(10), 0);
    now += DEADLINE + 1;
    pressure_gave(&pools[1].source, 10);
    assert_int_equal(ask(10), 0);
    assert_int_equal(pools[1].source.missed, 1);
}

static void what_comes_on_top_later_is_no_miss(void **state)
{
    (void)state;
    add(0, 1, 100);
    pools[0].gives_at_once = 5;
    assert_int_equal(ask(10), 5);
    pressure_gave(&pools[0].source, 5);
    now += DEADLINE + 1;
    pressure_gave(&pools[0].source, 20);
    assert_int_equal(ask(1), 1);
    assert_int_equal(pools[0].source.missed, 0);
    assert_int_equal(pools[0].source.given, 31);
}

/* ---- sources that surprise ---- */

static uint64_t claim_everything(void *context, uint64_t frames, enum pressure_place place,
                                 uint64_t deadline_ns)
{
    (void)context;
    (void)frames;
    (void)place;
    (void)deadline_ns;
    return UINT64_MAX;
}

static void absurd_numbers_do_no_harm(void **state)
{
    (void)state;
    add(0, 1, UINT64_MAX)->give = claim_everything;
    add(1, 2, UINT64_MAX);
    assert_true(pressure_available() > UINT32_MAX);
    assert_true(ask(UINT64_MAX) > UINT32_MAX);
    assert_true(ask(5) >= 5);
    assert_int_equal(pools[1].times, 0);
}

static void leave(struct pool *pool)
{
    pressure_unregister(&pool->source);
    memset(&pool->source, 0xA5, sizeof(pool->source)); /* nobody looks at it again */
    pool->source.name = "x";
}

static void a_source_may_unregister_itself_while_it_gives(void **state)
{
    (void)state;
    add(0, 1, 10);
    add(1, 2, 10);
    pools[0].inside = leave;
    assert_int_equal(ask(20), 20);
    assert_int_equal(ask(20), 0);
    assert_string_equal(order, "ab");
}

static void replace_the_next(struct pool *pool)
{
    (void)pool;
    pressure_unregister(&pools[1].source);
    add(2, 3, 10);
}

static void the_list_may_change_while_a_source_gives(void **state)
{
    (void)state;
    add(0, 1, 10);
    add(1, 2, 10);
    pools[0].inside = replace_the_next;
    assert_int_equal(ask(20), 10); /* the new one has no turn in this question */
    pools[0].inside = NULL;
    assert_int_equal(ask(20), 10);
    assert_string_equal(order, "ac");
}

static void ask_inside(struct pool *pool)
{
    (void)pool;
    assert_int_equal(pressure_ask(5, PRESSURE_ALLOC_FAILS, PRESSURE_ALLOC, now + DEADLINE), 5);
}

static void a_source_that_asks_itself_gets_it_from_the_others(void **state)
{
    (void)state;
    add(0, 1, 100);
    add(1, 2, 100);
    pools[0].inside = ask_inside;
    assert_int_equal(ask(10), 10);
    assert_string_equal(order, "ab");
    assert_int_equal(pressure_counters().asked[PRESSURE_ALLOC_FAILS], 1);
    assert_int_equal(pressure_counters().given[PRESSURE_ALLOC_FAILS], 5);
    assert_int_equal(pressure_counters().given[PRESSURE_HOST_WANTS], 10);
}

static void the_report_tells_about_every_source(void **state)
{
    (void)state;
    add(0, 4, 100);
    (void)ask(7);
    pressure_report();
    assert_string_equal(fake_seams.last_result,
                        "pressure_source name=a cost=4 asked=1 given=7 missed=0");
}

static void what_is_given_later_is_counted_by_itself(void **state)
{
    struct pressure_source *source;

    (void)state;
    source = add(0, 1, 100);
    pools[0].gives_at_once = 30;
    assert_int_equal(ask(50), 30);
    assert_int_equal(pressure_counters().given_later, 0);
    pressure_gave(source, 20);
    assert_int_equal(pressure_counters().given[PRESSURE_HOST_WANTS], 30);
    assert_int_equal(pressure_counters().given_later, 20);
    assert_int_equal(source->given, 50);
}

static void nobody_comes_or_goes_in_the_middle_of_work(void **state)
{
    (void)state;
    add(0, 1, 10);
    add(1, 2, 10);
    pools[0].inside = replace_the_next;
    assert_true(
        EXPECT_PANIC((void)pressure_ask(5, PRESSURE_HOST_WANTS, PRESSURE_WORK, now + DEADLINE)));
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_cheapest_is_asked_first_and_no_more_than_needed),
        TEST(sources_of_one_cost_are_asked_in_the_order_of_registration),
        TEST(a_source_that_has_nothing_is_not_asked),
        TEST(a_source_is_asked_only_where_it_is_safe),
        TEST(an_unregistered_source_is_not_asked),
        TEST(a_promise_counts_for_the_host_until_its_deadline),
        TEST(a_promise_is_no_help_for_an_allocation),
        TEST(a_later_promise_does_not_count_for_an_earlier_deadline),
        TEST(a_missed_deadline_is_counted_logged_once_and_leaves_the_source_alone),
        TEST(a_kept_deadline_ends_the_episode),
        TEST(a_gift_after_the_deadline_is_a_miss),
        TEST(what_comes_on_top_later_is_no_miss),
        TEST(absurd_numbers_do_no_harm),
        TEST(a_source_may_unregister_itself_while_it_gives),
        TEST(the_list_may_change_while_a_source_gives),
        TEST(a_source_that_asks_itself_gets_it_from_the_others),
        TEST(the_report_tells_about_every_source),
        TEST(what_is_given_later_is_counted_by_itself),
        TEST(nobody_comes_or_goes_in_the_middle_of_work),
    };

    return cmocka_run_group_tests_name("mm/pressure.c", tests, NULL, NULL);
}
