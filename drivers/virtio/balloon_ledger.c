/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger of frames that are leaving or in the balloon. It is the guest's only record of them:
 * frames are freed by this record, never by what stands in memory the device can write.
 *
 * Invariants: every page is not empty, but for two: the top may be, between a reserve and the push
 * or trim that follows, and the base, when the oldest runs were taken; `frames` is the sum of all.
 */

#include "drivers/virtio/balloon_ledger.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/string.h"

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
    ASSERT(empty->below->used > 0 || empty->below == &ledger->base);
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

/* The lowest page with runs in it, and the page above it. */
static struct balloon_ledger_page *oldest_page(struct balloon_ledger *ledger,
                                               struct balloon_ledger_page **above)
{
    struct balloon_ledger_page *page = ledger->top;
    struct balloon_ledger_page *next;

    *above = NULL;
    for (next = page->below; next != NULL && next->used > 0; next = page->below) {
        *above = page;
        page = next;
    }
    return page;
}

struct balloon_run balloon_ledger_pop_oldest(struct balloon_ledger *ledger, pfn_t max)
{
    struct balloon_ledger_page *above;
    struct balloon_ledger_page *page;
    struct balloon_run popped;

    ASSERT(max > 0);
    ASSERT(ledger->frames > 0);
    balloon_ledger_trim(ledger);
    page = oldest_page(ledger, &above);
    ASSERT(page->used > 0);
    popped = page->runs[0];
    popped.count = popped.count < max ? popped.count : max;
    page->runs[0].first += popped.count;
    page->runs[0].count -= popped.count;
    ledger->frames -= popped.count;
    if (page->runs[0].count > 0) {
        return popped;
    }
    page->used--;
    memmove(&page->runs[0], &page->runs[1], page->used * sizeof(page->runs[0]));
    if (page->used == 0 && page != &ledger->base && above != NULL) {
        above->below = page->below;
        ledger->pages_held--;
        ledger->mem->page_free(page, page->address, 1);
    }
    balloon_ledger_trim(ledger);
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
        ASSERT(page->used > 0 || page == ledger->top || page == &ledger->base);
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
