/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a query as an array that grows. One loop for history, audit and events:
 *
 *     while (store_array_row(store, &array, statement)) {
 *         struct thing *thing = store_array_next(&array);
 *         ...
 *     }
 */

#include "tools/ballast/store/store_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint64_t store_limit(size_t limit)
{
    return limit < INT64_MAX ? limit : INT64_MAX;
}

static bool grow(struct store_array *array)
{
    size_t room = array->room == 0 ? 64 : array->room * 2;
    void *items = reallocarray(array->items, room, array->item_size);

    if (items == NULL) {
        return false;
    }
    array->items = items;
    array->room = room;
    return true;
}

static bool give_up(struct store_array *array, sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
    free(array->items);
    array->items = NULL;
    array->count = 0;
    array->failed = true;
    return false;
}

bool store_array_row(struct store *store, struct store_array *array, sqlite3_stmt *statement)
{
    int row = store_row(store, statement);

    if (row == 0) {
        return false;
    }
    if (row < 0) {
        return give_up(array, statement);
    }
    if (array->count == array->room && !grow(array)) {
        (void)store_refuse(store, "out of memory");
        return give_up(array, statement);
    }
    return true;
}

void *store_array_next(struct store_array *array)
{
    char *items = array->items;
    char *item = NULL;

    assert(array->count < array->room);
    item = items + array->count * array->item_size;
    array->count++;
    memset(item, 0, array->item_size);
    return item;
}
