/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points of history go in and come out. A point that is older than what was rolled up already (the
 * clock was set back, or the point came late) moves the marks back, and the next tidying makes its
 * minute and quarter hour again.
 */

#include "tools/ballast/store/store_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Beyond this no clock is right, and sums of times would leave 64 bits. */
#define TIME_MAX ((int64_t)1 << 40)

/* The machine's number and how far its minutes are made; a new one gets a number. */
static bool find_series(struct store *store, const char *identity, int64_t *id,
                        int64_t *minute_done)
{
    sqlite3_stmt *find = store_statement(store, STORE_SERIES_FIND);
    sqlite3_stmt *add = NULL;
    int row = 0;

    if (find == NULL) {
        return false;
    }
    store_bind_text(find, 1, identity);
    row = store_row(store, find);
    if (row == 1) {
        *id = sqlite3_column_int64(find, 0);
        *minute_done = sqlite3_column_int64(find, 1);
        (void)sqlite3_reset(find);
        return true;
    }
    if (row < 0) {
        return false;
    }
    add = store_statement(store, STORE_SERIES_ADD);
    if (add == NULL) {
        return false;
    }
    store_bind_text(add, 1, identity);
    if (!store_run(store, add)) {
        return false;
    }
    *id = sqlite3_last_insert_rowid(store->db);
    *minute_done = 0;
    return true;
}

static bool move_marks_back(struct store *store, int64_t id, int64_t time_s)
{
    sqlite3_stmt *late = store_statement(store, STORE_SERIES_LATE);

    if (late == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(late, 1, id);
    (void)sqlite3_bind_int64(late, 2, time_s);
    return store_run(store, late);
}

bool store_add(struct store *store, const char *identity, const struct store_point *point)
{
    sqlite3_stmt *add = NULL;
    int64_t id = 0;
    int64_t minute_done = 0;

    store->error[0] = '\0';
    if (point->time_s < 0 || point->time_s > TIME_MAX) {
        return store_refuse(store, "the clock is wrong: a point of history has no time");
    }
    if (!store_begin(store) || !find_series(store, identity, &id, &minute_done) ||
        (point->time_s < minute_done && !move_marks_back(store, id, point->time_s))) {
        return false;
    }
    add = store_statement(store, STORE_RAW_ADD);
    if (add == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(add, 1, id);
    (void)sqlite3_bind_int64(add, 2, point->time_s);
    store_bind_bytes(add, 3, point->size_bytes);
    store_bind_bytes(add, 4, point->target_bytes);
    store_bind_bytes(add, 5, point->used_bytes);
    store_bind_bytes(add, 6, point->available_bytes);
    store_bind_bytes(add, 7, point->resident_bytes);
    store_bind_bytes(add, 8, point->demand_bytes);
    store_bind_bytes(add, 9, point->short_bytes);
    (void)sqlite3_bind_int64(add, 10, point->zone);
    return store_run(store, add);
}

static struct store_point point_of(sqlite3_stmt *row)
{
    return (struct store_point){
        .time_s = sqlite3_column_int64(row, 0),
        .size_bytes = store_column_bytes(row, 1),
        .target_bytes = store_column_bytes(row, 2),
        .used_bytes = store_column_bytes(row, 3),
        .available_bytes = store_column_bytes(row, 4),
        .resident_bytes = store_column_bytes(row, 5),
        .demand_bytes = store_column_bytes(row, 6),
        .short_bytes = store_column_bytes(row, 7),
        .zone = (uint32_t)sqlite3_column_int64(row, 8),
    };
}

static bool read_history(struct store *store, enum store_statement which, const char *whose,
                         int64_t from_s, int64_t to_s, size_t limit, struct store_point **points,
                         size_t *count)
{
    struct store_array array = { .item_size = sizeof **points };
    sqlite3_stmt *read = NULL;

    store->error[0] = '\0';
    read = store_statement(store, which);
    if (read == NULL) {
        return false;
    }
    store_bind_text(read, 1, whose);
    (void)sqlite3_bind_int64(read, 2, from_s);
    (void)sqlite3_bind_int64(read, 3, to_s);
    store_bind_bytes(read, 4, store_limit(limit));
    while (store_array_row(store, &array, read)) {
        struct store_point *point = store_array_next(&array);

        *point = point_of(read);
    }
    *points = array.items;
    *count = array.count;
    return !array.failed;
}

bool store_history(struct store *store, const char *identity, enum store_step step, int64_t from_s,
                   int64_t to_s, size_t limit, struct store_point **points, size_t *count)
{
    static const enum store_statement reads[] = {
        [STORE_RAW] = STORE_RAW_READ,
        [STORE_MINUTE] = STORE_MINUTE_READ,
        [STORE_QUARTER] = STORE_QUARTER_READ,
    };

    assert(step <= STORE_QUARTER);
    return read_history(store, reads[step], identity, from_s, to_s, limit, points, count);
}

bool store_history_of_name(struct store *store, const char *name, enum store_step step,
                           int64_t from_s, int64_t to_s, size_t limit, struct store_point **points,
                           size_t *count)
{
    static const enum store_statement reads[] = {
        [STORE_RAW] = STORE_RAW_READ_NAME,
        [STORE_MINUTE] = STORE_MINUTE_READ_NAME,
        [STORE_QUARTER] = STORE_QUARTER_READ_NAME,
    };

    assert(step <= STORE_QUARTER);
    return read_history(store, reads[step], name, from_s, to_s, limit, points, count);
}
