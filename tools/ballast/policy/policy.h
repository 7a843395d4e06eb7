/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The policy: how the memory of one host is distributed over its machines. One pure function,
 * policy_decide(), is called once a period by the daemon, by the dry run (`ballast plan`), by
 * `ballast replay` and by the simulator. It does no I/O, reads no clock, allocates nothing, uses
 * integers only, and gives the same decisions for the same inputs, whatever happened before in the
 * process: everything it remembers is in plain structures that belong to the caller, that may be
 * copied with memcpy, and that are all zero at the start.
 *
 * Sizes are bytes, times are milliseconds of one monotonic clock that begins above 0. The size of a
 * machine is what its guest has now: its RAM less its balloon, what QEMU calls `actual`. A target
 * is the size that the host asks for. docs/BALLAST.md has the formulas and the reasons for them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/policy/books.h"

/* "Not told", in any size or counter: what QEMU says for a statistic that the guest left out. It is
 * never taken for a number. */
#define POLICY_MISSING UINT64_MAX

/* Weights go from 1 to this; 1000 is the default. */
#define POLICY_WEIGHT_MAX     50000U
#define POLICY_WEIGHT_DEFAULT 1000U
/* The largest RAM of a machine and of a host, and how many machines one call takes: sums and
 * products stay inside their types. */
#define POLICY_BYTES_MAX    ((uint64_t)1 << 46)
#define POLICY_MACHINES_MAX ((size_t)1 << 16)
/* The highest idle-memory tax. */
#define POLICY_TAX_MAX 95U

/* ---- what is fixed for the host ---- */

/* Zero in a field marked (0: ...) has that meaning; policy_settings_default() fills in the rest. */
struct policy_settings {
    uint64_t reserve_bytes;       /* free memory that the host keeps for itself (0: by its size) */
    uint64_t slush_bytes;         /* beyond it, kept to pay a peak at once (0: by its size) */
    uint64_t margin_bytes;        /* a guest keeps this much available, */
    uint32_t margin_percent;      /* or this part of its maximum, whichever is more */
    uint32_t buffer_percent;      /* demand is what is used and this much more */
    uint32_t balloon_max_percent; /* no balloon is larger than this part of the maximum */
    uint32_t idle_tax_percent;    /* how much less memory above the demand counts */
    uint32_t overcommit_percent;  /* sizes may add up to this part of what the host has */
    uint32_t reporting_trust_percent; /* of what a reporting guest gave back by itself, this part
                                       * counts as free while the host is green */
    uint32_t inflate_percent;    /* a guest shrinks by at most this part of its maximum a second,
                                  * or 32 MiB where that is more */
    uint32_t deadband_percent;   /* surplus moves only above this part of the maximum, */
    uint64_t deadband_bytes;     /* and above this */
    uint32_t psi_some_percent;   /* pressure ("some avg10") that raises the zone by one */
    uint32_t psi_full_percent;   /* the same for "full avg10" */
    uint32_t stale_ms;           /* statistics older than this are no ground to inflate */
    uint32_t settle_ms;          /* after a reset a guest is left alone for this long */
    uint32_t stall_ms;           /* a guest that moves less than stall_rate for this long */
    uint64_t stall_bytes_per_s;  /* has stalled: it is given room and left alone */
    uint32_t stall_pause_ms;     /* for this long, doubled each time it stalls again, */
    uint32_t stall_pause_max_ms; /* up to this */
    uint32_t swing_first_ms;     /* after a peak was paid, no inflation for this long, */
    uint32_t swing_again_ms;     /* and for this long when it happens again within ten minutes */
    uint32_t reversals_per_hour; /* a machine changes direction at most this often to shrink */
};

enum policy_class {
    POLICY_GUARANTEED, /* always its maximum */
    POLICY_BURST,      /* its minimum always, up to its maximum by demand and weight */
    POLICY_SPARE,      /* the same, but served after the others and asked first */
};

/* ---- what is observed ---- */

