/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of the fake machine: every frame has an owner, every block is backed or not, and what
 * comes back or is taken against the rules ends the test.
 */

#include <string.h>

#include "tests/fakes/fake_balloon_internal.h"

#define F fake_balloon

/* Somebody writes to memory of the block: the host has to find some, and the guest knows. */
static void use_block(uint32_t block)
{
    F.retaken += fake_balloon_is_whole(block) && !F.backed[block] ? BLOCK_FRAMES : 0;
    F.backed[block] = true;
}

void fake_balloon_own(pfn_t pfn, enum fake_owner owner)
{
    if (owner == FAKE_APP || owner == FAKE_DRIVER) {
        use_block(pfn / BLOCK_FRAMES);
        F.word[pfn] = pfn + 1;
    }
    if (F.owner[pfn] == FAKE_FREE) {
        F.free_frames--;
        F.block_free[pfn / BLOCK_FRAMES]--;
    }
    F.taken -= F.owner[pfn] == FAKE_TAKEN;
    F.owner[pfn] = (uint8_t)owner;
    F.unmapped[pfn] = false;
    F.taken += owner == FAKE_TAKEN;
    if (owner == FAKE_FREE) {
        F.free_frames++;
        F.block_free[pfn / BLOCK_FRAMES]++;
    }
}

static uint64_t mem_backed_count(void)
{
    uint64_t frames = 0;

    for (uint32_t b = 0; b < FAKE_BLOCKS; b++) {
        frames += fake_balloon_is_whole(b) && F.backed[b] ? BLOCK_FRAMES : 0;
    }
    return frames;
}

void fake_balloon_freed(void)
{
    if (F.watch_backed_above != UINT64_MAX && mem_backed_count() > F.watch_backed_above) {
        F.watch_backed_above = UINT64_MAX;
        if (fake_balloon_watcher != NULL) {
            balloon_dev_blocks_freed(fake_balloon_watcher);
        }
    }
    if (F.free_frames > F.watch_above) {
        F.watch_above = UINT64_MAX;
        if (fake_balloon_watcher != NULL) {
            balloon_dev_memory_freed(fake_balloon_watcher);
        }
    }
}

static void unmap(pfn_t first, pfn_t count)
{
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        F.unmapped[pfn] = true;
    }
}

/* Whole blocks, lowest first, as many in a row as there are; then frames of a partly free block. */
static err_t take_any(pfn_t max, pfn_t *first, pfn_t *count)
{
    uint32_t best = UINT32_MAX;

    if (F.take_fails || F.free_frames == 0) {
        return ERR_NOMEM;
    }
    always(max > 0, "take of nothing");
    for (uint32_t b = 0; max >= BLOCK_FRAMES && !F.crumbs_first && b < FAKE_BLOCKS; b++) {
        if (F.block_free[b] == BLOCK_FRAMES) {
            *first = b * BLOCK_FRAMES;
            *count = 0;
            while (b < FAKE_BLOCKS && F.block_free[b] == BLOCK_FRAMES &&
                   *count + BLOCK_FRAMES <= max) {
                for (pfn_t i = 0; i < BLOCK_FRAMES; i++) {
                    fake_balloon_own(b * BLOCK_FRAMES + i, FAKE_TAKEN);
                }
                *count += BLOCK_FRAMES;
                b++;
            }
            return OK;
        }
    }
    for (uint32_t b = 0; b < FAKE_BLOCKS; b++) {
        if (F.block_free[b] > 0 && (best == UINT32_MAX || F.block_free[b] < F.block_free[best])) {
            best = b;
        }
    }
    *first = best * BLOCK_FRAMES;
    while (F.owner[*first] != FAKE_FREE) {
        (*first)++;
    }
    *count = 0;
    while (*count < max && *first + *count < (best + 1) * BLOCK_FRAMES &&
           F.owner[*first + *count] == FAKE_FREE) {
        fake_balloon_own(*first + *count, FAKE_TAKEN);
        (*count)++;
    }
    F.crumbs_first = false;
    return OK;
}

