/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference model of the page-frame allocator, its judgement: whether what the allocator handed
 * out is what mm/frame.h promises, whether it refused rightly, and whether it called the hook and
 * the watch when it had to and at no other time.
 */

#include "base/assert.h"
#include "tests/fakes/model_frames_internal.h"

/* The hook and the watch of the allocator have no argument: the model that was started last. */
static struct model *current;
static unsigned fired;

void model_judge_start(struct model *model)
{
    current = model;
    model->watch_above = UINT64_MAX;
}

/* ---- what was handed out ---- */

bool model_run_exists(const struct model *model, pfn_t count, pfn_t align)
{
    pfn_t run = 0;
    pfn_t unit = count >= BLOCK_FRAMES ? BLOCK_FRAMES : 1;

    /* A long run consists of whole blocks, a short one lies inside one block. */
    for (pfn_t pfn = 0; pfn < model->end; pfn += unit) {
        bool is_free =
            unit == 1 ? model->frames[pfn] == FREE : model_is_whole(model, pfn / BLOCK_FRAMES);

        if (unit == 1 && pfn % BLOCK_FRAMES == 0) {
            run = 0;
        }
        if (!is_free || (run == 0 && pfn % align != 0)) {
            run = 0;
            continue;
        }
        run += unit;
        if (run >= count) {
            return true;
        }
    }
    return false;
}

void model_judge_lowest(const struct model *model, pfn_t pfn)
{
    pfn_t mine = pfn / BLOCK_FRAMES;

    ASSERT(model->frames[pfn] == FREE);
    for (pfn_t i = mine * BLOCK_FRAMES; i < pfn; i++) {
        ASSERT(model->frames[i] != FREE);
    }
    for (pfn_t block = 0; block < model->end / BLOCK_FRAMES; block++) {
        bool has_free = model->used[block] < model->ram[block];
        bool whole = model_is_whole(model, block);

        if (block == mine || !has_free) {
            continue;
        }
        if (!model_is_whole(model, mine)) {
            ASSERT(whole || block > mine || model->used[block] == model->ram[block]);
            continue;
        }
        /* A whole block was broken: nothing was partly used, and it is the best whole one. */
        ASSERT(whole || model->used[block] == 0);
        if (whole) {
            ASSERT(model->returned[block] >= model->returned[mine]);
            ASSERT(model->returned[block] > model->returned[mine] || block > mine);
        }
    }
}

void model_judge_block(const struct model *model, pfn_t mine)
{
    ASSERT(model_is_whole(model, mine));
    for (pfn_t block = 0; block < model->end / BLOCK_FRAMES; block++) {
        if (block != mine && model_is_whole(model, block)) {
            ASSERT(model->returned[block] >= model->returned[mine]);
            ASSERT(model->returned[block] > model->returned[mine] || block > mine);
        }
    }
}

/* ---- the reclaim hook ---- */

static bool on_reclaim(pfn_t count)
{
    ASSERT(!frame_held());
    ASSERT(count == current->wanted);
    ASSERT(!model_run_exists(current, count, current->wanted_align));
    current->asked++;
    ASSERT(current->asked <= FRAME_RECLAIM_ROUNDS);
    return current->reclaim(current->reclaim_context, count);
}

void model_set_reclaim(struct model *model, bool (*reclaim)(void *context, pfn_t count),
                       void *context)
{
    model->reclaim = reclaim;
    model->reclaim_context = context;
    frame_set_reclaim(on_reclaim);
}

void model_expect_reclaim(struct model *model, pfn_t count, pfn_t align)
{
    model->wanted = count;
    model->wanted_align = align;
    model->asked = 0;
}

void model_judge_refusal(const struct model *model)
{
    bool possible = model->reclaim != NULL && model->wanted <= model->stats.total;

    ASSERT(!model_run_exists(model, model->wanted, model->wanted_align));
    ASSERT((model->asked > 0) == possible);
}

/* ---- the watch ---- */

uint64_t model_reportable(const struct model *model)
{
    uint64_t frames = 0;

    for (pfn_t block = 0; block < model->end / BLOCK_FRAMES; block++) {
        frames += model_is_whole(model, block) && model->returned[block] == 0 ? BLOCK_FRAMES : 0;
    }
    return frames;
}

static void on_reportable(void)
{
    ASSERT(!frame_held());
    fired++;
}

void model_watch_reportable(struct model *model, uint64_t above)
{
    fired = 0;
    model->watch_above = above;
    frame_watch_reportable(above, above == UINT64_MAX ? NULL : on_reportable);
}

void model_judge_watch(struct model *model, uint64_t before)
{
    uint64_t now = model_reportable(model);
    bool due = now > model->watch_above;

    ASSERT(fired <= (due ? 1U : 0U));
    ASSERT(fired == 1 || !due || now == before);
    if (fired == 1) {
        fired = 0;
        model->watch_above = UINT64_MAX;
    }
}

void model_judge_silence(void)
{
    ASSERT(fired == 0);
}
