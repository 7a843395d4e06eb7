/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the policy's files share, and nobody else includes. A call of policy_decide() is one round,
 * whose steps run in the order of the functions here; each machine's target of this round is
 * decision.target_bytes, which starts as the target in force.
 */

#include "tools/ballast/policy/policy.h"

/* Balloons move in pages of this size, so a target that is none of its multiples is never met. */
#define POLICY_PAGE ((uint64_t)4096)
#define POLICY_MIB  ((uint64_t)1 << 20)

struct policy_round {
    const struct policy_settings *settings;
    struct policy_host host; /* with impossible values made possible */
    struct policy_host_memory *host_memory;
    struct policy_machine *machines;
    size_t count;
    int64_t now_ms;
    struct policy_plan *plan;
    uint64_t zone_need; /* to be available before the host is green again */
};

/* ---- arithmetic ---- */

static inline uint64_t policy_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t policy_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* a - b, or 0. */
static inline uint64_t policy_less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Sizes are below 2^47, so this stays in range for every part below 2^17. */
static inline uint64_t policy_part(uint64_t bytes, uint64_t part, uint64_t whole)
{
    return bytes * part / whole;
}

static inline uint64_t policy_page_down(uint64_t bytes)
{
    return bytes & ~(POLICY_PAGE - 1);
}

static inline uint64_t policy_page_up(uint64_t bytes, uint64_t max)
{
    return policy_min((bytes + POLICY_PAGE - 1) & ~(POLICY_PAGE - 1), max);
}

/* The time between two moments, within [0, most]: a clock that stands still or jumps does no harm.
 */
static inline uint64_t policy_elapsed(int64_t from_ms, int64_t to_ms, uint64_t most)
{
    return to_ms <= from_ms ? 0 : policy_min((uint64_t)to_ms - (uint64_t)from_ms, most);
}

/* The largest size that a machine can have; its maximum may be less. */
static inline uint64_t policy_ram(const struct policy_machine *machine)
{
    const uint64_t ram = machine->sample.ram_bytes;
    return ram == POLICY_MISSING
               ? machine->max_bytes
               : policy_max(machine->max_bytes, policy_min(ram, POLICY_BYTES_MAX));
}

/* Its minimum, or what the largest balloon leaves if that is more. */
static inline uint64_t policy_least(const struct policy_settings *settings,
                                    const struct policy_machine *machine)
{
    const uint64_t max = machine->max_bytes;
    return policy_max(max - policy_part(max, settings->balloon_max_percent, 100),
                      machine->min_bytes);
}

/* ---- books.c ---- */

/* The host's entry in the plan: what is known before machines are looked at; what follows from
 * their sums. */
void policy_books_begin(struct policy_round *round);
void policy_books_close(struct policy_round *round);
/* A machine's entry, in its decision. Everything else in it must be there, but for moves. */
void policy_books_enter(struct policy_round *round, struct policy_machine *machine);

/* ---- policy.c ---- */

/* A host with impossible values made possible. */
struct policy_host policy_host_checked(const struct policy_host *host);

/* ---- zone.c ---- */

/* The host's zone by available memory and pressure, with hysteresis, and zone_need. */
void policy_zone_update(struct policy_round *round);

/* ---- strait.c ---- */

/* What of margins and fund is given up, by what the last round could not serve; takes the fund's
 * part off the plan's. */
void policy_strait_update(struct policy_round *round);
/* What is left of a margin. */
uint64_t policy_margin_left(const struct policy_round *round, uint64_t margin);
/* Margins have yielded, and somebody still lacks what it cannot do without. */
bool policy_strait_is_dire(const struct policy_round *round);

/* ---- watch.c, target.c, drift.c, demand.c, hold.c: one machine ---- */

/* What can be said about a machine without the others: everything in its decision but want_bytes,
 * short_bytes and moves for demand; and its part in the round's sums. */
