/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose what is kept is. Every table has an identity, and the table `machine` the name under which
 * an identity was met last:
 *
 *   a UUID             of a machine that has one
 *   NAME at PLACE      of one without
 *   ?NAME              what was kept before there were identities: the first machine of that name
 *                      makes it its own
 *   -NUMBER            history that was forgotten, until tidying has deleted it
 *
 * None of the first two begins with a mark, because names begin with a letter or digit.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/store/store_internal.h"

/* Runs a statement with two texts; the second may be NULL for none. */
static bool run_texts(struct store *store, enum store_statement which, const char *one,
                      const char *two)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (statement == NULL) {
        return false;
    }
    store_bind_text(statement, 1, one);
    if (two != NULL) {
        store_bind_text(statement, 2, two);
    }
    return store_run(store, statement);
}

/* Whether there is a row. False on an error. */
static bool find(struct store *store, enum store_statement which, const char *one, const char *two,
                 bool *found)
{
    sqlite3_stmt *statement = store_statement(store, which);
    int row = 0;

    *found = false;
    if (statement == NULL) {
        return false;
    }
    store_bind_text(statement, 1, one);
    if (two != NULL) {
        store_bind_text(statement, 2, two);
    }
    row = store_row(store, statement);
    if (row == 1) {
        *found = true;
        (void)sqlite3_reset(statement);
    }
    return row >= 0;
}

/* What was `from`'s is `to`'s. */
static bool rebind(struct store *store, const char *to, const char *from)
{
    for (unsigned i = STORE_REBIND_MACHINE; i <= STORE_REBIND_EXPECTED; i++) {
        if (!run_texts(store, (enum store_statement)i, to, from)) {
            return false;
        }
    }
    return true;
}

/* What was kept by name only, if there is something. */
static bool claim(struct store *store, const char *identity, const char *name, bool *claimed)
{
    char unbound[CONFIG_NAME_MAX + 1];

    (void)snprintf(unbound, sizeof unbound, "?%s", name);
    return find(store, STORE_MACHINE_KNOWN, unbound, NULL, claimed) &&
           (!*claimed || rebind(store, identity, unbound));
}

/* Makes what it may take over its own. */
static bool inherit(struct store *store, const struct fleet_meeting *meeting,
                    struct fleet_kept *kept)
{
    const char *identity = meeting->who.identity;

    if (meeting->predecessor[0] != '\0') {
        kept->known = true;
        kept->inherited = true;
        /* Its process had another target. */
        return run_texts(store, STORE_FORGET_TARGET, meeting->predecessor, NULL) &&
               rebind(store, identity, meeting->predecessor);
    }
    if (!claim(store, identity, meeting->who.name, &kept->known)) {
        return false;
    }
    return kept->known || meeting->formerly[0] == '\0' ||
           claim(store, identity, meeting->formerly, &kept->known);
}

static bool note_seen(struct store *store, const struct fleet_who *who, int64_t now_s)
{
    sqlite3_stmt *seen = store_statement(store, STORE_MACHINE_SEEN);

    if (seen == NULL) {
        return false;
    }
    store_bind_text(seen, 1, who->identity);
    store_bind_text(seen, 2, who->name);
    (void)sqlite3_bind_int64(seen, 3, now_s);
    return store_run(store, seen);
}

/* The first complaint of several loads stays. */
static void load_all(struct store *store, const char *identity, struct fleet_kept *kept)
{
    char error[sizeof store->error];

    kept->has_settings = store_load_settings(store, identity, &kept->settings);
    (void)snprintf(error, sizeof error, "%s", store->error);
    (void)store_load_ledger(store, identity, &kept->ledger);
    if (error[0] == '\0') {
        (void)snprintf(error, sizeof error, "%s", store->error);
    }
    kept->target_bytes = store_load_target(store, identity);
    if (error[0] != '\0') {
        (void)snprintf(store->error, sizeof store->error, "%s", error);
    }
}

bool store_meet(struct store *store, const struct fleet_meeting *meeting, int64_t now_s,
                struct fleet_kept *kept)
{
    const struct fleet_who *who = &meeting->who;
    bool expected = meeting->predecessor[0] != '\0';

    *kept = (struct fleet_kept){ .known = false };
    store->error[0] = '\0';
    if (!store_begin(store) ||
        !find(store, STORE_MACHINE_KNOWN, who->identity, NULL, &kept->known)) {
        return false;
    }
    /* A machine with belongings of its own comes back: the announcement was not for it, unless it
     * is the announced one itself. */
    expected = expected && (!kept->known || strcmp(meeting->predecessor, who->identity) == 0);
    if (!kept->known && !meeting->copy && !inherit(store, meeting, kept)) {
        return false;
    }
    if (expected && !run_texts(store, STORE_EXPECTED_DROP, who->name, NULL)) {
        return false;
    }
    if (!kept->known &&
        !find(store, STORE_MACHINE_OTHER, who->name, who->identity, &kept->another)) {
        return false;
    }
    if (!note_seen(store, who, now_s)) {
        return false;
    }
    load_all(store, who->identity, kept);
    return true;
}

