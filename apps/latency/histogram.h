/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Counts of values by size, in the way of HdrHistogram: every power of two is cut into equal parts,
 * so a value of any size is known to one part in 32, and recording costs the same for all. Smallest
 * and largest value are kept as they are. No allocation, no division while recording.
 */

#include <stdbool.h>
#include <stdint.h>

/* Parts of a power of two, as a power of two; smaller values than that are exact. */
#define HISTOGRAM_PART_BITS 5U
#define HISTOGRAM_PARTS     (1U << HISTOGRAM_PART_BITS)
#define HISTOGRAM_BUCKETS   ((64U - HISTOGRAM_PART_BITS + 1U) * HISTOGRAM_PARTS)

/* Rows of powers of two: 0 and 1, 2 and 3, 4 to 7, and so on. */
#define HISTOGRAM_ROWS 64U

/* Of histogram_quantile(): 50 % is 50000. */
#define HISTOGRAM_WHOLE 100000U

/* histogram_init() makes it empty. */
struct histogram {
    uint64_t count;
    uint64_t min; /* of no value: UINT64_MAX */
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);

/* Records in `sum` all that `more` holds. */
void histogram_add(struct histogram *sum, const struct histogram *more);

/* A value that `share` of all values, in parts of HISTOGRAM_WHOLE, do not exceed: the largest that
 * shares a bucket with the smallest such value, and never more than max. 0 when it is empty. */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t share);

/* Values in a row, which begins with histogram_row_from() and ends before the next one's. */
uint64_t histogram_row_count(const struct histogram *histogram, unsigned row);
uint64_t histogram_row_from(unsigned row);
