/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger of frames that are leaving or in the balloon. It is the guest's only record of them:
 * frames are freed by this record, never by what stands in memory the device can write.
 *
 * Invariants: every page below the top is not empty; the top may be empty only between a reserve
 * and the push or trim that follows; `frames` is the sum of all runs.
 */

#include "drivers/virtio/balloon_ledger.h"

#include <stddef.h>

#include "base/assert.h"

STATIC_ASSERT(sizeof(struct balloon_ledger_page) == FRAME_SIZE, "a ledger page is one frame");

void balloon_ledger_init(struct balloon_ledger *ledger, const struct balloon_mem_ops *mem)
{
    ASSERT(mem != NULL);
    ledger->mem = mem;
    ledger->frames = 0;
    ledger->pages_held = 0;
    ledger->base.below = NULL;
    ledger->base.address = 0;
    ledger->base.used = 0;
    ledger->top = &ledger->base;
}

err_t balloon_ledger_reserve(struct balloon_ledger *ledger)
{
    struct balloon_ledger_page *page;
    void *memory;
    paddr_t address;
    err_t err;

    ASSERT(ledger->top->used <= BALLOON_LEDGER_RUNS);
    if (ledger->top->used < BALLOON_LEDGER_RUNS) {
        return OK;
    }
    err = ledger->mem->page_alloc(1, &memory, &address);
    if (err != OK) {
        return err;
    }
    page = memory;
    page->below = ledger->top;
    page->address = address;
    page->used = 0;
    ledger->top = page;
    ledger->pages_held++;
    return OK;
}

static bool continues(const struct balloon_run *run, pfn_t first)
{
    return run->first + run->count == first;
}

void balloon_ledger_push(struct balloon_ledger *ledger, pfn_t first, pfn_t count)
{
    struct balloon_ledger_page *top = ledger->top;

    ASSERT(count > 0);
    ASSERT(first <= PFN_NONE - count);
    ASSERT_SLOW(!balloon_ledger_contains(ledger, first));
    ASSERT_SLOW(!balloon_ledger_contains(ledger, first + count - 1));
    ledger->frames += count;
    if (top->used > 0 && continues(&top->runs[top->used - 1], first)) {
        top->runs[top->used - 1].count += count;
        return;
    }
    ASSERT(top->used < BALLOON_LEDGER_RUNS);
    top->runs[top->used] = (struct balloon_run){ first, count };
    top->used++;
}

void balloon_ledger_trim(struct balloon_ledger *ledger)
{
    struct balloon_ledger_page *empty = ledger->top;

    if (empty->used > 0 || empty->below == NULL) {
        return;
    }
    ASSERT(ledger->pages_held > 0);
    ASSERT(empty->below->used > 0);
    ledger->top = empty->below;
    ledger->pages_held--;
    ledger->mem->page_free(empty, empty->address, 1);
}

struct balloon_run balloon_ledger_pop(struct balloon_ledger *ledger, pfn_t max)
{
    struct balloon_run *run;
    struct balloon_run popped;

    ASSERT(max > 0);
    ASSERT(ledger->frames > 0);
    balloon_ledger_trim(ledger);
    ASSERT(ledger->top->used > 0);
    run = &ledger->top->runs[ledger->top->used - 1];
    popped.count = run->count < max ? run->count : max;
    run->count -= popped.count;
    popped.first = run->first + run->count;
    ledger->frames -= popped.count;
    if (run->count == 0) {
        ledger->top->used--;
        balloon_ledger_trim(ledger);
    }
    return popped;
}

bool balloon_ledger_contains(const struct balloon_ledger *ledger, pfn_t pfn)
{
    for (const struct balloon_ledger_page *page = ledger->top; page != NULL; page = page->below) {
        for (uint64_t i = 0; i < page->used; i++) {
            if (pfn - page->runs[i].first < page->runs[i].count) {
                return true;
            }
        }
    }
    return false;
}

void balloon_ledger_check(const struct balloon_ledger *ledger)
{
    uint64_t frames = 0;
    uint64_t pages = 0;

    for (const struct balloon_ledger_page *page = ledger->top; page != NULL; page = page->below) {
        ASSERT(page->used <= BALLOON_LEDGER_RUNS);
        ASSERT(page->used > 0 || page == ledger->top);
        ASSERT((page->below == NULL) == (page == &ledger->base));
        for (uint64_t i = 0; i < page->used; i++) {
            ASSERT(page->runs[i].count > 0);
            frames += page->runs[i].count;
        }
        pages += page->below != NULL;
    }
    ASSERT(frames == ledger->frames);
    ASSERT(pages == ledger->pages_held);
}
