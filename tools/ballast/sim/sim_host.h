/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One simulated host with its machines under one policy, from the first second to the last.
 */

#include "tools/ballast/sim/sim.h"
#include "tools/ballast/sim/sim_guest.h"

/* What the score remembers of one machine. */
struct sim_watch {
    int64_t base;      /* its need, as a rise is measured from it */
    int64_t peak_time; /* a peak waits since then; 0: none does */
    int64_t target;    /* the last one, */
    int direction;     /* and whether it was larger (1) or smaller (-1) than the one before */
    int64_t needed;    /* KiB seconds beyond its minimum, */
    int64_t served;    /* and what of it was there */
};

struct sim_host {
    int64_t total;
    int64_t own;      /* now */
    int64_t own_base; /* at rest */
    int64_t available;
    int64_t resident; /* of all machines, of the last second, with overhead */
    int64_t swapped;  /* of machines' memory, by the host */
    int64_t hard;     /* zones begin below so much available memory */
    int64_t low;
    int64_t psi_some; /* averages over 10 s, in hundredths of a percent */
    int64_t psi_full;
    int64_t shortfall; /* of this second, and summed up, in KiB seconds */
    int64_t shortfall_sum;
    int64_t unavoidable_sum;
    int64_t swapped_sum;
    struct sim_rng rng;
};

/* A host's memory for machines with these settings: the family's part of all RAM, overheads and
 * its own use, and enough for all guarantees. Lowers minimums that would need too much. */
void sim_host_init(struct sim_host *host, enum sim_family family, struct sim_rng rng,
                   struct sim_guest *guests, size_t count);

/* How the host's memory stands after a second in which the machines held `resident`. */
void sim_host_settle(struct sim_host *host, int64_t resident);

/* What the host has swapped of one machine: all of it, and the part that its programs use. The
 * host takes idle pages twice as readily as used ones. */
int64_t sim_host_swapped_of(const struct sim_host *host, const struct sim_guest *guest,
                            int64_t *used);

/* Scores one second of one machine. */
void sim_watch_step(struct sim_watch *watch, const struct sim_guest *guest, struct sim_host *host,
                    int64_t now, struct sim_score *score);

/* Runs host number `index` of the options, and adds to *score. The curve is filled in when it is
 * not NULL. False: no memory. */
bool sim_host_run(const struct sim_options *options, enum sim_family family,
                  const struct sim_policy *policy, uint32_t index, struct sim_score *score,
                  struct sim_curve *curve);
