/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Does the host really drop what is reported to it? Monitors acknowledge reports and do nothing
 * with them when memory is locked, passed to devices, or of a kind their call does not free. After
 * the acknowledgement the content is anything [VIRTIO 1.4 §5.5.6.7.1], so it may be read: a marker
 * that was written before and is still there was not dropped.
 *
 * One free block is marked and reported, first as a whole, then in parts of 64 KiB and of 4 KiB.
 * What is found is a fact about this moment, so it is found out again from time to time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

/* What the host drops; each can do all that the ones below it can. */
enum balloon_drops {
    BALLOON_DROPS_UNKNOWN, /* not found out yet */
    BALLOON_DROPS_NOTHING, /* reports are acknowledged and ignored */
    BALLOON_DROPS_2M,      /* whole blocks */
    BALLOON_DROPS_64K,     /* pieces of 64 KiB */
    BALLOON_DROPS_4K,      /* single frames */
};

enum balloon_probe_phase {
    BALLOON_PROBE_IDLE,
    BALLOON_PROBE_BLOCK,
    BALLOON_PROBE_PARTS,
    BALLOON_PROBE_CLEAN, /* what the probe made the host hold is reported once more */
};

struct balloon_probe {
    enum balloon_drops drops;
    enum balloon_probe_phase phase;
    pfn_t block;      /* while not idle */
    bool was_backed;  /* before the probe */
    unsigned answers; /* still to come */
    uint64_t next_ns; /* the fact is old from then on */
    uint64_t pause_ns;
    uint64_t marker;
    uint64_t count; /* probes made */
};

struct balloon_dev;

/*
 * The device is about to be live: nothing is known. With fill, reported memory holds the value and
 * no marker [VIRTIO 1.4 §5.5.6.7.1], so nothing is ever found out: then zero is taken for a value
 * that hosts drop, and others for values that they do not (observed: QEMU 7.2).
 */
void balloon_probe_init(struct balloon_dev *d);

/* True when it is time to find out. */
bool balloon_probe_due(const struct balloon_dev *d);

/* When that will be, if there is something to report then; BALLOON_NEVER with fill. */
uint64_t balloon_probe_next(const struct balloon_dev *d);

/* Marks a free block and reports it, and goes on. Does nothing when no block is free. ERR_DEVICE.
 */
MUST_USE err_t balloon_probe_begin(struct balloon_dev *d);

/* The device has answered one request of the probe, which is only noted. */
void balloon_probe_answer(struct balloon_dev *d);

/* Looks at what was answered and asks the next question, as far as there are answers. ERR_DEVICE.
 */
MUST_USE err_t balloon_probe_go_on(struct balloon_dev *d);

/* An allocation needs the block: if all is answered it is free again, untouched, and the probe is
 * to be made anew a little later. */
void balloon_probe_give_up(struct balloon_dev *d);

/* The device was reset: the block is free again. */
void balloon_probe_forget(struct balloon_dev *d);

const char *balloon_drops_name(enum balloon_drops drops);
