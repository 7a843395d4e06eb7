/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock that is wrong for a while must not cost the history. */
#include "tests/ballast/unit/store_fixture.h"

#define HOUR INT64_C(3600)
#define DAY  INT64_C(86400)

/* As the daemon does it: a round now and then, by whatever the clock says. */
static void tidy(struct store *store, int64_t now_s)
{
    unsigned steps = 0;

    while (store_tidy(store, now_s, 24, 30, 400)) {
        assert_in_range(++steps, 0, 100000);
    }
    assert_string_equal(store_error(store), "");
}

/* An hour of points, rolled up. */
static void fill(struct store *store)
{
    for (int64_t i = 0; i < HOUR; i += 10) {
        store_fixture_add(store, "web", START + i, 1);
    }
    tidy(store, START + HOUR);
    assert_true(store_commit(store));
}

static size_t count(struct store *store, enum store_step step)
{
    return store_fixture_count(store, "web", step);
}

static void assert_all_there(struct store *store)
{
    assert_int_equal(count(store, STORE_RAW), 360);
    assert_int_equal(count(store, STORE_MINUTE), 60);
    assert_int_equal(count(store, STORE_QUARTER), 4);
}

static void a_clock_that_is_far_ahead_for_a_while_costs_nothing(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    for (int64_t t = 0; t < HOUR; t += 60) {
        tidy(store, START + 5000 * DAY + t);
    }
    assert_all_there(store);
    tidy(store, START + 2 * HOUR); /* it is right again */
    assert_all_there(store);
    tidy(store, START + 5000 * DAY + 2 * HOUR); /* and was not right for an hour by that */
    assert_all_there(store);
}

static void a_jump_that_lasts_is_believed(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    for (int64_t t = 0; t <= HOUR; t += 60) {
        assert_int_equal(count(store, STORE_RAW), 360);
        tidy(store, START + 40 * DAY + t);
    }
    assert_int_equal(count(store, STORE_RAW), 0);
    assert_int_equal(count(store, STORE_MINUTE), 0);
    assert_int_equal(count(store, STORE_QUARTER), 4);
}

static void a_second_jump_begins_anew(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    tidy(store, START + 40 * DAY);
    tidy(store, START + 4000 * DAY);
    tidy(store, START + 4000 * DAY + HOUR / 2);
    assert_all_there(store);
    tidy(store, START + 4000 * DAY + HOUR);
    assert_int_equal(count(store, STORE_RAW), 0);
    assert_int_equal(count(store, STORE_QUARTER), 0);
}

static void a_restart_meanwhile_does_not_believe_it(void **state)
{
    struct store_fixture *fixture = *state;

    fill(fixture->store);
    tidy(fixture->store, START + 5000 * DAY);
    store_fixture_add(fixture->store, "web", START + 5000 * DAY, 1);
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    for (int64_t t = 0; t < HOUR; t += 60) {
        tidy(fixture->store, START + 5000 * DAY + t);
    }
    assert_int_equal(count(fixture->store, STORE_RAW), 361);
    assert_int_equal(count(fixture->store, STORE_QUARTER), 5);
}

static void days_that_pass_are_no_jump(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    tidy(store, START + DAY);
    assert_int_equal(count(store, STORE_RAW), 360);
    tidy(store, START + 2 * DAY);
    assert_int_equal(count(store, STORE_RAW), 0);
}

static void a_clock_that_goes_back_is_believed_at_once(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    tidy(store, START - 100 * DAY);
    assert_all_there(store);
    tidy(store, START + HOUR); /* and what was right before is a jump now */
    tidy(store, START + 2 * HOUR);
    assert_all_there(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
        CASE(a_clock_that_is_far_ahead_for_a_while_costs_nothing),
        CASE(a_jump_that_lasts_is_believed),
        CASE(a_second_jump_begins_anew),
        CASE(a_restart_meanwhile_does_not_believe_it),
        CASE(days_that_pass_are_no_jump),
        CASE(a_clock_that_goes_back_is_believed_at_once),
    };

    return cmocka_run_group_tests_name("tools/ballast/store/store_clock.c", tests, NULL, NULL);
}