/* The host, now. */
struct policy_host {
    uint64_t total_bytes;     /* that may be used at all */
    uint64_t available_bytes; /* as MemAvailable: could be used without swapping */
    uint64_t reserved_bytes;  /* promised to others by reservations and not taken yet */
    uint32_t psi_some_centi;  /* hundredths of a percent, avg10; 0 also where PSI is off */
    uint32_t psi_full_centi;
};

enum policy_driver {
    POLICY_DRIVER_UNKNOWN, /* nothing tells; the statistics decide */
    POLICY_DRIVER_OK,      /* a driver works, or worked since the guest started */
};

/* Why memory taken from the guest would not come free in the host. */
enum policy_unreclaimable {
    POLICY_RECLAIMABLE,
    POLICY_NO_DEVICE,  /* no balloon at all */
    POLICY_LOCKED,     /* mlocked: the host may not drop it */
    POLICY_HUGE_PAGES, /* hugetlb pages, and a driver that gives back single frames only */
    POLICY_PINNED,     /* a device assigned to the machine holds it */
    POLICY_PLATFORM,   /* what runs there is no virtual machine */
};

/* One machine, now. What cannot be told is POLICY_MISSING, times are then 0. */
struct policy_sample {
    uint64_t ram_bytes;      /* what its size can be at most, whatever its maximum is: its RAM; 0 or
                              * missing: its maximum */
    uint64_t actual_bytes;   /* its size */
    uint64_t resident_bytes; /* host memory that its RAM holds */
    uint64_t overhead_bytes; /* host memory that it costs beside its RAM */
    uint64_t commanded_bytes; /* the last target that was sent for it and accepted; 0: none yet */
    uint32_t commands_taken;  /* how many were accepted, counted by the caller: any change is one */
    /* The guest's statistics. They were true at stats_ms, and are told together with the size that
     * the machine had then. */
    int64_t stats_ms; /* 0: it has told none */
    uint64_t stats_actual_bytes;
    uint64_t total_bytes;
    uint64_t available_bytes; /* could be used without swapping */
    uint64_t swap_in_bytes;   /* counters since its start */
    uint64_t swap_out_bytes;
    uint64_t major_faults;
    uint64_t alloc_stalls;
    uint64_t oom_kills;
    uint32_t resets; /* counted by the caller: any change means that the guest started anew */
    enum policy_driver driver;
    enum policy_unreclaimable unreclaimable;
    bool reporting;      /* the driver reports free pages, and the host drops them */
    bool deflate_on_oom; /* the driver may take memory back by itself */
    bool paused;         /* its processors stand still: nothing can move */
    bool migrating;      /* left alone meanwhile */
    bool stats_lie;      /* set by the caller when a value is impossible for another reason */
};

/* ---- what is remembered ---- */

/* Demand over the last five minutes: the highest use of each of ten half minutes. */
#define POLICY_DEMAND_SLOTS 10U

enum policy_drift {
    POLICY_DRIFT_NONE,
    POLICY_DRIFT_SELF_DEFLATED, /* the guest took memory back because it had none */
    POLICY_DRIFT_DRIVER_GONE,   /* all memory is back in the guest, and nobody drives the balloon */
    POLICY_DRIFT_FOREIGN,       /* somebody else sets targets: this machine is not controlled */
};

enum policy_mode {
    POLICY_MODE_UNKNOWN,
    POLICY_MODE_TOTAL_SHRINKS, /* the guest's total is its RAM less the balloon */
    POLICY_MODE_TOTAL_STAYS,   /* the balloon counts as used memory */
};

