/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The books of one host: what each machine was promised, what is booked for it, what it holds and
 * how small it can be made; and what follows for the host. They are made once a period, inside
 * policy_decide(), and everybody else only reads them: policy, admission, reservations, the API.
 * Nothing else adds machines up.
 *
 * Two kinds of sums are kept apart. Booked sums are for moving memory: they follow what machines
 * have now, and know trust in reports and overcommitment. Promised sums are for admission: what
 * could be claimed at any time, without trust and without overcommitment.
 *
 * A container is in no sum: what it holds is the host's own use.
 *
 * Sizes are bytes, times milliseconds of the policy's clock. Pure functions without failure; any
 * thread may call them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_settings;
struct policy_host;
struct policy_machine;

/* A guest that was found or began anew so long ago should have a driver. Until then it only starts,
 * and is promised what its settings say. */
#define BOOKS_START_MS 300000

/* Which rule keeps a machine from being smaller. */
enum books_rule {
    BOOKS_MINIMUM,     /* its minimum */
    BOOKS_BALLOON_MAX, /* no balloon is larger: the setting balloon-max */
    BOOKS_USE,         /* what its guest uses, and the margin that it keeps available */
    BOOKS_WHOLE,       /* nothing may be taken at all: the hold of the decision says why */
    BOOKS_UNKNOWN,     /* nobody can tell what its guest uses */
    BOOKS_CONTAINER,   /* it is no virtual machine */
};

/* A machine's entry. */
struct books_machine {
    /* What the host must be ready to give it now: its size, its target or what it holds in the
     * host, whichever is more; of what a guest reported as free, only a part while the host may
     * trust it. A machine that nobody can vouch for: all it may take. */
    uint64_t booked_bytes;
    uint64_t owed_bytes; /* the same without that trust */
    /* What it may claim at any time, with its overhead: its minimum; its maximum where it is
     * guaranteed, switched off or cannot balloon. One that starts is promised what its settings
     * say. */
    uint64_t promised_bytes;
    uint64_t resident_bytes; /* host memory that its RAM holds; its size where that is not told */
    uint64_t overhead_bytes; /* and what it costs beside its RAM; 0 where that is not told */
    /* The smallest size that its settings allow, if its guest used nothing. It is above the minimum
     * where the largest balloon leaves more. */
    uint64_t least_bytes;
    /* The smallest size that can really be reached as its guest is now, apart from holds that pass
     * with time. */
    uint64_t smallest_bytes;
    uint64_t takeable_bytes; /* what could be taken from it now: 0 while a hold applies */
    /* Which rule makes these sizes so. BOOKS_WHOLE: its maximum is promised. */
    enum books_rule least_rule;
    enum books_rule smallest_rule;
};

/* The host's entry. */
struct books_host {
    uint64_t reserve_bytes;    /* the host keeps it for itself */
    uint64_t slush_bytes;      /* the fund for peaks, when it is full, */
    uint64_t slush_left_bytes; /* and what is in it */
    /* What all bookings and what has arrived for reservations may add up to. */
    uint64_t ceiling_bytes;
    uint64_t booked_bytes; /* the sum of the machines' */
    /* Arrived is what has come free under the ceiling. Reservations are served first; this is the
     * rest, which may be granted to machines without the fund. */
    uint64_t arrived_bytes;
    uint64_t total_bytes;     /* may be used at all */
    uint64_t available_bytes; /* could be used without swapping */
    uint64_t own_bytes;       /* in use beside the machines' RAM, averaged over seconds */
    uint64_t resident_bytes;  /* sums of the machines' entries */
    uint64_t overhead_bytes;
    uint64_t owed_bytes;
    uint64_t budget_bytes; /* the machines' part of the ceiling: what is reserved is not for them */
    uint64_t reserved_bytes;         /* all reservations together, */
    uint64_t reserved_arrived_bytes; /* and what has arrived for them */
    /* What could be claimed at the same time. */
    uint64_t promised_bytes; /* to machines, with their overhead */
    uint64_t tied_bytes;     /* the same, but each machine at least as large as it can be made */
    uint64_t missing_bytes;  /* promises and reservations are so much more than the host has, */
    uint64_t excess_bytes;   /* and what is tied and reserved so much: then nothing is promised */
    uint64_t could_promise_bytes; /* so much could still be promised */
    uint64_t untouched_bytes;     /* of machines that start: booked, neither promised nor in use */
};

/* Names of reservations, with the final 0. */
#define BOOKS_NAME_MAX 64U

/* What is reserved for a machine that will start. */
struct books_reservation {
    char name[BOOKS_NAME_MAX];
    uint64_t bytes;
    uint64_t arrived_bytes; /* of it, what has arrived: written by books_reservations_share() */
    int64_t since_ms;
};

/* A stable word: "minimum", "balloon-max", "use", "whole", "unknown", "container". NULL for what is
 * no rule. */
const char *books_rule_name(enum books_rule rule);

/* An entry with everything that needs no decision: promise, resident, overhead and least size. The
 * machine's settings, sample and memory are read; samples may hold anything. */
struct books_machine books_promise(const struct policy_settings *settings,
                                   const struct policy_machine *machine, int64_t now_ms);

/* Admission: what the books would be with these machines and this host. Only reserve, resident,
 * overhead and what could be claimed at the same time are filled in. `machines` may be a copy in
 * which the caller has changed settings, `host` one with other reservations. */
struct books_host books_ask(const struct policy_settings *settings, const struct policy_host *host,
                            const struct policy_machine *machines, size_t count, int64_t now_ms);

/* Divides what has arrived for reservations: the first in the array are served first. The sum of
 * arrived_bytes is at most `arrived`, and each at most what was reserved. */
void books_reservations_share(struct books_reservation *reservations, size_t count,
                              uint64_t arrived);
