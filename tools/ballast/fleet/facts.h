/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What a backend tells of one machine. Plain data: backends fill it in, the fleet reads it, the API
 * shows it. What is not known is POLICY_MISSING, false or "".
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/ballast/config/config.h"
#include "tools/ballast/policy/policy.h"

#define FACTS_NAME_MAX 64U
#define FACTS_UUID_MAX CONFIG_UUID_MAX

enum facts_kind {
    FACTS_MACHINE,   /* a virtual machine */
    FACTS_CONTAINER, /* shares the host's kernel: its memory comes back by itself */
};

enum facts_state {
    FACTS_RUNNING,
    FACTS_PAUSED,
    FACTS_MIGRATING,
    FACTS_PANICKED,    /* the guest is dead, its memory is still there */
    FACTS_STOPPED,     /* shut down; nothing of it is in memory */
    FACTS_UNREACHABLE, /* nobody answers for it, so what it does is not known: see
                        * facts_unreachable() */
};

#define FACTS_STATES ((unsigned)FACTS_UNREACHABLE + 1)

/* Feature bits of the balloon device [VIRTIO 1.4 §5.5.3]. */
#define FACTS_TELL_HOST      ((uint64_t)1 << 0)
#define FACTS_STATISTICS     ((uint64_t)1 << 1)
#define FACTS_DEFLATE_ON_OOM ((uint64_t)1 << 2)
#define FACTS_HINTING        ((uint64_t)1 << 3)
#define FACTS_POISON         ((uint64_t)1 << 4)
#define FACTS_REPORTING      ((uint64_t)1 << 5)

struct facts {
    enum facts_kind kind;
    enum facts_state state;
    pid_t pid; /* 0: not on this host, or not known */
    /* The machine's UUID, 36 small letters. "": it has none, or it is not known yet. The UUID of
     * all zeros, which QEMU tells without -uuid, is none. */
    char uuid[FACTS_UUID_MAX];
    char formerly[FACTS_NAME_MAX]; /* what versions without UUIDs called it; "": the same */
    uint64_t ram_bytes;
    /* The balloon device. */
    bool device;
    bool removable; /* it could be unplugged while the machine runs */
    bool offered_known;
    uint64_t offered; /* the features that the device offers. What a driver took of them is told by
                       * nothing that may be asked of a running machine. */
    /* What is concluded from the rest: backends leave these two alone, and the fleet writes them
     * (fleet_evidence.c). */
    enum policy_driver driver;
    bool reports; /* the guest was seen to give memory back without a balloon */
    /* What keeps memory from coming free. */
    bool locked;
    bool huge_pages;
    bool pinned;   /* an assigned device */
    bool prealloc; /* its RAM was allocated at the start: a balloon undoes that */
    /* Sizes now. */
    uint64_t actual_bytes;
    uint64_t resident_bytes; /* of RAM */
    uint64_t overhead_bytes; /* beside RAM */
    uint64_t swapped_bytes;  /* of the machine's process, swapped out by the host */
    /* The guest's statistics. */
    int64_t stats_ms; /* monotonic; 0: none */
    uint64_t stats_actual_bytes;
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t available_bytes;
    uint64_t caches_bytes;
    uint64_t swap_in_bytes;
    uint64_t swap_out_bytes;
    uint64_t major_faults;
    uint64_t minor_faults;
    uint64_t alloc_stalls;
    uint64_t oom_kills;
    uint32_t resets;   /* counted by the backend since it knows the machine */
    char trouble[128]; /* "" or why the backend cannot tell more, as a sentence */
};

/* Every number missing. */
void facts_clear(struct facts *facts);

/* Whether the machine was reached once: with its RAM everything else is told. Before that there may
 * be trouble, and nothing else. */
bool facts_are_whole(const struct facts *facts);

/*
 * Facts of a machine for which nobody answers, and which therefore may do anything: its monitor is
 * silent, serves somebody else, or its connection is lost. `why` is the sentence about it, for
 * facts.trouble.
 *
 * What only the machine or its guest could tell becomes unknown: its size and its statistics. A
 * number from before would be read as one of now. What cannot change unseen stays: who it
 * is, its RAM, its device, what keeps its memory from coming free, and its process with the memory
 * that it holds, where the backend can read that elsewhere (it must set resident_bytes to
 * POLICY_MISSING where it cannot). A machine that never told anything has no RAM either.
 *
 * Whoever books such a machine must expect that it takes all its RAM, and no target can be sent to
 * it; the target sent last may still be in force.
 */
void facts_unreachable(struct facts *facts, const char *why);

/* The guest's statistics, and no others: none. */
void facts_statistics_clear(struct facts *facts);
