/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main job, from the guest's side: touch most of the memory, check that every byte is still
 * there, free it all, and then serve the host. `make run` shows it beside what the host sees.
 *
 * Words behind `--` on the command line: touch=PERCENT of free memory, default 80.
 */

#include <stdint.h>

#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "kernel/app.h"
#include "kernel/app_words.h"
#include "kernel/task.h"
#include "mm/frame.h"

#define NS_PER_MS             UINT64_C(1000000)
#define TOUCH_PERCENT_DEFAULT 80U
/* How long the memory is held, so that whoever watches sees the peak. */
#define HOLD_MS         600U
#define WORDS_PER_FRAME (FRAME_SIZE / sizeof(uint64_t))

/* Blocks are chained through their first word; the second word tells the block's number. */
static uint64_t *block_view(pfn_t first)
{
    return (uint64_t *)(uintptr_t)frame_address(first);
}

static void step(const char *name, const char *state, uint64_t frames)
{
    result_line("step name=%s state=%s frames=%llu ms=%llu", name, state,
                (unsigned long long)frames, (unsigned long long)(clock_now_ns() / NS_PER_MS));
}

/* One word in every frame: enough for the host to have to back all of it. */
static void fill(pfn_t first, pfn_t chain, uint64_t number)
{
    uint64_t *view = block_view(first);

    for (unsigned i = 0; i < BLOCK_FRAMES; i++) {
        view[i * WORDS_PER_FRAME + 1] = number * BLOCK_FRAMES + i;
    }
    view[0] = chain;
}

static uint64_t wrong_words(pfn_t first, uint64_t number)
{
    const uint64_t *view = block_view(first);
    uint64_t wrong = 0;

    for (unsigned i = 0; i < BLOCK_FRAMES; i++) {
        wrong += view[i * WORDS_PER_FRAME + 1] != number * BLOCK_FRAMES + i;
    }
    return wrong;
}

static uint64_t touch(uint64_t blocks, pfn_t *chain)
{
    uint64_t done = 0;
    pfn_t first;

    while (done < blocks && frame_alloc_order(BLOCK_ORDER, &first) == OK) {
        fill(first, *chain, done);
        *chain = first;
        done++;
        task_yield();
    }
    return done;
}

/* Frees from the last block to the first, checking each; returns the number of wrong words. */
static uint64_t check_and_free(uint64_t blocks, pfn_t chain)
{
    uint64_t wrong = 0;

    while (blocks > 0) {
        pfn_t next = (pfn_t)block_view(chain)[0];

        blocks--;
        wrong += wrong_words(chain, blocks);
        frame_free_order(chain, BLOCK_ORDER);
        chain = next;
        task_yield();
    }
    return wrong;
}

int app_main(void)
{
    uint64_t percent = app_word_number("touch", TOUCH_PERCENT_DEFAULT);
    uint64_t blocks = frame_free_count() / BLOCK_FRAMES * percent / 100;
    pfn_t chain = PFN_NONE;

    step("touch", "begin", blocks * BLOCK_FRAMES);
    blocks = touch(blocks, &chain);
    step("touch", "end", blocks * BLOCK_FRAMES);
    task_sleep_until(clock_now_ns() + HOLD_MS * NS_PER_MS);

    step("free", "begin", blocks * BLOCK_FRAMES);
    uint64_t wrong = check_and_free(blocks, chain);

    step("free", "end", blocks * BLOCK_FRAMES);
    if (wrong != 0) {
        log_error("demo: %llu words of memory were wrong", (unsigned long long)wrong);
        return 2;
    }
    for (;;) {
        task_sleep_until(UINT64_MAX);
    }
}
