/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names. A backend gives each machine a name, its base; two backends, or two libvirts, may give the
 * same one. Then one machine has the base for its name and each other one the base with a part of
 * its identity behind a dot. Who has the base follows from what the machines are, not from who came
 * first: a socket or cgroup that the configuration names for it goes before libvirt, whose domains
 * only libvirt's users can make, and libvirt before a socket that was put into the folder; then the
 * identity decides.
 *
 * Machines are kept in an array of pointers sorted by name, so that every list and every decision
 * has the same order, whenever machines appeared.
 */

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

#define TAIL_MAX 33U /* the digits of a UUID, and a final 0 */

/* ---- the sorted array ---- */

/* Where a name is, or would be. */
static size_t place_of(const struct fleet *fleet, const char *name, bool *there)
{
    size_t low = 0;
    size_t high = fleet->count;
    *there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(fleet->machines[middle]->name, name);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct fleet_machine *fleet_find(const struct fleet *fleet, const char *name)
{
    bool there;
    const size_t place = place_of(fleet, name, &there);
    return there ? fleet->machines[place] : NULL;
}

void fleet_put_in(struct fleet *fleet, struct fleet_machine *machine)
{
    bool there;
    const size_t place = place_of(fleet, machine->name, &there);
    assert(!there);
    assert(fleet->count < CONFIG_MACHINES_MAX);
    memmove(fleet->machines + place + 1, fleet->machines + place,
            (fleet->count - place) * sizeof fleet->machines[0]);
    fleet->machines[place] = machine;
    fleet->count++;
}

void fleet_take_out(struct fleet *fleet, const struct fleet_machine *machine)
{
    bool there;
    const size_t place = place_of(fleet, machine->name, &there);
    assert(there);
    assert(fleet->machines[place] == machine);
    fleet->count--;
    memmove(fleet->machines + place, fleet->machines + place + 1,
            (fleet->count - place) * sizeof fleet->machines[0]);
}

/* ---- names ---- */

/* The base, shortened where needed, with a tail behind a dot. */
static void join(const char *base, const char *tail, char name[FACTS_NAME_MAX])
{
    const int room = (int)(FACTS_NAME_MAX - 2 - strlen(tail));
    snprintf(name, FACTS_NAME_MAX, "%.*s.%s", room, base, tail);
}

void fleet_name_first(const struct fleet *fleet, const char *base, char name[FACTS_NAME_MAX])
{
    char tail[16];
    snprintf(name, FACTS_NAME_MAX, "%s", base);
    for (unsigned i = 2; fleet_find(fleet, name) != NULL; i++) {
        snprintf(tail, sizeof tail, "%u", i);
        join(base, tail, name);
    }
}

/* Digits that tell it from others: of its UUID, else of a sum over name and place (FNV-1a). */
static void tail_of(const struct fleet_entry *entry, char tail[TAIL_MAX])
{
    const char *identity = entry->shown.identity;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    size_t length = 0;
    char uuid[FACTS_UUID_MAX];
    if (!config_uuid_read(identity, uuid)) {
        for (; *identity != '\0'; identity++) {
            sum = (sum ^ (unsigned char)*identity) * UINT64_C(0x100000001b3);
        }
        snprintf(tail, TAIL_MAX, "%016" PRIx64 "%016" PRIx64, sum, sum * 0x9e3779b97f4a7c15);
        return;
    }
    for (const char *c = uuid; *c != '\0' && length + 1 < TAIL_MAX; c++) {
        if (*c != '-') {
            tail[length++] = *c;
        }
    }
    tail[length] = '\0';
}

/* The base and as much of its identity as makes the name its own. */
static void name_with_tail(const struct fleet *fleet, const struct fleet_entry *entry,
                           char name[FACTS_NAME_MAX])
{
    char all[TAIL_MAX];
    tail_of(entry, all);
    for (size_t digits = 8; digits < TAIL_MAX; digits += 8) {
        char tail[TAIL_MAX];
        snprintf(tail, sizeof tail, "%.*s", (int)digits, all);
        join(entry->base, tail, name);
        const struct fleet_machine *there = fleet_find(fleet, name);
        if (there == NULL || there == &entry->shown) {
            return;
        }
    }
    /* Somebody took all of them on purpose: any name will do, if it stays. */
    if (strcmp(entry->shown.name, entry->base) != 0) {
        snprintf(name, FACTS_NAME_MAX, "%s", entry->shown.name);
    } else {
        fleet_name_first(fleet, entry->base, name);
    }
}

/* The smaller, the better its claim to the base. */
static unsigned rank_of(const struct fleet *fleet, const struct fleet_entry *entry)
{
    const struct config_machine *section = fleet_section(fleet, entry->base);
    const char *where = entry->shown.where;
    const bool named =
        section != NULL && (((section->given & CONFIG_GIVEN_SOCKET) != 0 &&
                             strncmp(section->socket, where, sizeof entry->shown.where - 1) == 0) ||
                            ((section->given & CONFIG_GIVEN_CGROUP) != 0 &&
                             strncmp(section->cgroup, where, sizeof entry->shown.where - 1) == 0));
    if (named) {
        return 0;
    }
    return fleet_is_libvirt(entry) ? 1 : 2;
}

/* The machine that may have the base, or NULL. */
static struct fleet_entry *heir_of(const struct fleet *fleet, const char *base, size_t *claims)
{
    struct fleet_entry *best = NULL;
    *claims = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        if (entry->shown.identity[0] == '\0' || strcmp(entry->base, base) != 0) {
            continue;
        }
        (*claims)++;
        const unsigned rank = rank_of(fleet, entry);
        const unsigned least = best == NULL ? UINT32_MAX : rank_of(fleet, best);
        if (rank < least ||
            (rank == least && strcmp(entry->shown.identity, best->shown.identity) < 0)) {
            best = entry;
        }
    }
    return best;
}

