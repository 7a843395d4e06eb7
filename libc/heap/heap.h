/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The heap: malloc's work under names of its own, so that host tests can have it beside the host's
 * (libc/malloc.c gives it the standard's). musl's mallocng cuts the blocks; every group of blocks
 * and every block from HEAP_OWN_RUN_BYTES on is a run of page frames, which goes back to the frame
 * allocator, and so to the host, when its last block is freed.
 *
 * Callable from tasks only: never from an interrupt or marked work. A pressure source that is asked
 * in PRESSURE_TASK or PRESSURE_ALLOC may call everything here, also when the heap itself has asked.
 *
 * A failed allocation returns null and sets errno to ENOMEM; before that the heap gives back what
 * it keeps for itself, and the pressure sources and the balloon are asked. A block that is freed
 * twice, was never allocated, or was written past its end, is a panic: at the latest when it is
 * freed or resized.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * From this size on a block is a run of frames of its own. A smaller one shares a group with up to
 * 31 others, of which each keeps the whole group. It is the first size for which mallocng would
 * take slots of more than 9344 bytes, so that 4 and 8 KiB, which are asked for often, are not
 * rounded up to whole frames. Chosen by measurement: docs/LIBC.md, "The heap".
 */
#define HEAP_OWN_RUN_BYTES 9341U

/* Aligned to 16 bytes. Of 0 bytes: a block of its own all the same. */
void *heap_malloc(size_t bytes);

/* Null: nothing happens. */
void heap_free(void *block);

/* All bytes are zero. ENOMEM when count * bytes does not fit a size_t. */
void *heap_calloc(size_t count, size_t bytes);

/* On failure the old block stays as it was. */
void *heap_realloc(void *block, size_t bytes);

/* Any power of two; errno is EINVAL otherwise. */
void *heap_aligned_alloc(size_t align, size_t bytes);

/* Bytes that may be used: those asked for. 0 for null. */
size_t heap_usable_size(void *block);

/* Gives back groups without a block and unused bookkeeping. The heap does this by itself when it
 * has shrunk to half, has no block any more, or finds no memory. */
void heap_trim(void);

struct heap_stats {
    size_t blocks;      /* allocated and not freed */
    size_t frames;      /* held for blocks */
    size_t meta_frames; /* held for bookkeeping */
};

struct heap_stats heap_stats(void);
