/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was said by command and must outlive the daemon: settings, reservations, the last targets,
 * and the customers' ledgers. What is read back is checked like everything that comes from outside,
 * for the file may have been changed by hand.
 */

#include "tools/ballast/store/store_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* The numbers stand in files: an enumeration that changes needs a migration. */
static_assert(POLICY_GUARANTEED == 0 && POLICY_BURST == 1 && POLICY_SPARE == 2,
              "classes keep their numbers");

bool store_save_settings(struct store *store, const char *identity,
                         const struct fleet_settings *settings)
{
    sqlite3_stmt *save = NULL;

    store->error[0] = '\0';
    if (settings->min_bytes > POLICY_BYTES_MAX || settings->max_bytes > POLICY_BYTES_MAX ||
        settings->revision > INT64_MAX) {
        return store_refuse(store, "the settings have a size beyond all machines");
    }
    if (!store_durable_begin(store)) {
        return store_durable_end(store, false);
    }
    save = store_statement(store, STORE_SETTINGS_SAVE);
    if (save == NULL) {
        return store_durable_end(store, false);
    }
    store_bind_text(save, 1, identity);
    (void)sqlite3_bind_int(save, 2, (int)settings->class);
    store_bind_bytes(save, 3, settings->min_bytes);
    store_bind_bytes(save, 4, settings->max_bytes);
    (void)sqlite3_bind_int64(save, 5, settings->weight);
    (void)sqlite3_bind_int(save, 6, settings->ballooning);
    (void)sqlite3_bind_int(save, 7, settings->managed);
    store_bind_text(save, 8, settings->owner);
    store_bind_bytes(save, 9, settings->revision);
    (void)sqlite3_bind_int64(save, 10, settings->commanded);
    return store_durable_end(store, store_run(store, save));
}

/* False: a row that no store_save_settings() wrote. */
static bool settings_of(sqlite3_stmt *row, struct fleet_settings *settings)
{
    int64_t class = sqlite3_column_int64(row, 0);
    uint64_t min_bytes = store_column_bytes(row, 1);
    uint64_t max_bytes = store_column_bytes(row, 2);
    int64_t weight = sqlite3_column_int64(row, 3);
    uint64_t revision = store_column_bytes(row, 7);
    uint64_t commanded = store_column_bytes(row, 8);

    if (class < 0 || class > POLICY_SPARE || min_bytes > POLICY_BYTES_MAX ||
        max_bytes > POLICY_BYTES_MAX || (max_bytes != 0 && min_bytes > max_bytes) || weight < 1 ||
        weight > POLICY_WEIGHT_MAX || revision > INT64_MAX || commanded > UINT32_MAX ||
        (size_t)sqlite3_column_bytes(row, 6) >= sizeof settings->owner) {
        return false;
    }
    *settings = (struct fleet_settings){
        .class = (enum policy_class) class,
        .min_bytes = min_bytes,
        .max_bytes = max_bytes,
        .weight = (uint32_t)weight,
        .ballooning = sqlite3_column_int(row, 4) != 0,
        .managed = sqlite3_column_int(row, 5) != 0,
        .revision = revision,
        .commanded = (uint32_t)commanded,
    };
    store_column_text(row, 6, settings->owner, sizeof settings->owner);
    return true;
}

bool store_load_settings(struct store *store, const char *identity, struct fleet_settings *settings)
{
    sqlite3_stmt *load = NULL;
    bool good = false;

    store->error[0] = '\0';
    load = store_statement(store, STORE_SETTINGS_LOAD);
    if (load == NULL) {
        return false;
    }
    store_bind_text(load, 1, identity);
    if (store_row(store, load) != 1) {
        return false;
    }
    good = settings_of(load, settings);
    (void)sqlite3_reset(load);
    if (!good) {
        (void)snprintf(store->error, sizeof store->error,
                       "the settings kept for %s make no sense and are not used", identity);
    }
    return good;
}

bool store_save_target(struct store *store, const char *identity, uint64_t bytes)
{
    sqlite3_stmt *save = NULL;

    store->error[0] = '\0';
    if (bytes > POLICY_BYTES_MAX) {
        return store_refuse(store, "the target is beyond all machines");
    }
    if (!store_begin(store)) {
        return false;
    }
    save = store_statement(store, STORE_TARGET_SAVE);
    if (save == NULL) {
        return false;
    }
    store_bind_text(save, 1, identity);
    store_bind_bytes(save, 2, bytes);
    return store_run(store, save);
}

