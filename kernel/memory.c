/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order matters: the map is parsed, the image and what the loader left are taken out of it, a
 * place for the allocator's metadata is found, the allocator starts, and with frames from it the
 * final page tables are built. All of this lies in the first GiB, which the entry code mapped.
 */

#include "kernel/memory.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/boot_info.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/string.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/stacks.h"
#include "kernel/params.h"
#include "mm/frame.h"
#include "mm/memmap.h"

/* Left in memory for the next start after a reset, which a cold start cannot find: QEMU gives
 * zeroes. It tells only whether the host probably holds our free memory, so a chance match does no
 * harm. */
#define WARM_MARK       UINT64_C(0x7461747365616f72)
#define WARM_MARK_BYTES 64U
#define WORDS_PER_FRAME (FRAME_SIZE / sizeof(uint32_t))

static struct memmap ram;    /* everything usable: what gets mapped */
static struct memmap usable; /* what the allocator gets */
static bool was_used;

static paddr_t table_frame(void)
{
    pfn_t pfn = frame_alloc();

    return pfn == PFN_NONE ? 0 : frame_address(pfn);
}

static uint64_t address_of(const char *symbol)
{
    return (uint64_t)(uintptr_t)symbol;
}

static void reserve_image(const struct boot_info *info)
{
    memmap_reserve(&usable, address_of(image_start),
                   address_of(image_end) - address_of(image_start));
    if (info->initrd.bytes != 0) {
        memmap_reserve(&usable, info->initrd.start, info->initrd.bytes);
    }
}

/* Takes the metadata's place out of the map, except for the part that nobody will touch. */
static void reserve_metadata(paddr_t at, size_t bytes)
{
    size_t gap_offset;
    size_t gap = frame_metadata_gap(usable.ranges, usable.count, &gap_offset);
    paddr_t gap_start = align_up(at + WARM_MARK_BYTES + gap_offset, FRAME_SIZE);
    paddr_t gap_end = align_down(at + WARM_MARK_BYTES + gap_offset + gap, FRAME_SIZE);

    if (gap_start < gap_end) {
        memmap_reserve(&usable, gap_end, at + bytes - gap_end);
        bytes = gap_start - at;
    }
    memmap_reserve(&usable, at, bytes);
}

/* Finds room for the metadata, as low as possible: near the image, in a block that is used. */
static void *place_metadata(size_t *bytes)
{
    paddr_t at;

    *bytes = align_up(frame_metadata_bytes(memmap_end(&usable)) + WARM_MARK_BYTES, FRAME_SIZE);
    if (memmap_find(&usable, *bytes, FRAME_SIZE, address_of(image_end), GIB, &at) != OK) {
        panic("no room for %zu KiB of allocator metadata below 1 GiB", *bytes / 1024);
    }
    reserve_metadata(at, *bytes);
    uint64_t *mark = (uint64_t *)(uintptr_t)at;

    was_used = *mark == WARM_MARK;
    *mark = WARM_MARK;
    *bytes -= WARM_MARK_BYTES;
    return (char *)mark + WARM_MARK_BYTES;
}

static void must(err_t err, const char *what)
{
    if (err != OK) {
        panic("%s: %s", what, err_name(err));
    }
}

static void map_image(void)
{
    must(paging_map(address_of(image_start),
                    align_up(address_of(text_end), FRAME_SIZE) - address_of(image_start),
                    PAGING_EXECUTE),
         "mapping the text");
    paddr_t rodata = align_up(address_of(text_end), FRAME_SIZE);
    paddr_t data = align_up(address_of(rodata_end), FRAME_SIZE);

    must(paging_map(rodata, data - rodata, 0), "mapping the read-only data");
    must(paging_map(data, address_of(image_end) - data, PAGING_WRITE), "mapping the data");
}

static void build_page_tables(void)
{
    must(paging_begin(table_frame), "page tables");
    map_image();
    for (unsigned i = 0; i < ram.count; i++) {
        must(paging_map(frame_address(ram.ranges[i].first),
                        (uint64_t)ram.ranges[i].count << FRAME_SHIFT, PAGING_WRITE),
             "mapping memory");
    }
    for (size_t i = 0; i < BUILTIN_STACKS; i++) {
        must(paging_set_present(address_of(builtin_stacks[i].guard), FRAME_SIZE, false),
             "a guard page");
    }
    paging_load();
}

void memory_fill(pfn_t first, pfn_t count, uint32_t value)
{
    uint32_t *word = (uint32_t *)(uintptr_t)frame_address(first);

    for (const uint32_t *end = word + (size_t)count * WORDS_PER_FRAME; word != end; word++) {
        *word = value;
    }
}

static void fill_freed(pfn_t first, pfn_t count)
{
    memory_fill(first, count, (uint32_t)params.fill_value);
}

void memory_init(const struct boot_info *info)
{
    must(memmap_build(&ram, info->memmap, info->memmap_count), "the memory map");
    usable = ram;
    reserve_image(info);

    size_t metadata_bytes;
    void *metadata = place_metadata(&metadata_bytes);

    must(frame_init(metadata, metadata_bytes, usable.ranges, usable.count, was_used),
         "the frame allocator");
    build_page_tables();
    if (params.fill != 0) {
        frame_set_fill(fill_freed);
    }
    if (!paging_has_no_execute()) {
        log_warn("the processor cannot forbid execution: all of memory is executable");
    }
    struct frame_stats stats;

    frame_stats(&stats);
    log_info("memory: %llu MiB in %u ranges, metadata %llu KiB, %s start, %s pages",
             (unsigned long long)(memmap_frames(&ram) * FRAME_SIZE / MIB), ram.count,
             (unsigned long long)(stats.metadata_bytes / 1024), was_used ? "warm" : "cold",
             paging_has_huge_pages() ? "1 GiB" : "2 MiB");
    if (ram.dropped_frames != 0 || info->memmap_dropped != 0) {
        log_warn("memory: %llu MiB beyond FRAME_AREAS_MAX or MEMMAP_RANGES_MAX and %zu map entries "
                 "beyond BOOT_MEMMAP_MAX are not used",
                 (unsigned long long)(ram.dropped_frames * FRAME_SIZE / MIB), info->memmap_dropped);
    }
}

uint64_t memory_end_below(uint64_t limit)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < ram.count; i++) {
        uint64_t range_end =
            frame_address(ram.ranges[i].first) + ((uint64_t)ram.ranges[i].count << FRAME_SHIFT);

        if (range_end <= limit) {
            end = range_end;
        }
    }
    return end;
}

void *memory_pages(unsigned frames)
{
    pfn_t first;

    if (frame_alloc_run(frames, &first) != OK) {
        return NULL;
    }
    void *memory = (void *)(uintptr_t)frame_address(first);

    memset(memory, 0, frames * FRAME_SIZE);
    return memory;
}
