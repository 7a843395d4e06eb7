/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machines of one URI: found, told and gone as the link's news say.
 *
 * Events and readings come by different ways, so a reading may be older than an event that is
 * already known. News carry numbers for that: a reading does not bring back what an event called
 * gone after it was begun, nor undo the size or state that such an event told.
 */

#include "tools/ballast/backend/libvirt_backend_internal.h"
#include "tools/ballast/backend/reading.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the sorted array ---- */

/* Where the uuid is, or belongs. */
static size_t place_of(const struct libvirt_uri *uri, const char *uuid)
{
    size_t low = 0;
    size_t high = uri->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(uri->machines[middle]->uuid, uuid) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct libvirt_machine *find(const struct libvirt_uri *uri, const char *uuid)
{
    size_t place = place_of(uri, uuid);
    bool found = place < uri->count && strcmp(uri->machines[place]->uuid, uuid) == 0;
    return found ? uri->machines[place] : NULL;
}

static bool insert(struct libvirt_uri *uri, struct libvirt_machine *machine)
{
    if (uri->count == uri->room) {
        size_t room = uri->room == 0 ? 16 : uri->room * 2;
        struct libvirt_machine **grown =
            (struct libvirt_machine **)reallocarray((void *)uri->machines, room, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        uri->machines = grown;
        uri->room = room;
    }
    size_t place = place_of(uri, machine->uuid);
    for (size_t i = uri->count; i > place; i--) {
        uri->machines[i] = uri->machines[i - 1];
    }
    uri->machines[place] = machine;
    uri->count++;
    return true;
}

/* ---- coming and going ---- */

static void tell(struct libvirt_machine *machine, int64_t now_ms)
{
    const struct libvirt_uri *uri = machine->uri;
    struct facts facts = machine->facts;
    if (uri->trouble[0] != '\0') {
        const struct host_source source = { .root = uri->backend->options.root, .cgroup = "" };
        facts_unreachable(&facts, uri->trouble);
        reading_silent(&source, &facts);
    }
    fleet_told(uri->backend->fleet, machine->fleet, &facts, now_ms);
}

static void lose(struct libvirt_uri *uri, struct libvirt_machine *machine, const char *why,
                 int64_t now_ms)
{
    size_t place = place_of(uri, machine->uuid);
    assert(place < uri->count && uri->machines[place] == machine);
    uri->count--;
    for (size_t i = place; i < uri->count; i++) {
        uri->machines[i] = uri->machines[i + 1];
    }
    fleet_gone(uri->backend->fleet, machine->fleet, why, now_ms);
    free(machine);
}

void libvirt_uri_empty(struct libvirt_uri *uri, const char *why, int64_t now_ms)
{
    while (uri->count > 0) {
        lose(uri, uri->machines[uri->count - 1], why, now_ms);
    }
    free((void *)uri->machines);
    uri->machines = NULL;
    uri->room = 0;
    while (uri->departed != NULL) {
        struct libvirt_departed *departed = uri->departed;
        uri->departed = departed->next;
        free(departed);
    }
}

/* NULL when there is no memory, or when the fleet does not take it: it is asked again with the next
 * reading, since what is in the way may go. */
static struct libvirt_machine *meet(struct libvirt_uri *uri, const struct libvirt_domain *domain,
                                    int64_t now_ms)
{
    struct libvirt_machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) {
        return NULL;
    }
    machine->uri = uri;
    snprintf(machine->uuid, sizeof machine->uuid, "%s", domain->uuid);
    machine->id = domain->id;
    facts_clear(&machine->facts);
    (void)config_uuid_read(domain->uuid, machine->facts.uuid);
    snprintf(machine->facts.formerly, sizeof machine->facts.formerly, "%s", domain->formerly);
    if (!insert(uri, machine)) {
        free(machine);
        return NULL;
    }
    machine->fleet = fleet_found(uri->backend->fleet, domain->name, &libvirt_fleet_backend, machine,
                                 uri->name, now_ms);
    if (machine->fleet != NULL) {
        return machine;
    }
    snprintf(uri->refused, sizeof uri->refused, "machine %s was not taken: there are too many",
             domain->name);
    size_t place = place_of(uri, machine->uuid);
    uri->count--;
    for (size_t i = place; i < uri->count; i++) {
        uri->machines[i] = uri->machines[i + 1];
    }
    free(machine);
    return NULL;
}

/* ---- a reading ---- */

static bool has_departed(const struct libvirt_uri *uri, const char *uuid, uint64_t serial)
{
    for (const struct libvirt_departed *d = uri->departed; d != NULL; d = d->next) {
        if (d->serial > serial && strcmp(d->uuid, uuid) == 0) {
            return true;
        }
    }
    return false;
}

static void forget_departed(struct libvirt_uri *uri, uint64_t serial)
{
    struct libvirt_departed **place = &uri->departed;
    while (*place != NULL) {
        struct libvirt_departed *departed = *place;
        if (departed->serial <= serial) {
            *place = departed->next;
            free(departed);
        } else {
            place = &departed->next;
        }
    }
}

static void take_domain(struct libvirt_uri *uri, const struct libvirt_domain *domain,
                        uint64_t serial, int64_t now_ms)
{
    if (has_departed(uri, domain->uuid, serial)) {
        return;
    }
    struct libvirt_machine *machine = find(uri, domain->uuid);
    if (machine != NULL && machine->id != domain->id) {
        lose(uri, machine, "it was stopped and started again", now_ms);
        machine = NULL;
    }
    if (machine == NULL) {
        machine = meet(uri, domain, now_ms);
    }
    if (machine != NULL) {
        machine->listed = true;
        libvirt_facts_take(machine, domain, machine->serial > serial, now_ms);
        tell(machine, now_ms);
    }
}

void libvirt_machine_arrange(struct libvirt_machine *machine)
{
    /* Without memory it stays asked for, until the next connection. */
    (void)libvirt_link_device(machine->uri->link, machine->uuid, machine->id,
                              machine->device_wanted);
}

static void arrange_again(const struct libvirt_uri *uri)
{
    for (size_t i = 0; i < uri->count; i++) {
        if (uri->machines[i]->device_asked) {
            libvirt_machine_arrange(uri->machines[i]);
        }
    }
}

static void take_domains(struct libvirt_uri *uri, const struct libvirt_news *news, int64_t now_ms)
{
    bool back = !uri->connected;
    uri->connected = true;
    uri->asked_ms = 0;
    uri->trouble[0] = '\0';
    uri->refused[0] = '\0';
    for (size_t i = 0; i < uri->count; i++) {
        uri->machines[i]->listed = false;
    }
    for (size_t i = 0; i < news->count; i++) {
        take_domain(uri, &news->domains[i], news->serial, now_ms);
    }
    for (size_t i = uri->count; i > 0; i--) {
        if (!uri->machines[i - 1]->listed) {
            lose(uri, uri->machines[i - 1], "libvirt does not run it any more", now_ms);
        }
    }
    forget_departed(uri, news->serial);
    if (back) {
        arrange_again(uri);
    }
}

/* ---- events ---- */

static void depart(struct libvirt_uri *uri, const struct libvirt_news *news, int64_t now_ms)
{
    struct libvirt_departed *departed = calloc(1, sizeof *departed);
    if (departed != NULL) {
        departed->serial = news->serial;
        snprintf(departed->uuid, sizeof departed->uuid, "%s", news->uuid);
        departed->next = uri->departed;
        uri->departed = departed;
    }
    struct libvirt_machine *machine = find(uri, news->uuid);
    if (machine != NULL) {
        lose(uri, machine, news->text, now_ms);
    }
}

static void target_done(const struct libvirt_machine *machine, const struct libvirt_news *news,
                        int64_t now_ms)
{
    if (machine->id == news->id) {
        fleet_target_done(machine->uri->backend->fleet, machine->fleet, news->bytes,
                          news->text[0] == '\0' ? NULL : news->text, now_ms);
    }
}

/* What an event, or the end of a job, says of one machine. */
static void take_event(struct libvirt_machine *machine, const struct libvirt_news *news,
                       int64_t now_ms)
{
    machine->serial = news->serial;
    switch (news->kind) {
    case LIBVIRT_NEWS_STATE:
        machine->facts.state = news->state;
        break;
    case LIBVIRT_NEWS_SIZE:
        reading_size(&machine->reading, &machine->facts, news->bytes);
        break;
    case LIBVIRT_NEWS_REBOOT:
        machine->facts.resets++;
        break;
    case LIBVIRT_NEWS_NO_DEVICE:
        machine->device_removed = true;
        machine->facts.device = false;
        break;
    case LIBVIRT_NEWS_DEVICE:
        machine->device_asked = news->text[0] != '\0';
        snprintf(machine->switch_trouble, sizeof machine->switch_trouble, "%s", news->text);
        libvirt_facts_trouble(machine, "");
        break;
    case LIBVIRT_NEWS_DOMAINS:
    case LIBVIRT_NEWS_LOST:
    case LIBVIRT_NEWS_GONE:
    case LIBVIRT_NEWS_TARGET:
        assert(false);
        break;
    }
    tell(machine, now_ms);
}

void libvirt_uri_trouble(struct libvirt_uri *uri, const char *text, int64_t now_ms)
{
    if (strcmp(uri->trouble, text) == 0) {
        return;
    }
    snprintf(uri->trouble, sizeof uri->trouble, "%s", text);
    for (size_t i = 0; i < uri->count; i++) {
        libvirt_facts_trouble(uri->machines[i], "");
        tell(uri->machines[i], now_ms);
    }
}

void libvirt_uri_silent(struct libvirt_uri *uri, int64_t now_ms)
{
    for (size_t i = 0; i < uri->count; i++) {
        tell(uri->machines[i], now_ms);
    }
}

void libvirt_uri_news(struct libvirt_uri *uri, const struct libvirt_news *news, int64_t now_ms)
{
    if (news->kind == LIBVIRT_NEWS_DOMAINS) {
        take_domains(uri, news, now_ms);
        return;
    }
    if (news->kind == LIBVIRT_NEWS_LOST) {
        uri->connected = false;
        uri->asked_ms = 0;
        libvirt_uri_trouble(uri, news->text, now_ms);
        return;
    }
    if (news->kind == LIBVIRT_NEWS_GONE) {
        depart(uri, news, now_ms);
        return;
    }
    struct libvirt_machine *machine = find(uri, news->uuid);
    if (machine == NULL) {
        return; /* it is not known yet, or gone already */
    }
    if (news->kind == LIBVIRT_NEWS_TARGET) {
        target_done(machine, news, now_ms);
    } else {
        take_event(machine, news, now_ms);
    }
}
