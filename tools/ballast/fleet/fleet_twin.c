/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process that two backends see, for example a domain of libvirt with a QMP socket of its own
 * for ballast, is one machine: it is listed, booked and moved once. One of its entries leads and
 * stands among the machines; others follow it, and are only told.
 *
 * libvirt leads before QMP: it keeps the definition in which the switch is saved, and whoever looks
 * with virsh sees the truth. When the leader is gone, or is another process, a follower takes its
 * place with all that is known of the machine.
 *
 * That both are one process is shown by UUID and pid together. A UUID alone proves nothing.
 */

#include <assert.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

/* Which of two leads, whoever came first. */
static bool leads(const struct fleet_entry *one, const struct fleet_entry *other)
{
    if (fleet_is_libvirt(one) != fleet_is_libvirt(other)) {
        return fleet_is_libvirt(one);
    }
    return strcmp(one->base, other->base) < 0;
}

/* All that is known of the machine, beside what the new leader's own backend says. */
static void take_over(struct fleet_entry *to, const struct fleet_entry *from)
{
    const struct fleet_entry own = *to;
    *to = *from;
    memcpy(to->base, own.base, sizeof to->base);
    memcpy(to->shown.where, own.shown.where, sizeof to->shown.where);
    memcpy(to->uuid, own.uuid, sizeof to->uuid);
    to->pid = own.pid;
    to->leader = NULL;
    to->shown.backend = own.shown.backend;
    to->shown.handle = own.shown.handle;
    to->shown.facts = own.shown.facts;
    to->shown.seen_ms = own.shown.seen_ms;
    to->shown.follower = NULL;
    /* Each backend counts resets by itself. */
    to->shown.policy.memory.resets = own.shown.facts.resets;
    /* A target that is under way arrives at the same process. */
    if (from->in_flight) {
        to->shown.commanded_bytes = from->flight_bytes;
    }
    to->in_flight = false;
    to->overdue = false;
    to->retry_ms = 0;
    to->retry_pause_ms = 0;
    to->shown.last_error[0] = '\0';
}

/* The first follower, for people to see. */
static void show_follower(const struct fleet *fleet, struct fleet_entry *leader)
{
    leader->shown.follower = NULL;
    for (size_t i = 0; i < fleet->follower_count; i++) {
        if (fleet->followers[i]->leader == leader && leader->shown.follower == NULL) {
            leader->shown.follower = &fleet->followers[i]->shown;
        }
    }
}

static void follow(struct fleet *fleet, struct fleet_entry *follower, struct fleet_entry *leader)
{
    assert(fleet->follower_count < CONFIG_MACHINES_MAX);
    for (size_t i = 0; i < fleet->follower_count; i++) {
        if (fleet->followers[i]->leader == follower) {
            fleet->followers[i]->leader = leader;
        }
    }
    follower->leader = leader;
    follower->in_flight = false;
    follower->overdue = false;
    memset(follower->shown.identity, 0, sizeof follower->shown.identity);
    fleet->followers[fleet->follower_count++] = follower;
    show_follower(fleet, leader);
}

static void unlist(struct fleet *fleet, const struct fleet_entry *follower)
{
    for (size_t i = 0; i < fleet->follower_count; i++) {
        if (fleet->followers[i] == follower) {
            fleet->followers[i] = fleet->followers[--fleet->follower_count];
            return;
        }
    }
    assert(false);
}