/* The identity that was met last under a name. 1 there is one, 0 none, -1 an error. */
static int last_named(struct store *store, const char *name, char identity[FLEET_IDENTITY_MAX])
{
    sqlite3_stmt *last = store_statement(store, STORE_MACHINE_LAST);
    int row = 0;

    if (last == NULL) {
        return -1;
    }
    store_bind_text(last, 1, name);
    row = store_row(store, last);
    if (row == 1) {
        store_column_text(last, 0, identity, FLEET_IDENTITY_MAX);
        (void)sqlite3_reset(last);
    }
    return row;
}

bool store_recall(struct store *store, const char *name, struct fleet_settings *settings)
{
    char identity[FLEET_IDENTITY_MAX];

    store->error[0] = '\0';
    return last_named(store, name, identity) == 1 && store_load_settings(store, identity, settings);
}

static bool is_one_of(const char *identity, const char *const *present, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(present[i], identity) == 0) {
            return true;
        }
    }
    return false;
}

static bool forget_one(struct store *store, const char *identity)
{
    for (unsigned i = STORE_FORGET_MACHINE; i <= STORE_FORGET_EXPECTED; i++) {
        if (!run_texts(store, (enum store_statement)i, identity, NULL)) {
            return false;
        }
    }
    return true;
}

bool store_forget(struct store *store, const char *name, const char *const *present, size_t count,
                  size_t *machines)
{
    struct store_array array = { .item_size = FLEET_IDENTITY_MAX };
    sqlite3_stmt *named = NULL;
    const char(*identities)[FLEET_IDENTITY_MAX] = NULL;
    bool good = true;

    *machines = 0;
    store->error[0] = '\0';
    named = store_statement(store, STORE_MACHINE_NAMED);
    if (named == NULL) {
        return false;
    }
    store_bind_text(named, 1, name);
    while (store_array_row(store, &array, named)) {
        store_column_text(named, 0, store_array_next(&array), FLEET_IDENTITY_MAX);
    }
    if (array.failed) {
        return false;
    }
    identities = array.items;
    good = store_durable_begin(store);
    for (size_t i = 0; good && i < array.count; i++) {
        if (!is_one_of(identities[i], present, count)) {
            good = forget_one(store, identities[i]);
            (*machines)++;
        }
    }
    free(array.items);
    return store_durable_end(store, good);
}

static bool keep_expected(struct store *store, const char *name, const char *identity,
                          int64_t until_s, bool *known)
{
    sqlite3_stmt *save = NULL;

    if (until_s == 0) {
        if (!run_texts(store, STORE_EXPECTED_DROP, name, NULL)) {
            return false;
        }
        *known = sqlite3_changes(store->db) > 0;
        return true;
    }
    save = store_statement(store, STORE_EXPECTED_SAVE);
    if (save == NULL) {
        return false;
    }
    store_bind_text(save, 1, name);
    store_bind_text(save, 2, identity);
    (void)sqlite3_bind_int64(save, 3, until_s);
    *known = true;
    return store_run(store, save);
}

bool store_expect(struct store *store, const char *name, const char *identity, int64_t until_s,
                  bool *known)
{
    char last[FLEET_IDENTITY_MAX];

    *known = false;
    store->error[0] = '\0';
    if (identity[0] == '\0' && until_s != 0) {
        const int row = last_named(store, name, last);

        if (row != 1) {
            return row == 0;
        }
        identity = last;
    }
    return store_durable_end(store, store_durable_begin(store) &&
                                        keep_expected(store, name, identity, until_s, known));
}

bool store_expected(struct store *store, const char *name, int64_t now_s,
                    char identity[FLEET_IDENTITY_MAX])
{
    sqlite3_stmt *load = NULL;

    store->error[0] = '\0';
    load = store_statement(store, STORE_EXPECTED_LOAD);
    if (load == NULL) {
        return false;
    }
    store_bind_text(load, 1, name);
    (void)sqlite3_bind_int64(load, 2, now_s);
    if (store_row(store, load) != 1) {
        return false;
    }
    store_column_text(load, 0, identity, FLEET_IDENTITY_MAX);
    (void)sqlite3_reset(load);
    return true;
}
