/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * musl's mallocng, compiled from the folder into which Debian's source package was unpacked. What
 * is ours is glue.h, and the size from which a block is a run of its own: musl's is 128 KiB,
 * because it can give the pages of a freed block back while their addresses stay; here memory goes
 * back only in whole runs.
 */

#include "libc/heap/glue.h"

#include <mallocng/meta.h>

#include "libc/heap/heap.h"

#undef MMAP_THRESHOLD
#define MMAP_THRESHOLD HEAP_OWN_RUN_BYTES

#include <mallocng/malloc.c>

#include <mallocng/aligned_alloc.c>
#include <mallocng/free.c>
#include <mallocng/malloc_usable_size.c>
#include <mallocng/realloc.c>
