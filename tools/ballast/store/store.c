/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens and closes the database. Whatever is found in the folder is looked at before anything is
 * changed: a file that is no database, damaged, another program's or newer is refused as it is, and
 * until it is accepted not even its log is moved into it.
 *
 * Checkpoints wait for the disk, so they are for another thread (store_checkpoint()). Should nobody
 * do them a commit does, once the log is longer than LOG_PAGES_MAX.
 */

#include "tools/ballast/store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 64 MiB of pages: half a day of a hundred machines. */
#define LOG_PAGES_MAX "16384"
/* Up to this size the whole database is checked at the start, which takes a fraction of a second.
 * Of a larger one only the tables that could not be made again. */
#define CHECK_ALL_MAX ((off_t)64 << 20)
/* How far numbers of events go on after a crash: more than were ever added without a commit. */
#define EVENTS_LOST_MAX 1000000

static void explain_file(char *reason, size_t size, const char *doing, const char *path)
{
    (void)snprintf(reason, size, "%s %s: %s", doing, path, strerror(errno));
}

/* SQLite takes a file of a few bytes for an empty one and would write over it. Where a journal is,
 * it was SQLite that died while it made the file, and it knows how to go on. */
static bool is_database(int fd, const char *path)
{
    static const char magic[] = "SQLite format 3";
    char found[sizeof magic] = "";
    char journal[PATH_MAX + 16];

    if (pread(fd, found, sizeof found, 0) == (ssize_t)sizeof found &&
        memcmp(found, magic, sizeof magic) == 0) {
        return true;
    }
    (void)snprintf(journal, sizeof journal, "%s-journal", path);
    return access(journal, F_OK) == 0;
}

/* Makes the file where there is none, readable by nobody else: SQLite gives its log the same
 * mode. */
static bool make_file(const char *path, off_t *size, char *reason, size_t reason_size)
{
    struct stat status;
    bool good = false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

    if (fd < 0) {
        explain_file(reason, reason_size, "cannot open the database", path);
        return false;
    }
    if (fstat(fd, &status) != 0) {
        explain_file(reason, reason_size, "cannot open the database", path);
        (void)close(fd);
        return false;
    }
    good = S_ISREG(status.st_mode);
    if (!good) {
        (void)snprintf(reason, reason_size, "%s is no file", path);
    } else if (status.st_size > 0 && !is_database(fd, path)) {
        (void)snprintf(reason, reason_size, "%s is not a database; it was left as it is", path);
        good = false;
    }
    (void)close(fd);
    *size = status.st_size;
    return good;
}

static bool run(sqlite3 *db, const char *sql, const char *path, char *reason, size_t reason_size)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        store_explain(db, path, reason, reason_size);
        return false;
    }
    return true;
}

/* One integrity check; its first line is "ok", or what is wrong. */
static bool check(sqlite3 *db, const char *sql, const char *path, char *reason, size_t reason_size)
{
    sqlite3_stmt *statement = NULL;
    const char *found = NULL;
    bool good = false;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        found = (const char *)sqlite3_column_text(statement, 0);
        good = found != NULL && strcmp(found, "ok") == 0;
    }
    if (!good) {
        (void)snprintf(reason, reason_size,
                       "the database %s is damaged (%s); it was left as it is: move it away to "
                       "begin anew, `sqlite3 FILE .recover` saves what can be read",
                       path, found != NULL ? found : sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(statement);
    return good;
}

static bool is_sound(sqlite3 *db, const char *path, off_t size, char *reason, size_t reason_size)
{
    static const char *const parts[] = {
        "PRAGMA quick_check(settings)", "PRAGMA quick_check(reservation)",
        "PRAGMA quick_check(target)",   "PRAGMA quick_check(audit)",
        "PRAGMA quick_check(event)",    "PRAGMA quick_check(series)",
    };

    if (size <= CHECK_ALL_MAX) {
        return check(db, "PRAGMA quick_check(1)", path, reason, reason_size);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!check(db, parts[i], path, reason, reason_size)) {
            return false;
        }
    }
    return true;
}