static err_t mem_take(pfn_t max, pfn_t *first, pfn_t *count)
{
    err_t err = take_any(max, first, count);

    if (err == OK) {
        unmap(*first, *count);
    }
    return err;
}

/* Whole blocks that come back as such are returned. */
static void note_backed(pfn_t first, pfn_t count, bool backed)
{
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        uint32_t block = pfn / BLOCK_FRAMES;
        bool whole = block * BLOCK_FRAMES >= first && (block + 1) * BLOCK_FRAMES <= first + count;

        F.backed[block] = backed || !whole;
    }
}

static void mem_give(pfn_t first, pfn_t count)
{
    bool must_tell = (F.accepted & BALLOON_F_MUST_TELL_HOST) != 0;

    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        always(pfn < F.frames, "a frame that does not exist comes back");
        always(F.owner[pfn] == FAKE_TAKEN, "a frame comes back that was not away");
        require(F.reporting[pfn] == 0, "a frame comes back that is being reported");
        if ((F.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
            require(must_tell || F.in_balloon[pfn] != 0,
                    "a frame comes back before it was acknowledged");
            require(!must_tell || F.in_balloon[pfn] == 0,
                    "a frame comes back before the host was told");
            F.actual_true -= F.in_balloon[pfn] == FAKE_HELD;
            F.in_balloon[pfn] = F.in_balloon[pfn] != 0 ? FAKE_UNTOLD : 0;
        }
        fake_balloon_own(pfn, FAKE_FREE);
    }
    note_backed(first, count, false);
}

static err_t mem_take_blocks(bool backed, pfn_t from, pfn_t max, pfn_t *first, pfn_t *count)
{
    uint32_t b = (from + BLOCK_FRAMES - 1) / BLOCK_FRAMES;

    always(max >= BLOCK_FRAMES, "less than a block");
    while (b < FAKE_BLOCKS && !(fake_balloon_is_whole(b) && F.backed[b] == backed)) {
        b++;
    }
    if (b >= FAKE_BLOCKS || F.take_fails) {
        return ERR_NOMEM;
    }
    *first = b * BLOCK_FRAMES;
    *count = 0;
    while (b < FAKE_BLOCKS && fake_balloon_is_whole(b) && F.backed[b] == backed &&
           *count + BLOCK_FRAMES <= max) {
        for (pfn_t i = 0; i < BLOCK_FRAMES; i++) {
            fake_balloon_own(b * BLOCK_FRAMES + i, FAKE_TAKEN);
        }
        *count += BLOCK_FRAMES;
        b++;
    }
    F.blocks_taken += *count / BLOCK_FRAMES;
    return OK;
}

static err_t mem_take_returned(pfn_t max, pfn_t *first, pfn_t *count)
{
    err_t err = mem_take_blocks(false, 0, max, first, count);

    if (err == OK) {
        unmap(*first, *count);
    }
    return err;
}

static void mem_give_blocks(pfn_t first, pfn_t count, bool backed)
{
    always(first % BLOCK_FRAMES == 0 && count % BLOCK_FRAMES == 0, "parts of blocks");
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        always(pfn < F.frames && F.owner[pfn] == FAKE_TAKEN,
               "a block comes back that was not away");
        always(!F.unmapped[pfn], "a block comes back to memory that is not mapped");
        require(F.reporting[pfn] == 0, "a block comes back that is with the device");
        /* Free again and not yet told is no hindrance to a hint. */
        require(F.in_balloon[pfn] != FAKE_HELD, "a block comes back that is in the balloon");
        fake_balloon_own(pfn, FAKE_FREE);
    }
    note_backed(first, count, backed);
}

static void mem_watch_backed(uint64_t above)
{
    F.watch_backed_above = above;
}

static uint64_t mem_retaken_count(void)
{
    return F.retaken;
}

static uint64_t mem_peek(pfn_t pfn)
{
    always(F.owner[pfn] == FAKE_TAKEN && !F.unmapped[pfn], "a frame is read that was not away");
    require(F.reporting[pfn] == 0, "a frame is read too early");
    F.touches++;
    return F.word[pfn];
}

