/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the parts of the fake machine share: how a broken rule ends the test, and the host itself.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fakes/fake_balloon.h"

/* Whom the application's frees wake. */
extern struct balloon_dev *fake_balloon_watcher;

/* A rule that also a driver in the hands of a hostile device keeps. */
static inline void always(bool holds, const char *rule)
{
    if (!holds) {
        fprintf(stderr, "fake_balloon: broken rule: %s\n", rule);
        abort();
    }
}

/* A rule that holds as long as the device keeps to its own. */
static inline void require(bool holds, const char *rule)
{
    if (!holds && !fake_balloon.hostile) {
        fprintf(stderr, "fake_balloon: broken rule: %s\n", rule);
        abort();
    }
}

/* ---- memory: fake_balloon_memory.c ---- */

#define FAKE_BLOCKS ((fake_balloon.frames + BLOCK_FRAMES - 1) / BLOCK_FRAMES)

static inline bool fake_balloon_is_whole(uint32_t block)
{
    return fake_balloon.block_free[block] == BLOCK_FRAMES;
}

/* The frame changes hands. */
void fake_balloon_own(pfn_t pfn, enum fake_owner owner);

/* Frames became free: the watches go off. */
void fake_balloon_freed(void);

/* ---- registers: fake_balloon_transport.c ---- */

extern const struct virtio_transport_ops fake_balloon_ops;

void fake_balloon_interrupt(uint32_t cause);

/* Everything the device has of the guest's is the guest's again. */
void fake_balloon_forget(void);

/* ---- queues: fake_balloon_queues.c ---- */

/* So many requests were ever made available in a queue. */
uint16_t fake_balloon_available(uint16_t queue);

/* Everything that is available: done at once, or put on the list. */
void fake_balloon_fetch(uint16_t queue);

/* When the first request of the list is finished; UINT64_MAX: never. Finishes what is due. */
uint64_t fake_balloon_next_due(void);
void fake_balloon_run_due(void);

/* After DONE the device does not care for the hints it still has. */
void fake_balloon_void_hints(void);
