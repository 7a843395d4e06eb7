/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What lies under mallocng instead of mmap(): runs of page frames, private to the heap. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct heap_map_counts {
    size_t frames;      /* in runs that are mapped */
    size_t meta_frames; /* in frames of bookkeeping */
};

extern struct heap_map_counts heap_map_counts;

/* Before every call of mallocng. `raw`: a run that it maps is for one large block, of which nobody
 * expects zeroes, so only what mallocng reads of it is zeroed. */
void heap_map_begin(bool raw);

/* No frames were found since heap_map_begin(). */
bool heap_map_failed(void);

/* A run for `bytes`, rounded up to frames; MAP_FAILED with ENOMEM. Asks nobody for memory: mallocng
 * is in the middle of something, and whoever is asked may free blocks. */
void *heap_map(size_t bytes);

/*
 * A zeroed frame for bookkeeping, or MAP_FAILED. mallocng asks for 2 << *shift frames, the first of
 * them a guard that nobody touches, and then steps the shift. The guard is not there: the result is
 * one frame below what was allocated. And the shift is set so that the step makes it zero again,
 * for one frame each time: frames that only wait would be the host's loss.
 */
void *heap_map_meta(size_t *shift);

void heap_unmap(void *run, size_t bytes);
void heap_unmap_meta(void *frame);

/* Shrinks in place. To grow is MAP_FAILED: mallocng copies the block then. */
void *heap_remap(void *run, size_t old_bytes, size_t new_bytes);

/* For a caller outside of mallocng, after heap_map_failed(): gets the run that was not found, by
 * all means, and keeps it for the next call. ERR_NOMEM: there is none. */
MUST_USE err_t heap_map_gather(void);

/* Gives back what was gathered and not used. */
void heap_map_settle(void);
