/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Page tables. Memory and devices are mapped one to one, with the largest pages that fit; stacks of
 * tasks live in a window of their own, so that the page below each can stay unmapped. Pages are
 * never both writable and executable.
 *
 * Callable from tasks and from work, also from work on the way out of an interrupt: that changes
 * only memory's own mappings, and tasks change only the stack window, so the two never meet in a
 * table. Table frames come from the callback given to paging_begin().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

#define PAGING_WRITE   1U
#define PAGING_EXECUTE 2U
#define PAGING_DEVICE  4U /* uncached */

/* Where the stacks of tasks are: far above any physical address we map. */
#define PAGING_STACK_WINDOW UINT64_C(0x7f0000000000)

/* Gives one frame for a table, in the first GiB while paging_begin's tables are not loaded yet;
 * 0 when there is none. */
typedef paddr_t paging_alloc(void);

/* Starts a new set of tables, empty. ERR_NOMEM. */
MUST_USE err_t paging_begin(paging_alloc *alloc);

/* Maps [start, start + bytes), whole frames, one to one. What is mapped already stays as it is.
 * ERR_NOMEM. */
MUST_USE err_t paging_map(paddr_t start, uint64_t bytes, unsigned flags);

/* Maps one frame at any free virtual address. ERR_NOMEM. */
MUST_USE err_t paging_map_at(uint64_t virtual, paddr_t frame, unsigned flags);

/* Takes the mapping of a frame-aligned run away or gives it back (writable, not executable),
 * splitting large pages where needed. For memory that the host has: a stray access then faults.
 * ERR_NOMEM when taking away needs a table and there is no frame for it; then the rest is
 * unchanged. Giving back does not fail: without a frame it gives back the whole large page. */
MUST_USE err_t paging_set_present(paddr_t start, uint64_t bytes, bool present);

/* Removes the mapping of one virtual page. */
void paging_unmap_at(uint64_t virtual);

/* Makes the new tables the processor's. */
void paging_load(void);

/* True when a read of the address would not fault. Safe in a fault handler. */
bool paging_is_mapped(uint64_t virtual);

/* A one-to-one view of device registers, mapped on demand and uncached; null when out of memory. */
void *paging_map_device(paddr_t start, size_t bytes);

/* A one-to-one read-only view of firmware tables; null when out of memory or out of range. */
const void *paging_map_firmware(uint64_t start, size_t bytes);

/* False on a processor without the NX bit, where everything mapped can be executed. */
bool paging_has_no_execute(void);

/* True when the processor has 1 GiB pages. */
bool paging_has_huge_pages(void);
