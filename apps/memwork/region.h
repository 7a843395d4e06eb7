/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A region: pages under a name, in an order, each of which memwork knows what must be in it. Pages
 * are appended and taken away at any place, where the last one then moves into the gap. The list of
 * pages lies in pages of the same machine, one for every 2 MiB held, and shrinks with the region.
 *
 * While pages are appended the region is busy: then it is in no state to be asked for pages.
 */

#include <stdbool.h>
#include <stdint.h>

#include "apps/memwork/host.h"
#include "apps/memwork/script.h"

struct region {
    char name[SCRIPT_NAME_MAX + 1]; /* "": unused */
    unsigned number;                /* part of the pattern */
    uint64_t count;                 /* pages */
    uint32_t index_root;            /* HOST_PAGE_NONE without pages */
    uint32_t version;               /* of what is written now; a fill begins the next */
    uint64_t seeds[2];              /* of this version and the one before, by its lowest bit */
    uint64_t checksum;              /* over all that is written, by the books */
    bool busy;
    bool is_cache;
    uint64_t gave; /* pages, since the region was made */
};

/* The first wrong word that a check met. */
struct region_fault {
    uint64_t words; /* how many were wrong in all */
    uint32_t page;
    unsigned index; /* of the word */
    uint64_t found;
    uint64_t expected;
};

enum region_write {
    REGION_LEAVE, /* whatever is in them */
    REGION_TOUCH, /* one word in each page */
    REGION_FILL,  /* every word */
};

void region_init(struct region *region, unsigned number, const char *name);

/* The state of the region's newest version: a fill that follows writes with `seed`. */
void region_new_version(struct region *region, uint64_t seed);

/* Appends up to `wanted` pages, all that can be had in one go. Returns how many, 0: no memory. */
uint64_t region_grow(struct region *region, const struct memwork_host *host, uint64_t wanted,
                     enum region_write write);

/* Writes page `at` of the list. A touch writes nothing into a page that was filled or touched. */
void region_write(struct region *region, const struct memwork_host *host, uint64_t at,
                  enum region_write write);

/* Compares every word of page `at` that was written; adds to *fault and, by what it reads, to
 * *checksum. */
void region_check(const struct region *region, const struct memwork_host *host, uint64_t at,
                  struct region_fault *fault, uint64_t *checksum);

/* Takes page `at` out of the list and gives it back to the machine. */
void region_drop(struct region *region, const struct memwork_host *host, uint64_t at);
