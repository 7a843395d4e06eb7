/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reservations: memory promised to something that will start. The policy makes room for their sum;
 * what has arrived for them is the books' number, and goes to the oldest first, so that a new one
 * takes nothing from whoever was told that all is there. A reservation ends when it is released, or
 * when a machine of its name is there and booked.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

uint64_t fleet_reserved(const struct fleet *fleet)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < fleet->reservation_count; i++) {
        sum += fleet->reservations[i].bytes;
    }
    return sum;
}

static struct books_reservation *find(const struct fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->reservation_count; i++) {
        if (strcmp(fleet->reservations[i].name, name) == 0) {
            return &fleet->reservations[i];
        }
    }
    return NULL;
}

static bool save(const struct fleet *fleet, const char *name, uint64_t bytes)
{
    return fleet->ops.save_reservation == NULL ||
           fleet->ops.save_reservation(fleet->ops.context, name, bytes);
}

/* Adds one, or changes its amount. There must be room. */
static void put(struct fleet *fleet, const char *name, uint64_t bytes, int64_t now_ms)
{
    struct books_reservation *old = find(fleet, name);
    if (old != NULL) {
        old->bytes = bytes;
        return;
    }
    struct books_reservation *at = &fleet->reservations[fleet->reservation_count++];
    *at = (struct books_reservation){ .bytes = bytes, .since_ms = now_ms };
    snprintf(at->name, sizeof at->name, "%s", name);
}

static void drop(struct fleet *fleet, struct books_reservation *at)
{
    const size_t behind = (size_t)(fleet->reservations + fleet->reservation_count - (at + 1));
    memmove(at, at + 1, behind * sizeof *at);
    fleet->reservation_count--;
}

void fleet_restore_reservation(struct fleet *fleet, const char *name, uint64_t bytes,
                               int64_t now_ms)
{
    const bool room = fleet->reservation_count < CONFIG_MACHINES_MAX;
    if (room && config_name_valid(name) && bytes > 0 && bytes <= POLICY_BYTES_MAX) {
        put(fleet, name, bytes, now_ms);
    }
}

/* What speaks against it before the host is asked. */
static const char *reserve_fault(const struct fleet *fleet, const char *name, uint64_t bytes)
{
    if (!config_name_valid(name)) {
        return "A name has at most 63 letters, digits and -_.@, and begins with a letter or digit.";
    }
    if (bytes == 0 || bytes > POLICY_BYTES_MAX) {
        return "A reservation is for more than 0 bytes and at most 64 TiB.";
    }
    if (fleet_find(fleet, name) != NULL) {
        return "A machine of that name is there already.";
    }
    if (find(fleet, name) == NULL && fleet->reservation_count == CONFIG_MACHINES_MAX) {
        return "There are as many reservations as there may be.";
    }
    return NULL;
}

static struct fleet_result refuse(const struct fleet *fleet, const char *name, uint64_t missing,
                                  int64_t now_ms)
{
    struct fleet_result result = { .status = FLEET_REFUSED, .missing_bytes = missing };
    char size[POLICY_SIZE_TEXT];
    if (!fleet->planned) {
        snprintf(result.text, sizeof result.text, "The host's memory is not known yet.");
    } else if (!fleet->plan.admit) {
        snprintf(result.text, sizeof result.text,
                 "The host has hardly any memory left: nothing new may start.");
    } else {
        snprintf(result.text, sizeof result.text,
                 "%s are missing to keep this promise beside those that were made.",
                 policy_size_text(missing, size));
    }
    fleet_raise(fleet, FLEET_EVENT_RESERVATION, NULL, missing, "refused", now_ms,
                "The reservation for %s is refused. %s", name, result.text);
    return result;
}

struct fleet_result fleet_reserve(struct fleet *fleet, const char *name, uint64_t bytes,
                                  int64_t now_ms)
{
    struct fleet_result result = { .status = FLEET_OK };
    const char *fault = reserve_fault(fleet, name, bytes);
    if (fault != NULL) {
        result.status = FLEET_INVALID;
        snprintf(result.text, sizeof result.text, "%s", fault);
        return result;
    }
    const struct books_reservation *old = find(fleet, name);
    const uint64_t others = fleet_reserved(fleet) - (old == NULL ? 0 : old->bytes);
    if (old == NULL || old->bytes < bytes) {
        const uint64_t missing =
            fleet->planned ? fleet_ask(fleet, NULL, NULL, others + bytes, now_ms).excess_bytes : 0;
        if (!fleet->planned || !fleet->plan.admit || missing != 0) {
            return refuse(fleet, name, missing, now_ms);
        }
    }
    if (!save(fleet, name, bytes)) {
        result.status = FLEET_NOT_KEPT;
        snprintf(result.text, sizeof result.text, "The reservation could not be saved.");
        return result;
    }
    char size[POLICY_SIZE_TEXT];
    put(fleet, name, bytes, now_ms);
    fleet_raise(fleet, FLEET_EVENT_RESERVATION, NULL, bytes, "made", now_ms,
                "%s are reserved for %s.", policy_size_text(bytes, size), name);
    return result;
}

struct fleet_result fleet_release(struct fleet *fleet, const char *name, int64_t now_ms)
{
    struct fleet_result result = { .status = FLEET_OK };
    struct books_reservation *reservation = find(fleet, name);
    if (reservation == NULL) {
        result.status = FLEET_NOT_FOUND;
        snprintf(result.text, sizeof result.text, "There is no reservation for %.64s.", name);
    } else if (!save(fleet, name, 0)) {
        result.status = FLEET_NOT_KEPT;
        snprintf(result.text, sizeof result.text, "The release could not be saved.");
    } else {
        fleet_raise(fleet, FLEET_EVENT_RESERVATION, NULL, reservation->bytes, "released", now_ms,
                    "The reservation for %s is released.", name);
        drop(fleet, reservation);
    }
    return result;
}

void fleet_reservation_taken(struct fleet *fleet, const struct fleet_machine *machine,
                             int64_t now_ms)
{
    struct books_reservation *reservation = find(fleet, machine->name);
    /* One that cannot be ended on disk stays: a promise is rather kept twice than forgotten. */
    if (reservation != NULL && save(fleet, machine->name, 0)) {
        fleet_raise(fleet, FLEET_EVENT_RESERVATION, machine, reservation->bytes, "taken", now_ms,
                    "%s is there, and its reservation has become its own.", machine->name);
        drop(fleet, reservation);
    }
}

void fleet_reservations_update(struct fleet *fleet)
{
    books_reservations_share(fleet->reservations, fleet->reservation_count,
                             fleet->plan.books.reserved_arrived_bytes);
}

const struct books_reservation *fleet_reservations(const struct fleet *fleet, size_t *count)
{
    *count = fleet->reservation_count;
    return fleet->reservations;
}
