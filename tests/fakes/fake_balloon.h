/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A host and a guest around the balloon driver: a device that serves five queues and judges every
 * number it reads, memory whose frames have owners, and a clock. There is one of each. Whatever
 * breaks a rule (a frame sent twice, a frame taken back that was never acknowledged, a notification
 * before DRIVER_OK, an untrue `actual`) ends the test at once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtio/balloon_dev.h"

#define FAKE_FRAMES_MAX  (1U << 19) /* 2 GiB */
#define FAKE_PENDING_MAX 256U
#define FAKE_NS_PER_MS   UINT64_C(1000000)

/* in_balloon[]: acknowledged; and taken back, but the device has not read that. */
enum { FAKE_HELD = 1, FAKE_UNTOLD = 2 };

enum fake_owner { FAKE_FREE, FAKE_APP, FAKE_DRIVER, FAKE_TAKEN };

struct fake_pending {
    uint16_t queue;
    uint16_t head;
    uint64_t due_ns;
    bool void_hint; /* DONE was said: nobody looks at it any more */
};

/* The longest hinting queue. */
#define FAKE_HEADS_MAX 256U
/* Words of the hinting queue that are remembered. */
#define FAKE_WORDS_MAX 64U

struct fake_queue {
    uint16_t size; /* 0: not enabled */
    const struct virtq *rings;
    uint16_t seen; /* avail entries fetched */
    uint16_t used;
};

struct fake_balloon {
    /* memory */
    uint32_t frames;
    uint8_t owner[FAKE_FRAMES_MAX];
    uint16_t block_free[FAKE_FRAMES_MAX / BLOCK_FRAMES];
    uint64_t free_frames;
    uint64_t taken;                              /* frames with FAKE_TAKEN */
    bool backed[FAKE_FRAMES_MAX / BLOCK_FRAMES]; /* the guest thinks the host holds the block */
    bool unmapped[FAKE_FRAMES_MAX];              /* taken for the balloon, as for balloon.guard */
    uint64_t word[FAKE_FRAMES_MAX];              /* the first one of each frame */
    uint64_t retaken;
    uint64_t filled; /* frames, by the driver */
    uint64_t watch_above;
    uint64_t watch_backed_above;
    uint64_t askable; /* frames the application gives up when asked */
    unsigned asked;   /* times */
    bool take_fails;
    uint64_t blocks_taken;      /* by take_blocks */
    bool crumbs_first;          /* the allocator prefers single frames: nobody promised otherwise */
    unsigned allocs;            /* live page_alloc()s */
    unsigned alloc_fails_after; /* 0: never; 1: the next page_alloc() fails, ... */
    uint64_t now_ns;
    /* the device's character */
    uint64_t offered;
    uint16_t queue_size;
    bool asynchronous;
    bool shuffles;      /* completes out of order */
    uint64_t delay_ns;  /* for one request */
    uint64_t cost_ns;   /* for one page, inside the notification */
    uint64_t report_ns; /* the same for a report */
    uint32_t pfns_max;  /* in one descriptor, 0: any */
    bool refuses_chains;
    bool loses;                           /* never completes what it fetches from now on */
    bool unserved[BALLOON_QUEUES];        /* never fetches from the queue with this role */
    bool tells_length;                    /* returns the length of what it read or was given */
    uint16_t queue_sizes[BALLOON_QUEUES]; /* by role; 0: queue_size */
    bool reset_hangs;
    bool gone;    /* unplugged: registers read as all ones */
    bool hostile; /* rules are not judged: the device itself breaks them */
    bool refuses_features;
    bool fixed_queues;       /* numbered as the specification does */
    uint16_t queues_missing; /* so many of the last ones do not exist */
    uint32_t drop_min;       /* frames in one report that are dropped at least; 0: none ever */
    bool idle;               /* services are told that the guest is idle */
    /* the device's state */
    struct virtio_device dev;
    uint8_t status;
    uint64_t accepted;
    uint32_t num_pages;
    uint32_t actual;
    uint32_t cmd_id;
    uint32_t poison;
    bool hinting; /* the id was read and STOP was not */
    uint32_t last_pfn;
    uint32_t isr;
    bool irq;
    struct fake_queue queue[BALLOON_QUEUES];
    enum balloon_queue role[BALLOON_QUEUES];
    uint16_t queue_count;
    struct fake_pending pending[FAKE_PENDING_MAX];
    unsigned pending_count;
    uint8_t in_balloon[FAKE_FRAMES_MAX]; /* acknowledged by the device */
    uint8_t reporting[FAKE_FRAMES_MAX];  /* reports and hints of it that are with the device */
    uint64_t actual_true;                /* frames taken and acknowledged */
    struct {
        pfn_t first;
        pfn_t count;        /* 0: none */
    } hint[FAKE_HEADS_MAX]; /* with the device */
    bool stats_held;
    uint16_t stats_queue;
    uint16_t stats_head;
    uint8_t stats[256];
    uint32_t stats_bytes;
    /* what happened */
    unsigned notifies;
    unsigned interrupts;
    unsigned actual_writes;
    uint64_t actual_last_ns;
    uint64_t actual_gap_ns; /* the longest time between two writes, see settle */
    unsigned stats_seen;
    unsigned stats_before_driver_ok;
    uint64_t pages_inflated;
    uint64_t pages_deflated;
    uint64_t blocks_whole; /* 512 aligned numbers in one element */
    uint64_t pages_reported;
    uint64_t reports;
    uint64_t longest_report;  /* pages */
    uint64_t reported_absent; /* pages the host did not hold */
    uint64_t pages_hinted;
    uint64_t pages_stray; /* hinted without an id before, or after STOP */
    unsigned words;       /* on the hinting queue */
    uint32_t word_log[FAKE_WORDS_MAX];
    uint64_t ranges; /* runs of ascending numbers: calls of a host that merges neighbours */
    unsigned requests_at_once; /* most in flight ever */
    unsigned services;
    unsigned touches; /* frames that were read or written by a probe */
    uint64_t wake_ns; /* when the driver wants to be called next, whatever happens */
    uint64_t random;
};