/* All zero is the start; the policy writes it, nobody else, but for policy_adopt(). */
struct policy_memory {
    int64_t seen_ms; /* first and last period with this machine */
    int64_t now_ms;
    uint64_t target_bytes; /* the target in force at the last call */
    uint64_t last_actual_bytes;
    /* What is known of that target, see target.c. */
    uint32_t commands_taken; /* as last seen */
    uint64_t ram_bytes;      /* its RAM as last seen; 0: not told yet, */
    int64_t ram_ms;          /* and when it became another; 0: it did not */
    bool target_known;       /* it is ours: accepted, and nothing happened since that could have set
                              * another */
    bool arrived;            /* its size has met this target */
    bool driven;             /* a driver was seen since it is known, or since its last reset */
    bool migrated;           /* it was migrating when seen last */
    int64_t back_ms;         /* when all its memory came back without a command; 0: it did not */
    int64_t behind_ms;       /* since when its size does not follow the target; 0: it does */
    uint64_t behind_bytes;   /* how far it was from the target then, */
    bool small;              /* and whether it was smaller */
    int64_t sent_ms;         /* when that target was sent last, */
    uint32_t repeats;        /* and how often in vain */
    int64_t below_ms;        /* since when it has less than it was promised; 0: it has that */
    uint64_t demand_fast_bytes; /* moving average of what is used */
    uint64_t slots_bytes[POLICY_DEMAND_SLOTS];
    uint64_t slots_first_bytes;  /* of all slots but the newest, the highest */
    uint64_t slots_second_bytes; /* and the second highest */
    int64_t slot_ms;             /* begin of the newest slot */
    uint32_t slot;               /* which one that is */
    uint64_t last_swap_in_bytes;
    uint64_t last_major_faults;
    uint64_t last_alloc_stalls;
    uint64_t last_oom_kills;
    uint64_t last_used_bytes;
    uint64_t lead_bytes;    /* what it will use more before the next decision counts */
    uint64_t boost_bytes;   /* beyond the demand, because the guest suffers or did lately */
    int64_t boost_until_ms; /* it suffers until then */
    int64_t strain_ms;      /* since when its counters are high without a break; 0: they are not */
    int64_t last_stats_ms;
    int64_t steady_ms;         /* since when its size has not moved */
    int64_t command_ms;        /* when its target changed last */
    uint64_t span_low_bytes;   /* where its size must lie, on its way to the target */
    uint64_t span_high_bytes;  /* or at it: outside, somebody else has moved it */
    uint64_t disowned_bytes;   /* a target of ours that no longer counts, see policy_adopt() */
    uint64_t last_level_bytes; /* its size or its host memory, whichever was more */
    uint64_t progress_bytes;   /* that at the last sign of progress towards the target, and when */
    int64_t progress_ms;
    uint64_t speed_bytes_per_s; /* how fast it gave memory, measured */
    uint32_t stalls;            /* in a row */
    int64_t held_until_ms;      /* no inflation before, because of hold_why */
    uint32_t hold_why;          /* enum policy_hold */
    int64_t peak_ms;            /* when a peak was paid last, */
    uint32_t peaks;             /* how often within ten minutes of each other */
    uint32_t reversals;         /* within the current hour, */
    int64_t hour_ms;            /* which began then */
    int32_t direction;          /* of the last move: 1 grew, -1 shrank */
    uint32_t resets;            /* as last seen */
    int64_t reset_ms;           /* 0: none since it is known */
    int64_t stable_ms;          /* first statistics after it, or when a driver came */
    bool settling;              /* it starts: see POLICY_HOLD_RESET */
    bool driverless;            /* it had no driver when seen last, and all its memory */
    bool moving;                /* it has not given yet all that it was asked for */
    bool fresh;                 /* just found, or adopted: see POLICY_HOLD_NEW */
    uint64_t full_total_bytes;  /* the guest's total with an empty balloon; 0: not seen */
    enum policy_mode mode;
    enum policy_drift drift;
    int64_t drift_ms;
    uint64_t drift_bytes; /* how far from the target it was found */
};

enum policy_zone {
    POLICY_GREEN, /* nobody shrinks but for somebody who needs it */
    POLICY_SOFT,  /* the host gets short: what is above demand comes back */
    POLICY_HARD,  /* faster, and spare machines down to their floors */
    POLICY_LOW,   /* nothing new may start; everything within the guarantees comes back */
};

/* The same for the host. All zero is the start. */
struct policy_host_memory {
    enum policy_zone zone;
    int64_t zone_ms; /* since when */
    int64_t now_ms;
    /* What was not given in the last period: of all demand, of what machines cannot do without, and
     * of what they suffer without. */
    uint64_t short_bytes;
    uint64_t lacking_bytes;
    uint64_t suffering_bytes;
    uint64_t squeezed;  /* how much smaller margins are because of it, in 65536ths, */
    uint64_t lent;      /* and the slush fund */
    uint64_t own_bytes; /* what the host needs beside the machines' RAM, averaged over seconds */
};