static void rename_to(struct fleet *fleet, struct fleet_entry *entry, const char *name,
                      int64_t now_ms)
{
    char before[FACTS_NAME_MAX];
    if (strcmp(entry->shown.name, name) == 0) {
        return;
    }
    snprintf(before, sizeof before, "%s", entry->shown.name);
    fleet_take_out(fleet, &entry->shown);
    memset(entry->shown.name, 0, sizeof entry->shown.name);
    snprintf(entry->shown.name, sizeof entry->shown.name, "%s", name);
    fleet_put_in(fleet, &entry->shown);
    fleet_raise(fleet, FLEET_EVENT_FOUND, &entry->shown, POLICY_MISSING, "name", now_ms,
                "%s at %s is called %s now.", before, entry->shown.where, entry->shown.name);
    if (entry->shown.identity[0] != '\0') {
        fleet_settings_refresh(fleet, entry, "name", now_ms);
    }
}

void fleet_name_settle(struct fleet *fleet, const char *base, int64_t now_ms)
{
    size_t claims;
    char own[FACTS_NAME_MAX];
    char name[FACTS_NAME_MAX];
    snprintf(own, sizeof own, "%s", base); /* `base` may be a member of what is renamed */
    struct fleet_entry *heir = heir_of(fleet, own, &claims);
    struct fleet_machine *holder = fleet_find(fleet, own);
    if (heir == NULL || (claims == 1 && holder == &heir->shown)) {
        return;
    }
    if (holder != NULL && holder != &heir->shown) {
        struct fleet_entry *other = fleet_entry_of(holder);
        if (strcmp(other->base, own) != 0) {
            return; /* it has the name as a tail made it: a rare chance, and nobody is misled */
        }
        if (holder->identity[0] == '\0') {
            fleet_name_first(fleet, own, name);
        } else {
            name_with_tail(fleet, other, name);
        }
        rename_to(fleet, other, name, now_ms);
    }
    rename_to(fleet, heir, own, now_ms);
    /* Pointers move when one is renamed: it begins anew until all have theirs. */
    for (size_t i = 0; i < fleet->count;) {
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        const bool one =
            entry != heir && entry->shown.identity[0] != '\0' && strcmp(entry->base, own) == 0;
        if (one) {
            name_with_tail(fleet, entry, name);
        }
        if (one && strcmp(name, entry->shown.name) != 0) {
            rename_to(fleet, entry, name, now_ms);
            i = 0;
        } else {
            i++;
        }
    }
}
