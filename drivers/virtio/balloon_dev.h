/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The balloon driver [VIRTIO 1.4 §5.5]: feeds the state machine of balloon.h and carries out what
 * it decides. It is passive: the kernel calls balloon_dev_service() when an interrupt or a free was
 * marked or the time it returned has come. Each call is one bounded slice of work.
 *
 * All functions but the two that say so may be called from one context only, not from interrupts.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/balloon.h"
#include "drivers/virtio/balloon_hint.h"
#include "drivers/virtio/balloon_ledger.h"
#include "drivers/virtio/balloon_mem.h"
#include "drivers/virtio/balloon_pool.h"
#include "drivers/virtio/balloon_queues.h"
#include "drivers/virtio/balloon_report.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/virtq.h"

struct balloon_dev_config {
    struct balloon_profile host;
    uint64_t slice_pages; /* moved in one call at most; at least BALLOON_SLICE_MIN */
    uint64_t floor_pages; /* free frames that are never given to the host */
    struct balloon_limits limits;
    struct balloon_report_config report;
    uint32_t timeout_ms; /* a request that takes longer is lost, and the device with it */
    bool fill;           /* free memory is filled with `fill_value`: PAGE_POISON */
    uint32_t fill_value;
};

/* 64 MiB slices, no floor, 100 ms to 10 s, no cap, reporting without reserve, 10 s, the careful
 * profile. */
extern const struct balloon_dev_config balloon_dev_config_default;

/* A slice that took longer than SLICE_MS is followed by one of half the pages, down to the minimum:
 * a host that needs 5 us for a page then still gets 2 MiB at a time, in 3 ms. */
#define BALLOON_SLICE_MIN 512U
#define BALLOON_SLICE_MS  60U

/* Restarts that fail, or do not last, in a row before the driver gives up. */
#define BALLOON_RESTARTS_MAX 5U

enum balloon_dev_state {
    BALLOON_DEV_STOPPED, /* not started, or stopped by balloon_dev_stop() */
    BALLOON_DEV_RUNNING,
    BALLOON_DEV_RESTARTING, /* the device failed; another attempt follows */
    BALLOON_DEV_DEAD,       /* given up; the guest lives on without a balloon */
};

/* Ever since balloon_dev_start(). */
struct balloon_dev_counters {
    uint64_t kicks;      /* notifications sent */
    uint64_t interrupts; /* taken from the device */
    uint64_t resets;     /* because the device failed */
    uint64_t timeouts;   /* of these, because of no answer */
    uint64_t inflated;   /* pages acknowledged */
    uint64_t deflated;   /* pages taken back and announced */
    uint64_t shortfalls; /* episodes in which more was wished than there was */
    uint64_t retries;    /* attempts that found no free memory */
    uint64_t stats;      /* statistics buffers handed over */
    uint64_t taken;      /* pages that allocations took out of the balloon */
};

struct balloon_dev_status {
    enum balloon_dev_state state;
    uint64_t target;
    uint64_t actual;  /* pages in the balloon */
    uint64_t leaving; /* on their way into it */
    uint64_t stuck;   /* frames held back because the device did not finish its reset */
    uint64_t out;     /* pages out with the device to be reported, or held for hints */
    struct balloon_dev_counters counters;
};

