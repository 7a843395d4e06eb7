/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The reference model of the page-frame allocator: one byte per frame, no cleverness. Each
 * model_...() function runs one operation on the real allocator, judges the answer by the contract
 * in mm/frame.h, and books it in the model. A wrong answer is a panic. Property tests and the
 * fuzzer share it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mm/frame.h"

struct model {
    uint8_t *frames;   /* one state per frame, below `end` */
    uint16_t *used;    /* per block: frames that are memory and not free */
    uint16_t *ram;     /* per block: frames that are memory */
    uint8_t *returned; /* per block: 1 if it counts as returned once it is whole and free */
    pfn_t end;
    struct frame_stats stats; /* metadata_bytes is not modelled */
    void *metadata;

    /* The reclaim hook, and the allocation under way: what it wants and how often it asked. */
    bool (*reclaim)(void *context, pfn_t count);
    void *reclaim_context;
    pfn_t wanted;
    pfn_t wanted_align;
    unsigned asked;

    uint64_t watch_above; /* of reportable frames; UINT64_MAX: disarmed */
};

/* Starts the model and the allocator; the metadata is filled with garbage first. */
void model_start(struct model *model, const struct frame_range *ranges, unsigned count, bool warm);
void model_stop(struct model *model);

/* The operations. The ones that allocate return PFN_NONE when there was nothing. */
pfn_t model_alloc(struct model *model);
pfn_t model_alloc_order(struct model *model, unsigned order);
pfn_t model_alloc_run(struct model *model, pfn_t count);
void model_free(struct model *model, pfn_t first, pfn_t count);
void model_free_order(struct model *model, pfn_t first, unsigned order);
pfn_t model_take(struct model *model, pfn_t max, pfn_t *count);
pfn_t model_take_blocks(struct model *model, enum frame_state kind, pfn_t from, pfn_t max,
                        pfn_t *count);
void model_give(struct model *model, pfn_t first, pfn_t count);
void model_give_backed(struct model *model, pfn_t first, pfn_t count);

/* Arms the watch of reportable frames; the frees are judged by it from then on. */
void model_watch_reportable(struct model *model, uint64_t above);

/* Installs a reclaim hook that says true only if it gave something back, or nothing at all. That
 * it is asked only when it has to be is judged. */
void model_set_reclaim(struct model *model, bool (*reclaim)(void *context, pfn_t count),
                       void *context);

/* Compares the numbers; and the state of every frame in [first, first + count). */
void model_compare_stats(const struct model *model);
void model_compare_frames(const struct model *model, pfn_t first, pfn_t count);
