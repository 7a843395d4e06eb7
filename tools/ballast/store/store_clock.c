/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which time retention may go by. A wall clock that jumps far ahead, for a minute or for a typing
 * mistake, would make all history too old at once. So a jump is believed only when the clock has
 * gone on from there for a while; until then what is dropped is dropped by the last time that was
 * believed. That time is in the database, or a restart meanwhile would believe the wrong one.
 *
 * A clock that goes back is believed at once: less is dropped then.
 */

#include "tools/ballast/store/store_internal.h"

#define JUMP_S  86400 /* further ahead than this is a jump, */
#define HOLD_S  3600  /* and is believed after so long */
#define WRITE_S 60

/* A new database has nothing to lose by its first time, and an older one had none. */
static bool load(struct store *store, int64_t now_s)
{
    sqlite3_stmt *read = store_statement(store, STORE_CLOCK_LOAD);
    int row = 0;

    if (read == NULL) {
        return false;
    }
    row = store_row(store, read);
    if (row == 1) {
        store->trusted_s = sqlite3_column_int64(read, 0);
        (void)sqlite3_reset(read);
        store->clock_known = true;
        return true;
    }
    return row == 0 && store_clock_trust(store, now_s);
}

bool store_clock_trust(struct store *store, int64_t now_s)
{
    sqlite3_stmt *save = NULL;

    store->trusted_s = now_s;
    store->clock_known = true;
    store->suspect_s = 0;
    if (!store_begin(store)) {
        return false;
    }
    save = store_statement(store, STORE_CLOCK_SAVE);
    if (save == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(save, 1, now_s);
    return store_run(store, save);
}

bool store_clock(struct store *store, int64_t now_s, int64_t *plausible_s)
{
    if (!store->clock_known && !load(store, now_s)) {
        return false;
    }
    if (now_s - store->trusted_s > JUMP_S) {
        const bool goes_on = store->suspect_s != 0 && now_s >= store->suspect_last_s &&
                             now_s - store->suspect_last_s <= JUMP_S;

        store->suspect_s = goes_on ? store->suspect_s : now_s;
        store->suspect_last_s = now_s;
        if (now_s - store->suspect_s < HOLD_S) {
            *plausible_s = store->trusted_s;
            return true;
        }
    }
    *plausible_s = now_s;
    store->suspect_s = 0;
    /* Every second would be a write for nothing. */
    return (now_s >= store->trusted_s && now_s - store->trusted_s < WRITE_S) ||
           store_clock_trust(store, now_s);
}
