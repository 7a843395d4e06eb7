/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The books: one entry for each machine, one for the host, and what follows from their sums.
 *
 * Invariants: bookings and what has arrived for reservations are together at most the ceiling,
 * unless bookings alone are above it; what could be promised and what machines were promised are
 * together at most what the host has; a container adds to no sum.
 */
#include "tools/ballast/policy/books.h"

#include <assert.h>

#include "tools/ballast/policy/policy_internal.h"

/* The host's own use is averaged over this time: it is a difference of numbers that were read one
 * after the other while memory moved. */
#define OWN_MS 10000U

const char *books_rule_name(enum books_rule rule)
{
    static const char *const names[] = {
        [BOOKS_MINIMUM] = "minimum", [BOOKS_BALLOON_MAX] = "balloon-max",
        [BOOKS_USE] = "use",         [BOOKS_WHOLE] = "whole",
        [BOOKS_UNKNOWN] = "unknown", [BOOKS_CONTAINER] = "container",
    };
    return (size_t)rule < sizeof names / sizeof names[0] ? names[rule] : NULL;
}

/* ---- a machine's promise ---- */

/* Nobody can expect a driver yet. */
static bool is_starting(const struct policy_machine *machine, int64_t now_ms)
{
    const struct policy_memory *memory = &machine->memory;
    const int64_t since = memory->reset_ms > memory->seen_ms ? memory->reset_ms : memory->seen_ms;
    return since == 0 || policy_elapsed(since, now_ms, BOOKS_START_MS) < BOOKS_START_MS;
}

/* Something showed that a driver is there and could give memory. */
static bool has_driver(const struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    const bool told = sample->stats_ms > machine->memory.reset_ms;
    return machine->memory.drift != POLICY_DRIFT_DRIVER_GONE &&
           (sample->driver == POLICY_DRIVER_OK || told);
}

static bool claims_all(const struct policy_machine *machine, int64_t now_ms)
{
    return machine->class == POLICY_GUARANTEED || !machine->enabled ||
           machine->sample.unreclaimable != POLICY_RECLAIMABLE ||
           (!has_driver(machine) && !is_starting(machine, now_ms));
}

static uint64_t told_or_zero(uint64_t bytes)
{
    return bytes == POLICY_MISSING ? 0 : policy_min(bytes, POLICY_BYTES_MAX);
}

static uint64_t resident_of(const struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    const uint64_t size =
        sample->actual_bytes == POLICY_MISSING ? machine->max_bytes : sample->actual_bytes;
    return policy_min(sample->resident_bytes == POLICY_MISSING ? size : sample->resident_bytes,
                      policy_ram(machine));
}

struct books_machine books_promise(const struct policy_settings *settings,
                                   const struct policy_machine *machine, int64_t now_ms)
{
    if (machine->sample.unreclaimable == POLICY_PLATFORM) {
        return (struct books_machine){ .least_rule = BOOKS_CONTAINER,
                                       .smallest_rule = BOOKS_CONTAINER };
    }
    const bool whole = claims_all(machine, now_ms);
    struct books_machine entry = { .resident_bytes = resident_of(machine),
                                   .overhead_bytes = told_or_zero(machine->sample.overhead_bytes) };
    const uint64_t claim = whole ? machine->max_bytes : machine->min_bytes;
    entry.promised_bytes = claim + entry.overhead_bytes;
    if (whole) {
        entry.least_bytes = machine->max_bytes;
        entry.least_rule = BOOKS_WHOLE;
    } else {
        const uint64_t least = policy_least(settings, machine);
        entry.least_bytes = policy_page_up(least, machine->max_bytes);
        entry.least_rule = least > machine->min_bytes ? BOOKS_BALLOON_MAX : BOOKS_MINIMUM;
    }
    return entry;
}

/* ---- what is booked for it ---- */