/* ---- what is decided ---- */

/* Why a machine may not shrink now. Each is one safety rule. */
enum policy_hold {
    POLICY_HOLD_NONE,
    POLICY_HOLD_GUARANTEED,
    POLICY_HOLD_UNMANAGED,     /* it is only shown */
    POLICY_HOLD_DISABLED,      /* its owner switched ballooning off */
    POLICY_HOLD_UNRECLAIMABLE, /* see policy_sample.unreclaimable */
    POLICY_HOLD_NO_DRIVER,
    POLICY_HOLD_NO_STATS, /* none ever, or without what is available */
    POLICY_HOLD_STALE,    /* the last ones are too old */
    POLICY_HOLD_LIES,     /* they cannot be true */
    POLICY_HOLD_RESET,    /* it starts: its maximum is booked until it is stable */
    POLICY_HOLD_NEW,      /* just found: its size is not steady yet */
    POLICY_HOLD_PAUSED,
    POLICY_HOLD_MIGRATING,
    POLICY_HOLD_STALLED,   /* it did not give what it was asked for */
    POLICY_HOLD_PEAK,      /* it had a peak a moment ago */
    POLICY_HOLD_REVERSALS, /* it went up and down too often */
    POLICY_HOLD_SUFFERS,   /* it swaps, stalls or kills */
    POLICY_HOLD_FOREIGN,   /* somebody else controls it */
    POLICY_HOLD_BEHIND,    /* it is smaller than its target, and does not grow */
    POLICY_HOLD_MOVING,    /* the last step has not arrived yet */
    POLICY_HOLD_FLOOR,     /* it is at its minimum, use and floor, or largest balloon already */
};

/* Why its target is what it is. */
enum policy_reason {
    POLICY_KEEP,           /* nothing asks for a change */
    POLICY_KEEP_SMALL,     /* the change would be inside the dead band */
    POLICY_KEEP_HELD,      /* it would give memory, but must not: see hold */
    POLICY_KEEP_NO_MEMORY, /* it would get memory, but none has arrived */
    POLICY_GROW_PINNED,    /* guaranteed, disabled or starting: its maximum */
    POLICY_GROW_BELOW_MINIMUM,
    POLICY_GROW_DEMAND,     /* paid from what has arrived */
    POLICY_GROW_PEAK,       /* paid from the slush fund, at once */
    POLICY_GROW_SURPLUS,    /* nobody needs it more */
    POLICY_GROW_STALLED,    /* it could not give so much: the target follows what it has */
    POLICY_GROW_DRIFT,      /* it took memory by itself: the target follows */
    POLICY_SHRINK_FOR_PEAK, /* others need it */
    POLICY_SHRINK_RESERVATION,
    POLICY_SHRINK_COMMITTED, /* sizes add up to more than the host has */
    POLICY_SHRINK_ZONE,      /* the host is short */
    POLICY_SHRINK_SLUSH,     /* the slush fund is refilled */
    POLICY_SHRINK_MAXIMUM,   /* it has more than its maximum */
};

struct policy_decision {
    bool set_target; /* send target_bytes; else it is what was asked for before */
    bool repeat;     /* it is sent although it is what was asked for before: see target.c */
    uint64_t target_bytes;
    uint64_t before_bytes; /* the target in force until then */
    enum policy_reason reason;
    enum policy_hold hold;
    int64_t hold_until_ms;      /* 0: not a matter of time */
    uint64_t used_bytes;        /* of its size, now; POLICY_MISSING where nothing is told */
    uint64_t demand_bytes;      /* the size it should have */
    uint64_t want_bytes;        /* the size that the distribution gives it */
    uint64_t margin_bytes;      /* of its size, what shall stay available */
    uint64_t floor_bytes;       /* it would not be made smaller than this */
    uint64_t short_bytes;       /* demand that could not be granted yet */
    uint64_t step_bytes;        /* the most it may shrink this time */
    uint64_t behind_bytes;      /* so far it is from its target and comes no nearer; 0: it does */
    uint64_t below_bytes;       /* so much it has less than it was promised */
    struct books_machine books; /* its entry in the books */
};