void fleet_join(struct fleet *fleet, struct fleet_entry *one, struct fleet_entry *other,
                int64_t now_ms)
{
    struct fleet_entry *leader = leads(one, other) ? one : other;
    struct fleet_entry *follower = leader == one ? other : one;
    fleet_take_out(fleet, &follower->shown);
    if (leader == other) {
        /* The one that was there first is known; its name is the leader's business now. */
        char name[FACTS_NAME_MAX];
        fleet_take_out(fleet, &leader->shown);
        take_over(leader, follower);
        fleet_name_first(fleet, leader->base, name);
        memcpy(leader->shown.name, name, sizeof name);
        fleet_put_in(fleet, &leader->shown);
    }
    follow(fleet, follower, leader);
    fleet_raise(fleet, FLEET_EVENT_FOUND, NULL, POLICY_MISSING, "one-machine", now_ms,
                "%s at %s is the machine %s at %s: %s controls it%s.", follower->base,
                follower->shown.where, leader->shown.name, leader->shown.where,
                leader->shown.backend->name,
                fleet_is_libvirt(leader) && !fleet_is_libvirt(follower)
                    ? ", because it keeps the definition in which the switch is saved"
                    : "");
    fleet_name_settle(fleet, leader->base, now_ms);
    fleet_settings_refresh(fleet, leader, "name", now_ms);
    fleet_switch_update(fleet, leader, now_ms);
}

/* A follower is a machine of its own, of which nothing is known yet. */
static void stand_alone(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    char name[FACTS_NAME_MAX];
    fleet_entry_anew(entry, now_ms);
    fleet_name_first(fleet, entry->base, name);
    memcpy(entry->shown.name, name, sizeof name);
    fleet_put_in(fleet, &entry->shown);
    fleet_settings_resolve(fleet, entry);
    fleet_raise(fleet, FLEET_EVENT_FOUND, &entry->shown, POLICY_MISSING, entry->shown.backend->name,
                now_ms, "%s is there: %s.", entry->shown.name, entry->shown.where);
}

bool fleet_part(struct fleet *fleet, struct fleet_entry *follower, int64_t now_ms)
{
    struct fleet_entry *leader = follower->leader;
    const struct facts *facts = &follower->shown.facts;
    const bool same = strcmp(facts->uuid, follower->uuid) == 0 &&
                      (facts->pid == 0 || facts->pid == follower->pid);
    if (same || fleet->count == CONFIG_MACHINES_MAX) {
        return false;
    }
    unlist(fleet, follower);
    show_follower(fleet, leader);
    stand_alone(fleet, follower, now_ms);
    return true;
}

bool fleet_succeed(struct fleet *fleet, struct fleet_entry *leader, int64_t now_ms)
{
    struct fleet_entry *heir = NULL;
    for (size_t i = 0; i < fleet->follower_count; i++) {
        struct fleet_entry *follower = fleet->followers[i];
        if (follower->leader == leader && (heir == NULL || leads(follower, heir))) {
            heir = follower;
        }
    }
    if (heir == NULL) {
        return false;
    }
    unlist(fleet, heir);
    fleet_take_out(fleet, &leader->shown);
    take_over(heir, leader);
    fleet_put_in(fleet, &heir->shown);
    for (size_t i = 0; i < fleet->follower_count; i++) {
        if (fleet->followers[i]->leader == leader) {
            fleet->followers[i]->leader = heir;
        }
    }
    show_follower(fleet, heir);
    fleet_raise(fleet, FLEET_EVENT_FOUND, NULL, POLICY_MISSING, "one-way", now_ms,
                "%s is not seen at %s any more: %s controls it now, at %s.", heir->shown.name,
                leader->shown.where, heir->shown.backend->name, heir->shown.where);
    fleet_switch_update(fleet, heir, now_ms);
    return true;
}

void fleet_disband(struct fleet *fleet, struct fleet_entry *leader, int64_t now_ms)
{
    for (size_t i = fleet->follower_count; i > 0; i--) {
        struct fleet_entry *follower = fleet->followers[i - 1];
        if (follower->leader == leader && fleet->count < CONFIG_MACHINES_MAX) {
            unlist(fleet, follower);
            stand_alone(fleet, follower, now_ms);
        }
    }
    show_follower(fleet, leader);
}

void fleet_unfollow(struct fleet *fleet, struct fleet_entry *follower, int64_t now_ms)
{
    struct fleet_entry *leader = follower->leader;
    unlist(fleet, follower);
    show_follower(fleet, leader);
    fleet_raise(fleet, FLEET_EVENT_FOUND, NULL, POLICY_MISSING, "one-way", now_ms,
                "%s is not seen at %s any more: %s goes on.", leader->shown.name,
                follower->shown.where, leader->shown.backend->name);
}
