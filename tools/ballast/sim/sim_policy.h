/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What a manager of memory is to the simulator: it sees a host and its machines as a real manager
 * could, and sets targets. Ours and the baselines are behind the same interface, get the same
 * statistics at the same age, and are called at the period that they were published with.
 *
 * Sizes are KiB in int64_t. Managers that know no minimum get one all the same: the simulator
 * never lets a target leave [min, max], so that "below its minimum" is never a slip of notation.
 */

#include "tools/ballast/sim/sim.h"
#include "tools/ballast/sim/sim_units.h"

struct sim_host_view {
    int64_t now; /* seconds since the start, from 1 on */
    int64_t total;
    int64_t own;       /* used by the host itself */
    int64_t available; /* as MemAvailable; the host keeps no cache of its own in the model */
    uint32_t psi_some_centi;
    uint32_t psi_full_centi;
    int64_t period; /* seconds between two calls */
};

enum sim_driver {
    SIM_DRIVER_OK,
    SIM_DRIVER_NONE,
};

struct sim_view {
    /* Settings. Guaranteed machines have min == max for managers that do not know the class. */
    uint32_t id;
    uint32_t class; /* enum policy_class */
    uint32_t weight;
    int64_t min;
    int64_t max;
    /* What the virtual machine monitor tells. */
    int64_t size;
    int64_t resident;
    int64_t overhead;
    enum sim_driver driver;
    bool locked; /* the host cannot drop its pages */
    bool reporting;
    bool deflate_on_oom;
    uint32_t resets;
    /* What the guest told, at stats_time; 0: nothing yet. */
    int64_t stats_time;
    int64_t stats_size;
    int64_t stats_total;
    int64_t stats_free;
    int64_t stats_available;
    int64_t stats_cache;
    int64_t stats_swap; /* in use; by agents that tell it (Qubes) */
    uint64_t swap_in;   /* counters of KiB and of events, since the start of the guest */
    uint64_t swap_out;
    uint64_t major_faults;
    uint64_t alloc_stalls;
    uint64_t oom_kills;
    /* In: the last target; out: the new one. A target that stays is sent only when `send` says so,
     * which matters to a guest that took memory back by itself. */
    int64_t target;
    bool send;
};

struct sim_call {
    const struct sim_host_view *host;
    struct sim_view *machines;
    size_t count;
    void *host_state;     /* host_state_size bytes, zero at the start */
    void *machine_states; /* count times machine_state_size, zero at the start */
};

struct sim_policy {
    const char *name;       /* on the command line and in JSON */
    const char *title;      /* for people */
    uint32_t period_s;      /* 0: the option's */
    bool starts_at_minimum; /* the target of a machine that starts is its minimum, not its RAM */
    size_t host_state_size;
    size_t machine_state_size;
    void (*decide)(const struct sim_call *call);
};

extern const struct sim_policy sim_policy_ballast;
extern const struct sim_policy sim_policy_static;
extern const struct sim_policy sim_policy_proxmox;
extern const struct sim_policy sim_policy_proxmox_tuned;
extern const struct sim_policy sim_policy_mom;
extern const struct sim_policy sim_policy_squeezed;
extern const struct sim_policy sim_policy_qmemman;
extern const struct sim_policy sim_policy_balance;
extern const struct sim_policy sim_policy_pi;

/* All, ours first; ends with NULL. */
extern const struct sim_policy *const sim_policies[];

/* NULL when there is no such policy. */
const struct sim_policy *sim_policy_find(const char *name);