/* Looks, then changes: first what only reads, then the mode, then the schema. */
static bool prepare(sqlite3 *db, const char *path, off_t size, char *reason, size_t reason_size)
{
    size_t count = 0;
    const struct store_migration *migrations = store_migrations(&count);

    (void)sqlite3_extended_result_codes(db, 0);
    (void)sqlite3_busy_timeout(db, STORE_BUSY_MS);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (sqlite3_db_readonly(db, "main") != 0) {
        (void)snprintf(reason, reason_size, "the database %s may not be written", path);
        return false;
    }
    if (size > 0 && (!store_version_known(db, path, count, reason, reason_size) ||
                     !is_sound(db, path, size, reason, reason_size))) {
        return false;
    }
    if (!run(db,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
             "PRAGMA wal_autocheckpoint = " LOG_PAGES_MAX ";"
             "PRAGMA journal_size_limit = 67108864",
             path, reason, reason_size) ||
        !store_migrate(db, path, migrations, count, reason, reason_size) ||
        !run(db, "PRAGMA synchronous = NORMAL", path, reason, reason_size)) {
        return false;
    }
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return true;
}

static bool run_numbered(struct store *store, enum store_statement which, int64_t number)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (statement == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(statement, 1, number);
    return store_run(store, statement);
}

/* Where the numbers of events go on. After a run that did not end by store_close() readers may have
 * seen numbers that were never committed: these are jumped over, and the jump is kept at once, for
 * the next run may crash before its first commit. */
static bool number_events(struct store *store, bool crashed)
{
    sqlite3_stmt *last = store_statement(store, STORE_EVENT_LAST);

    if (last == NULL || store_row(store, last) != 1) {
        return false;
    }
    store->event_number = sqlite3_column_int64(last, 0);
    (void)sqlite3_reset(last);
    if (!crashed) {
        return true;
    }
    store->event_number += EVENTS_LOST_MAX;
    return store_durable_end(store,
                             store_durable_begin(store) &&
                                 run_numbered(store, STORE_EVENT_JUMP, store->event_number) &&
                                 run_numbered(store, STORE_EVENT_FORGET, store->event_number));
}

/* True when the last run did not close the database: the last connection takes the log away. */
static bool has_log(const char *path)
{
    char log[PATH_MAX + 8];
    struct stat status;

    (void)snprintf(log, sizeof log, "%s-wal", path);
    return stat(log, &status) == 0;
}

static void destroy(struct store *store)
{
    store_rescue_end(store);
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    /* SQLite takes the log away by its name, which may be another database's now. */
    if (store->db != NULL && store_watch(store) != STORE_THERE) {
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    (void)sqlite3_close(store->db);
    free(store);
}

sqlite3 *store_connect(const char *path, off_t size, char *reason, size_t reason_size)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        store_explain(db, path, reason, reason_size);
    } else if (prepare(db, path, size, reason, reason_size)) {
        return db;
    }
    (void)sqlite3_close(db);
    return NULL;
}

struct store *store_open(const char *folder, char *reason, size_t reason_size)
{
    char path[PATH_MAX];
    struct store *store = NULL;
    off_t size = 0;
    bool crashed = false;

    if (snprintf(path, sizeof path, "%s/%s", folder, STORE_FILE) >= (int)sizeof path) {
        (void)snprintf(reason, reason_size, "the folder's name is too long");
        return NULL;
    }
    if (!make_file(path, &size, reason, reason_size)) {
        return NULL;
    }
    crashed = has_log(path);
    store = calloc(1, sizeof *store);
    if (store == NULL) {
        (void)snprintf(reason, reason_size, "out of memory");
        return NULL;
    }
    memcpy(store->path, path, sizeof store->path);
    store->db = store_connect(path, size, reason, reason_size);
    if (store->db != NULL) {
        store_place_remember(store);
        if (number_events(store, crashed)) {
            return store;
        }
        (void)snprintf(reason, reason_size, "%s: %s", path, store->error);
    }
    destroy(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    (void)store_commit(store);
    destroy(store);
}

bool store_checkpoint(const char *folder, char *reason, size_t reason_size)
{
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    bool good = false;

    if (snprintf(path, sizeof path, "%s/%s", folder, STORE_FILE) >= (int)sizeof path) {
        (void)snprintf(reason, reason_size, "the folder's name is too long");
        return false;
    }
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
        SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, STORE_BUSY_MS);
        good = run(db, "PRAGMA synchronous = NORMAL; PRAGMA wal_checkpoint(PASSIVE)", path, reason,
                   reason_size);
    } else {
        store_explain(db, path, reason, reason_size);
    }
    (void)sqlite3_close(db);
    return good;
}

const char *store_error(const struct store *store)
{
    return store->error;
}
