/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What outlives the daemon, in one SQLite database in WAL mode: history in three resolutions,
 * settings, last targets, reservations, events and the audit log. Killing the process at any moment
 * loses at most what came since the last store_commit() (points, events, targets) and corrupts
 * nothing; settings, reservations and audit entries are on disk, safe from a loss of power too,
 * when their function returns. Times are seconds of the wall clock. Functions that return bool
 * return false on an error, which store_error() explains. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/fleet/fleet.h"

struct store;

/* The database's name in its folder. */
#define STORE_FILE "ballast.db"

/* Opens or makes the database in `folder`, which must exist. NULL: `reason` says why, for example
 * that it is of a newer version, or not a database. A damaged one is never overwritten. */
struct store *store_open(const char *folder, char *reason, size_t reason_size);

/* Commits and closes. NULL is allowed. */
void store_close(struct store *store);

/* ---- whether it keeps what it is given ---- */

enum store_place {
    STORE_THERE,    /* the files are those that were opened */
    STORE_GONE,     /* one of them was deleted: what is written is lost with the process */
    STORE_REPLACED, /* another file is in the place of one */
};

/* Looks at the files. Settings, reservations and audit entries are refused where they are not
 * those that were opened; it costs some microseconds. */
enum store_place store_watch(struct store *store);

/* Why what is given is not kept, as a sentence without paths: the files' fate, or the complaint of
 * the last commit. "" when all is well. */
const char *store_trouble(const struct store *store);

enum store_rescue {
    STORE_RESCUE_MORE,
    STORE_RESCUE_DONE,
    STORE_RESCUE_FAILED, /* store_error() says why; the next call begins anew */
};

/* Of a store that is STORE_GONE: writes all that it holds into a new database in its folder, which
 * must be there, and goes on with that. A portion of about a megabyte each call; in between the
 * store may be used. Nothing that somebody else put there is touched. */
enum store_rescue store_rescue(struct store *store);

/* Moves what was committed from the write-ahead log into the database, which waits for the disk.
 * Works on a connection of its own, so that it may run in another thread while the store is in use.
 * It need not be called, but then a commit now and then waits instead. False: `reason` says why. */
bool store_checkpoint(const char *folder, char *reason, size_t reason_size);

/* ---- history ---- */

struct store_point {
    int64_t time_s;
    uint64_t size_bytes;   /* memory now; for the host: total */
    uint64_t target_bytes; /* for the host: what all machines have */
    uint64_t used_bytes;
    uint64_t available_bytes;
    uint64_t resident_bytes;
    uint64_t demand_bytes;
    uint64_t short_bytes;
    uint32_t zone; /* for the host: the worst in the interval */
};

enum store_step {
    STORE_RAW,
    STORE_MINUTE,
    STORE_QUARTER,
};

/* Adds a point to the running transaction. `identity` is the machine's, "" the host. Sizes in
 * roll-ups are means, short_bytes is the largest, zone the worst; POLICY_MISSING is kept as
 * missing, and so is every size above INT64_MAX. A second point of the same second replaces the
 * first. */
bool store_add(struct store *store, const char *identity, const struct store_point *point);

/* Ends the transaction: from here on the points survive. Called every few seconds. After an error,
 * here or in a function that adds, what came since the last commit is lost; later calls begin
 * anew, so that a disk that was full for a while needs no restart. */
bool store_commit(struct store *store);

/* Makes the roll-ups that are due and drops what is older than is kept, in the running transaction.
 * In small steps: returns true while there is more to do. Minutes come from raw points, quarter
 * hours from minutes; a point that comes late has its minute made again. Events are kept as long as
 * minutes, audit entries as long as quarter hours. False also on an error: store_error() is not ""
 * then, and the next call goes on with the next machine.
 *
 * A clock that jumps ahead by more than a day is believed after it has gone on from there for an
 * hour; until then nothing is dropped that was young enough before. */
bool store_tidy(struct store *store, int64_t now_s, uint32_t raw_hours, uint32_t minute_days,
                uint32_t quarter_days);

/* Points of a machine from `from_s` up to but not at `to_s`, oldest first; of more than `limit` the
 * newest. The array is to be given to free(). False on an error of the database. */
bool store_history(struct store *store, const char *identity, enum store_step step, int64_t from_s,
                   int64_t to_s, size_t limit, struct store_point **points, size_t *count);

