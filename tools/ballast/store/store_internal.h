/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the store's files share: the handle, its prepared statements, and short ways to bind, step
 * and read. Nobody outside this folder includes this but the store's tests.
 */

#include <limits.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "tools/ballast/store/store.h"

/* Every statement that is used again and again; store_sql.c has their text. Prepared when
 * first used, kept until the store is closed. */
enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_SERIES_FIND,
    STORE_SERIES_ADD,
    STORE_SERIES_LATE,
    STORE_SERIES_NEXT,
    STORE_SERIES_DONE,
    STORE_SERIES_DROP,
    STORE_RAW_ADD,
    STORE_RAW_READ,
    STORE_RAW_READ_NAME,
    STORE_RAW_FIRST,
    STORE_RAW_DROP,
    STORE_MINUTE_ROLL,
    STORE_MINUTE_READ,
    STORE_MINUTE_READ_NAME,
    STORE_MINUTE_FIRST,
    STORE_MINUTE_DROP,
    STORE_QUARTER_ROLL,
    STORE_QUARTER_READ,
    STORE_QUARTER_READ_NAME,
    STORE_QUARTER_DROP,
    STORE_SETTINGS_SAVE,
    STORE_SETTINGS_LOAD,
    STORE_TARGET_SAVE,
    STORE_TARGET_LOAD,
    STORE_LEDGER_SAVE,
    STORE_LEDGER_LOAD,
    STORE_MACHINE_SEEN,
    STORE_MACHINE_KNOWN,
    STORE_MACHINE_OTHER,
    STORE_MACHINE_LAST,
    STORE_MACHINE_NAMED,
    STORE_MACHINE_TIDY,
    STORE_TARGET_TIDY,
    STORE_LEDGER_TIDY,
    STORE_REBIND_MACHINE, /* these in one row, see store_machine.c */
    STORE_REBIND_SETTINGS,
    STORE_REBIND_TARGET,
    STORE_REBIND_LEDGER,
    STORE_REBIND_SERIES,
    STORE_REBIND_EXPECTED,
    STORE_FORGET_MACHINE, /* and these */
    STORE_FORGET_SETTINGS,
    STORE_FORGET_TARGET,
    STORE_FORGET_LEDGER,
    STORE_FORGET_SERIES,
    STORE_FORGET_EXPECTED,
    STORE_EXPECTED_SAVE,
    STORE_EXPECTED_DROP,
    STORE_EXPECTED_LOAD,
    STORE_RESERVATION_SAVE,
    STORE_RESERVATION_DROP,
    STORE_RESERVATION_READ,
    STORE_AUDIT_ADD,
    STORE_AUDIT_READ,
    STORE_AUDIT_DROP,
    STORE_CLOCK_SAVE,
    STORE_CLOCK_LOAD,
    STORE_EVENT_ADD,
    STORE_EVENT_LAST,
    STORE_EVENT_JUMP,
    STORE_EVENT_FORGET,
    STORE_EVENT_READ, /* and with an owner, a machine, both: see store_log.c */
    STORE_EVENT_READ_OWNER,
    STORE_EVENT_READ_MACHINE,
    STORE_EVENT_READ_BOTH,
    STORE_EVENT_LATEST,
    STORE_EVENT_LATEST_OWNER,
    STORE_EVENT_LATEST_MACHINE,
    STORE_EVENT_LATEST_BOTH,
    STORE_EVENT_DROP,
    STORE_STATEMENTS,
};

/* The database's files: itself, its log and the log's index. */
enum store_file { STORE_FILE_MAIN, STORE_FILE_LOG, STORE_FILE_INDEX, STORE_FILES };

struct store_inode {
    dev_t device;
    ino_t inode; /* 0: not known, and not looked at */
};

struct store {
    sqlite3 *db;
    char path[PATH_MAX];
    struct store_inode inodes[STORE_FILES];
    enum store_place place; /* as of the last look */
    char unkept[256];       /* why the last commit failed; "" it did not */
    /* The copy that a rescue makes; NULL: none is under way. */
    sqlite3 *copy;
    sqlite3_backup *backup;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    int64_t event_number; /* the last one given */
    int64_t tidy_series;  /* the machine whose turn was last; 0: a new round begins */
    /* The clock: see store_clock.c. */
    bool clock_known;
    int64_t trusted_s;      /* the last time that was believed */
    int64_t suspect_s;      /* one far ahead was seen first then (0: none), */
    int64_t suspect_last_s; /* and last */
    bool in_step;           /* between store_step_begin() and store_step_end() */
    bool held; /* somebody else held the database: nothing waits for it until it is free */
    char error[256];
};