/* What the guest may take without asking, or will have when the last command has arrived. Trust in
 * reported pages is only for a host that could bear to be disappointed: not for one that is short,
 * and not while memory is promised to somebody who is not there yet. */
static void book(const struct policy_round *round, const struct policy_machine *machine,
                 struct books_machine *entry)
{
    const struct policy_decision *decision = &machine->decision;
    const struct policy_sample *sample = &machine->sample;
    const uint64_t level = machine->scratch.level_bytes;
    const bool unknown =
        decision->hold == POLICY_HOLD_NO_STATS && sample->driver != POLICY_DRIVER_OK;
    const bool all = policy_is_pinned(machine) || unknown || machine->scratch.lies;
    const uint64_t most =
        all ? policy_max(machine->max_bytes, decision->target_bytes) : decision->target_bytes;
    entry->owed_bytes = policy_max(most, level);
    entry->booked_bytes = entry->owed_bytes;
    if (!all && sample->reporting && round->plan->zone == POLICY_GREEN &&
        round->host.reserved_bytes == 0 && sample->resident_bytes != POLICY_MISSING) {
        const uint64_t resident = policy_min(sample->resident_bytes, entry->owed_bytes);
        const uint64_t doubt = 100 - round->settings->reporting_trust_percent;
        entry->booked_bytes = resident + policy_part(entry->owed_bytes - resident, doubt, 100);
    }
}

static void reach(const struct policy_decision *decision, struct books_machine *entry)
{
    if (entry->least_rule == BOOKS_WHOLE) {
        entry->smallest_bytes = entry->least_bytes;
        entry->smallest_rule = BOOKS_WHOLE;
    } else if (decision->used_bytes == POLICY_MISSING) {
        entry->smallest_bytes = decision->floor_bytes;
        entry->smallest_rule = BOOKS_UNKNOWN;
    } else {
        entry->smallest_bytes = decision->floor_bytes;
        entry->smallest_rule =
            decision->floor_bytes > entry->least_bytes ? BOOKS_USE : entry->least_rule;
    }
    entry->takeable_bytes =
        decision->hold == POLICY_HOLD_NONE
            ? policy_less(decision->target_bytes, policy_max(decision->floor_bytes, 1))
            : 0;
}

/* ---- the host ---- */

static void add(struct books_host *host, const struct policy_machine *machine,
                const struct books_machine *entry)
{
    host->resident_bytes += entry->resident_bytes;
    host->overhead_bytes += entry->overhead_bytes;
    host->booked_bytes += entry->booked_bytes;
    host->owed_bytes += entry->owed_bytes;
    host->promised_bytes += entry->promised_bytes;
    host->tied_bytes +=
        policy_max(entry->promised_bytes, entry->least_bytes + entry->overhead_bytes);
    if (machine->memory.settling && entry->least_rule != BOOKS_WHOLE) {
        const uint64_t kept = policy_max(entry->resident_bytes, machine->min_bytes);
        host->untouched_bytes += policy_less(entry->owed_bytes, kept);
    }
}

static void begin(struct books_host *books, const struct policy_host *host)
{
    books->total_bytes = host->total_bytes;
    books->available_bytes = host->available_bytes;
    books->reserved_bytes = host->reserved_bytes;
}

/* What would be left, or is missing, if all was claimed at once. What the host itself uses counts
 * as it is now. */
static void promises_weigh(struct books_host *books)
{
    const uint64_t total = books->total_bytes;
    const uint64_t own =
        policy_less(total, books->available_bytes + books->resident_bytes + books->overhead_bytes);
    const uint64_t kept = own + books->reserve_bytes + books->reserved_bytes;
    books->missing_bytes = policy_less(kept + books->promised_bytes, total);
    books->excess_bytes = policy_less(kept + books->tied_bytes, total);
    books->could_promise_bytes = policy_less(total, kept + books->tied_bytes);
}

/* Reservations come before peaks: where nothing else is left for what was promised, the fund is
 * smaller. */
