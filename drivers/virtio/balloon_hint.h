/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Free page hinting [VIRTIO 1.4 §5.5.6.5]: during a migration the host asks which memory is free,
 * so that it need not be sent. The host names a round by a command id; the driver answers with that
 * id, free runs, and STOP.
 *
 *      free  --taken, hinted-->  pending  --used by the device-->  held  --DONE-->  free as before
 *
 * Hinted frames are kept until the host says DONE, because a frame that is written again must be
 * sent after all. Under pressure, and for a balloon that lacks memory, those the device has used
 * are given up early; those it has not are not, for a host may look at them later than the guest
 * writes them. A host may leave what it does not need any more in the queue (observed: QEMU 7.2
 * stops reading at STOP), so these requests have no time limit, and with DONE their frames come
 * back whether they were read or not.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/balloon_ledger.h"
#include "drivers/virtio/virtq.h"

struct balloon_dev;

#define BALLOON_HINTS_MAX 64U

/* Command ids that are none [VIRTIO 1.4 §5.5.6.5]; all others name a round. */
#define BALLOON_HINT_STOP 0U
#define BALLOON_HINT_DONE 1U

struct balloon_hint {
    bool on; /* negotiated, and the queue is there */
    struct virtq vq;
    unsigned size; /* runs that may be in flight */
    unsigned in_flight;
    struct {
        bool busy; /* in flight */
        bool backed;
        pfn_t first;
        pfn_t count; /* 0: in flight, but the frames were given back */
    } slot[BALLOON_HINTS_MAX];
    /* Frames the device has used, by the state they had. */
    struct balloon_ledger held_backed;
    struct balloon_ledger held_returned;
    /* The round. */
    uint32_t seen;  /* the command id that was read last */
    uint32_t round; /* the id being answered, or STOP */
    bool id_sent;
    bool id_in_flight;
    bool stop_in_flight;
    uint32_t *words; /* two, shared with the device: the id, and STOP */
    paddr_t words_address;
    bool backed_done;  /* all backed runs were hinted, now the returned ones */
    pfn_t cursor;      /* where to look for the next run */
    uint64_t hinted;   /* pages, ever */
    uint64_t rounds;   /* ever */
    uint64_t released; /* pages given up early, ever */
};

/* The device is about to be live. The queue was started, if `on`. */
void balloon_hint_begin(struct balloon_dev *d);

/* Takes what the device has finished. ERR_DEVICE. */
MUST_USE err_t balloon_hint_harvest(struct balloon_dev *d);

/* The command id may have changed. */
void balloon_hint_look(struct balloon_dev *d);

/* Carries the round on, with at most one notification. *again: there is more to do at once. */
MUST_USE err_t balloon_hint_slice(struct balloon_dev *d, bool *again);

/* Gives up held frames, `pages` or a run more if there are so many; returns how many. */
uint64_t balloon_hint_release(struct balloon_dev *d, uint64_t pages);

/* The device was reset: everything is free again. */
void balloon_hint_forget(struct balloon_dev *d);

/* Pages that are pending or held. */
uint64_t balloon_hint_held(const struct balloon_dev *d);
