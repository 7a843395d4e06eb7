/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Roll-ups and retention, in steps of one machine and a bounded number of rows, so that the event
 * loop is never held for long.
 *
 * Each machine has two marks: minutes are complete up to one, quarter hours up to the other. A
 * roll-up and its mark change in one transaction, and what is made twice comes out the same:
 * whenever the process dies, the next one goes on where the marks are. Raw points go only when they
 * are behind the marks.
 */

#include "tools/ballast/store/store_internal.h"

#define MINUTE    60
#define QUARTER   900
#define HOUR      3600
#define DAY       86400
#define ROWS_STEP 2000 /* deleted at once */

/* What one machine's roll-ups need. */
struct marks {
    int64_t id;
    int64_t minute_done;
    int64_t quarter_done;
    bool forgotten;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool next_series(struct store *store, struct marks *marks, bool *found)
{
    sqlite3_stmt *next = store_statement(store, STORE_SERIES_NEXT);
    int row = 0;

    *found = false;
    if (next == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(next, 1, store->tidy_series);
    row = store_row(store, next);
    if (row == 1) {
        *found = true;
        marks->id = sqlite3_column_int64(next, 0);
        marks->minute_done = sqlite3_column_int64(next, 1);
        marks->quarter_done = sqlite3_column_int64(next, 2);
        marks->forgotten = sqlite3_column_int(next, 3) != 0;
        (void)sqlite3_reset(next);
    }
    return row >= 0;
}

/* Moves a mark over a time without points: a machine that was away for a year has no minutes to be
 * made one by one. */
static bool skip_gap(struct store *store, enum store_statement which, int64_t id, int64_t seconds,
                     int64_t due, int64_t *done)
{
    sqlite3_stmt *first = store_statement(store, which);
    int row = 0;

    if (first == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(first, 1, id);
    (void)sqlite3_bind_int64(first, 2, *done);
    row = store_row(store, first);
    if (row == 1) {
        bool none = sqlite3_column_type(first, 0) == SQLITE_NULL;
        int64_t time = sqlite3_column_int64(first, 0);

        (void)sqlite3_reset(first);
        *done = none ? due : smaller(due, time - time % seconds);
    }
    return row >= 0;
}

static bool roll(struct store *store, enum store_statement which, int64_t id, int64_t from,
                 int64_t to)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (statement == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, from);
    (void)sqlite3_bind_int64(statement, 3, to);
    return store_run(store, statement);
}

/* Up to an hour of minutes, and the quarter hours they complete. *more: there are further ones. */
static bool roll_up(struct store *store, struct marks *marks, int64_t now_s, bool *more)
{
    int64_t minute_due = now_s - now_s % MINUTE;
    int64_t to = 0;
    int64_t quarter_due = 0;

    if (marks->minute_done < minute_due) {
        if (!skip_gap(store, STORE_RAW_FIRST, marks->id, MINUTE, minute_due, &marks->minute_done)) {
            return false;
        }
        to = smaller(minute_due, marks->minute_done + HOUR);
        if (!roll(store, STORE_MINUTE_ROLL, marks->id, marks->minute_done, to)) {
            return false;
        }
        marks->minute_done = to;
    }
    quarter_due = marks->minute_done - marks->minute_done % QUARTER;
    if (marks->quarter_done < quarter_due) {
        if (!skip_gap(store, STORE_MINUTE_FIRST, marks->id, QUARTER, quarter_due,
                      &marks->quarter_done) ||
            !roll(store, STORE_QUARTER_ROLL, marks->id, marks->quarter_done, quarter_due)) {
            return false;
        }
        marks->quarter_done = quarter_due;
    }
    *more = marks->minute_done < minute_due;
    return roll(store, STORE_SERIES_DONE, marks->id, marks->minute_done, marks->quarter_done);
}

/* Drops rows before a time; *more: there may be further ones. */
static bool drop(struct store *store, enum store_statement which, int64_t id, int64_t before,
                 bool *more)
{
    if (!roll(store, which, id, before, ROWS_STEP)) {
        return false;
    }
    *more = *more || sqlite3_changes(store->db) >= ROWS_STEP;
    return true;
}

static bool drop_log(struct store *store, enum store_statement which, int64_t before, bool *more)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (statement == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(statement, 1, before);
    (void)sqlite3_bind_int64(statement, 2, ROWS_STEP);
    if (!store_run(store, statement)) {
        return false;
    }
    *more = *more || sqlite3_changes(store->db) >= ROWS_STEP;
    return true;
}

static bool drop_series(struct store *store, int64_t id)
{
    sqlite3_stmt *statement = store_statement(store, STORE_SERIES_DROP);

    if (statement == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(statement, 1, id);
    return store_run(store, statement);
}

/* What history is kept from, for each step. */
struct kept {
    int64_t raw_s;
    int64_t minute_s;
    int64_t quarter_s;
};

/* Nothing of it is to be kept. */
static bool drop_forgotten(struct store *store, int64_t id, bool *more)
{
    return drop(store, STORE_RAW_DROP, id, INT64_MAX, more) &&
           drop(store, STORE_MINUTE_DROP, id, INT64_MAX, more) &&
           drop(store, STORE_QUARTER_DROP, id, INT64_MAX, more) && drop_series(store, id);
}

/* Machines of whom nothing is kept any more, and what belongs to no machine. */
static bool drop_machines(struct store *store, int64_t before, bool *more)
{
    return drop_log(store, STORE_MACHINE_TIDY, before, more) &&
           store_run(store, store_statement(store, STORE_TARGET_TIDY)) &&
           store_run(store, store_statement(store, STORE_LEDGER_TIDY));
}

static bool tidy_series(struct store *store, struct marks *marks, const struct kept *kept,
                        int64_t now_s, bool *more)
{
    if (marks->forgotten) {
        return drop_forgotten(store, marks->id, more);
    }
    return roll_up(store, marks, now_s, more) &&
           drop(store, STORE_RAW_DROP, marks->id, smaller(kept->raw_s, marks->minute_done), more) &&
           drop(store, STORE_MINUTE_DROP, marks->id, smaller(kept->minute_s, marks->quarter_done),
                more) &&
           drop(store, STORE_QUARTER_DROP, marks->id, kept->quarter_s, more) &&
           drop_series(store, marks->id);
}

bool store_tidy(struct store *store, int64_t now_s, uint32_t raw_hours, uint32_t minute_days,
                uint32_t quarter_days)
{
    struct kept kept = { 0 };
    int64_t plausible_s = 0;
    struct marks marks = { 0 };
    bool found = false;
    bool more = false;
    bool good = false;

    store->error[0] = '\0';
    if (!store_begin(store) || !store_clock(store, now_s, &plausible_s) ||
        !next_series(store, &marks, &found) || !store_step_begin(store)) {
        return false;
    }
    kept.raw_s = plausible_s - (int64_t)raw_hours * HOUR;
    kept.minute_s = plausible_s - (int64_t)minute_days * DAY;
    kept.quarter_s = plausible_s - (int64_t)quarter_days * DAY;
    if (found) {
        good = tidy_series(store, &marks, &kept, now_s, &more);
    } else {
        good = drop_log(store, STORE_EVENT_DROP, kept.minute_s, &more) &&
               drop_log(store, STORE_AUDIT_DROP, kept.quarter_s, &more) &&
               drop_machines(store, kept.quarter_s, &more);
    }
    store_step_end(store);
    /* An error in one machine's rows shall not keep the others from their turn. */
    if (!found) {
        store->tidy_series = good && more ? store->tidy_series : 0;
        return good && more;
    }
    if (!good || !more) {
        store->tidy_series = marks.id;
    }
    return good;
}
