/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocations that only the balloon can serve (DEFLATE_ON_OOM), each between two marks that the
 * host sees: a byte written to the scratch register of the first serial port, which keeps it and
 * does nothing. What QEMU traces between them happened before the allocation returned. Interrupts
 * stay on, as for any task, so what the driver does in one is between the marks, too.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/app_words.h"
#include "kernel/balloon_service.h"
#include "kernel/task.h"
#include "mm/frame.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS    UINT64_C(1000000)
#define STATUS_NOMEM 6
#define MARK_PORT    0x3ffU
#define MARK_BEGIN   0xb1U
#define MARK_END     0xe1U
/* Long enough for the host to be told before the next allocation begins. */
#define PAUSE_MS 20U

static uint64_t *frame_view(pfn_t pfn)
{
    return (uint64_t *)(uintptr_t)frame_address(pfn);
}

/* Everything that is free. Nothing of it is given back, so nobody keeps account of it. */
static void take_all(void)
{
    pfn_t pfn;

    while (frame_free_count() > 0 && (pfn = frame_alloc()) != PFN_NONE) {
        *frame_view(pfn) = pfn;
    }
}

/* 2 MiB between two marks. *served: whether the driver ran meanwhile. */
static bool take_block(bool *served)
{
    uint64_t before = balloon_service_cost().slices;
    pfn_t first;
    err_t err;

    port_out8(MARK_PORT, MARK_BEGIN);
    err = frame_alloc_order(BLOCK_ORDER, &first);
    *served = balloon_service_cost().slices != before;
    port_out8(MARK_PORT, MARK_END);
    if (err == OK) {
        *frame_view(first) = first;
    }
    return err == OK;
}

/* Once the host holds wait=N MiB: takes all that is free, and then blocks=N (default 16) times
 * 2 MiB that are not; says what the driver counted and in how many of these allocations it ran,
 * frees nothing and stays. */
int scenario_reclaim(void)
{
    uint64_t wait_pages = app_word_number("wait", 64) * (MIB / FRAME_SIZE);
    uint64_t blocks = app_word_number("blocks", 16);
    uint64_t served = 0;

    while (balloon_service_actual() < wait_pages) {
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    take_all();
    for (uint64_t i = 0; i < blocks; i++) {
        bool now;

        task_sleep_until(clock_now_ns() + PAUSE_MS * NS_PER_MS);
        if (!take_block(&now)) {
            return STATUS_NOMEM;
        }
        served += now;
    }
    task_sleep_until(clock_now_ns() + PAUSE_MS * NS_PER_MS);
    balloon_service_report();
    result_line("reclaim state=end blocks=%llu served=%llu", (unsigned long long)blocks,
                (unsigned long long)served);
    task_sleep_until(UINT64_MAX);
    return 0;
}
