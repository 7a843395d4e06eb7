/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of page frames for mallocng. Memory is mapped one to one, so a run of frames is a mapping.
 * What a fresh frame contains is undefined; mallocng counts on zeroes where it keeps the marks of
 * blocks, so a group of blocks is zeroed as a whole: any 16 bytes of it may begin a block. A run
 * for a single block has marks at both ends only.
 */

#include "libc/heap/heap_map.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/memory.h"

#include "mm/frame.h"

/* mallocng's unit: the head of a run, and the marks behind its last block. */
#define MARK_BYTES 16U

struct heap_map_counts heap_map_counts;

static bool raw_run;
/* What a failed call wanted, in frames, and the run that was gathered for it. */
static size_t missing;
static pfn_t gathered;
static pfn_t gathered_count;

static unsigned char *run_view(pfn_t first)
{
    return (unsigned char *)(uintptr_t)frame_address(first);
}

static pfn_t run_pfn(const void *run)
{
    ASSERT((uintptr_t)run % FRAME_SIZE == 0);
    return pfn_of((uintptr_t)run);
}

static size_t frames_of(size_t bytes)
{
    return (bytes >> FRAME_SHIFT) + (bytes % FRAME_SIZE != 0);
}

static unsigned char *take(size_t count)
{
    pfn_t first;

    ASSERT(count > 0);
    if (count == gathered_count) {
        gathered_count = 0;
        return run_view(gathered);
    }
    if (count >= PFN_NONE || frame_try_run((pfn_t)count, &first) != OK) {
        missing = count;
        errno = ENOMEM;
        return NULL;
    }
    return run_view(first);
}

void heap_map_begin(bool raw)
{
    raw_run = raw;
    missing = 0;
}

bool heap_map_failed(void)
{
    return missing > 0;
}

void *heap_map(size_t bytes)
{
    size_t count = frames_of(bytes);
    unsigned char *run = take(count);

    if (run == NULL) {
        return MAP_FAILED;
    }
    if (raw_run) {
        memset(run, 0, MARK_BYTES);
        memset(run + count * FRAME_SIZE - MARK_BYTES, 0, MARK_BYTES);
    } else {
        memset(run, 0, count * FRAME_SIZE);
    }
    heap_map_counts.frames += count;
    return run;
}

void *heap_map_meta(size_t *shift)
{
    unsigned char *frame = take(1);

    ASSERT(*shift == 0);
    if (frame == NULL) {
        return MAP_FAILED;
    }
    *shift = SIZE_MAX;
    memset(frame, 0, FRAME_SIZE);
    heap_map_counts.meta_frames++;
    return frame - FRAME_SIZE;
}

void heap_unmap(void *run, size_t bytes)
{
    size_t count = frames_of(bytes);

    ASSERT(count <= heap_map_counts.frames);
    heap_map_counts.frames -= count;
    frame_free_run(run_pfn(run), (pfn_t)count);
}

void heap_unmap_meta(void *frame)
{
    ASSERT(heap_map_counts.meta_frames > 0);
    heap_map_counts.meta_frames--;
    frame_free(run_pfn(frame));
}

void *heap_remap(void *run, size_t old_bytes, size_t new_bytes)
{
    ASSERT(old_bytes % FRAME_SIZE == 0);
    ASSERT(new_bytes % FRAME_SIZE == 0);
    if (new_bytes > old_bytes) {
        return MAP_FAILED;
    }
    if (new_bytes < old_bytes) {
        heap_unmap((unsigned char *)run + new_bytes, old_bytes - new_bytes);
    }
    return run;
}

err_t heap_map_gather(void)
{
    err_t err = ERR_NOMEM;

    ASSERT(missing > 0);
    heap_map_settle();
    if (missing < PFN_NONE) {
        /* Whoever is asked may come back here by freeing blocks: nothing is half done. */
        pfn_t wanted = (pfn_t)missing;
        pfn_t first;

        err = frame_alloc_run(wanted, &first);
        if (err == OK) {
            heap_map_settle();
            gathered = first;
            gathered_count = wanted;
        }
    }
    return err;
}

void heap_map_settle(void)
{
    if (gathered_count > 0) {
        pfn_t count = gathered_count;

        gathered_count = 0;
        frame_free_run(gathered, count);
    }
}
