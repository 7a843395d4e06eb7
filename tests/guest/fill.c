/* SPDX-License-Identifier: BSD-2-Clause */
/* Frees memory in every way and looks at it afterwards, behind the allocator's back: memory is
 * mapped one to one, so a frame can be read at its address whoever has it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/memory.h"

#include "kernel/params.h"
#include "mm/frame.h"
#include "tests/guest/scenarios.h"

#define WORDS_PER_FRAME (FRAME_SIZE / sizeof(uint32_t))
#define USED            UINT32_C(0x12345678)
#define STATUS_NOMEM    6

struct piece {
    pfn_t first;
    pfn_t count;
    unsigned order; /* 0: freed as a run, or one frame */
};

static volatile uint32_t *words_of(pfn_t pfn)
{
    return (volatile uint32_t *)(uintptr_t)frame_address(pfn);
}

static void use(const struct piece *p)
{
    for (size_t i = 0; i < p->count * WORDS_PER_FRAME; i++) {
        words_of(p->first)[i] = USED;
    }
}

static size_t count_words(const struct piece *p, uint32_t value)
{
    size_t count = 0;

    for (size_t i = 0; i < p->count * WORDS_PER_FRAME; i++) {
        count += words_of(p->first)[i] == value;
    }
    return count;
}

static bool alloc_piece(struct piece *p)
{
    if (p->order != 0) {
        return frame_alloc_order(p->order, &p->first) == OK;
    }
    return frame_alloc_run(p->count, &p->first) == OK;
}

static void free_piece(const struct piece *p)
{
    if (p->order != 0) {
        frame_free_order(p->first, p->order);
    } else if (p->count == 1) {
        frame_free(p->first);
    } else {
        frame_free_run(p->first, p->count);
    }
}

int scenario_fill(void)
{
    /* The neighbours keep their blocks split. */
    struct piece pieces[] = { { .count = 1 },
                              { .count = 1 },
                              { .count = 3 },
                              { .count = 8, .order = 3 },
                              { .count = BLOCK_FRAMES, .order = BLOCK_ORDER },
                              { .count = 2 * BLOCK_FRAMES, .order = BLOCK_ORDER + 1 },
                              { .count = BLOCK_FRAMES + 100 } };
    size_t words = 0;
    size_t filled = 0;
    size_t left = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        if (!alloc_piece(&pieces[i])) {
            return STATUS_NOMEM;
        }
        use(&pieces[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        free_piece(&pieces[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        words += pieces[i].count * WORDS_PER_FRAME;
        filled += count_words(&pieces[i], (uint32_t)params.fill_value);
        left += count_words(&pieces[i], USED);
    }
    result_line("fill words=%llu filled=%llu left=%llu", (unsigned long long)words,
                (unsigned long long)filled, (unsigned long long)left);
    return 0;
}
