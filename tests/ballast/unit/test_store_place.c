/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/store/store_place.c: a database that is deleted or replaced while it is open is
 * noticed, nothing is confirmed that would be lost, and what was kept is written anew.
 */

#include "tests/ballast/unit/store_fixture.h"

static void file_of(const struct store_fixture *fixture, const char *suffix, char path[128])
{
    (void)snprintf(path, 128, "%s%s", fixture->path, suffix);
}

static void remove_file(const struct store_fixture *fixture, const char *suffix)
{
    char path[128];

    file_of(fixture, suffix, path);
    assert_int_equal(unlink(path), 0);
}

static void remove_folder(const struct store_fixture *fixture)
{
    assert_int_equal(nftw(fixture->folder, store_fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Reservations stand for everything that is confirmed when it is on disk. */
static bool keep(struct store_fixture *fixture, const char *name, uint64_t bytes)
{
    return store_save_reservation(fixture->store, name, bytes);
}

static void count_one(void *context, const char *name, uint64_t bytes)
{
    (void)name;
    *(uint64_t *)context += bytes;
}

static uint64_t kept(struct store_fixture *fixture)
{
    uint64_t sum = 0;

    assert_true(store_each_reservation(fixture->store, count_one, &sum));
    return sum;
}

static void add_events(struct store_fixture *fixture, unsigned count)
{
    struct store_event event = { .time_s = START, .kind = "target", .machine = "web" };

    memset(event.text, 'x', sizeof event.text - 1);
    for (unsigned i = 0; i < count; i++) {
        assert_true(store_event_add(fixture->store, &event) > 0);
    }
}

static size_t count_events(struct store_fixture *fixture)
{
    struct store_event *events = NULL;
    size_t count = 0;

    assert_true(store_event_read(fixture->store, &all_events, 0, 100000, &events, &count));
    free(events);
    return count;
}

static enum store_rescue rescue(struct store_fixture *fixture)
{
    enum store_rescue state = STORE_RESCUE_MORE;

    while (state == STORE_RESCUE_MORE) {
        state = store_rescue(fixture->store);
    }
    return state;
}

static void reopen(struct store_fixture *fixture)
{
    store_fixture_close(fixture);
    store_fixture_open(fixture);
}

/* ---- noticing ---- */

static void the_files_of_a_store_at_work_are_there(void **state)
{
    struct store_fixture *fixture = *state;
    char reason[512] = "";

    for (unsigned i = 1; i <= 20; i++) {
        assert_true(keep(fixture, "a", i));
        add_events(fixture, 50);
        assert_true(store_commit(fixture->store));
        assert_true(store_checkpoint(fixture->folder, reason, sizeof reason));
        assert_int_equal(store_watch(fixture->store), STORE_THERE);
    }
    assert_string_equal(store_trouble(fixture->store), "");
}

static void nothing_is_confirmed_when_a_file_was_deleted(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    struct store_fixture *fixture = *state;

    assert_true(keep(fixture, "a", 1));
    for (size_t i = 0; i < 3; i++) {
        remove_file(fixture, suffixes[i]);
        assert_false(keep(fixture, "b", 2));
        assert_non_null(strstr(store_error(fixture->store), "deleted"));
        assert_int_equal(store_watch(fixture->store), STORE_GONE);
        assert_non_null(strstr(store_trouble(fixture->store), "no change is taken"));
        assert_int_equal(rescue(fixture), STORE_RESCUE_DONE);
        assert_string_equal(store_trouble(fixture->store), "");
        assert_int_equal(kept(fixture), 1);
    }
    const struct store_audit entry = { .time_s = START, .who = "operator" };
    remove_file(fixture, "");
    assert_false(store_audit_add(fixture->store, &entry));
}

/* ---- making it anew ---- */

static void a_deleted_folder_costs_nothing_that_was_kept(void **state)
{
    struct store_fixture *fixture = *state;

    assert_true(keep(fixture, "a", 1));
    add_events(fixture, 10); /* not committed yet */
    remove_folder(fixture);
    assert_int_equal(store_watch(fixture->store), STORE_GONE);
    add_events(fixture, 10); /* committed into what has no name */
    assert_true(store_commit(fixture->store));
    assert_int_equal(rescue(fixture), STORE_RESCUE_FAILED);
    assert_int_equal(mkdir(fixture->folder, 0700), 0);
    assert_int_equal(rescue(fixture), STORE_RESCUE_DONE);
    assert_int_equal(store_watch(fixture->store), STORE_THERE);
    assert_true(keep(fixture, "b", 2));
    assert_int_equal(kept(fixture), 3);
    reopen(fixture);
    assert_int_equal(kept(fixture), 3);
    assert_int_equal(count_events(fixture), 20);
    char path[128];
    file_of(fixture, ".new", path);
    assert_int_equal(access(path, F_OK), -1);
    struct stat status;
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void what_is_written_while_it_is_made_anew_is_in_it(void **state)
{
    struct store_fixture *fixture = *state;
    unsigned portions = 0;

    add_events(fixture, 10000); /* some megabytes */
    assert_true(store_commit(fixture->store));
    remove_file(fixture, "");
    while (store_rescue(fixture->store) == STORE_RESCUE_MORE) {
        add_events(fixture, 1);
        portions++;
    }
    assert_int_equal(store_watch(fixture->store), STORE_THERE);
    assert_true(portions > 2);
    reopen(fixture);
    assert_int_equal(count_events(fixture), 10000 + portions);
}

/* Killed in the middle: the next one is not disturbed by the half copy. */
static void a_rescue_that_was_given_up_leaves_nothing_in_the_way(void **state)
{
    struct store_fixture *fixture = *state;
    char path[128];

    add_events(fixture, 10000);
    assert_true(store_commit(fixture->store));
    remove_file(fixture, "");
    assert_int_equal(store_rescue(fixture->store), STORE_RESCUE_MORE);
    store_rescue_end(fixture->store);
    file_of(fixture, ".new", path);
    assert_int_equal(access(path, F_OK), -1);
    FILE *half = fopen(path, "we");
    assert_non_null(half);
    (void)fputs("half of something", half);
    assert_int_equal(fclose(half), 0);
    assert_int_equal(rescue(fixture), STORE_RESCUE_DONE);
    reopen(fixture);
    assert_int_equal(count_events(fixture), 10000);
}

/* ---- somebody else's file ---- */

static void another_file_in_its_place_is_left_alone(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_fixture other = *fixture;

    assert_true(keep(fixture, "a", 1));
    remove_folder(fixture);
    assert_int_equal(mkdir(fixture->folder, 0700), 0);
    store_fixture_open(&other);
    assert_true(keep(&other, "b", 7));
    assert_int_equal(store_watch(fixture->store), STORE_REPLACED);
    assert_false(keep(fixture, "c", 2));
    assert_non_null(strstr(store_error(fixture->store), "another file"));
    assert_int_equal(rescue(fixture), STORE_RESCUE_FAILED);
    store_fixture_close(fixture); /* takes no log away by its name */
    assert_int_equal(store_watch(other.store), STORE_THERE);
    assert_true(keep(&other, "d", 8));
    assert_int_equal(kept(&other), 15);
    reopen(&other);
    assert_int_equal(kept(&other), 15);
    *fixture = other;
}

static void a_file_that_is_put_back_is_used_again(void **state)
{
    struct store_fixture *fixture = *state;
    char away[128];

    assert_true(keep(fixture, "a", 1));
    file_of(fixture, ".away", away);
    assert_int_equal(rename(fixture->path, away), 0);
    assert_false(keep(fixture, "b", 2));
    assert_int_equal(rename(away, fixture->path), 0);
    assert_true(keep(fixture, "b", 2));
    assert_int_equal(kept(fixture), 3);
}

int main(void)
{
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_files_of_a_store_at_work_are_there),
        CASE(nothing_is_confirmed_when_a_file_was_deleted),
        CASE(a_deleted_folder_costs_nothing_that_was_kept),
        CASE(what_is_written_while_it_is_made_anew_is_in_it),
        CASE(a_rescue_that_was_given_up_leaves_nothing_in_the_way),
        CASE(another_file_in_its_place_is_left_alone),
        CASE(a_file_that_is_put_back_is_used_again),
    };
    return cmocka_run_group_tests_name("tools/ballast/store/store_place.c", tests, NULL, NULL);
}
