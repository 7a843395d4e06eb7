/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of every statement. Parameters are numbered, so that one may be used twice. Everything
 * that deletes does it in a bounded number of rows.
 */

#include "tools/ballast/store/store_internal.h"

#include <assert.h>

#define POINT "size, target, used, available, resident, demand, short, zone"
/* Where there are more than wanted it is the newest that people want. */
#define READ(table, whose)                                                                         \
    "SELECT * FROM (SELECT time, " POINT " FROM " table " JOIN series ON series.id = series"       \
    " WHERE " whose " AND time >= ?2 AND time < ?3 ORDER BY time DESC LIMIT ?4) ORDER BY time"
#define OF_IDENTITY   "identity = ?1"
#define OF_NAME       "identity IN (SELECT identity FROM machine WHERE name = ?1)"
#define REBIND(table) "UPDATE OR REPLACE " table " SET identity = ?1 WHERE identity = ?2"
#define FIRST(table)  "SELECT min(time) FROM " table " WHERE series = ?1 AND time >= ?2"
/* The rows to go are found first and counted, because one DELETE should not last long. */
#define DROP(table)                                                                                \
    "DELETE FROM " table " WHERE series = ?1 AND time <= (SELECT max(time) FROM"                   \
    " (SELECT time FROM " table " WHERE series = ?1 AND time < ?2 ORDER BY time LIMIT ?3))"
#define MEAN(column) "CAST(round(avg(" column ")) AS INTEGER)"
/* Of means over unequal numbers of points. */
#define MEAN_OF_MEANS(column)                                                                      \
    "CAST(round(sum(1.0 * " column " * points) / sum(iif(" column                                  \
    " IS NULL, 0, points))) AS INTEGER)"
/* A roll-up that is made again replaces the one before, unless that knew more: the points it was
 * made of may have been dropped meanwhile. */
#define REPLACE_POORER                                                                             \
    " ON CONFLICT DO UPDATE SET size = excluded.size, target = excluded.target,"                   \
    " used = excluded.used, available = excluded.available, resident = excluded.resident,"         \
    " demand = excluded.demand, short = excluded.short, zone = excluded.zone,"                     \
    " points = excluded.points WHERE excluded.points >= points"

#define ROLL(into, from, seconds, MEAN_OF, count)                                                  \
    "INSERT INTO " into " (series, time, " POINT ", points)"                                       \
    " SELECT series, time - time % " seconds                                                       \
    ", " MEAN_OF("size") ", " MEAN_OF("target") ", " MEAN_OF("used") ", " MEAN_OF(                 \
        "available") ", " MEAN_OF("resident") ", " MEAN_OF("demand") ", max(short), "              \
                                                                     "max(zone), " count           \
                                                                     " FROM " from                 \
                                                                     " WHERE series = ?1 AND "     \
                                                                     "time >= ?2 AND time < ?3 "   \
                                                                     "GROUP BY time - time "       \
                                                                     "% " seconds REPLACE_POORER

/* An owner sees nothing of the host. The second condition lets the index be used, which leaves out
 * events without an owner. */
#define OWNER " AND owner = ?3 AND owner <> '' AND machine <> ''"
#define EVENTS(which, order)                                                                       \
    "SELECT number, time, kind, machine, owner, code, bytes, text FROM event WHERE number > "      \
    "?1" which " ORDER BY number" order " LIMIT ?2"

