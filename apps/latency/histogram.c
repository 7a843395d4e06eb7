/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buckets lie in the order of their values. The first HISTOGRAM_PARTS hold one value each; behind
 * them every power of two has HISTOGRAM_PARTS buckets, told apart by the bits that follow the
 * highest one. So the highest bits of a value, with its exponent in front, are its index.
 *
 * Invariant: count is the sum of all buckets, and min and max lie in the first and the last that is
 * not empty.
 */

#include "apps/latency/histogram.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"

static unsigned highest_bit(uint64_t value)
{
    ASSERT(value != 0);
    return 63U - (unsigned)__builtin_clzll(value);
}

static unsigned index_of(uint64_t value)
{
    if (value < HISTOGRAM_PARTS) {
        return (unsigned)value;
    }
    unsigned shift = highest_bit(value) - HISTOGRAM_PART_BITS;

    return shift * HISTOGRAM_PARTS + (unsigned)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t last_of(unsigned index)
{
    if (index < 2 * HISTOGRAM_PARTS) {
        return index;
    }
    unsigned shift = index / HISTOGRAM_PARTS - 1;
    uint64_t top = index % HISTOGRAM_PARTS + HISTOGRAM_PARTS;

    return (top << shift) + ((UINT64_C(1) << shift) - 1);
}

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->min = UINT64_MAX;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    unsigned index = index_of(value);

    ASSERT(index < HISTOGRAM_BUCKETS);
    histogram->buckets[index]++;
    histogram->count++;
    histogram->min = value < histogram->min ? value : histogram->min;
    histogram->max = value > histogram->max ? value : histogram->max;
}

void histogram_add(struct histogram *sum, const struct histogram *more)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum->buckets[i] += more->buckets[i];
    }
    sum->count += more->count;
    sum->min = more->min < sum->min ? more->min : sum->min;
    sum->max = more->max > sum->max ? more->max : sum->max;
}

/* How many values `share` is, rounded up; without an overflow for any count. */
static uint64_t rank_of(uint64_t count, uint32_t share)
{
    uint64_t whole = count / HISTOGRAM_WHOLE * share;
    uint64_t rest = count % HISTOGRAM_WHOLE * share;

    return whole + (rest + HISTOGRAM_WHOLE - 1) / HISTOGRAM_WHOLE;
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t share)
{
    uint64_t rank = rank_of(histogram->count, share);
    uint64_t seen = 0;

    ASSERT(share <= HISTOGRAM_WHOLE);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && histogram->count != 0; i++) {
        seen += histogram->buckets[i];
        if (seen != 0 && seen >= rank) {
            return last_of(i) < histogram->max ? last_of(i) : histogram->max;
        }
    }
    return 0;
}

uint64_t histogram_row_from(unsigned row)
{
    ASSERT(row < HISTOGRAM_ROWS);
    return row == 0 ? 0 : UINT64_C(1) << row;
}

uint64_t histogram_row_count(const struct histogram *histogram, unsigned row)
{
    unsigned from = index_of(histogram_row_from(row));
    unsigned end =
        row + 1 < HISTOGRAM_ROWS ? index_of(histogram_row_from(row + 1)) : HISTOGRAM_BUCKETS;
    uint64_t count = 0;

    for (unsigned i = from; i < end; i++) {
        count += histogram->buckets[i];
    }
    return count;
}
