/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The surroundings of musl's mallocng. Its meta.h includes a "glue.h" from beside it; this one has
 * the same include guard (the one reason for its name), so whoever includes this file first has
 * replaced that one, and the package's sources are used from where they were unpacked, unchanged.
 *
 * There is one processor, tasks are cooperative and interrupts do not allocate, so there are no
 * locks and the atomics are ordinary accesses.
 */
#ifndef MALLOC_GLUE_H
#define MALLOC_GLUE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"

#include "libc/heap/heap_map.h"

/* ---- names: nothing of it is visible under the standard's ---- */

#define malloc             heap_ng_malloc
#define free               heap_ng_free
#define realloc            heap_ng_realloc
#define aligned_alloc      heap_ng_aligned_alloc
#define malloc_usable_size heap_ng_usable_size
#define size_classes       heap_ng_size_classes
#define ctx                heap_ng_context
#define alloc_meta         heap_ng_alloc_meta
#define is_allzero         heap_ng_is_allzero

void *heap_ng_malloc(size_t bytes);
void heap_ng_free(void *block);
void *heap_ng_realloc(void *block, size_t bytes);
void *heap_ng_aligned_alloc(size_t align, size_t bytes);
size_t heap_ng_usable_size(void *block);

/* ---- a failed check ---- */

_Noreturn void heap_damaged(const char *function, int line);

#undef assert
#define assert(cond) ((cond) ? (void)0 : heap_damaged(__func__, __LINE__))

/* ---- memory ---- */

#define PAGESIZE ((size_t)FRAME_SIZE)

/* Only bookkeeping is asked for without access. */
#define mmap(at, bytes, access, flags, file, offset)                                               \
    ((access) == PROT_NONE ? heap_map_meta(&ctx.meta_alloc_shift) : heap_map(bytes))
#define munmap(run, bytes)                     heap_unmap(run, bytes)
#define mremap(run, old_bytes, bytes, options) heap_remap(run, old_bytes, bytes)
#define mprotect(run, bytes, access)           0
/* Says that the frames inside a freed block of a living group are not needed. They cannot go back:
 * the block would have nothing at its address when it is used again. */
#define madvise(run, bytes, advice) ((void)(run))
/* Refused: the address space behind the program is the frame allocator's. */
#define brk(end) ((void)(end), (uintptr_t)0)

/* ---- one processor ---- */

#define MT                    0
#define RDLOCK_IS_EXCLUSIVE   1
#define LOCK_OBJ_DEF          _Static_assert(1, "no lock")
#define DISABLE_ALIGNED_ALLOC 0

static inline void rdlock(void)
{
}

static inline void wrlock(void)
{
}

static inline void upgradelock(void)
{
}

static inline void unlock(void)
{
}

static inline int a_cas(volatile int *word, int expected, int wanted)
{
    int old = *word;

    if (old == expected) {
        *word = wanted;
    }
    return old;
}

static inline void a_or(volatile int *word, int bits)
{
    *word |= bits;
}

static inline int a_ctz_32(uint32_t word)
{
    return __builtin_ctz(word);
}

static inline int a_clz_32(uint32_t word)
{
    return __builtin_clz(word);
}

/* ---- the secret in every frame of bookkeeping, against blocks that somebody made up ---- */

uint64_t heap_secret(void);

#define get_random_secret heap_secret

#endif
