/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/store/: history, its roll-ups against a plain computation, and how long it stays.
 */
#include "tests/ballast/unit/store_fixture.h"

#define DAY INT64_C(86400)

static struct store_point *read_points(struct store *store, const char *machine,
                                       enum store_step step, size_t expected)
{
    struct store_point *points = NULL;
    size_t count = 0;

    assert_true(store_history(store, machine, step, 0, INT64_MAX, SIZE_MAX, &points, &count));
    assert_int_equal(count, expected);
    return points;
}

static void points_come_back_as_they_went_in(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point *points = NULL;

    store_fixture_add(fixture->store, "web", START + 2, 11);
    store_fixture_add(fixture->store, "", START, 12);
    store_fixture_add(fixture->store, "web", START, 10);
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    points = read_points(fixture->store, "web", STORE_RAW, 2);
    for (size_t i = 0; i < 2; i++) {
        struct store_point expected = store_fixture_point(START + 2 * (int64_t)i, 10 + i);

        assert_int_equal(points[i].time_s, expected.time_s);
        assert_int_equal(points[i].size_bytes, expected.size_bytes);
        assert_int_equal(points[i].target_bytes, expected.target_bytes);
        assert_int_equal(points[i].used_bytes, expected.used_bytes);
        assert_int_equal(points[i].available_bytes, expected.available_bytes);
        assert_int_equal(points[i].resident_bytes, expected.resident_bytes);
        assert_int_equal(points[i].demand_bytes, expected.demand_bytes);
        assert_int_equal(points[i].short_bytes, expected.short_bytes);
        assert_int_equal(points[i].zone, expected.zone);
    }
    free(points);
    assert_int_equal(store_fixture_count(fixture->store, "", STORE_RAW), 1);
    assert_int_equal(store_fixture_count(fixture->store, "nobody", STORE_RAW), 0);
}

static void a_range_is_half_open_and_limited_to_the_newest(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point *points = NULL;
    size_t count = 0;

    for (int64_t i = 0; i < 200; i++) {
        store_fixture_add(fixture->store, "web", START + i, 1);
    }
    assert_true(store_history(fixture->store, "web", STORE_RAW, START + 10, START + 20, 100,
                              &points, &count));
    assert_int_equal(count, 10);
    assert_int_equal(points[0].time_s, START + 10);
    assert_int_equal(points[9].time_s, START + 19);
    free(points);
    assert_true(
        store_history(fixture->store, "web", STORE_RAW, START, INT64_MAX, 3, &points, &count));
    assert_int_equal(count, 3);
    assert_int_equal(points[0].time_s, START + 197);
    assert_int_equal(points[2].time_s, START + 199);
    free(points);
    assert_true(
        store_history(fixture->store, "web", STORE_RAW, START, INT64_MAX, 0, &points, &count));
    assert_int_equal(count, 0);
    assert_null(points);
}

static void a_second_point_of_the_same_second_replaces_the_first(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point *points = NULL;

    store_fixture_add(fixture->store, "web", START, 1);
    store_fixture_add(fixture->store, "web", START, 2);
    points = read_points(fixture->store, "web", STORE_RAW, 1);
    assert_int_equal(points[0].size_bytes, 2 * MIB);
    free(points);
}

static void what_is_missing_stays_missing_and_hostile_sizes_are_missing(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point missing = store_fixture_point(START, 10);
    struct store_point *points = NULL;

    missing.available_bytes = POLICY_MISSING;
    missing.used_bytes = POLICY_MISSING - 1;
    missing.demand_bytes = INT64_MAX;
    assert_true(store_add(fixture->store, "web", &missing));
    missing.time_s = START + 1;
    missing.available_bytes = 100 * MIB;
    assert_true(store_add(fixture->store, "web", &missing));
    (void)store_fixture_tidy(fixture->store, START + 900);
    for (int step = STORE_RAW; step <= STORE_QUARTER; step++) {
        points =
            read_points(fixture->store, "web", (enum store_step)step, step == STORE_RAW ? 2 : 1);
        assert_true(points[0].used_bytes == POLICY_MISSING);
        if (step == STORE_RAW) {
            assert_true(points[0].available_bytes == POLICY_MISSING);
            assert_int_equal(points[0].demand_bytes, INT64_MAX);
        } else {
            /* The mean of what was told. */
            assert_int_equal(points[0].available_bytes, 100 * MIB);
        }
        free(points);
    }
}

