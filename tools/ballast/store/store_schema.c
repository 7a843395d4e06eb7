/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database's tables and how an older database becomes a present one. The version is SQLite's
 * user_version; each step is one transaction that ends with the version set, so that a process that
 * is killed in the middle leaves the version before. Steps are never changed once they were
 * released, only added.
 *
 * History is clustered by machine and time, because it is read by machine: a graph of a day is a
 * few hundred neighbouring pages. `points` says of how many raw points a roll-up was made. The
 * small tables that cannot be made again stand before the large ones.
 */

#include "tools/ballast/store/store_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define POINT_COLUMNS                                                                              \
    "series INTEGER NOT NULL, time INTEGER NOT NULL, size INTEGER, target INTEGER, used INTEGER,"  \
    "available INTEGER, resident INTEGER, demand INTEGER, short INTEGER, zone INTEGER NOT NULL,"

static const struct store_migration migrations[] = {
    { "CREATE TABLE settings (machine TEXT PRIMARY KEY, class INTEGER NOT NULL,"
      " min INTEGER NOT NULL, max INTEGER NOT NULL, weight INTEGER NOT NULL,"
      " ballooning INTEGER NOT NULL, managed INTEGER NOT NULL, owner TEXT NOT NULL,"
      " revision INTEGER NOT NULL, commanded INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE reservation (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE target (machine TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE audit (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL,"
      " action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, done INTEGER NOT NULL);"
      "CREATE INDEX audit_time ON audit (time);"
      /* Numbers of events that were dropped must not come again: AUTOINCREMENT remembers. */
      "CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
      " kind TEXT NOT NULL, machine TEXT NOT NULL, owner TEXT NOT NULL, code TEXT NOT NULL,"
      " bytes INTEGER, text TEXT NOT NULL);"
      /* Roll-ups are made up to these times. */
      "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
      " minute_done INTEGER NOT NULL DEFAULT 0, quarter_done INTEGER NOT NULL DEFAULT 0);"
      "CREATE TABLE quarter (" POINT_COLUMNS
      " points INTEGER NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID;"
      "CREATE TABLE minute (" POINT_COLUMNS
      " points INTEGER NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID;"
      "CREATE TABLE raw (" POINT_COLUMNS " PRIMARY KEY (series, time)) WITHOUT ROWID;" },
    /* An owner's events are few among many, and a machine's. The number is in every index. */
    { "CREATE INDEX event_owner ON event (owner) WHERE owner <> '';"
      "CREATE INDEX event_machine ON event (machine);" },
    { "CREATE TABLE ledger (machine TEXT PRIMARY KEY, lent_mib_s INTEGER NOT NULL,"
      " peaks_met INTEGER NOT NULL, peaks_missed INTEGER NOT NULL) WITHOUT ROWID;" },
    { "CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), trusted INTEGER NOT NULL);" },
    /* What hung on a name hangs on an identity from here on: see store_machine.c. What was kept
     * before has the identity "?NAME", until the first machine of that name makes it its own. */
    { "CREATE TABLE machine (identity TEXT PRIMARY KEY, name TEXT NOT NULL, seen INTEGER NOT NULL,"
      " turn INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE INDEX machine_name ON machine (name, turn);"
      "CREATE INDEX machine_turn ON machine (turn);"
      "CREATE TABLE expected (name TEXT PRIMARY KEY, identity TEXT NOT NULL,"
      " until INTEGER NOT NULL) WITHOUT ROWID;"
      "INSERT INTO machine (identity, name, seen, turn)"
      " SELECT '?' || name, name, CAST(strftime('%s', 'now') AS INTEGER), 0 FROM"
      " (SELECT machine AS name FROM settings UNION SELECT machine FROM target"
      " UNION SELECT machine FROM ledger UNION SELECT name FROM series WHERE name <> '');"
      "ALTER TABLE settings RENAME COLUMN machine TO identity;"
      "UPDATE settings SET identity = '?' || identity;"
      "ALTER TABLE target RENAME COLUMN machine TO identity;"
      "UPDATE target SET identity = '?' || identity;"
      "ALTER TABLE ledger RENAME COLUMN machine TO identity;"
      "UPDATE ledger SET identity = '?' || identity;"
      "ALTER TABLE series RENAME COLUMN name TO identity;"
      "UPDATE series SET identity = '?' || identity WHERE identity <> '';" },
};

const struct store_migration *store_migrations(size_t *count)
{
    *count = sizeof migrations / sizeof migrations[0];
    return migrations;
}

static bool number_of(sqlite3 *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;

    if (good) {
        *value = sqlite3_column_int64(statement, 0);
    }
    /* A complaint of the step stays readable: finalizing returns it once more. */
    (void)sqlite3_finalize(statement);
    return good;
}

/* Whose database it is, and of which version; -1 with a reason when we must not touch it. */
static int64_t known_version(sqlite3 *db, const char *name, size_t newest, char *reason,
                             size_t reason_size)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;

    if (!number_of(db, "PRAGMA application_id", &application) ||
        !number_of(db, "PRAGMA user_version", &version) ||
        !number_of(db, "SELECT count(*) FROM sqlite_schema", &tables)) {
        char doing[STORE_REASON_MAX];
        int code = sqlite3_errcode(db);

        (void)snprintf(doing, sizeof doing, "the database %s %s", name,
                       code == SQLITE_CORRUPT || code == SQLITE_NOTADB
                           ? "is damaged and was left as it is"
                           : "cannot be read");
        store_explain(db, doing, reason, reason_size);
        return -1;
    }
    if (application != STORE_APPLICATION_ID && (application != 0 || tables > 0)) {
        (void)snprintf(reason, reason_size,
                       "%s is a database of another program; it was left as it is", name);
        return -1;
    }
    if (version < 0 || (uint64_t)version > newest) {
        (void)snprintf(reason, reason_size,
                       "%s has version %" PRId64 " of the schema, this program knows versions up "
                       "to %zu: run the newer ballastd, or move the file away",
                       name, version, newest);
        return -1;
    }
    return version;
}

bool store_version_known(sqlite3 *db, const char *name, size_t newest, char *reason,
                         size_t reason_size)
{
    return known_version(db, name, newest, reason, reason_size) >= 0;
}

bool store_migrate(sqlite3 *db, const char *name, const struct store_migration *steps, size_t count,
                   char *reason, size_t reason_size)
{
    int64_t version = known_version(db, name, count, reason, reason_size);

    if (version < 0) {
        return false;
    }
    for (size_t next = (size_t)version; next < count; next++) {
        char stamp[96];

        (void)snprintf(stamp, sizeof stamp,
                       "PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT",
                       STORE_APPLICATION_ID, next + 1);
        if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(db, steps[next].sql, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(db, stamp, NULL, NULL, NULL) != SQLITE_OK) {
            char doing[STORE_REASON_MAX];

            (void)snprintf(doing, sizeof doing, "%s cannot be brought to version %zu", name,
                           next + 1);
            store_explain(db, doing, reason, reason_size);
            (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
            return false;
        }
    }
    return true;
}
