/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Water filling: one level for all, from which weights, offsets and caps make shares. The sum of
 * the shares rises with the level and is made of straight pieces, so the level is found by going
 * along the piece at hand to where it would meet the budget; each such step also narrows an
 * interval, which is halved when a step leaves it or every fourth time, so that the number of steps
 * is bounded whatever the numbers are. Few are needed: most pieces are long.
 *
 * The remainder, some bytes for each machine, is left over: a page is larger.
 */
#include <assert.h>

#include "tools/ballast/policy/policy_internal.h"

/* A level has this many fraction bits; weights have 16 bits, caps and offsets at most 52. */
#define LEVEL_BITS 8U

__extension__ typedef unsigned __int128 wide;

struct fill_sum {
    wide share;      /* of all machines, at a level */
    uint64_t weight; /* of those whose share rises there */
};

/* Below the full level, weight * level is at most (cap + offset + weight) << LEVEL_BITS and fits;
 * at it, with another machine's level, it might not. */
static inline uint64_t share_at(const struct policy_scratch *part, uint64_t level)
{
    if (level >= part->full_level) {
        return part->cap_bytes;
    }
    const uint64_t water = (part->weight * level) >> LEVEL_BITS;
    return policy_min(policy_less(water, part->offset_bytes), part->cap_bytes);
}

static struct fill_sum sum_at(const struct policy_machine *machines, size_t count, uint64_t level)
{
    struct fill_sum sum = { 0, 0 };
    for (size_t i = 0; i < count; i++) {
        const struct policy_scratch *part = &machines[i].scratch;
        if (part->cap_bytes != 0) {
            const uint64_t share = share_at(part, level);
            sum.share += share;
            sum.weight += share < part->cap_bytes && share != 0 ? part->weight : 0;
        }
    }
    return sum;
}

/* The level to try next, strictly between low and high. */
static uint64_t next_level(uint64_t low, uint64_t high, uint64_t level, struct fill_sum sum,
                           uint64_t budget, bool halve)
{
    const uint64_t middle = low + (high - low) / 2;
    const wide gap = sum.share > budget ? sum.share - budget : budget - sum.share;
    if (halve || sum.weight == 0 || gap >> (63 - LEVEL_BITS) != 0) {
        return middle;
    }
    const uint64_t step = ((uint64_t)gap << LEVEL_BITS) / sum.weight;
    if (sum.share > budget) {
        /* One further down, for what division dropped. */
        return level - low > step + 1 ? level - step - 1 : middle;
    }
    return step != 0 && high - level > step ? level + step : middle;
}

static uint64_t fill_level(const struct policy_machine *machines, size_t count, uint64_t budget,
                           uint64_t level, uint64_t high)
{
    uint64_t low = 0; /* its shares fit, and those of `high` do not */
    for (unsigned turn = 1; high - low > 1; turn++) {
        if (level <= low || level >= high) {
            level = low + (high - low) / 2;
        }
        const struct fill_sum sum = sum_at(machines, count, level);
        if (sum.share > budget) {
            high = level;
        } else {
            low = level;
            /* As near as the fraction bits get. */
            if (sum.weight != 0 && (budget - sum.share) << LEVEL_BITS < sum.weight) {
                break;
            }
        }
        level = next_level(low, high, level, sum, budget, turn % 4 == 0);
    }
    return low;
}

uint64_t policy_fill(struct policy_machine *machines, size_t count, uint64_t budget)
{
    wide caps = 0;
    wide offsets = 0;
    uint64_t weights = 0;
    uint64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        struct policy_scratch *part = &machines[i].scratch;
        part->share_bytes = part->cap_bytes;
        if (part->cap_bytes != 0) {
            assert(part->weight >= 1 && part->weight <= UINT16_MAX);
            caps += part->cap_bytes;
            offsets += part->offset_bytes;
            weights += part->weight;
            const uint64_t full = (part->cap_bytes + part->offset_bytes) / part->weight + 1;
            part->full_level = full << LEVEL_BITS;
            high = policy_max(high, part->full_level);
        }
    }
    if (caps <= budget) {
        return (uint64_t)caps;
    }
    /* As if no cap and no offset were in the way. */
    const wide first = ((offsets + budget) << LEVEL_BITS) / weights;
    const uint64_t level =
        fill_level(machines, count, budget, first < high ? (uint64_t)first : high, high);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct policy_scratch *part = &machines[i].scratch;
        part->share_bytes = part->cap_bytes == 0 ? 0 : share_at(part, level);
        sum += part->share_bytes;
    }
    assert(sum <= budget);
    return sum;
}