static void a_clock_that_is_wrong_is_refused(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point point = store_fixture_point(-1, 1);

    assert_false(store_add(fixture->store, "web", &point));
    assert_non_null(strstr(store_error(fixture->store), "clock"));
    point.time_s = INT64_MAX;
    assert_false(store_add(fixture->store, "web", &point));
    store_fixture_add(fixture->store, "web", START, 1);
    assert_string_equal(store_error(fixture->store), "");
}

/* Sizes of a machine: a saw that changes within minutes and between them. */
static uint64_t saw(int64_t time_s)
{
    return 100 + (uint64_t)(time_s * 7 % 333);
}

static void check_roll_up(struct store *store, const char *machine, enum store_step step,
                          int64_t seconds, size_t expected)
{
    struct store_point *points = read_points(store, machine, step, expected);

    for (size_t i = 0; i < expected; i++) {
        uint64_t sum = 0;
        uint64_t most = 0;
        uint64_t zone = 0;
        uint64_t n = (uint64_t)seconds / 2;

        assert_int_equal(points[i].time_s, START + (int64_t)i * seconds);
        for (int64_t t = points[i].time_s; t < points[i].time_s + seconds; t += 2) {
            sum += saw(t);
            most = saw(t) > most ? saw(t) : most;
            zone = saw(t) % 4 > zone ? saw(t) % 4 : zone;
        }
        /* Rounded once in a minute, and once more in a quarter hour. */
        assert_in_range(points[i].size_bytes, sum * MIB / n - 1, sum * MIB / n + 2);
        assert_in_range(points[i].demand_bytes, 6 * sum * MIB / n - 1, 6 * sum * MIB / n + 2);
        assert_int_equal(points[i].short_bytes, most * 7 * MIB);
        assert_int_equal(points[i].zone, zone);
    }
    free(points);
}

static void roll_ups_are_means_and_the_worst(void **state)
{
    struct store_fixture *fixture = *state;

    /* Tidied now and then, as the daemon does, at times that are no full minutes. */
    for (int64_t t = START; t < START + 3600; t += 2) {
        store_fixture_add(fixture->store, "web", t, saw(t));
        store_fixture_add(fixture->store, "", t, saw(t));
        if (t % 74 == 0) {
            (void)store_fixture_tidy(fixture->store, t);
        }
    }
    (void)store_fixture_tidy(fixture->store, START + 3600);
    check_roll_up(fixture->store, "web", STORE_MINUTE, 60, 60);
    check_roll_up(fixture->store, "web", STORE_QUARTER, 900, 4);
    check_roll_up(fixture->store, "", STORE_MINUTE, 60, 60);
    /* Again: the same. */
    (void)store_fixture_tidy(fixture->store, START + 3600);
    assert_true(store_commit(fixture->store));
    store_fixture_exec(fixture, "UPDATE series SET minute_done = 0, quarter_done = 0");
    (void)store_fixture_tidy(fixture->store, START + 3600);
    check_roll_up(fixture->store, "web", STORE_MINUTE, 60, 60);
    check_roll_up(fixture->store, "web", STORE_QUARTER, 900, 4);
}

static void a_minute_that_is_not_over_is_not_rolled_up(void **state)
{
    struct store_fixture *fixture = *state;

    store_fixture_add(fixture->store, "web", START, 1);
    store_fixture_add(fixture->store, "web", START + 60, 1);
    (void)store_fixture_tidy(fixture->store, START + 59);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_MINUTE), 0);
    (void)store_fixture_tidy(fixture->store, START + 60);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_MINUTE), 1);
    (void)store_fixture_tidy(fixture->store, START + 899);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_MINUTE), 2);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_QUARTER), 0);
    (void)store_fixture_tidy(fixture->store, START + 900);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_QUARTER), 1);
}

static void a_point_that_comes_late_has_its_minute_made_again(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point *points = NULL;

    store_fixture_add(fixture->store, "web", START + 10, 100);
    (void)store_fixture_tidy(fixture->store, START + 1000);
    store_fixture_add(fixture->store, "web", START + 20, 200);
    (void)store_fixture_tidy(fixture->store, START + 1000);
    points = read_points(fixture->store, "web", STORE_MINUTE, 1);
    assert_int_equal(points[0].size_bytes, 150 * MIB);
    free(points);
    points = read_points(fixture->store, "web", STORE_QUARTER, 1);
    assert_int_equal(points[0].size_bytes, 150 * MIB);
    free(points);
}

