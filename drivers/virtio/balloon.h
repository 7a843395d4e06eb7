/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the balloon does, and when: a pure state machine `event -> actions` without ring, lock,
 * clock or allocator. The driver (balloon_dev.h) tells what happened and carries out what comes
 * back. All amounts are balloon pages, which are frames of 4 KiB.
 *
 *      free  --SENT-->  leaving  --ACKED-->  in the balloon  --RELEASED-->  returning  --TOLD-->
 *                                                   |                           ^
 *                                                   +-TAKEN-> untold -ANNOUNCED-+
 *
 * A slice of work is SLICE_BEGIN (what may be moved?), any number of SENT, RELEASED or ANNOUNCED,
 * and SLICE_END (what is to be told, and when is the next slice?). TAKEN comes between slices, from
 * an allocation that would fail. It begins a time of pressure, in which nothing is sent: until
 * things have been calm for a while and there is headroom again. The headroom is a constant, since
 * a share of what is left would shrink with every round and let the memory swing for ever.
 */

#include <stdbool.h>
#include <stdint.h>

/* A time that never comes. */
#define BALLOON_NEVER UINT64_MAX

enum balloon_event_kind {
    BALLOON_TARGET,      /* the host wishes `pages` in the balloon */
    BALLOON_SLICE_BEGIN, /* `pages` may be moved, `available` are free above the floor, at now_ns */
    BALLOON_SENT,        /* `pages` free pages were put on the inflate queue */
    BALLOON_ACKED,       /* the host has `pages` of the leaving ones */
    BALLOON_RELEASED,    /* `pages` left the balloon and are announced on the deflate queue */
    BALLOON_TAKEN,       /* an allocation took `pages` out of the balloon, at now_ns */
    BALLOON_ANNOUNCED,   /* `pages` of these are announced on the deflate queue */
    BALLOON_TOLD,        /* the host has read the announcement of `pages` */
    BALLOON_EMPTY,       /* free memory was asked for and there was none, at now_ns */
    BALLOON_FREED,       /* there is more free memory than when the last attempt failed */
    BALLOON_SLICE_END,   /* the slice is over */
    BALLOON_LOST,        /* the device was reset: every page is the guest's again */
};

struct balloon_event {
    enum balloon_event_kind kind;
    uint64_t pages;
    uint64_t available;
    uint64_t now_ns;
};

struct balloon_actions {
    uint64_t inflate;  /* SLICE_BEGIN: send up to so many pages */
    uint64_t deflate;  /* SLICE_BEGIN: release up to so many pages; one of the two is zero */
    uint64_t announce; /* SLICE_BEGIN: so many taken pages are to be announced, before all else */
    uint64_t missing;  /* not 0: say now, once, that so many pages are not to be had */
    bool write_actual; /* SLICE_END: the host must be told `actual` */
    uint32_t actual;   /* SLICE_END: pages in the balloon, acknowledged */
    bool again;        /* SLICE_END: there is more to move at once */
    uint64_t retry_ns; /* SLICE_END: when to look for free memory or calm, or BALLOON_NEVER */
};

struct balloon_limits {
    uint32_t retry_min_ms;   /* pause after nothing was free, at least 1; doubles up to ... */
    uint32_t retry_max_ms;   /* ... this */
    uint32_t calm_min_ms;    /* pause after an allocation took pages; doubles with each up to ... */
    uint32_t calm_max_ms;    /* ... this; after ten times as much the first one counts again */
    uint64_t headroom_pages; /* free above the floor before anything is sent after such a time */
    uint64_t max_pages;      /* the host gets no more, whatever it wishes */
};

struct balloon {
    struct balloon_limits limits;
    uint64_t target;     /* what the host wishes */
    uint64_t in_balloon; /* acknowledged and not taken back */
    uint64_t leaving;    /* sent and not yet acknowledged */
    uint64_t untold;     /* taken by allocations and not yet announced */
    uint64_t returning;  /* announced, and the announcement is not yet acknowledged */
    uint32_t written;    /* the `actual` the host was last told */
    bool written_valid;  /* it was told one since the last reset */
    /* One slice: what may still be moved in it. */
    uint64_t may_send;
    uint64_t may_release;
    /* More is wished than there is. */
    bool short_of_memory; /* an episode lasts; it was reported once */
    bool paused;          /* nothing is tried before retry_at_ns: no memory, or no headroom */
    uint64_t retry_at_ns;
    uint64_t pause_ns; /* the last pause, 0 after progress */
    /* Pressure. */
    bool pressed;        /* an allocation took pages: nothing is sent before calm_at_ns */
    bool wary;           /* pressure is over, headroom stays free until the host's next wish */
    uint64_t calm_at_ns; /* when to look for headroom */
    uint64_t calm_ns;    /* the last such pause */
    uint64_t taken;      /* pages taken by allocations, ever */
    uint64_t retries;    /* attempts that found nothing, ever */
    uint64_t episodes;   /* shortfalls reported, ever */
};

/* An empty balloon whose target is 0. Minima are at least 1 and at most the maxima. */
void balloon_init(struct balloon *b, const struct balloon_limits *limits);

/* One step. Events that cannot follow from what was asked (more acknowledged than sent, more sent
 * than allowed) are a programmer's mistake: the driver has checked what the device said. */
struct balloon_actions balloon_step(struct balloon *b, const struct balloon_event *event);

/* Pages that are not the guest's to use: leaving or in the balloon. */
uint64_t balloon_held(const struct balloon *b);

/* Pages that are to be sent now, if there are as many: 0 while it pauses. */
uint64_t balloon_wanted(const struct balloon *b, uint64_t now_ns);

/* Asserts the invariants. */
void balloon_check(const struct balloon *b);
