/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The standard's names, and newlib's reentrant ones, for the heap (libc/heap/heap.h). All that
 * newlib itself would call is here, so that its own allocator, which knows nothing but a growing
 * sbrk(), is not linked. The reentrant ones take no notice of the structure: errno is the running
 * task's anyway.
 *
 * Programs of several tasks need no lock, because no task is interrupted by another.
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/memory.h"

#include "kernel/task.h"
#include "kernel/work.h"
#include "libc/heap/heap.h"

/* An interrupt, and the work it left behind, may come in the middle of the heap. */
static void assert_place(void)
{
    ASSERT(task_is_running());
    ASSERT(!work_is_running());
}

void *malloc(size_t bytes)
{
    assert_place();
    return heap_malloc(bytes);
}

void free(void *block)
{
    assert_place();
    heap_free(block);
}

void *calloc(size_t count, size_t bytes)
{
    assert_place();
    return heap_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
    assert_place();
    return heap_realloc(block, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    assert_place();
    return heap_aligned_alloc(align, bytes);
}

void *memalign(size_t align, size_t bytes)
{
    return aligned_alloc(align, bytes);
}

/* The error is the result, and errno stays as it was. */
int posix_memalign(void **block, size_t align, size_t bytes)
{
    int saved = errno;
    void *found = NULL;
    int error = 0;

    if (align < sizeof(void *) || (align & (align - 1)) != 0) {
        return EINVAL;
    }
    found = aligned_alloc(align, bytes);
    if (found == NULL) {
        error = ENOMEM;
    } else {
        *block = found;
    }
    errno = saved;
    return error;
}

void *valloc(size_t bytes)
{
    return aligned_alloc(FRAME_SIZE, bytes);
}

size_t malloc_usable_size(void *block)
{
    assert_place();
    return heap_usable_size(block);
}

/* True when it gave something back. `keep` bytes at the end of the heap mean nothing here. */
int malloc_trim(size_t keep)
{
    struct heap_stats before;
    struct heap_stats after;

    (void)keep;
    assert_place();
    before = heap_stats();
    heap_trim();
    after = heap_stats();
    return after.frames + after.meta_frames < before.frames + before.meta_frames;
}

/* ---- newlib's own calls ---- */

void *_malloc_r(struct _reent *reent, size_t bytes)
{
    (void)reent;
    return malloc(bytes);
}

void _free_r(struct _reent *reent, void *block)
{
    (void)reent;
    free(block);
}

void *_calloc_r(struct _reent *reent, size_t count, size_t bytes)
{
    (void)reent;
    return calloc(count, bytes);
}

void *_realloc_r(struct _reent *reent, void *block, size_t bytes)
{
    (void)reent;
    return realloc(block, bytes);
}

void *_memalign_r(struct _reent *reent, size_t align, size_t bytes)
{
    (void)reent;
    return memalign(align, bytes);
}

size_t _malloc_usable_size_r(struct _reent *reent, void *block)
{
    (void)reent;
    return malloc_usable_size(block);
}
