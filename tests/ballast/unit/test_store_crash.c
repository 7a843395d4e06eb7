/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/store/: a writer that is killed at any moment loses nothing that was confirmed, and
 * what it leaves is sound. The moments come from a generator with a fixed seed; where in the
 * writer's work they fall differs from run to run, which is wanted.
 */
#include "tests/ballast/unit/store_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define ROUNDS      20
#define MOMENTS_MAX 60U /* ms */

/* What the writer confirms, after the store did. */
struct confirmed {
    int64_t point_s; /* all points before and at this are committed */
    uint64_t revision;
    int64_t event;      /* the last number that a reader saw, */
    int64_t event_kept; /* and the last that was committed */
    uint64_t audits;
};

struct writer {
    const char *folder;
    int pipe;
    struct confirmed confirmed;
    atomic_bool end;
};

static void confirm(const struct writer *writer)
{
    if (write(writer->pipe, &writer->confirmed, sizeof writer->confirmed) !=
        (ssize_t)sizeof writer->confirmed) {
        _exit(3);
    }
}

static void *checkpoint_again_and_again(void *context)
{
    struct writer *writer = context;

    while (!writer->end) {
        char reason[256];

        if (!store_checkpoint(writer->folder, reason, sizeof reason)) {
            (void)fprintf(stderr, "checkpoint: %s\n", reason);
            _exit(4);
        }
        (void)usleep(3000);
    }
    return NULL;
}

static bool save(struct store *store, struct writer *writer)
{
    struct fleet_settings settings = { .class = POLICY_BURST,
                                       .weight = 1,
                                       .revision = writer->confirmed.revision + 1 };
    struct store_audit audit = { .time_s = writer->confirmed.point_s, .action = "set" };

    if (!store_save_settings(store, "web", &settings)) {
        return false;
    }
    writer->confirmed.revision++;
    confirm(writer);
    if (!store_audit_add(store, &audit)) {
        return false;
    }
    writer->confirmed.audits++;
    confirm(writer);
    return true;
}

/* Everything the daemon does, as fast as it goes, until it is killed. */
static void write_until_killed(struct writer *writer)
{
    char reason[512];
    struct store *store = store_open(writer->folder, reason, sizeof reason);
    pthread_t thread;

    if (store == NULL || pthread_create(&thread, NULL, checkpoint_again_and_again, writer) != 0) {
        (void)fprintf(stderr, "the writer does not start: %s\n", reason);
        _exit(2);
    }
    for (int64_t now = writer->confirmed.point_s;;) {
        for (int i = 0; i < 5; i++) {
            struct store_event event = { .time_s = ++now, .kind = "target" };
            struct store_point point = store_fixture_point(now, (uint64_t)now % 1000);

            if (!store_add(store, "", &point) || !store_add(store, "web", &point)) {
                _exit(5);
            }
            writer->confirmed.event = store_event_add(store, &event);
            confirm(writer);
        }
        if (!store_commit(store)) {
            _exit(6);
        }
        writer->confirmed.point_s = now;
        writer->confirmed.event_kept = writer->confirmed.event;
        confirm(writer);
        if (now % 15 == 0 && !save(store, writer)) {
            _exit(7);
        }
        if (now % 50 == 0) {
            while (store_tidy(store, now, 1, 30, 400)) {
            }
        }
    }
}

/* Starts a writer, kills it after a while, and tells the last it confirmed. */
static void run_and_kill(const struct store_fixture *fixture, unsigned ms,
                         struct confirmed *confirmed)
{
    int pipes[2];
    int status = 0;
    pid_t pid = 0;
    struct confirmed next;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct writer writer = { .folder = fixture->folder,
                                 .pipe = pipes[1],
                                 .confirmed = *confirmed };

        (void)close(pipes[0]);
        write_until_killed(&writer);
    }
    (void)close(pipes[1]);
    /* The time runs from its first sign of life: the pipe holds more than a moment's worth. */
    assert_int_equal(read(pipes[0], confirmed, sizeof *confirmed), (ssize_t)sizeof *confirmed);
    for (unsigned slept = 0; slept < ms; slept++) {
        (void)usleep(1000);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    while (read(pipes[0], &next, sizeof next) == (ssize_t)sizeof next) {
        *confirmed = next;
    }
    (void)close(pipes[0]);
}

