/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prepared statements, transactions and errors.
 *
 * There is one connection and at most one transaction. History runs with synchronous = NORMAL: a
 * commit writes the log and does not wait for the disk, so that the event loop never stands still
 * for it. That survives every death of the process; a loss of power may take the commits since the
 * last checkpoint, which for history is a gap in a graph. What somebody was told is done (settings,
 * reservations, audit) must not be lost at all: it is committed with synchronous = FULL, which
 * syncs the log, and with it everything before.
 */

#include "tools/ballast/store/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void store_explain(sqlite3 *db, const char *doing, char *text, size_t size)
{
    int code = sqlite3_errcode(db);
    int system = sqlite3_system_errno(db);

    /* The system's own words tell a full disk from a folder that may not be written. Behind a
     * failed write SQLite does not always keep them. */
    if ((code == SQLITE_IOERR || code == SQLITE_FULL || code == SQLITE_CANTOPEN) && system != 0) {
        (void)snprintf(text, size, "%s: %s (%s)", doing, sqlite3_errmsg(db), strerror(system));
    } else if (sqlite3_extended_errcode(db) == SQLITE_IOERR_WRITE) {
        (void)snprintf(text, size, "%s: %s (a write failed: is there room on the disk?)", doing,
                       sqlite3_errmsg(db));
    } else {
        (void)snprintf(text, size, "%s: %s", doing, sqlite3_errmsg(db));
    }
}

bool store_failed(struct store *store, const char *doing)
{
    store_explain(store->db, doing, store->error, sizeof store->error);
    return false;
}

bool store_refuse(struct store *store, const char *text)
{
    (void)snprintf(store->error, sizeof store->error, "%s", text);
    return false;
}

sqlite3_stmt *store_statement(struct store *store, enum store_statement which)
{
    sqlite3_stmt **statement = &store->statements[which];

    if (*statement == NULL) {
        if (sqlite3_prepare_v3(store->db, store_sql(which), -1, SQLITE_PREPARE_PERSISTENT,
                               statement, NULL) != SQLITE_OK) {
            (void)store_failed(store, "the database does not take a statement");
            return NULL;
        }
    } else {
        (void)sqlite3_clear_bindings(*statement);
    }
    return *statement;
}

int store_row(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW) {
        return 1;
    }
    if (code == SQLITE_DONE) {
        (void)sqlite3_reset(statement);
        return 0;
    }
    (void)store_failed(store, "the database does not work");
    (void)sqlite3_reset(statement);
    /* Some errors end a transaction by themselves; after others half a change would be left. A
     * query that fails costs nobody anything. */
    if (sqlite3_stmt_readonly(statement) == 0) {
        (void)snprintf(store->unkept, sizeof store->unkept, "%s", store->error);
        store_undo(store);
    }
    return -1;
}

void store_undo(struct store *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, store->in_step ? "ROLLBACK TO step" : "ROLLBACK", NULL, NULL,
                           NULL);
    }
}

bool store_step_begin(struct store *store)
{
    if (sqlite3_exec(store->db, "SAVEPOINT step", NULL, NULL, NULL) != SQLITE_OK) {
        return store_failed(store, "the database does not begin a step");
    }
    store->in_step = true;
    return true;
}

void store_step_end(struct store *store)
{
    store->in_step = false;
    /* Nothing is left of it when an error ended the whole transaction. */
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "RELEASE step", NULL, NULL, NULL);
    }
}

bool store_run(struct store *store, sqlite3_stmt *statement)
{
    return statement != NULL && store_row(store, statement) == 0;
}

/* Whoever holds the database for long costs the event loop one wait, not one for each event and
 * each machine of every period. */
static void wait_for_others(struct store *store, bool held)
{
    if (store->held != held) {
        store->held = held;
        (void)sqlite3_busy_timeout(store->db, held ? 0 : STORE_BUSY_MS);
    }
}

bool store_begin(struct store *store)
{
    bool begun = false;

    if (sqlite3_get_autocommit(store->db) == 0) {
        return true;
    }
    begun = store_run(store, store_statement(store, STORE_BEGIN));
    wait_for_others(store, !begun && sqlite3_errcode(store->db) == SQLITE_BUSY);
    return begun;
}

/* Remembers how it went: the last commit tells whether the database keeps what it is given. */
static bool run_commit(struct store *store)
{
    bool good = store_run(store, store_statement(store, STORE_COMMIT));

    (void)snprintf(store->unkept, sizeof store->unkept, "%s", good ? "" : store->error);
    return good;
}

bool store_commit(struct store *store)
{
    store->error[0] = '\0';
    if (sqlite3_get_autocommit(store->db) != 0) {
        return true;
    }
    if (!run_commit(store)) {
        store_undo(store);
        return false;
    }
    return true;
}

/* SQLite does not change this inside a transaction. */
static bool synchronous(struct store *store, const char *pragma)
{
    if (sqlite3_exec(store->db, pragma, NULL, NULL, NULL) != SQLITE_OK) {
        return store_failed(store, "the database does not change how it syncs");
    }
    return true;
}

bool store_durable_begin(struct store *store)
{
    if (store_watch(store) != STORE_THERE) {
        return store_refuse(store, store_trouble(store));
    }
    return store_commit(store) && synchronous(store, "PRAGMA synchronous = FULL") &&
           store_begin(store);
}

bool store_durable_end(struct store *store, bool good)
{
    bool kept = good && run_commit(store);
    char error[sizeof store->error];

    /* A file that went meanwhile has taken the change with it. */
    if (kept && store_watch(store) != STORE_THERE) {
        kept = store_refuse(store, store_trouble(store));
    }
    /* What failed first is what the caller shall hear. */
    (void)snprintf(error, sizeof error, "%s", store->error);
    store_undo(store);
    if (!synchronous(store, "PRAGMA synchronous = NORMAL")) {
        /* It goes on as FULL: slower, and nothing is lost. */
        (void)snprintf(store->error, sizeof store->error, "%s", error);
    }
    return kept;
}

void store_bind_bytes(sqlite3_stmt *statement, int column, uint64_t bytes)
{
    if (bytes <= INT64_MAX) {
        (void)sqlite3_bind_int64(statement, column, (sqlite3_int64)bytes);
    } else {
        (void)sqlite3_bind_null(statement, column);
    }
}

void store_bind_text(sqlite3_stmt *statement, int column, const char *text)
{
    /* Not copied: the caller runs the statement before the text goes. */
    (void)sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

uint64_t store_column_bytes(sqlite3_stmt *statement, int column)
{
    sqlite3_int64 value = sqlite3_column_int64(statement, column);

    if (sqlite3_column_type(statement, column) == SQLITE_NULL || value < 0) {
        return POLICY_MISSING;
    }
    return (uint64_t)value;
}

void store_column_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    const unsigned char *value = sqlite3_column_text(statement, column);

    (void)snprintf(text, size, "%s", value != NULL ? (const char *)value : "");
}