static void mem_poke(pfn_t pfn, uint64_t value)
{
    always(F.owner[pfn] == FAKE_TAKEN && !F.unmapped[pfn], "a frame is written that was not away");
    require(F.reporting[pfn] == 0, "a frame is written too early");
    F.touches++;
    F.word[pfn] = value;
}

static void mem_fill(pfn_t first, pfn_t count, uint32_t value)
{
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        always(F.owner[pfn] == FAKE_TAKEN, "a frame is filled that was not away");
        F.unmapped[pfn] = false;
        F.word[pfn] = value;
        F.filled++;
    }
}

static uint64_t mem_ask(uint64_t frames)
{
    uint64_t given = frames < F.askable ? frames : F.askable;
    const struct balloon_dev *d = fake_balloon_watcher;

    always(d->report.in_flight == 0 || d->report.probe.drops == BALLOON_DROPS_NOTHING,
           "applications are asked while free memory is out to be reported");
    always(d->hint.held_backed.frames + d->hint.held_returned.frames == 0,
           "applications are asked while hints that were used are held");
    F.asked++;
    F.askable -= given;
    fake_balloon_app_free(given);
    return given;
}

static uint64_t mem_free_count(void)
{
    return F.free_frames;
}

/* Driver memory is host memory, but takes frames of the machine away. */
static err_t mem_page_alloc(unsigned frames, void **memory, paddr_t *address)
{
    unsigned left = frames;

    if (F.alloc_fails_after > 0 && --F.alloc_fails_after == 0) {
        return ERR_NOMEM;
    }
    if (F.free_frames < frames) {
        return ERR_NOMEM;
    }
    for (pfn_t pfn = F.frames; left > 0; pfn--) {
        if (F.owner[pfn - 1] == FAKE_FREE) {
            fake_balloon_own(pfn - 1, FAKE_DRIVER);
            left--;
        }
    }
    *memory = aligned_alloc(FRAME_SIZE, frames * FRAME_SIZE);
    memset(*memory, 0xa5, frames * FRAME_SIZE);
    *address = (uintptr_t)*memory;
    F.allocs++;
    return OK;
}

static bool device_may_use(const void *memory, unsigned frames)
{
    uintptr_t begin = (uintptr_t)memory;

    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        uintptr_t desc = F.queue[q].size > 0 ? (uintptr_t)F.queue[q].rings->desc_address : 0;

        if (desc >= begin && desc < begin + frames * FRAME_SIZE) {
            return true;
        }
    }
    return false;
}

static void mem_page_free(void *memory, paddr_t address, unsigned frames)
{
    unsigned left = frames;

    always(address == (uintptr_t)memory, "page_free with another address");
    always(!device_may_use(memory, frames), "rings are freed that the device still uses");
    for (pfn_t pfn = F.frames; left > 0; pfn--) {
        always(pfn > 0, "more is freed than the driver has");
        if (F.owner[pfn - 1] == FAKE_DRIVER) {
            fake_balloon_own(pfn - 1, FAKE_FREE);
            left--;
        }
    }
    free(memory);
    F.allocs--;
    fake_balloon_freed();
}

static void mem_stats(struct balloon_memory_stats *stats)
{
    *stats = (struct balloon_memory_stats){ .all_frames = F.frames - 1, /* frame 0 is no memory */
                                            .free_frames = F.free_frames,
                                            .cache_frames = F.askable };
}

static void mem_watch(uint64_t free_above)
{
    F.watch_above = free_above;
}

static uint64_t mem_now(void)
{
    return F.now_ns;
}

const struct balloon_mem_ops fake_balloon_mem = {
    .take = mem_take,
    .take_returned = mem_take_returned,
    .give = mem_give,
    .free_count = mem_free_count,
    .page_alloc = mem_page_alloc,
    .page_free = mem_page_free,
    .stats = mem_stats,
    .watch = mem_watch,
    .ask = mem_ask,
    .take_blocks = mem_take_blocks,
    .give_blocks = mem_give_blocks,
    .backed_count = mem_backed_count,
    .watch_backed = mem_watch_backed,
    .retaken_count = mem_retaken_count,
    .peek = mem_peek,
    .poke = mem_poke,
    .fill = mem_fill,
    .now_ns = mem_now,
};
