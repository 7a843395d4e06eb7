/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Starts the page-frame allocator over memory that does not exist, for unit tests; and wraps the
 * functions that can fail, for tests in which they must not. A failure is a panic. */

#include <stdbool.h>
#include <stddef.h>

#include "mm/frame.h"

/* What the metadata is filled with before the start. */
#define FIXTURE_GARBAGE       0xA5
#define FIXTURE_FRAMES(bytes) ((pfn_t)((bytes) >> FRAME_SHIFT))

extern unsigned char *fixture_metadata;
extern size_t fixture_metadata_bytes;

/* Replaces the metadata and calls frame_init. The ranges must outlive the test. */
err_t fixture_start_ranges(const struct frame_range *ranges, unsigned count, bool warm);

/* Memory of `blocks` whole blocks that begins at block 1. */
void fixture_start(unsigned blocks, bool warm);

/* Frees the metadata; has the shape of a cmocka teardown. */
int fixture_stop(void **state);

/* frame_stats, with the sum of its numbers checked. */
struct frame_stats fixture_stats(void);

pfn_t fixture_alloc_order(unsigned order);
pfn_t fixture_alloc_run(pfn_t count);

/* Takes at most `max` frames and demands that they are [first, first + count). */
void fixture_assert_take(pfn_t max, pfn_t first, pfn_t count);
