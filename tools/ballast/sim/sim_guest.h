/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One simulated machine: a guest kernel, its memory, its swap and its balloon driver, second by
 * second. The model, in short (docs/SIMULATOR.md has the reasons and the numbers):
 *
 *   size     = RAM less balloon = kernel + anon + hot + cold + free, always
 *   anon       grows as programs want; what finds no room pushes other pages to swap, slowly; when
 *              swap is full for ten seconds the guest kills a program
 *   hot        cache that is used all the time; what is missing of it is read again and again
 *   cold       cache that nobody needs; fills what is free, goes first
 *   balloon    takes free pages, then cold, then hot, then swaps; gives and takes at a device's
 *              speed; a driver that is not there does nothing
 *   resident   what the host holds for it: pages once touched stay, until the balloon takes them
 *              or free-page reporting gives them back
 *   ideal      the same machine alone with all its RAM; the difference is the shortfall
 *
 * Sizes are KiB, rates are KiB a second, times are seconds.
 */

#include "tools/ballast/sim/sim_load.h"
#include "tools/ballast/sim/sim_policy.h"

/* So long after its start a guest's balloon driver comes. */
#define SIM_GUEST_DRIVER_S 8

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_NO_DRIVER, /* removed: all memory is back in the guest, no statistics */
    SIM_FAULT_STALE,     /* statistics stand still */
    SIM_FAULT_LOW_LIE,   /* says that nearly everything is available */
    SIM_FAULT_HIGH_LIE,  /* says that nothing is */
    SIM_FAULT_ODD_LIE,   /* says what cannot be: more available than there is */
    SIM_FAULT_STALL,     /* the driver hardly gives memory */
    SIM_FAULT_RESET,     /* starts anew */
    SIM_FAULT_PANIC,     /* stands still, then starts anew */
    SIM_FAULT_COUNT,
};

struct sim_guest {
    /* Settings. */
    int64_t max;
    int64_t min;
    int64_t overhead;
    uint32_t weight;
    uint32_t class; /* enum policy_class */
    bool reporting;
    bool deflate_on_oom;
    bool locked;
    int64_t hidden; /* RAM that the guest's total never shows */
    int64_t kernel; /* RAM that its kernel takes, `hidden` included */
    int64_t watermark;
    int64_t inflate_rate;
    int64_t deflate_rate;
    int64_t swap_size;
    int64_t stats_period;
    int64_t stats_phase;
    struct sim_load load;

    /* Memory. */
    int64_t size;
    int64_t shown_size; /* what the monitor says: after a reset the old one for some seconds */
    int64_t target;
    int64_t anon;
    int64_t swap;
    int64_t hot;
    int64_t cold;
    int64_t resident;
    int64_t lost; /* want of programs that were killed and have not come back */
    int64_t ideal_anon;
    int64_t ideal_hot;

    /* Life. */
    int64_t driver_time; /* from this second on the driver works */
    uint32_t reboots;    /* of load.reboots, seen */
    uint32_t resets;
    uint32_t starved;      /* seconds in a row with an allocation that failed */
    bool self_deflated;    /* since the last command */
    enum sim_fault faulty; /* which fault this machine is prone to, */
    enum sim_fault fault;  /* and has now, */
    int64_t fault_until;   /* until this second; else it has none until it */
    struct sim_rng fault_rng;

    /* Statistics as published, and counters. */
    int64_t stats_time;
    int64_t stats_size;
    int64_t stats_total;
    int64_t stats_free;
    int64_t stats_available;
    int64_t stats_cache;
    int64_t stats_swap;
    uint64_t told_swap_in;
    uint64_t told_swap_out;
    uint64_t told_faults;
    uint64_t told_stalls;
    uint64_t told_kills;
    uint64_t swap_in;
    uint64_t swap_out;
    uint64_t major_faults;
    uint64_t alloc_stalls;
    uint64_t oom_kills;

    /* For the score. */
    uint64_t moved;    /* by the balloon */
    uint64_t kills;    /* of the whole run */
    int64_t shortfall; /* of this second, without what the host swapped */
};

/* A machine with settings by chance, or from its trace, which starts in second 0. One of ten
 * is guaranteed, one of five of the rest spare. The faults family makes it prone to a fault. */
void sim_guest_init(struct sim_guest *guest, enum sim_family family, struct sim_rng rng,
                    const struct sim_trace_machine *trace);

/* Sends it a target, clamped to [min, max]. */
void sim_guest_command(struct sim_guest *guest, int64_t target);

/* One second. */
void sim_guest_step(struct sim_guest *guest, int64_t now);

/* What its programs and kernel want now, at most its RAM. */
static inline int64_t sim_guest_need(const struct sim_guest *guest)
{
    if (guest->fault == SIM_FAULT_PANIC) {
        return guest->kernel;
    }
    return sim_min(guest->max, guest->kernel + guest->load.anon + guest->load.hot);
}

static inline int64_t sim_guest_used(const struct sim_guest *guest)
{
    return guest->kernel + guest->anon + guest->hot + guest->cold;
}

static inline int64_t sim_guest_free(const struct sim_guest *guest)
{
    return guest->size - sim_guest_used(guest);
}

/* Whether its statistics are false at the moment. */
static inline bool sim_guest_lies(const struct sim_guest *guest)
{
    return guest->fault == SIM_FAULT_LOW_LIE || guest->fault == SIM_FAULT_HIGH_LIE ||
           guest->fault == SIM_FAULT_ODD_LIE;
}

/* What a manager sees of it. */
void sim_guest_view(const struct sim_guest *guest, uint32_t id, int64_t now, struct sim_view *view);
