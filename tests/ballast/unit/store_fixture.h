/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A folder for a database, and short ways to fill it; what the tests of the store share. */

#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "tools/ballast/store/store_internal.h"

#define MIB ((uint64_t)1 << 20)
/* A quarter of an hour begins here. */
#define START INT64_C(1800000000)

static const struct store_event_filter all_events __attribute__((unused)) = { NULL, NULL };

struct store_fixture {
    char folder[64];
    char path[96];
    struct store *store; /* open, or NULL */
};

static inline int store_fixture_remove(const char *path, const struct stat *status, int kind,
                                       struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void store_fixture_open(struct store_fixture *fixture)
{
    char reason[512] = "";

    fixture->store = store_open(fixture->folder, reason, sizeof reason);
    if (fixture->store == NULL) {
        fail_msg("the store does not open: %s", reason);
    }
}

static inline void store_fixture_close(struct store_fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

/* A new folder, nothing in it. */
static inline int store_fixture_folder(void **state)
{
    struct store_fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_store.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->folder, STORE_FILE);
    *state = fixture;
    return 0;
}

/* The same with an open store. */
static inline int store_fixture_setup(void **state)
{
    int result = store_fixture_folder(state);

    store_fixture_open(*state);
    return result;
}

static inline int store_fixture_teardown(void **state)
{
    struct store_fixture *fixture = *state;

    store_close(fixture->store);
    assert_int_equal(nftw(fixture->folder, store_fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

/* A point whose every size follows from one number. */
static inline struct store_point store_fixture_point(int64_t time_s, uint64_t mib)
{
    return (struct store_point){ .time_s = time_s,
                                 .size_bytes = mib * MIB,
                                 .target_bytes = mib * 2 * MIB,
                                 .used_bytes = mib * 3 * MIB,
                                 .available_bytes = mib * 4 * MIB,
                                 .resident_bytes = mib * 5 * MIB,
                                 .demand_bytes = mib * 6 * MIB,
                                 .short_bytes = mib * 7 * MIB,
                                 .zone = (uint32_t)(mib % 4) };
}

static inline void store_fixture_add(struct store *store, const char *machine, int64_t time_s,
                                     uint64_t mib)
{
    struct store_point point = store_fixture_point(time_s, mib);

    if (!store_add(store, machine, &point)) {
        fail_msg("a point is not taken: %s", store_error(store));
    }
}

/* Tidies until there is nothing left to do, at a time that is right however far ahead it is.
 * Returns the steps it took. */
static inline unsigned store_fixture_tidy(struct store *store, int64_t now_s)
{
    unsigned steps = 0;

    assert_true(store_clock_trust(store, now_s));
    while (store_tidy(store, now_s, 24, 30, 400)) {
        steps++;
        assert_in_range(steps, 0, 100000);
    }
    assert_string_equal(store_error(store), "");
    return steps;
}

/* How many points a machine has, oldest and newest told too. */
static inline size_t store_fixture_count(struct store *store, const char *machine,
                                         enum store_step step)
{
    struct store_point *points = NULL;
    size_t count = 0;

    assert_true(store_history(store, machine, step, 0, INT64_MAX, SIZE_MAX, &points, &count));
    free(points);
    return count;
}

/* A number from the database, over another connection. */
static inline int64_t store_fixture_number(const struct store_fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = 0;

    assert_int_equal(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return number;
}

/* Changes the database over another connection. */
static inline void store_fixture_exec(const struct store_fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(
        sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

/* SQLite's own verdict over the whole database. */
static inline void store_fixture_is_sound(const struct store_fixture *fixture)
{
    assert_int_equal(store_fixture_number(fixture, "SELECT count(*) FROM pragma_integrity_check"
                                                   " WHERE integrity_check <> 'ok'"),
                     0);
}
