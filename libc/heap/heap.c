/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap (heap.h): what stands around musl's mallocng.
 *
 *   - When a call fails for want of frames, it is repeated after the heap has tidied up, and then
 *     with the missing run gathered from pressure sources and the balloon. They are asked here and
 *     not below mallocng, because a source may free blocks of this very heap.
 *   - mallocng keeps its bookkeeping for ever, and now and then a group without blocks to save the
 *     next mapping. Both go back when the heap has shrunk.
 *   - It counts the blocks, to know when there is none.
 */

#include "libc/heap/heap.h"

#include "libc/heap/glue.h"

#include <mallocng/meta.h>

#include "base/assert.h"

#include "mm/frame.h"

/* A heap that shrank by fewer frames is left alone; the rest is not worth a walk. */
#define TRIM_FRAMES_MIN 64U
/* One call of mallocng makes at most a mapping and a frame of bookkeeping for each of two nested
 * groups, and each can fail once. */
#define GATHER_ROUNDS 4U
/* The classes for which mallocng keeps groups: CACHED_FIRST up to CACHED_FIRST + 31. */
#define CACHED_FIRST 7U

static size_t blocks;
/* The heap is tidied up when no more than this many frames are left for blocks. */
static size_t trim_below;
/* The kernel's libc has it; elsewhere the secret is made of the clock. */
uint64_t random_word(void) __attribute__((weak));

void heap_damaged(const char *function, int line)
{
    panic("heap: no block, or a damaged one: never allocated, freed twice, or it or the one before "
          "was written past its end (%s, line %d)",
          function, line);
}

uint64_t heap_secret(void)
{
    return random_word != NULL ? random_word()
                               : __builtin_ia32_rdtsc() * UINT64_C(0x9E3779B97F4A7C15);
}

/* ---- blocks that are none ---- */

static bool is_in_use(uintptr_t address)
{
    return address >> FRAME_SHIFT < PFN_NONE && frame_state(pfn_of(address)) == FRAME_IN_USE;
}

/*
 * mallocng checks a block, its group and its bookkeeping against each other, and follows pointers
 * on the way. This makes sure that they lead to memory. A block's head is the 4 bytes before it:
 * the third is its index (5 bits) and a code of at most 5 for its unused end, the fourth and the
 * first tell how many units the group's head, a pointer to its bookkeeping, lies below.
 */
static void judge(const void *block)
{
    const unsigned char *start = block;
    uintptr_t group = (uintptr_t)block;

    if (group % UNIT != 0 || !is_in_use(group - UNIT)) {
        heap_damaged(__func__, __LINE__);
    }
    if (start[-3] >> 5 > 5) {
        panic("heap: a block at %p is freed or resized, but it is free", block);
    }
    group -= UNIT * (size_t)(start[-4] != 0 ? *(const uint32_t *)(group - 8)
                                            : *(const uint16_t *)(group - 2));
    group -= UNIT;
    if (!is_in_use(group) || !is_in_use((uintptr_t)((const struct group *)group)->meta)) {
        heap_damaged(__func__, __LINE__);
    }
}

/* ---- giving back what mallocng keeps ---- */

static bool group_is_empty(const struct meta *group)
{
    uint32_t all = (UINT32_C(2) << group->last_idx) - 1;

    return ((uint32_t)group->avail_mask | (uint32_t)group->freed_mask) == all;
}

/* mallocng frees a group with its last block, unless its class "bounces". So the class is made to
 * stop, and a block is taken from the group and freed. Only a group that is alone in its class is
 * ever kept. */
static void trim_groups(void)
{
    for (unsigned i = 0; i < sizeof(ctx.bounces); i++) {
        struct meta *group = ctx.active[CACHED_FIRST + i];

        if (group == NULL || group->next != group || !group_is_empty(group)) {
            continue;
        }
        ctx.bounces[i] = 0;
        /* One byte less than fits, because the largest class's fit would be a run of its own. */
        free(malloc(size_classes[CACHED_FIRST + i] * (size_t)UNIT - IB - 1));
    }
}

/* Slots of the area that mallocng has ever used. */
static unsigned area_used(const struct meta_area *area)
{
    unsigned slots = (unsigned)area->nslots;

    return area == ctx.meta_area_tail ? slots - (unsigned)ctx.avail_meta_count : slots;
}