/* ---- schema (store_schema.c) ---- */

/* A version of the schema, made from the one before by this SQL. */
struct store_migration {
    const char *sql;
};

/* Another program that reads the database may hold it for a moment; the event loop waits. */
#define STORE_BUSY_MS 250

#define STORE_APPLICATION_ID 0x424c5354 /* "BLST" */
#define STORE_REASON_MAX     512U

/* The schema's steps from an empty database to the present version. */
const struct store_migration *store_migrations(size_t *count);

/* Brings the database to version `count`, each step in a transaction of its own. False: `reason`
 * says why, and the database is as the last good step left it; nothing at all is done to one of a
 * newer version or of another program. `name` is for the reason. */
bool store_migrate(sqlite3 *db, const char *name, const struct store_migration *migrations,
                   size_t count, char *reason, size_t reason_size);

/* The look that store_migrate() has first: reads only. */
bool store_version_known(sqlite3 *db, const char *name, size_t newest, char *reason,
                         size_t reason_size);

/* ---- opening (store.c) ---- */

/* Opens the database at `path`, which must be there, for store->db or in its place. NULL: `reason`
 * says why. */
sqlite3 *store_connect(const char *path, off_t size, char *reason, size_t reason_size);

/* ---- whether the files are there (store_place.c) ---- */

/* Remembers which files are open. */
void store_place_remember(struct store *store);

/* Gives up a rescue, if one is under way. */
void store_rescue_end(struct store *store);

/* ---- the clock (store_clock.c) ---- */

/* The time that retention may go by; not to be called in a step. False: an error of the database.
 */
bool store_clock(struct store *store, int64_t now_s, int64_t *plausible_s);

/* Believes a time, however far ahead it is. */
bool store_clock_trust(struct store *store, int64_t now_s);

/* ---- statements (store_sql.c, store_statements.c) ---- */

/* The statement's text. */
const char *store_sql(enum store_statement which);

/* The statement, reset and without values. NULL on an error, which is kept in store->error. */
sqlite3_stmt *store_statement(struct store *store, enum store_statement which);

/* Runs a statement that yields no rows. */
bool store_run(struct store *store, sqlite3_stmt *statement);

/* The next row: 1, none left: 0, error: -1. The statement is reset but for the first case. */
int store_row(struct store *store, sqlite3_stmt *statement);

/* The running transaction: begins one if there is none. */
bool store_begin(struct store *store);

/* Between these two every change is on disk when store_durable_end() returned true. The running
 * transaction is ended first: its points survive too. */
bool store_durable_begin(struct store *store);
bool store_durable_end(struct store *store, bool good);

/* Inside the running transaction: an error in a step undoes this step and not what came before. */
bool store_step_begin(struct store *store);
void store_step_end(struct store *store);

/* Takes the step back, or else the running transaction. */
void store_undo(struct store *store);

/* Keeps what went wrong, returns false. */
bool store_failed(struct store *store, const char *doing);

/* Keeps a complaint that is not SQLite's, returns false. */
bool store_refuse(struct store *store, const char *text);

/* Puts SQLite's complaint about the last call on `db` in words. */
void store_explain(sqlite3 *db, const char *doing, char *text, size_t size);

/* Values: sizes above INT64_MAX, POLICY_MISSING among them, are NULL. */
void store_bind_bytes(sqlite3_stmt *statement, int column, uint64_t bytes);
void store_bind_text(sqlite3_stmt *statement, int column, const char *text);
uint64_t store_column_bytes(sqlite3_stmt *statement, int column);
void store_column_text(sqlite3_stmt *statement, int column, char *text, size_t size);

/* ---- rows as an array (store_array.c) ---- */

struct store_array {
    void *items; /* NULL for none */
    size_t count;
    size_t room;
    size_t item_size;
    bool failed;
};

/* True: there is a row, and store_array_next() is where it goes. False: there is none left, or it
 * failed and the array is empty. */
bool store_array_row(struct store *store, struct store_array *array, sqlite3_stmt *statement);
void *store_array_next(struct store_array *array);

/* A limit as SQL understands it. */
uint64_t store_limit(size_t limit);