static uint64_t fund_for_reservations(const struct books_host *books)
{
    const uint64_t machines = books->tied_bytes - books->overhead_bytes; /* the host's own has it */
    const uint64_t all = books->own_bytes + books->reserve_bytes + books->slush_bytes + machines +
                         books->reserved_bytes;
    return policy_min(policy_min(books->slush_bytes, books->reserved_bytes),
                      policy_less(all, books->total_bytes));
}

static void own_average(struct policy_round *round, struct books_host *books)
{
    struct policy_host_memory *memory = round->host_memory;
    const uint64_t own =
        policy_less(books->total_bytes, books->available_bytes + books->resident_bytes);
    if (memory->now_ms == 0) {
        memory->own_bytes = own;
    } else {
        const uint64_t elapsed = policy_elapsed(memory->now_ms, round->now_ms, OWN_MS);
        memory->own_bytes = policy_part(memory->own_bytes, OWN_MS - elapsed, OWN_MS) +
                            policy_part(own, elapsed, OWN_MS);
    }
    books->own_bytes = memory->own_bytes;
}

void policy_books_begin(struct policy_round *round)
{
    struct books_host *books = &round->plan->books;
    begin(books, &round->host);
    books->reserve_bytes = policy_reserve(round->settings, books->total_bytes);
    books->slush_bytes = policy_slush(round->settings, books->total_bytes);
}

void policy_books_enter(struct policy_round *round, struct policy_machine *machine)
{
    struct books_machine *entry = &machine->decision.books;
    *entry = books_promise(round->settings, machine, round->now_ms);
    if (entry->least_rule != BOOKS_CONTAINER) {
        book(round, machine, entry);
        reach(&machine->decision, entry);
    }
    add(&round->plan->books, machine, entry);
}

void policy_books_close(struct policy_round *round)
{
    struct books_host *books = &round->plan->books;
    own_average(round, books);
    promises_weigh(books);
    books->slush_bytes -= fund_for_reservations(books);
    const uint64_t kept = books->own_bytes + books->reserve_bytes + books->slush_bytes;
    const uint64_t percent = books->reserved_bytes == 0
                                 ? round->settings->overcommit_percent
                                 : policy_min(round->settings->overcommit_percent, 100);
    books->ceiling_bytes = policy_part(policy_less(books->total_bytes, kept), percent, 100);
    books->budget_bytes = policy_less(books->ceiling_bytes, books->reserved_bytes);
    books->arrived_bytes = policy_less(books->budget_bytes, books->booked_bytes);
    books->slush_left_bytes =
        policy_less(books->slush_bytes, policy_less(books->booked_bytes, books->budget_bytes));
    const uint64_t free = policy_min(policy_less(books->ceiling_bytes, books->owed_bytes),
                                     policy_less(books->available_bytes, books->reserve_bytes));
    books->reserved_arrived_bytes = policy_min(books->reserved_bytes, free);
}

/* ---- admission, reservations ---- */

struct books_host books_ask(const struct policy_settings *settings, const struct policy_host *host,
                            const struct policy_machine *machines, size_t count, int64_t now_ms)
{
    assert(count <= POLICY_MACHINES_MAX);
    const struct policy_host checked = policy_host_checked(host);
    struct books_host books = { 0 };
    begin(&books, &checked);
    books.reserve_bytes = policy_reserve(settings, books.total_bytes);
    for (size_t i = 0; i < count; i++) {
        const struct books_machine entry = books_promise(settings, &machines[i], now_ms);
        add(&books, &machines[i], &entry);
    }
    promises_weigh(&books);
    return books;
}

void books_reservations_share(struct books_reservation *reservations, size_t count,
                              uint64_t arrived)
{
    for (size_t i = 0; i < count; i++) {
        reservations[i].arrived_bytes = policy_min(reservations[i].bytes, arrived);
        arrived -= reservations[i].arrived_bytes;
    }
}
