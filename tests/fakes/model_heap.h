/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The reference model of a heap: a list of blocks with their sizes. Every block is filled with a
 * pattern of its own, which is looked at when it is resized or freed: whatever is not disjoint from
 * others, loses contents, or lies in memory that is not the heap's, shows there. Failures panic.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_HEAP_BLOCKS 512U

struct model_block {
    unsigned char *start;
    size_t bytes;
    uint64_t seed;
};

struct model_heap {
    struct model_block blocks[MODEL_HEAP_BLOCKS];
    unsigned count;
    uint64_t next_seed;
};

/* Each returns false when the heap said that there is no memory, and demands that errno says so,
 * and for resizing that the old block is as it was. */
bool model_heap_malloc(struct model_heap *model, size_t bytes);
bool model_heap_calloc(struct model_heap *model, size_t count, size_t bytes);
bool model_heap_aligned(struct model_heap *model, size_t align, size_t bytes);
bool model_heap_realloc(struct model_heap *model, unsigned index, size_t bytes);

void model_heap_free(struct model_heap *model, unsigned index);
void model_heap_free_all(struct model_heap *model);

/* Looks at every block, that no two overlap, and at the heap's own count. */
void model_heap_check(const struct model_heap *model);