/* The same of all machines that had this name. */
bool store_history_of_name(struct store *store, const char *name, enum store_step step,
                           int64_t from_s, int64_t to_s, size_t limit, struct store_point **points,
                           size_t *count);

/* ---- machines ---- */

/* A machine is there, and known: what is kept for it, in the running transaction. What was kept
 * before there were identities, and the place of the predecessor whom the meeting names, become its
 * own unless it is known already or a copy. True also when a part of it makes no sense and is
 * missing: store_error() is not "" then. */
bool store_meet(struct store *store, const struct fleet_meeting *meeting, int64_t now_s,
                struct fleet_kept *kept);

/* The settings of the machine that was met last under this name. */
bool store_recall(struct store *store, const char *name, struct fleet_settings *settings);

/* Forgets all machines of this name but those whose identities are in `present`; history is
 * unreadable at once, and deleted when there is time. *machines: how many. On disk at the end. */
bool store_forget(struct store *store, const char *name, const char *const *present, size_t count,
                  size_t *machines);

/* Keeps until then that the next machine of this name takes the place of `identity`, or where that
 * is "" of the one that was met last under the name; until_s 0 ends it. *known: there is such a
 * machine, or there was such an announcement. On disk at the end. */
bool store_expect(struct store *store, const char *name, const char *identity, int64_t until_s,
                  bool *known);
bool store_expected(struct store *store, const char *name, int64_t now_s,
                    char identity[FLEET_IDENTITY_MAX]);

/* ---- settings, targets, ledgers, reservations ---- */

/* Loading returns false both where nothing is kept and on an error; store_error() is "" for the
 * first. What is loaded was checked: a class that exists, a weight in its range, and so on. A
 * target belongs to the running transaction. A reservation of 0 bytes is released. */

bool store_save_settings(struct store *store, const char *identity,
                         const struct fleet_settings *settings);
bool store_load_settings(struct store *store, const char *identity,
                         struct fleet_settings *settings);
bool store_save_target(struct store *store, const char *identity, uint64_t bytes);
uint64_t store_load_target(struct store *store, const char *identity); /* 0: none */
/* Belongs to the running transaction, too. */
bool store_save_ledger(struct store *store, const char *identity,
                       const struct fleet_ledger *ledger);
bool store_load_ledger(struct store *store, const char *identity, struct fleet_ledger *ledger);
bool store_save_reservation(struct store *store, const char *name, uint64_t bytes);
bool store_each_reservation(struct store *store,
                            void (*each)(void *context, const char *name, uint64_t bytes),
                            void *context);

/* ---- the audit log and events ---- */

struct store_audit {
    int64_t time_s;
    char who[64];     /* "operator", "owner:alice", "local:uid 0" */
    char action[32];  /* "set", "disable", ... */
    char target[64];  /* machine, reservation */
    char detail[256]; /* what changed, from what to what */
    bool done;        /* false: it was refused */
};

/* Entries from `from_s` on, oldest first; of more than `limit` the newest. The array is to be given
 * to free(). */
bool store_audit_add(struct store *store, const struct store_audit *entry);
bool store_audit_read(struct store *store, int64_t from_s, size_t limit,
                      struct store_audit **entries, size_t *count);

struct store_event {
    int64_t time_s;
    int64_t number; /* counts up over restarts: where a reader goes on */
    char kind[16];
    char machine[64];
    char owner[64];
    char code[32];
    uint64_t bytes;
    char text[256];
};

/* Events belong to the running transaction. `number` is not read. Returns its number, 0 on an
 * error. A number is never given twice, not even after a crash that lost events. */
int64_t store_event_add(struct store *store, const struct store_event *event);

/* Which events: those that fit, whatever the size of the rest is, in logarithmic time. */
struct store_event_filter {
    const char *owner;   /* of his machines, as they were his then; NULL: everybody's */
    const char *machine; /* of this one; NULL: of all, and of the host */
};

/* Events above `after_number`, or STORE_LATEST: the `limit` newest ones; oldest first in any case.
 * The array is to be given to free(). */
#define STORE_LATEST INT64_C(-1)
bool store_event_read(struct store *store, const struct store_event_filter *filter,
                      int64_t after_number, size_t limit, struct store_event **events,
                      size_t *count);

/* What the last call complained about, "" when it went well. */
const char *store_error(const struct store *store);
