/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls about memory (sys/mman.h, unistd.h): page frames by mmap(), numbers by
 * sysconf(). The heap is not built on these; it has its own way to the frame allocator
 * (libc/heap/heap_map.c). sbrk() is refused: there is no room behind the program that is not the
 * frame allocator's, and nobody needs it, because newlib's own malloc is not linked.
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

#include "mm/frame.h"

static int refuse(int error)
{
    errno = error;
    return -1;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    size_t count = bytes / FRAME_SIZE + (bytes % FRAME_SIZE != 0);
    int error = 0;
    pfn_t first = 0;
    void *mapping;

    (void)address;
    (void)file;
    (void)offset;
    if (bytes == 0) {
        error = EINVAL;
    } else if ((flags & MAP_ANONYMOUS) == 0) {
        error = ENODEV;
    } else if ((flags & ~MAP_NORESERVE) != (MAP_PRIVATE | MAP_ANONYMOUS) ||
               protection != (PROT_READ | PROT_WRITE)) {
        error = ENOTSUP;
    } else if (count >= PFN_NONE || frame_alloc_run((pfn_t)count, &first) != OK) {
        error = ENOMEM;
    }
    if (error != 0) {
        errno = error;
        return MAP_FAILED;
    }
    mapping = (void *)(uintptr_t)frame_address(first);
    /* Written even where it reads as zero: what a host was told is free holds anything until the
     * next write, and after a migration perhaps something else. */
    memset(mapping, 0, count * FRAME_SIZE);
    return mapping;
}

/* The frames of a range that begins at one, if each is in use. */
static bool used_frames(const void *address, size_t bytes, pfn_t *first, pfn_t *count)
{
    uintptr_t start = (uintptr_t)address;
    size_t frames = bytes / FRAME_SIZE + (bytes % FRAME_SIZE != 0);

    if (start % FRAME_SIZE != 0 || frames == 0 || start >> FRAME_SHIFT >= PFN_NONE ||
        frames >= PFN_NONE - (start >> FRAME_SHIFT)) {
        return false;
    }
    *first = pfn_of(start);
    *count = (pfn_t)frames;
    for (pfn_t i = 0; i < *count; i++) {
        if (frame_state(*first + i) != FRAME_IN_USE) {
            return false;
        }
    }
    return true;
}

int munmap(void *address, size_t bytes)
{
    pfn_t first;
    pfn_t count;

    if (!used_frames(address, bytes, &first, &count)) {
        return refuse(EINVAL);
    }
    frame_free_run(first, count);
    return 0;
}

#define FRAME_WORDS (FRAME_SIZE / sizeof(uint64_t))

static bool is_zero(const uint64_t *words)
{
    uint64_t found = 0;

    for (size_t i = 0; i < FRAME_WORDS && found == 0; i += 8) {
        found = words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] |
                words[i + 5] | words[i + 6] | words[i + 7];
    }
    return found == 0;
}

/* Frames in use that are zero are not written: what was not written needs no memory of a host that
 * looks for equal pages, and is not sent again by one that migrates. */
static void clear(void *frames, size_t count)
{
    for (uint64_t *words = frames; count > 0; count--, words += FRAME_WORDS) {
        if (!is_zero(words)) {
            memset(words, 0, FRAME_SIZE);
        }
    }
}

int madvise(void *address, size_t bytes, int advice)
{
    pfn_t first;
    pfn_t count;

    if (!used_frames(address, bytes, &first, &count)) {
        return refuse(EINVAL);
    }
    switch (advice) {
    case MADV_DONTNEED:
        clear(address, count);
        return 0;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_FREE:
        return 0;
    default:
        return refuse(EINVAL);
    }
}

int mprotect(void *address, size_t bytes, int protection)
{
    (void)address;
    (void)bytes;
    return protection == (PROT_READ | PROT_WRITE) ? 0 : refuse(ENOTSUP);
}

void *sbrk(ptrdiff_t increment)
{
    (void)increment;
    errno = ENOMEM;
    return (void *)-1;
}

int getpagesize(void)
{
    return (int)FRAME_SIZE;
}

long sysconf(int name)
{
    struct frame_stats stats;

    switch (name) {
    case _SC_PAGESIZE:
        return (long)FRAME_SIZE;
    case _SC_PHYS_PAGES:
        frame_stats(&stats);
        return (long)(stats.total - stats.away);
    case _SC_AVPHYS_PAGES:
        return (long)frame_free_count();
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return 1;
    default:
        return refuse(EINVAL);
    }
}