uint64_t store_load_target(struct store *store, const char *identity)
{
    sqlite3_stmt *load = NULL;
    uint64_t bytes = 0;

    store->error[0] = '\0';
    load = store_statement(store, STORE_TARGET_LOAD);
    if (load == NULL) {
        return 0;
    }
    store_bind_text(load, 1, identity);
    if (store_row(store, load) != 1) {
        return 0;
    }
    bytes = store_column_bytes(load, 0);
    (void)sqlite3_reset(load);
    return bytes <= POLICY_BYTES_MAX ? bytes : 0;
}

bool store_save_ledger(struct store *store, const char *identity, const struct fleet_ledger *ledger)
{
    sqlite3_stmt *save = NULL;

    store->error[0] = '\0';
    if (ledger->lent_mib_s > INT64_MAX) {
        return store_refuse(store, "the ledger is beyond all machines");
    }
    if (!store_begin(store)) {
        return false;
    }
    save = store_statement(store, STORE_LEDGER_SAVE);
    if (save == NULL) {
        return false;
    }
    store_bind_text(save, 1, identity);
    store_bind_bytes(save, 2, ledger->lent_mib_s);
    (void)sqlite3_bind_int64(save, 3, ledger->peaks_met);
    (void)sqlite3_bind_int64(save, 4, ledger->peaks_missed);
    return store_run(store, save);
}

bool store_load_ledger(struct store *store, const char *identity, struct fleet_ledger *ledger)
{
    sqlite3_stmt *load = NULL;
    uint64_t lent_mib_s = 0;
    uint64_t met = 0;
    uint64_t missed = 0;

    store->error[0] = '\0';
    load = store_statement(store, STORE_LEDGER_LOAD);
    if (load == NULL) {
        return false;
    }
    store_bind_text(load, 1, identity);
    if (store_row(store, load) != 1) {
        return false;
    }
    lent_mib_s = store_column_bytes(load, 0);
    met = store_column_bytes(load, 1);
    missed = store_column_bytes(load, 2);
    (void)sqlite3_reset(load);
    if (lent_mib_s == POLICY_MISSING || met > UINT32_MAX || missed > UINT32_MAX) {
        (void)snprintf(store->error, sizeof store->error,
                       "the ledger kept for %s makes no sense and is not used", identity);
        return false;
    }
    *ledger = (struct fleet_ledger){ .lent_mib_s = lent_mib_s,
                                     .peaks_met = (uint32_t)met,
                                     .peaks_missed = (uint32_t)missed };
    return true;
}

bool store_save_reservation(struct store *store, const char *name, uint64_t bytes)
{
    sqlite3_stmt *save = NULL;

    store->error[0] = '\0';
    if (bytes > POLICY_BYTES_MAX) {
        return store_refuse(store, "the reservation is beyond all machines");
    }
    if (!store_durable_begin(store)) {
        return store_durable_end(store, false);
    }
    save = store_statement(store, bytes == 0 ? STORE_RESERVATION_DROP : STORE_RESERVATION_SAVE);
    if (save == NULL) {
        return store_durable_end(store, false);
    }
    store_bind_text(save, 1, name);
    if (bytes != 0) {
        store_bind_bytes(save, 2, bytes);
    }
    return store_durable_end(store, store_run(store, save));
}

bool store_each_reservation(struct store *store,
                            void (*each)(void *context, const char *name, uint64_t bytes),
                            void *context)
{
    struct reservation {
        char name[CONFIG_NAME_MAX];
        uint64_t bytes;
    };
    struct store_array array = { .item_size = sizeof(struct reservation) };
    const struct reservation *reservations = NULL;
    sqlite3_stmt *read = NULL;

    store->error[0] = '\0';
    read = store_statement(store, STORE_RESERVATION_READ);
    if (read == NULL) {
        return false;
    }
    while (store_array_row(store, &array, read)) {
        struct reservation *reservation = store_array_next(&array);

        store_column_text(read, 0, reservation->name, sizeof reservation->name);
        reservation->bytes = store_column_bytes(read, 1);
    }
    /* Told when all are read: whoever hears of one may save it again. */
    reservations = array.items;
    for (size_t i = 0; i < array.count; i++) {
        if (reservations[i].bytes > 0 && reservations[i].bytes <= POLICY_BYTES_MAX) {
            each(context, reservations[i].name, reservations[i].bytes);
        }
    }
    free(array.items);
    return !array.failed;
}