extern struct fake_balloon fake_balloon;
extern const struct balloon_mem_ops fake_balloon_mem;

/* A machine with `frames` frames, all free, and a synchronous device that offers everything. */
void fake_balloon_init(uint32_t frames);

/* The application allocates and frees frames, scattered at random. */
void fake_balloon_app_alloc(uint64_t frames);
void fake_balloon_app_free(uint64_t frames);

/* The application allocates the lowest free whole blocks. */
void fake_balloon_app_blocks(uint32_t blocks);

/* An allocation of the application that may reach into the balloon; true when it succeeded. */
bool fake_balloon_app_alloc_or_reclaim(struct balloon_dev *d, uint64_t frames);

/* The application frees every frame from `first` on. */
void fake_balloon_app_free_run(pfn_t first, pfn_t count);

/* Memory was used before: every free block is backed. */
void fake_balloon_warm(void);

/* A new command id for hinting, with the configuration interrupt. */
void fake_balloon_hint(uint32_t cmd_id);

/* The host's wish, with the configuration interrupt. */
void fake_balloon_wish(uint32_t pages);
void fake_balloon_needs_reset(void);
/* The device leaves without a word. */
void fake_balloon_unplug(void);
/* The host asks for statistics: it returns the buffer it holds. */
void fake_balloon_ask_stats(void);
uint64_t fake_balloon_stat(uint16_t tag);

/* One used entry that the device makes up. */
void fake_balloon_lie(uint16_t queue, uint32_t id, uint32_t bytes, uint16_t index_step);

/* Calls the service, asked for or not: the safety poll. */
void fake_balloon_service(struct balloon_dev *d);

/* As much simulated time passes in which the device works and nobody calls the service. */
void fake_balloon_pass(uint64_t ns);

/* An allocation would fail. Judges that it does not wait for the host. */
uint64_t fake_balloon_reclaim(struct balloon_dev *d, uint64_t pages, bool from_balloon);

/* Lets at most `limit_ns` of simulated time pass and calls the service as the kernel would: when an
 * interrupt marked it, or it was marked otherwise, or idle time is wanted, or the time it returned
 * has come, and never else. Returns when nothing is left to happen. Ends the test when the driver
 * spins. */
void fake_balloon_settle(struct balloon_dev *d, uint64_t limit_ns);

/* Counts everything from scratch and compares. */
void fake_balloon_check(const struct balloon_dev *d);

uint64_t fake_balloon_random(void);