/* Room for intermediate results. What is in it means nothing between calls. */
struct policy_scratch {
    uint64_t weight; /* for filling: see fill.c */
    uint64_t offset_bytes;
    uint64_t cap_bytes;
    uint64_t full_level; /* from here on the share is the cap */
    uint64_t share_bytes;
    uint64_t need_bytes;   /* of its demand, what it cannot do without: use and margin, */
    uint64_t urgent_bytes; /* and what it suffers without: the boost, or will in a moment */
    uint64_t goal_bytes;   /* the size that it may grow to, */
    uint64_t ask_bytes;    /* and what of it is to be paid now; or could be given */
    uint64_t ram_bytes;    /* the sample's, made sure to be possible */
    uint64_t actual_bytes; /* the same, at most its RAM */
    uint64_t level_bytes;  /* what the host has not got back: the size or the resident memory */
    uint64_t band_bytes;   /* its dead band */
    bool lies;             /* its statistics cannot be true */
    bool told;             /* they may be relied on: told, possible and not too old */
    bool still;            /* it gets no command at all */
    bool fixed;            /* nothing is known of its demand: it keeps what it has */
    bool awaited;          /* all its memory is back, and whether a driver is there will show */
    bool resend;           /* its target is to be sent, whether or not it is another */
};

/* One machine. The caller fills in the first part before each call, keeps `memory`, and reads
 * `decision` after it. */
struct policy_machine {
    uint32_t id; /* unique, and the array is sorted by it: the order among equals */
    enum policy_class class;
    bool enabled;   /* ballooning is allowed */
    bool unmanaged; /* it is only shown: it gets no command, and may take all its RAM at any time;
                     * then it is not enabled either */
    uint32_t weight;
    uint64_t min_bytes; /* guaranteed; at most max_bytes */
    uint64_t max_bytes; /* its RAM, or what it is limited to: one that has more comes down to it */
    struct policy_sample sample;
    struct policy_memory memory;
    struct policy_decision decision;
    struct policy_scratch scratch;
};

/* The whole, as the numbers stood before this period's moves. */
struct policy_plan {
    enum policy_zone zone;
    uint64_t lendable_bytes; /* booked for machines that start, not in use: for urgent needs */
    uint64_t asked_bytes;    /* demand above the present sizes */
    uint64_t short_bytes;    /* of it, what could not be granted this time */
    uint64_t granted_bytes;
    uint64_t coming_bytes; /* asked of machines before and on its way */
    uint64_t taken_bytes;  /* asked of machines now */
    bool admit;            /* new machines and reservations may come (not in the low zone) */
    struct books_host books;
};

/* ---- functions ---- */

/* The settings that docs/BALLAST.md documents as the default. */
void policy_settings_default(struct policy_settings *settings);

/* Says what is wrong with settings, as one sentence without a full stop, or NULL. */
const char *policy_settings_fault(const struct policy_settings *settings);

/* Reserve and slush fund for a host of this size, where the settings leave them open. */
uint64_t policy_reserve(const struct policy_settings *settings, uint64_t total_bytes);
uint64_t policy_slush(const struct policy_settings *settings, uint64_t total_bytes);

/* One period. Writes memory and decision of each machine, and *plan. Settings must have no fault;
 * machines must be sorted by id with min <= max <= POLICY_BYTES_MAX, max above 0 and weights from 1
 * on, and now_ms be above 0 (asserted). Samples and host may hold anything. Never fails.
 *
 * The target in force is the sample's commanded_bytes, as long as nothing happened that could have
 * set another one; from then on a target is sent until commands_taken shows that one was accepted.
 * A command that was not accepted is derived anew the next time, nothing else remembers it. */
void policy_decide(const struct policy_settings *settings, const struct policy_host *host,
                   struct policy_host_memory *host_memory, struct policy_machine *machines,
                   size_t count, int64_t now_ms, struct policy_plan *plan);

/* Ends a foreign manager's control of a machine: from the next call on the policy has it again,
 * with the size that it has then. */
void policy_adopt(struct policy_memory *memory);