void policy_watch(struct policy_round *round, struct policy_machine *machine);

/* Finds out whether the target that was accepted last may have become another. */
void policy_target_watch(const struct policy_round *round, struct policy_machine *machine);
/* The target in force, as far as that is known: the last command that was accepted, or without one
 * the size at which it was found. */
uint64_t policy_target_in_force(const struct policy_machine *machine);
/* Another target than ours may be in force: ours is sent again. */
void policy_target_doubt(struct policy_memory *memory);
/* A size that does not follow its target, or is below what was promised; may ask for the target to
 * be sent again. */
void policy_target_compare(const struct policy_round *round, struct policy_machine *machine);
/* So near its target a size has met it. */
uint64_t policy_near(const struct policy_machine *machine);
/* It always has its maximum because of what was promised, and not because of what it is. */
bool policy_is_promised_all(const struct policy_machine *machine);

/* A size that somebody else has moved; may set target and reason. */
void policy_drift_watch(const struct policy_round *round, struct policy_machine *machine);
/* A guest that does not give what it was asked for; may set target and reason. */
void policy_stall_watch(const struct policy_round *round, struct policy_machine *machine,
                        uint64_t elapsed_ms);

/* Whether the sample's statistics can be true and relied on, into the scratch's lies and told. */
void policy_stats_judge(const struct policy_round *round, struct policy_machine *machine);
/* Reads the statistics into used_bytes and demand_bytes. */
void policy_demand_update(const struct policy_round *round, struct policy_machine *machine,
                          uint64_t elapsed_ms);

/* Whether it always has its maximum, whatever it uses. */
bool policy_is_pinned(const struct policy_machine *machine);
/* Whether it has a balloon that could be told anything. */
bool policy_has_balloon(const struct policy_machine *machine);
/* Why it may not shrink, how far it may, and how far in this round. */
void policy_hold_update(const struct policy_round *round, struct policy_machine *machine,
                        uint64_t elapsed_ms);
/* A peak was paid, or taken: no inflation for a while. */
void policy_peak_note(const struct policy_settings *settings, struct policy_memory *memory,
                      int64_t now_ms);
/* A stall or a peak: no inflation before `until_ms`, if that is later than what is in force. */
void policy_hold_until(struct policy_memory *memory, enum policy_hold why, int64_t until_ms);

/* ---- fill.c ---- */

/* Divides a budget: share = weight * level - offset, within [0, cap], with the highest level at
 * which the shares fit. Machines with a cap of 0 take no part. Returns the sum of the shares, which
 * is less than the budget by some bytes for each machine at most, where the caps leave room for it.
 */
uint64_t policy_fill(struct policy_machine *machines, size_t count, uint64_t budget);

/* ---- share.c, grant.c, maximum.c, reclaim.c: all machines ---- */

/* In which order demand is served; each tier includes those before it. */
enum policy_tier {
    POLICY_TIER_NEED,   /* what a guest cannot do without: its use and margin */
    POLICY_TIER_URGENT, /* what it suffers without: the boost */
    POLICY_TIER_DEMAND, /* and the buffer */
};

/* The size up to which a machine takes in a tier. */
static inline uint64_t policy_tier_upto(const struct policy_machine *machine, enum policy_tier tier)
{
    return tier == POLICY_TIER_NEED     ? machine->scratch.need_bytes
           : tier == POLICY_TIER_URGENT ? machine->scratch.urgent_bytes
                                        : machine->decision.demand_bytes;
}

/* want_bytes of each machine. */
void policy_share(struct policy_round *round);
/* Targets that rise. Returns demand that could not be paid. */
uint64_t policy_grant(struct policy_round *round);
/* Targets above a maximum, which fall whether or not anybody needs the memory. */
void policy_maximum_enforce(struct policy_round *round);
/* Targets that fall, because of `unmet` demand or because the host has not enough. */
void policy_reclaim(struct policy_round *round, uint64_t unmet);
