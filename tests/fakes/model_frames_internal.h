/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the books of the model (model_frames.c) and its judgement (model_frames_judge.c) share. */

#include "tests/fakes/model_frames.h"

/* The state of a frame. */
enum { NO_RAM, FREE, USED, AWAY_SINGLY, AWAY_WHOLE };

static inline bool model_is_whole(const struct model *model, pfn_t block)
{
    return model->ram[block] == BLOCK_FRAMES && model->used[block] == 0;
}

/* The hook and the watch belong to this model from now on. */
void model_judge_start(struct model *model);

/* True when some run of `count` free frames at a multiple of `align` exists. */
bool model_run_exists(const struct model *model, pfn_t count, pfn_t align);

/* Frame `pfn` was just handed out singly (not booked yet): was it the one the rule wants? */
void model_judge_lowest(const struct model *model, pfn_t pfn);

/* A block was just handed out: backed before returned, the lowest of its kind. */
void model_judge_block(const struct model *model, pfn_t mine);

/* An allocation begins; and it failed: rightly, and the hook was asked. */
void model_expect_reclaim(struct model *model, pfn_t count, pfn_t align);
void model_judge_refusal(const struct model *model);

/* Frames in whole free backed blocks. */
uint64_t model_reportable(const struct model *model);

/* A free was booked; before it so many frames were reportable. It has to fire when it completed a
 * block, and may when a give did before. */
void model_judge_watch(struct model *model, uint64_t before);

/* Nothing has happened that the watch may fire for. */
void model_judge_silence(void);
