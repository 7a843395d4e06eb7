/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit log and the events. An audit entry is on disk before the change it tells of is
 * confirmed to anybody; an event belongs to the running transaction.
 */

#include "tools/ballast/store/store_internal.h"

#include <assert.h>

bool store_audit_add(struct store *store, const struct store_audit *entry)
{
    sqlite3_stmt *add = NULL;

    store->error[0] = '\0';
    if (!store_durable_begin(store)) {
        return store_durable_end(store, false);
    }
    add = store_statement(store, STORE_AUDIT_ADD);
    if (add == NULL) {
        return store_durable_end(store, false);
    }
    (void)sqlite3_bind_int64(add, 1, entry->time_s);
    store_bind_text(add, 2, entry->who);
    store_bind_text(add, 3, entry->action);
    store_bind_text(add, 4, entry->target);
    store_bind_text(add, 5, entry->detail);
    (void)sqlite3_bind_int(add, 6, entry->done);
    return store_durable_end(store, store_run(store, add));
}

bool store_audit_read(struct store *store, int64_t from_s, size_t limit,
                      struct store_audit **entries, size_t *count)
{
    struct store_array array = { .item_size = sizeof **entries };
    sqlite3_stmt *read = NULL;

    store->error[0] = '\0';
    read = store_statement(store, STORE_AUDIT_READ);
    if (read == NULL) {
        return false;
    }
    (void)sqlite3_bind_int64(read, 1, from_s);
    store_bind_bytes(read, 2, store_limit(limit));
    while (store_array_row(store, &array, read)) {
        struct store_audit *entry = store_array_next(&array);

        entry->time_s = sqlite3_column_int64(read, 0);
        store_column_text(read, 1, entry->who, sizeof entry->who);
        store_column_text(read, 2, entry->action, sizeof entry->action);
        store_column_text(read, 3, entry->target, sizeof entry->target);
        store_column_text(read, 4, entry->detail, sizeof entry->detail);
        entry->done = sqlite3_column_int(read, 5) != 0;
    }
    *entries = array.items;
    *count = array.count;
    return !array.failed;
}

int64_t store_event_add(struct store *store, const struct store_event *event)
{
    int64_t number = store->event_number + 1;
    sqlite3_stmt *add = NULL;

    store->error[0] = '\0';
    if (!store_begin(store)) {
        return 0;
    }
    add = store_statement(store, STORE_EVENT_ADD);
    if (add == NULL) {
        return 0;
    }
    (void)sqlite3_bind_int64(add, 1, number);
    (void)sqlite3_bind_int64(add, 2, event->time_s);
    store_bind_text(add, 3, event->kind);
    store_bind_text(add, 4, event->machine);
    store_bind_text(add, 5, event->owner);
    store_bind_text(add, 6, event->code);
    store_bind_bytes(add, 7, event->bytes);
    store_bind_text(add, 8, event->text);
    if (!store_run(store, add)) {
        return 0;
    }
    store->event_number = number;
    return number;
}

/* The statements stand in this order behind the one without a filter. */
static_assert(STORE_EVENT_READ_BOTH == STORE_EVENT_READ + 3, "owner 1, machine 2");
static_assert(STORE_EVENT_LATEST_BOTH == STORE_EVENT_LATEST + 3, "owner 1, machine 2");

static sqlite3_stmt *event_statement(struct store *store, const struct store_event_filter *filter,
                                     int64_t after_number, size_t limit)
{
    const bool latest = after_number == STORE_LATEST;
    unsigned which = latest ? STORE_EVENT_LATEST : STORE_EVENT_READ;
    sqlite3_stmt *read = NULL;

    which += filter->owner != NULL ? 1 : 0;
    which += filter->machine != NULL ? 2 : 0;
    read = store_statement(store, (enum store_statement)which);
    if (read == NULL) {
        return NULL;
    }
    (void)sqlite3_bind_int64(read, 1, latest ? 0 : after_number);
    store_bind_bytes(read, 2, store_limit(limit));
    if (filter->owner != NULL) {
        store_bind_text(read, 3, filter->owner);
    }
    if (filter->machine != NULL) {
        store_bind_text(read, 4, filter->machine);
    }
    return read;
}

static void turn_round(struct store_event *events, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const struct store_event event = events[i];

        events[i] = events[count - 1 - i];
        events[count - 1 - i] = event;
    }
}

bool store_event_read(struct store *store, const struct store_event_filter *filter,
                      int64_t after_number, size_t limit, struct store_event **events,
                      size_t *count)
{
    struct store_array array = { .item_size = sizeof **events };
    sqlite3_stmt *read = NULL;

    store->error[0] = '\0';
    read = event_statement(store, filter, after_number, limit);
    if (read == NULL) {
        return false;
    }
    while (store_array_row(store, &array, read)) {
        struct store_event *event = store_array_next(&array);

        event->number = sqlite3_column_int64(read, 0);
        event->time_s = sqlite3_column_int64(read, 1);
        store_column_text(read, 2, event->kind, sizeof event->kind);
        store_column_text(read, 3, event->machine, sizeof event->machine);
        store_column_text(read, 4, event->owner, sizeof event->owner);
        store_column_text(read, 5, event->code, sizeof event->code);
        event->bytes = store_column_bytes(read, 6);
        store_column_text(read, 7, event->text, sizeof event->text);
    }
    *events = array.items;
    *count = array.count;
    if (after_number == STORE_LATEST) {
        turn_round(*events, *count);
    }
    return !array.failed;
}