struct balloon_dev {
    struct virtio_device *dev;
    const struct balloon_mem_ops *mem;
    struct balloon_dev_config config;
    enum balloon_dev_state state;
    atomic_uint marks; /* BALLOON_MARK_*: set from interrupts, taken by the service */
    struct balloon balloon;
    struct balloon_ledger ledger;
    struct balloon_pool pool;
    struct balloon_queues queues;
    struct virtq_shape shape[BALLOON_QUEUES]; /* of those that are there */
    struct virtq inflate_vq;
    struct virtq deflate_vq;
    struct virtq stats_vq;
    bool has_stats;
    bool must_tell;      /* frames are used only after the device has read that they left */
    bool deflate_on_oom; /* allocations may take pages out of the balloon */
    struct balloon_report report;
    struct balloon_hint hint;
    /* Taken by allocations, announced later: numbers only, the frames are in use. */
    struct balloon_ledger untold;
    /* With must_tell: two batches of frames on their way out of the balloon, filled in turns, each
     * free when all its requests are done. */
    struct {
        struct balloon_ledger frames;
        unsigned requests;
    } batch[2];
    unsigned batch_open; /* the one that is filled, ... */
    bool releasing;      /* ... while this is set */
    bool held;           /* what lasts from start to stop is there */
    /* Statistics buffer, hint words, rings: one piece of memory. */
    void *fixed;
    paddr_t fixed_address;
    unsigned fixed_frames;
    uint8_t *stats_buffer;
    paddr_t stats_address;
    /* Time. `ran_ns` is the time the guest was seen to run; see balloon_dev_service(). */
    uint64_t now_ns;
    uint64_t ran_ns;
    uint64_t looked_ns; /* when num_pages was read last */
    bool look;          /* num_pages must be read */
    bool stats_early;   /* the device returned the next statistics buffer at once */
    bool busy;          /* a service is under way: no allocation of its own may come back here */
    uint64_t slice_pages;
    uint64_t moved;      /* in this slice */
    uint64_t settled;    /* frames in the ledger when nothing was leaving last */
    bool owing;          /* a movement is under way, and of its pages ... */
    uint64_t owed;       /* ... so many are to be reported first */
    bool reported_first; /* this slice reported what the next ones will inflate */
    bool starved;        /* the last slice ended because nothing but buffers was left to take */
    /* Recovery. */
    bool owned;          /* queues were enabled and not reset: the device may use our memory */
    unsigned failures;   /* in a row */
    uint64_t restart_ns; /* when to try again */
    uint64_t live_since; /* in ran_ns: when the device was last started */
    struct balloon_dev_counters counters;
};

/*
 * Takes the device through its life cycle up to DRIVER_OK. `*d` is zeroed or was stopped. `d`,
 * `dev` and `mem` stay in use until balloon_dev_stop(). ERR_NOMEM, or what virtio_begin() and
 * virtio_queue_start() return; then the device was reset, nothing is held, and the driver is
 * stopped.
 */
MUST_USE err_t balloon_dev_start(struct balloon_dev *d, struct virtio_device *dev,
                                 const struct balloon_mem_ops *mem,
                                 const struct balloon_dev_config *config);

/* The device has interrupted, for `cause` (VIRTIO_INTERRUPT_*). Only marks: call the service soon.
 * From interrupts too. */
void balloon_dev_interrupt(struct balloon_dev *d, uint32_t cause);

/* The same for a cause that a poll found, in case an interrupt was lost: not counted as one. */
void balloon_dev_poll(struct balloon_dev *d, uint32_t cause);

/* From the hook of mem->watch(), in any context. Only marks: call the service soon. */
void balloon_dev_memory_freed(struct balloon_dev *d);

/* The same for mem->watch_backed(). */
void balloon_dev_blocks_freed(struct balloon_dev *d);

/* True when the service is to be called soon: something was marked since it ran. From any context.
 */
bool balloon_dev_marked(const struct balloon_dev *d);

/* One slice. `idle`: the guest has nothing else to do, which is a good time to report free memory.
 * Returns when it wants to be called if nothing else happens, on the scale of mem->now_ns(): 0 at
 * once, BALLOON_NEVER only after an interrupt or a free. */
uint64_t balloon_dev_service(struct balloon_dev *d, bool idle);

/* True when a service with `idle` would do something that the next one without would not. */
bool balloon_dev_wants_idle(const struct balloon_dev *d);

/*
 * An allocation of `pages` would fail. Takes reports that were answered, gives up what is held for
 * a probe or for hints and is not with the device, and, if `from_balloon` and with DEFLATE_ON_OOM,
 * takes whole blocks out of the balloon, as many as needed; returns the pages that are free because
 * of it. Waits for nothing: the host is told by the next service, and only with MUST_TELL_HOST
 * notified here; then the pages may be free only when it has answered. So the service is marked,
 * even if nothing is free yet. 0 while a service is under way. Not in parallel with any other
 * function of the driver.
 */
uint64_t balloon_dev_reclaim(struct balloon_dev *d, uint64_t pages, bool from_balloon);

/* Resets the device; every frame comes back to the guest. If the reset does not finish, what the
 * device may still use stays out of use for ever. */
void balloon_dev_stop(struct balloon_dev *d);

/* True when a frame is leaving or in the balloon. For fault reports. */
bool balloon_dev_contains(const struct balloon_dev *d, pfn_t pfn);

struct balloon_dev_status balloon_dev_status(const struct balloon_dev *d);

/* Asserts that state machine, ledger, requests and queues agree. */
void balloon_dev_check(const struct balloon_dev *d);