static const char *const texts[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_SERIES_FIND] = "SELECT id, minute_done FROM series WHERE identity = ?1",
    [STORE_SERIES_ADD] = "INSERT INTO series (identity) VALUES (?1)",
    [STORE_SERIES_LATE] = "UPDATE series SET minute_done = min(minute_done, ?2 - ?2 % 60),"
                          " quarter_done = min(quarter_done, ?2 - ?2 % 900) WHERE id = ?1",
    [STORE_SERIES_NEXT] =
        "SELECT id, minute_done, quarter_done, identity LIKE '-%' FROM series WHERE id > ?1"
        " ORDER BY id LIMIT 1",
    [STORE_SERIES_DONE] = "UPDATE series SET minute_done = ?2, quarter_done = ?3 WHERE id = ?1",
    [STORE_SERIES_DROP] = "DELETE FROM series WHERE id = ?1"
                          " AND NOT EXISTS (SELECT 1 FROM raw WHERE series = ?1)"
                          " AND NOT EXISTS (SELECT 1 FROM minute WHERE series = ?1)"
                          " AND NOT EXISTS (SELECT 1 FROM quarter WHERE series = ?1)",
    [STORE_RAW_ADD] = "INSERT OR REPLACE INTO raw (series, time, " POINT
                      ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STORE_RAW_READ] = READ("raw", OF_IDENTITY),
    [STORE_RAW_READ_NAME] = READ("raw", OF_NAME),
    [STORE_RAW_FIRST] = FIRST("raw"),
    [STORE_RAW_DROP] = DROP("raw"),
    [STORE_MINUTE_ROLL] = ROLL("minute", "raw", "60", MEAN, "count(*)"),
    [STORE_MINUTE_READ] = READ("minute", OF_IDENTITY),
    [STORE_MINUTE_READ_NAME] = READ("minute", OF_NAME),
    [STORE_MINUTE_FIRST] = FIRST("minute"),
    [STORE_MINUTE_DROP] = DROP("minute"),
    [STORE_QUARTER_ROLL] = ROLL("quarter", "minute", "900", MEAN_OF_MEANS, "sum(points)"),
    [STORE_QUARTER_READ] = READ("quarter", OF_IDENTITY),
    [STORE_QUARTER_READ_NAME] = READ("quarter", OF_NAME),
    [STORE_QUARTER_DROP] = DROP("quarter"),
    [STORE_SETTINGS_SAVE] = "INSERT OR REPLACE INTO settings (identity, class, min, max, weight,"
                            " ballooning, managed, owner, revision, commanded)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STORE_SETTINGS_LOAD] = "SELECT class, min, max, weight, ballooning, managed, owner, revision,"
                            " commanded FROM settings WHERE identity = ?1",
    [STORE_TARGET_SAVE] = "INSERT OR REPLACE INTO target (identity, bytes) VALUES (?1, ?2)",
    [STORE_TARGET_LOAD] = "SELECT bytes FROM target WHERE identity = ?1",
    [STORE_LEDGER_SAVE] = "INSERT OR REPLACE INTO ledger (identity, lent_mib_s, peaks_met,"
                          " peaks_missed) VALUES (?1, ?2, ?3, ?4)",
    [STORE_LEDGER_LOAD] = "SELECT lent_mib_s, peaks_met, peaks_missed FROM ledger"
                          " WHERE identity = ?1",
    [STORE_MACHINE_SEEN] =
        "INSERT INTO machine (identity, name, seen, turn) VALUES (?1, ?2, ?3,"
        " (SELECT coalesce(max(turn), 0) + 1 FROM machine)) ON CONFLICT (identity) DO UPDATE"
        " SET name = excluded.name, seen = excluded.seen, turn = excluded.turn",
    [STORE_MACHINE_KNOWN] = "SELECT 1 FROM machine WHERE identity = ?1",
    [STORE_MACHINE_OTHER] = "SELECT 1 FROM machine WHERE name = ?1 AND identity <> ?2 LIMIT 1",
    [STORE_MACHINE_LAST] =
        "SELECT identity FROM machine WHERE name = ?1 ORDER BY turn DESC LIMIT 1",
    [STORE_MACHINE_NAMED] = "SELECT identity FROM machine WHERE name = ?1 ORDER BY turn",
    /* Of whom nothing is left but the name, for as long as history is kept. */
    [STORE_MACHINE_TIDY] =
        "DELETE FROM machine WHERE identity IN (SELECT identity FROM machine AS old"
        " WHERE seen < ?1"
        " AND NOT EXISTS (SELECT 1 FROM settings WHERE settings.identity = old.identity)"
        " AND NOT EXISTS (SELECT 1 FROM series WHERE series.identity = old.identity) LIMIT ?2)",
    [STORE_TARGET_TIDY] = "DELETE FROM target WHERE bytes = 0 OR identity NOT IN"
                          " (SELECT identity FROM machine)",
    [STORE_LEDGER_TIDY] = "DELETE FROM ledger WHERE identity NOT IN (SELECT identity FROM machine)",
    [STORE_REBIND_MACHINE] = REBIND("machine"),
    [STORE_REBIND_SETTINGS] = REBIND("settings"),
    [STORE_REBIND_TARGET] = REBIND("target"),
    [STORE_REBIND_LEDGER] = REBIND("ledger"),
    [STORE_REBIND_SERIES] = REBIND("series"),
    [STORE_REBIND_EXPECTED] = REBIND("expected"),
    [STORE_FORGET_MACHINE] = "DELETE FROM machine WHERE identity = ?1",
    [STORE_FORGET_SETTINGS] = "DELETE FROM settings WHERE identity = ?1",
    [STORE_FORGET_TARGET] = "DELETE FROM target WHERE identity = ?1",
    [STORE_FORGET_LEDGER] = "DELETE FROM ledger WHERE identity = ?1",
    /* Nobody finds its points from here on; tidying deletes them in small steps. */
    [STORE_FORGET_SERIES] = "UPDATE series SET identity = '-' || id WHERE identity = ?1",
    [STORE_FORGET_EXPECTED] = "DELETE FROM expected WHERE identity = ?1",
    [STORE_EXPECTED_SAVE] = "INSERT OR REPLACE INTO expected (name, identity, until)"
                            " VALUES (?1, ?2, ?3)",
    [STORE_EXPECTED_DROP] = "DELETE FROM expected WHERE name = ?1",
    [STORE_EXPECTED_LOAD] = "SELECT identity FROM expected WHERE name = ?1 AND until > ?2",
    [STORE_RESERVATION_SAVE] = "INSERT OR REPLACE INTO reservation (name, bytes) VALUES (?1, ?2)",
    [STORE_RESERVATION_DROP] = "DELETE FROM reservation WHERE name = ?1",
    [STORE_RESERVATION_READ] = "SELECT name, bytes FROM reservation ORDER BY name",
    [STORE_AUDIT_ADD] = "INSERT INTO audit (time, who, action, target, detail, done)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_AUDIT_READ] = "SELECT time, who, action, target, detail, done FROM"
                         " (SELECT * FROM audit WHERE time >= ?1"
                         " ORDER BY time DESC, number DESC LIMIT ?2) ORDER BY time, number",
    [STORE_AUDIT_DROP] = "DELETE FROM audit WHERE number IN"
                         " (SELECT number FROM audit WHERE time < ?1 ORDER BY time LIMIT ?2)",
    [STORE_CLOCK_SAVE] = "INSERT OR REPLACE INTO clock (one, trusted) VALUES (1, ?1)",
    [STORE_CLOCK_LOAD] = "SELECT trusted FROM clock",
    [STORE_EVENT_ADD] = "INSERT INTO event (number, time, kind, machine, owner, code, bytes, text)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    /* Where AUTOINCREMENT goes on; a row that is added and dropped moves it. */
    [STORE_EVENT_LAST] = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'",
    [STORE_EVENT_JUMP] = "INSERT INTO event (number, time, kind, machine, owner, code, text)"
                         " VALUES (?1, 0, '', '', '', '', '')",
    [STORE_EVENT_FORGET] = "DELETE FROM event WHERE number = ?1",
    [STORE_EVENT_READ] = EVENTS("", ""),
    [STORE_EVENT_READ_OWNER] = EVENTS(OWNER, ""),
    [STORE_EVENT_READ_MACHINE] = EVENTS(" AND machine = ?4", ""),
    [STORE_EVENT_READ_BOTH] = EVENTS(" AND machine = ?4" OWNER, ""),
    [STORE_EVENT_LATEST] = EVENTS("", " DESC"),
    [STORE_EVENT_LATEST_OWNER] = EVENTS(OWNER, " DESC"),
    [STORE_EVENT_LATEST_MACHINE] = EVENTS(" AND machine = ?4", " DESC"),
    [STORE_EVENT_LATEST_BOTH] = EVENTS(" AND machine = ?4" OWNER, " DESC"),
    /* Oldest numbers first, until one is young enough: no index on time is needed. */
    [STORE_EVENT_DROP] = "DELETE FROM event WHERE number IN (SELECT number FROM"
                         " (SELECT number, time FROM event ORDER BY number LIMIT ?2)"
                         " WHERE time < ?1)",
};

const char *store_sql(enum store_statement which)
{
    assert(which < STORE_STATEMENTS);
    assert(texts[which] != NULL);
    return texts[which];
}