static void check_history(struct store *store, const char *machine, int64_t last_s)
{
    struct store_point *points = NULL;
    size_t count = 0;

    /* Raw points of the last hour are kept, older ones may be. */
    assert_true(store_history(store, machine, STORE_RAW, last_s - 3000, last_s + 1, SIZE_MAX,
                              &points, &count));
    if (last_s > START + 3000) {
        assert_int_equal(count, 3001);
    } else {
        assert_in_range(count, last_s - START, last_s - START + 1);
    }
    for (size_t i = 0; i < count; i++) {
        struct store_point expected =
            store_fixture_point(points[i].time_s, (uint64_t)points[i].time_s % 1000);

        assert_int_equal(points[i].time_s, points[0].time_s + (int64_t)i);
        assert_int_equal(points[i].size_bytes, expected.size_bytes);
        assert_int_equal(points[i].short_bytes, expected.short_bytes);
    }
    free(points);
}

static void check_rest(struct store *store, const struct confirmed *confirmed)
{
    struct store_event *events = NULL;
    struct store_audit *entries = NULL;
    struct fleet_settings settings = { 0 };
    size_t count = 0;

    if (confirmed->revision > 0) {
        assert_true(store_load_settings(store, "web", &settings));
        assert_in_range(settings.revision, confirmed->revision, confirmed->revision + 1);
    }
    assert_true(store_audit_read(store, 0, SIZE_MAX, &entries, &count));
    free(entries);
    assert_in_range(count, confirmed->audits, confirmed->audits + 1);
    if (confirmed->event_kept > 0) {
        assert_true(
            store_event_read(store, &all_events, confirmed->event_kept - 1, 1, &events, &count));
        assert_int_equal(count, 1);
        assert_int_equal(events[0].number, confirmed->event_kept);
        free(events);
    }
}

static void killed_at_any_moment_nothing_confirmed_is_lost(void **state)
{
    struct store_fixture *fixture = *state;
    struct confirmed confirmed = { .point_s = START };
    uint64_t random = 42;
    int64_t events_given = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct store_event event = { .time_s = START };
        struct store_audit *entries = NULL;
        struct fleet_settings settings = { 0 };
        size_t count = 0;
        int64_t number = 0;

        random = random * 6364136223846793005U + 1442695040888963407U;
        run_and_kill(fixture, (unsigned)(random >> 33) % MOMENTS_MAX, &confirmed);
        store_fixture_open(fixture);
        store_fixture_is_sound(fixture);
        check_history(fixture->store, "", confirmed.point_s);
        check_history(fixture->store, "web", confirmed.point_s);
        check_rest(fixture->store, &confirmed);
        /* No number that a reader saw comes again, committed or not. */
        events_given = confirmed.event > events_given ? confirmed.event : events_given;
        number = store_event_add(fixture->store, &event);
        assert_true(number > events_given);
        /* The next writer goes on with what is there, confirmed or not. */
        if (store_load_settings(fixture->store, "web", &settings)) {
            confirmed.revision = settings.revision;
        }
        assert_true(store_audit_read(fixture->store, 0, SIZE_MAX, &entries, &count));
        free(entries);
        confirmed.audits = count;
        store_fixture_close(fixture);
        confirmed.event = number;
        confirmed.event_kept = number;
    }
    /* The test means something only when the writers got somewhere. */
    assert_true(confirmed.point_s > START + ROUNDS);
    assert_true(confirmed.revision > 3);
    print_message("%" PRId64 " periods, %" PRIu64 " saved settings\n", confirmed.point_s - START,
                  confirmed.revision);
}

static void numbers_of_events_that_a_crash_lost_do_not_come_again(void **state)
{
    struct store_fixture *fixture = *state;
    int64_t last = 0;

    /* Twice, and each time nothing at all was committed. */
    for (int round = 0; round < 3; round++) {
        int pipes[2];
        int status = 0;
        int64_t number = 0;
        pid_t pid = 0;

        assert_int_equal(pipe(pipes), 0);
        pid = fork();
        if (pid == 0) {
            struct store_event event = { .time_s = START };
            char reason[512];
            struct store *store = store_open(fixture->folder, reason, sizeof reason);

            if (store != NULL) {
                number = store_event_add(store, &event);
            }
            (void)!write(pipes[1], &number, sizeof number);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(read(pipes[0], &number, sizeof number), (ssize_t)sizeof number);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        assert_true(number > last);
        last = number;
    }
}

static void what_was_not_committed_is_gone_and_nothing_else(void **state)
{
    struct store_fixture *fixture = *state;
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        store_fixture_open(fixture);
        store_fixture_add(fixture->store, "web", START, 1);
        if (!store_commit(fixture->store)) {
            _exit(1);
        }
        store_fixture_add(fixture->store, "web", START + 1, 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    store_fixture_open(fixture);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_folder, store_fixture_teardown)
        CASE(killed_at_any_moment_nothing_confirmed_is_lost),
        CASE(numbers_of_events_that_a_crash_lost_do_not_come_again),
        CASE(what_was_not_committed_is_gone_and_nothing_else),
    };

    return cmocka_run_group_tests_name("tools/ballast/store/store.c", tests, NULL, NULL);
}
