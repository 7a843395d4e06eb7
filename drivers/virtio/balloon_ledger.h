/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The ledger: which frames the host has. A stack of runs in chained bookkeeping frames:
 *
 *      top -> [ 509 runs ] -> [ 509 runs ] -> base (inside the ledger) -> null
 *
 * A run that continues the topmost one is merged with it, so a balloon filled with whole blocks
 * needs a handful of entries for gigabytes. Room is reserved before a run is taken from the
 * allocator; the push that follows cannot fail. The device never sees the ledger.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/balloon_mem.h"

struct balloon_run {
    pfn_t first;
    pfn_t count;
};

#define BALLOON_LEDGER_RUNS ((FRAME_SIZE - 24) / sizeof(struct balloon_run))

struct balloon_ledger_page {
    struct balloon_ledger_page *below; /* null: the base */
    paddr_t address;                   /* of this page; unused in the base */
    uint64_t used;
    struct balloon_run runs[BALLOON_LEDGER_RUNS];
};

struct balloon_ledger {
    const struct balloon_mem_ops *mem;
    struct balloon_ledger_page *top;
    uint64_t frames;     /* in all runs */
    uint64_t pages_held; /* bookkeeping frames beyond the base */
    struct balloon_ledger_page base;
};

/* An empty ledger. `mem` must outlive it. */
void balloon_ledger_init(struct balloon_ledger *ledger, const struct balloon_mem_ops *mem);

/* After OK one push cannot fail. ERR_NOMEM when there is no frame for the bookkeeping. */
MUST_USE err_t balloon_ledger_reserve(struct balloon_ledger *ledger);

/* Adds a run of at least one frame that is not in the ledger. Room must have been reserved. */
void balloon_ledger_push(struct balloon_ledger *ledger, pfn_t first, pfn_t count);

/* Removes up to `max` (at least 1) frames from the end of the topmost run. The ledger must not be
 * empty. Bookkeeping frames that are empty are given back. */
struct balloon_run balloon_ledger_pop(struct balloon_ledger *ledger, pfn_t max);

/* Removes up to `max` (at least 1) frames from the other end: what has been in the ledger longest.
 * The ledger must not be empty. Cost: one step per bookkeeping frame. */
struct balloon_run balloon_ledger_pop_oldest(struct balloon_ledger *ledger, pfn_t max);

/* Gives back room that was reserved and is not needed. */
void balloon_ledger_trim(struct balloon_ledger *ledger);

/* True when the frame is in the ledger. For fault reports: cost grows with the number of runs. */
bool balloon_ledger_contains(const struct balloon_ledger *ledger, pfn_t pfn);

/* Asserts that counts and chain agree. Cost grows with the number of runs. */
void balloon_ledger_check(const struct balloon_ledger *ledger);
