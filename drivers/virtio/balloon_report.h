/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Free page reporting [VIRTIO 1.4 §5.5.6.7]: tells the host which free memory it may drop.
 *
 *      free, backed  --taken, reported-->  (nobody's)  --acknowledged-->  free, returned
 *
 * Only whole blocks of 2 MiB travel, in the longest runs there are, each in one descriptor of up to
 * 2 GiB and many to a notification. Once a second request is for the same memory it is not backed
 * any more, so nothing is ever reported twice.
 *
 * When: much at once, or a guest about to go idle, without delay; little by little, batched. When
 * memory that was reported is soon wanted again, the pauses double. Inflating reports first: then
 * the host has the memory at the price of one call, and counting it page by page comes after.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/balloon_probe.h"
#include "drivers/virtio/virtq.h"

struct balloon_dev;

#define BALLOON_REPORTS_MAX 32U
/* One descriptor has 32 bits for its length. */
#define BALLOON_REPORT_FRAMES_MAX ((pfn_t)(UINT64_C(2) * 1024 * MIB / FRAME_SIZE))

struct balloon_report_config {
    bool on;
    uint64_t reserve_pages; /* warm: free backed memory that is never reported */
    uint32_t run_pages;     /* shorter runs are not reported; whole blocks */
    uint32_t pace_ms;       /* how long little by little is collected */
};

struct balloon_report {
    bool on; /* negotiated, and the queue is there */
    struct virtq vq;
    unsigned size; /* requests that may be in flight */
    unsigned in_flight;
    struct {
        pfn_t first;
        pfn_t count; /* 0: not in flight */
        bool probe;  /* the answer belongs to the probe */
        uint64_t since_ns;
    } slot[BALLOON_REPORTS_MAX];
    struct balloon_probe probe;
    /* When. */
    uint64_t slice_pages; /* in one notification; adapts to the host's speed */
    uint64_t moved;       /* in this slice */
    pfn_t from;           /* where the search for runs goes on; 0: it begins */
    uint64_t found;       /* pages moved since it began */
    bool waiting;         /* there is something to report, since `since_ns` */
    uint64_t since_ns;
    bool judged;         /* the last batch is known to have been wanted again or not */
    uint64_t batch;      /* pages reported in it */
    uint64_t batch_ns;   /* when */
    uint64_t retaken;    /* retaken_count() then */
    uint64_t backoff_ns; /* 0: none */
    /* Counters, in pages but for the last two. */
    uint64_t reported; /* acknowledged */
    uint64_t urgent;   /* sent because the host wanted them inflated; in `reported` when answered */
    uint64_t requests;
    uint64_t backoffs;
};

/* The device is about to be live. The queue was started, if `on`. */
void balloon_report_begin(struct balloon_dev *d);

/* Takes what the device has finished; a probe goes on with the next slice. ERR_DEVICE. */
MUST_USE err_t balloon_report_harvest(struct balloon_dev *d);

/*
 * Reports what is due, with at most one notification. `idle`: the guest has nothing else to do.
 * *wake_ns: when to come again, 0 for at once, or BALLOON_NEVER.
 */
MUST_USE err_t balloon_report_slice(struct balloon_dev *d, bool idle, uint64_t *wake_ns);

/* Before inflating: reports up to `pages` backed pages at once, up to a slice. d->report.moved has
 * how many. */
MUST_USE err_t balloon_report_urgent(struct balloon_dev *d, uint64_t pages);

/* For the probe: one request, which must find room, and a notification for all of them. */
MUST_USE err_t balloon_report_send(struct balloon_dev *d, pfn_t first, pfn_t count, bool probe);
MUST_USE err_t balloon_report_kick(struct balloon_dev *d);

/* True while reports are collected that a service with `idle` would send: at once, so that the next
 * question is answered by false. */
bool balloon_report_wants_idle(const struct balloon_dev *d);

/* Nothing is out: what was reported has been acknowledged, or nothing was, and no probe is made. */
bool balloon_report_settled(const struct balloon_dev *d);

/* When the oldest request in flight was sent, in ran_ns; UINT64_MAX for none. */
uint64_t balloon_report_oldest(const struct balloon_dev *d);

/* The device was reset: what was in flight is free again, and backed as far as we know. */
void balloon_report_forget(struct balloon_dev *d);

/* Pages that are out with the device. */
uint64_t balloon_report_held(const struct balloon_dev *d);