/* A free slot is in the list of free ones, and has no group. */
static bool area_is_free(const struct meta_area *area)
{
    unsigned used = area_used(area);

    for (unsigned i = 0; i < used; i++) {
        if (area->slots[i].mem != NULL || area->slots[i].next == NULL) {
            return false;
        }
    }
    return true;
}

static void area_release(struct meta_area *area, struct meta_area *before)
{
    unsigned used = area_used(area);

    for (unsigned i = 0; i < used; i++) {
        dequeue(&ctx.free_meta_head, &area->slots[i]);
    }
    if (before == NULL) {
        ctx.meta_area_head = area->next;
    } else {
        before->next = area->next;
    }
    if (ctx.meta_area_tail == area) {
        ctx.meta_area_tail = before;
        ctx.avail_meta = NULL;
        ctx.avail_meta_count = 0;
    }
    area->check = 0; /* No pointer into it passes for a group's any more. */
    heap_unmap_meta(area);
}

void heap_trim(void)
{
    struct meta_area *before = NULL;
    struct meta_area *next;

    trim_groups();
    for (struct meta_area *area = ctx.meta_area_head; area != NULL; area = next) {
        next = area->next;
        if (area_is_free(area)) {
            area_release(area, before);
        } else {
            before = area;
        }
    }
    trim_below = heap_map_counts.frames / 2;
}

/* ---- blocks ---- */

/* mallocng found no frames: what can be done? False: nothing, or it refused for another reason. */
static bool make_room(unsigned round)
{
    if (!heap_map_failed()) {
        return false;
    }
    if (round == 0) {
        heap_trim();
        return true;
    }
    return round <= GATHER_ROUNDS && heap_map_gather() == OK;
}

static void *finish(void *block)
{
    heap_map_settle();
    if (block == NULL) {
        heap_trim(); /* It may have got bookkeeping, and no group for it. */
        errno = ENOMEM;
    } else if (heap_map_counts.frames / 2 > trim_below) {
        trim_below = heap_map_counts.frames / 2;
    }
    return block;
}

/* All three ways to get a block: anew (align UNIT), aligned, or in place of an old one. `raw_bytes`
 * is what mallocng will look for a run with. */
static void *allocate(void *old, size_t align, size_t bytes)
{
    size_t raw_bytes = bytes;
    unsigned round = 0;
    void *block;

    if (bytes > PTRDIFF_MAX || __builtin_add_overflow(bytes, align - UNIT, &raw_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (old != NULL) {
        judge(old);
    }
    do {
        heap_map_begin(raw_bytes >= HEAP_OWN_RUN_BYTES);
        if (old != NULL) {
            block = realloc(old, bytes);
        } else {
            block = align > UNIT ? aligned_alloc(align, bytes) : malloc(bytes);
        }
    } while (block == NULL && make_room(round++));
    if (block != NULL && old == NULL) {
        blocks++;
    }
    return finish(block);
}

void *heap_malloc(size_t bytes)
{
    return allocate(NULL, UNIT, bytes);
}

void *heap_realloc(void *block, size_t bytes)
{
    return allocate(block, UNIT, bytes);
}

void *heap_aligned_alloc(size_t align, size_t bytes)
{
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    return allocate(NULL, align > UNIT ? align : UNIT, bytes);
}

void *heap_calloc(size_t count, size_t bytes)
{
    size_t total;
    void *block;

    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    block = heap_malloc(total);
    /* A block that is a whole run was zeroed with it, unless the run was a large block's. */
    if (block != NULL && (total >= HEAP_OWN_RUN_BYTES || !is_allzero(block))) {
        memset(block, 0, total);
    }
    return block;
}

void heap_free(void *block)
{
    if (block == NULL) {
        return;
    }
    judge(block);
    free(block);
    ASSERT(blocks > 0);
    blocks--;
    if (blocks == 0 || (heap_map_counts.frames <= trim_below && trim_below >= TRIM_FRAMES_MIN)) {
        heap_trim();
    }
}

size_t heap_usable_size(void *block)
{
    if (block == NULL) {
        return 0;
    }
    judge(block);
    return malloc_usable_size(block);
}

struct heap_stats heap_stats(void)
{
    return (struct heap_stats){
        .blocks = blocks,
        .frames = heap_map_counts.frames,
        .meta_frames = heap_map_counts.meta_frames,
    };
}