static void a_late_point_does_not_replace_a_minute_that_knew_more(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_point *points = NULL;

    for (int64_t i = 0; i < 30; i++) {
        store_fixture_add(fixture->store, "web", START + i, 100);
    }
    /* The raw points are gone, then the clock is set back by two days. */
    (void)store_fixture_tidy(fixture->store, START + 2 * DAY);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), 0);
    store_fixture_add(fixture->store, "web", START + 40, 900);
    (void)store_fixture_tidy(fixture->store, START + 2 * DAY);
    points = read_points(fixture->store, "web", STORE_MINUTE, 1);
    assert_int_equal(points[0].size_bytes, 100 * MIB);
    free(points);
}

static void each_resolution_is_kept_for_its_time(void **state)
{
    struct store_fixture *fixture = *state;

    for (int64_t day = 0; day < 3; day++) {
        for (int64_t i = 0; i < 900; i += 10) {
            store_fixture_add(fixture->store, "web", START + day * DAY + i, 1);
        }
    }
    (void)store_fixture_tidy(fixture->store, START + 2 * DAY + 900);
    /* A day of raw points: the last, and not quite the first of the one before. */
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), 90);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_MINUTE), 45);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_QUARTER), 3);
    (void)store_fixture_tidy(fixture->store, START + 31 * DAY + 900);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), 0);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_MINUTE), 15);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_QUARTER), 3);
    (void)store_fixture_tidy(fixture->store, START + 500 * DAY);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_QUARTER), 0);
    assert_true(store_commit(fixture->store));
    assert_int_equal(store_fixture_number(fixture, "SELECT count(*) FROM series"), 0);
}

static void tidying_after_long_goes_in_small_steps(void **state)
{
    struct store_fixture *fixture = *state;
    unsigned steps = 0;

    for (int64_t i = 0; i < 5000; i++) {
        store_fixture_add(fixture->store, "web", START + i, 1);
    }
    steps = store_fixture_tidy(fixture->store, START + 10 * DAY);
    /* 84 minutes by at most 60, and 5000 rows by at most 2000. */
    assert_in_range(steps, 3, 8);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), 0);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_MINUTE), 84);
}

static void a_machine_whose_rows_fail_does_not_stop_the_others(void **state)
{
    struct store_fixture *fixture = *state;
    unsigned failed = 0;

    store_fixture_add(fixture->store, "first", START, 1);
    store_fixture_add(fixture->store, "second", START, 2);
    store_fixture_add(fixture->store, "third", START, 3);
    assert_true(store_commit(fixture->store));
    store_fixture_exec(fixture, "CREATE TRIGGER broken BEFORE INSERT ON minute WHEN new.series = 2"
                                " BEGIN SELECT raise(ABORT, 'broken'); END");
    /* What is in the running transaction stays there. */
    store_fixture_add(fixture->store, "fourth", START, 4);
    for (int i = 0; i < 20; i++) {
        if (!store_tidy(fixture->store, START + 60, 24, 30, 400)) {
            if (store_error(fixture->store)[0] == '\0') {
                break;
            }
            assert_non_null(strstr(store_error(fixture->store), "broken"));
            failed++;
        }
    }
    assert_int_equal(failed, 1);
    assert_int_equal(store_fixture_count(fixture->store, "first", STORE_MINUTE), 1);
    assert_int_equal(store_fixture_count(fixture->store, "second", STORE_MINUTE), 0);
    assert_int_equal(store_fixture_count(fixture->store, "second", STORE_RAW), 1);
    assert_int_equal(store_fixture_count(fixture->store, "third", STORE_MINUTE), 1);
    assert_int_equal(store_fixture_count(fixture->store, "fourth", STORE_MINUTE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
        CASE(points_come_back_as_they_went_in),
        CASE(a_range_is_half_open_and_limited_to_the_newest),
        CASE(a_second_point_of_the_same_second_replaces_the_first),
        CASE(what_is_missing_stays_missing_and_hostile_sizes_are_missing),
        CASE(a_clock_that_is_wrong_is_refused),
        CASE(roll_ups_are_means_and_the_worst),
        CASE(a_minute_that_is_not_over_is_not_rolled_up),
        CASE(a_point_that_comes_late_has_its_minute_made_again),
        CASE(a_late_point_does_not_replace_a_minute_that_knew_more),
        CASE(each_resolution_is_kept_for_its_time),
        CASE(tidying_after_long_goes_in_small_steps),
        CASE(a_machine_whose_rows_fail_does_not_stop_the_others),
    };

    return cmocka_run_group_tests_name("tools/ballast/store/store_tidy.c", tests, NULL, NULL);
}
