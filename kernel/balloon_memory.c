/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the balloon driver needs of memory, made of what the kernel has. Frames are their addresses
 * (identity mapping).
 */

#include "kernel/balloon_memory.h"

#include <stddef.h>

#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/paging.h"
#include "kernel/memory.h"
#include "kernel/params.h"
#include "kernel/pressure_service.h"
#include "mm/frame.h"

static void (*on_freed)(void);
static void (*on_blocks_freed)(void);
static bool guard_failed;

void balloon_memory_init(void (*freed)(void), void (*blocks_freed)(void))
{
    on_freed = freed;
    on_blocks_freed = blocks_freed;
}

/* With balloon.guard, memory in the balloon has no mapping. It is a debugging aid: when there is no
 * frame for a page table the run stays mapped. Giving back cannot fail. */
static void guard(pfn_t first, pfn_t count, bool away)
{
    if (params.balloon_guard == 0) {
        return;
    }
    if (paging_set_present(frame_address(first), (uint64_t)count << FRAME_SHIFT, !away) != OK &&
        !guard_failed) {
        guard_failed = true;
        log_warn("balloon.guard: no frame for a page table, some memory stays mapped");
    }
}

/* ---- the balloon ---- */

static err_t take(pfn_t max, pfn_t *first, pfn_t *count)
{
    err_t err = frame_take_run(max, first, count);

    if (err == OK) {
        guard(*first, *count, true);
    }
    return err;
}

static err_t take_returned(pfn_t max, pfn_t *first, pfn_t *count)
{
    err_t err = frame_take_blocks(FRAME_FREE_RETURNED, 0, max, first, count);

    if (err == OK) {
        guard(*first, *count, true);
    }
    return err;
}

static void give(pfn_t first, pfn_t count)
{
    guard(first, count, false);
    frame_give_run(first, count);
}

static void watch(uint64_t free_above)
{
    frame_watch(free_above, free_above == UINT64_MAX ? NULL : on_freed);
}

/* ---- reporting and hinting ---- */

/* These stay mapped: the probe reads what was reported, and they are not in the balloon. */
static err_t take_blocks(bool backed, pfn_t from, pfn_t max, pfn_t *first, pfn_t *count)
{
    return frame_take_blocks(backed ? FRAME_FREE_BACKED : FRAME_FREE_RETURNED, from, max, first,
                             count);
}

static void give_blocks(pfn_t first, pfn_t count, bool backed)
{
    if (backed) {
        frame_give_run_backed(first, count);
    } else {
        frame_give_run(first, count);
    }
}

static void watch_backed(uint64_t backed_above)
{
    frame_watch_reportable(backed_above, backed_above == UINT64_MAX ? NULL : on_blocks_freed);
}

static volatile uint64_t *word_of(pfn_t pfn)
{
    return (volatile uint64_t *)(uintptr_t)frame_address(pfn);
}

static uint64_t peek(pfn_t pfn)
{
    return *word_of(pfn);
}

static void poke(pfn_t pfn, uint64_t value)
{
    *word_of(pfn) = value;
}

static void fill(pfn_t first, pfn_t count, uint32_t value)
{
    guard(first, count, false);
    memory_fill(first, count, value);
}

/* ---- the driver itself ---- */

static err_t page_alloc(unsigned frames, void **memory, paddr_t *address)
{
    pfn_t first;
    err_t err = frame_try_run(frames, &first);

    if (err == OK) {
        *address = frame_address(first);
        *memory = (void *)(uintptr_t)*address;
    }
    return err;
}

static void page_free(void *memory, paddr_t address, unsigned frames)
{
    (void)memory;
    frame_free_run(pfn_of(address), frames);
}

static void stats(struct balloon_memory_stats *values)
{
    struct frame_stats frames;

    frame_stats(&frames);
    pressure_service_stats(values);
    values->all_frames = frames.total;
    values->free_frames = frames.free_backed + frames.free_returned;
}

const struct balloon_mem_ops balloon_memory = {
    .take = take,
    .take_returned = take_returned,
    .give = give,
    .free_count = frame_free_count,
    .watch = watch,
    .ask = pressure_service_ask,
    .take_blocks = take_blocks,
    .give_blocks = give_blocks,
    .backed_count = frame_reportable_count,
    .watch_backed = watch_backed,
    .retaken_count = frame_retaken_count,
    .peek = peek,
    .poke = poke,
    .fill = fill,
    .page_alloc = page_alloc,
    .page_free = page_free,
    .stats = stats,
    .now_ns = clock_now_ns,
};
