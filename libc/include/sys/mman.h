/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Memory by the page, for programs on aerostat. Memory is mapped one to one and all of it is
 * readable and writable, so what there is to map is page frames; docs/LIBC.md, "The heap", says
 * what that means for an allocator that is built on these functions.
 */

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MAP_ANON      MAP_ANONYMOUS
#define MAP_NORESERVE 0x4000

#define MAP_FAILED ((void *)-1)

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4
#define MADV_FREE       8

/*
 * Zeroed page frames, contiguous for the host too: MAP_PRIVATE | MAP_ANONYMOUS, with PROT_READ |
 * PROT_WRITE; MAP_NORESERVE is taken and means nothing. The address is no wish that could be met.
 * They are taken from free memory at once: there is no reserving of address space.
 * EINVAL: no bytes. ENOMEM: no such run of frames. ENODEV: a file. ENOTSUP: another protection or
 * way of mapping.
 */
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);

/*
 * Gives the frames back: they are free when it returns. Any part of a mapping, or several that
 * touch, at a multiple of the page size. EINVAL, and nothing happens: not so aligned, no bytes, or
 * a frame among them is not in use (unmapped already, or no memory). Frames of somebody else are
 * not told apart from those of mmap().
 */
int munmap(void *address, size_t bytes);

/*
 * MADV_DONTNEED: the contents are zero afterwards; what is zero already is not written. The frames
 * stay taken: only munmap() gives memory back. MADV_FREE and the hints do nothing. EINVAL: another
 * advice, or as for munmap().
 */
int madvise(void *address, size_t bytes, int advice);

/* PROT_READ | PROT_WRITE is what memory has. ENOTSUP for everything else. */
int mprotect(void *address, size_t bytes, int protection);

#ifdef __cplusplus
}
#endif
