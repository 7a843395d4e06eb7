/* SPDX-License-Identifier: BSD-2-Clause */
/* The reference model of a heap (model_heap.h). */

#include "tests/fakes/model_heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "libc/heap/heap.h"
#include "mm/frame.h"

#define UNIT 16U

/* Eight bytes of the pattern. */
static uint64_t pattern(uint64_t seed, size_t at)
{
    return (seed + at) * UINT64_C(0x9E3779B97F4A7C15);
}

static unsigned char pattern_byte(uint64_t seed, size_t at)
{
    return (unsigned char)(pattern(seed, at / 8) >> at % 8 * 8);
}

static void fill(const struct model_block *block)
{
    size_t words = block->bytes / 8;

    for (size_t i = 0; i < words; i++) {
        uint64_t word = pattern(block->seed, i);

        memcpy(block->start + i * 8, &word, 8);
    }
    for (size_t i = words * 8; i < block->bytes; i++) {
        block->start[i] = pattern_byte(block->seed, i);
    }
}

static void verify(const struct model_block *block, size_t bytes)
{
    size_t words = bytes / 8;

    for (size_t i = 0; i < words; i++) {
        uint64_t word = pattern(block->seed, i);

        ASSERT(memcmp(block->start + i * 8, &word, 8) == 0);
    }
    for (size_t i = words * 8; i < bytes; i++) {
        ASSERT(block->start[i] == pattern_byte(block->seed, i));
    }
}

static void judge_place(const struct model_block *block, size_t align)
{
    uintptr_t start = (uintptr_t)block->start;
    uintptr_t last = start + (block->bytes == 0 ? 0 : block->bytes - 1);

    ASSERT(start % align == 0);
    ASSERT(start % UNIT == 0);
    ASSERT(heap_usable_size(block->start) >= block->bytes);
    for (pfn_t pfn = pfn_of(start); pfn <= pfn_of(last); pfn++) {
        ASSERT(frame_state(pfn) == FRAME_IN_USE);
    }
}

static bool add(struct model_heap *model, unsigned char *start, size_t align, size_t bytes)
{
    struct model_block *block = &model->blocks[model->count];

    if (start == NULL) {
        ASSERT(errno == ENOMEM);
        return false;
    }
    ASSERT(model->count < MODEL_HEAP_BLOCKS);
    *block = (struct model_block){ start, bytes, ++model->next_seed << 32 };
    model->count++;
    judge_place(block, align);
    fill(block);
    return true;
}

bool model_heap_malloc(struct model_heap *model, size_t bytes)
{
    errno = 0;
    return add(model, heap_malloc(bytes), UNIT, bytes);
}

bool model_heap_calloc(struct model_heap *model, size_t count, size_t bytes)
{
    unsigned char *start;

    errno = 0;
    start = heap_calloc(count, bytes);
    if (start != NULL) {
        ASSERT(bytes == 0 || count <= SIZE_MAX / bytes);
        for (size_t i = 0; i < count * bytes; i++) {
            ASSERT(start[i] == 0);
        }
    }
    return add(model, start, UNIT, count * bytes);
}

bool model_heap_aligned(struct model_heap *model, size_t align, size_t bytes)
{
    errno = 0;
    return add(model, heap_aligned_alloc(align, bytes), align, bytes);
}

bool model_heap_realloc(struct model_heap *model, unsigned index, size_t bytes)
{
    struct model_block *block = &model->blocks[index];
    unsigned char *moved;

    ASSERT(index < model->count);
    errno = 0;
    moved = heap_realloc(block->start, bytes);
    if (moved == NULL) {
        ASSERT(errno == ENOMEM);
        verify(block, block->bytes);
        return false;
    }
    block->start = moved;
    verify(block, bytes < block->bytes ? bytes : block->bytes);
    block->bytes = bytes;
    judge_place(block, UNIT);
    fill(block);
    return true;
}

void model_heap_free(struct model_heap *model, unsigned index)
{
    ASSERT(index < model->count);
    verify(&model->blocks[index], model->blocks[index].bytes);
    heap_free(model->blocks[index].start);
    model->blocks[index] = model->blocks[--model->count];
}

void model_heap_free_all(struct model_heap *model)
{
    while (model->count > 0) {
        model_heap_free(model, model->count - 1);
    }
}

static int by_address(const void *a, const void *b)
{
    const struct model_block *left = a;
    const struct model_block *right = b;

    return left->start < right->start ? -1 : left->start > right->start;
}

void model_heap_check(const struct model_heap *model)
{
    static struct model_block sorted[MODEL_HEAP_BLOCKS];
    struct heap_stats stats = heap_stats();

    ASSERT(stats.blocks == model->count);
    memcpy(sorted, model->blocks, model->count * sizeof(sorted[0]));
    qsort(sorted, model->count, sizeof(sorted[0]), by_address);
    for (unsigned i = 0; i < model->count; i++) {
        verify(&sorted[i], sorted[i].bytes);
        ASSERT(i == 0 || sorted[i].start - sorted[i - 1].start > (ptrdiff_t)sorted[i - 1].bytes);
    }
}
