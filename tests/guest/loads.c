/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads on memory and processor while the host does as it likes. `compute` and `churn` never
 * yield; `pattern` keeps memory filled with what it must still find later; `hoard` takes nearly
 * everything, `greedy` everything, `grow` more than is free.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/app_words.h"
#include "kernel/balloon_service.h"
#include "kernel/power_button.h"
#include "kernel/task.h"
#include "mm/frame.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS       UINT64_C(1000000)
#define STATUS_WRONG    5
#define STATUS_NOMEM    6
#define WORDS_PER_FRAME (FRAME_SIZE / sizeof(uint64_t))

static uint64_t *frame_view(pfn_t pfn)
{
    return (uint64_t *)(uintptr_t)frame_address(pfn);
}

/* ---- a chain: many frames, each of which knows the one before ---- */

/* Takes up to `count` frames; returns how many there were. */
static uint64_t chain_take(uint64_t count, uint64_t *chain)
{
    uint64_t taken = 0;
    pfn_t pfn;

    *chain = PFN_NONE;
    while (taken < count && (pfn = frame_alloc()) != PFN_NONE) {
        frame_view(pfn)[0] = *chain;
        frame_view(pfn)[1] = ~*chain;
        *chain = pfn;
        taken++;
    }
    return taken;
}

/* Frees them all; false when one has lost its content. */
static bool chain_free(uint64_t chain)
{
    while (chain != PFN_NONE) {
        uint64_t next = frame_view((pfn_t)chain)[0];

        if (frame_view((pfn_t)chain)[1] != ~next) {
            log_error("frame %llu of a chain has lost its content", (unsigned long long)chain);
            return false;
        }
        frame_free((pfn_t)chain);
        chain = next;
    }
    return true;
}

/* ---- compute: a loop that calls nothing ---- */

/* Loops for ms=N milliseconds (default 10 s) and tells the longest time the loop was away. */
int scenario_compute(void)
{
    uint64_t tsc_per_ms = clock_tsc_hz() / 1000;
    uint64_t length = app_word_number("ms", 10000) * tsc_per_ms;
    uint64_t start = tsc_read();
    uint64_t last = start;
    uint64_t longest = 0;
    uint64_t rounds = 0;

    result_line("compute state=begin actual=%llu", (unsigned long long)balloon_service_actual());
    while (last - start < length) {
        uint64_t now = tsc_read();

        if (now - last > longest) {
            longest = now - last;
        }
        last = now;
        rounds++;
    }
    result_line("compute state=end rounds=%llu longest_ns=%llu actual=%llu",
                (unsigned long long)rounds,
                (unsigned long long)(longest * (NS_PER_MS / 1000) / (tsc_per_ms / 1000)),
                (unsigned long long)balloon_service_actual());
    return 0;
}

/* ---- churn: the allocator is nearly always held ---- */

#define CHURN_PAIRS 100U

/* Allocates and frees for ms=N milliseconds (default 10 s) and does nothing else, so that most
 * interrupts find the allocator held. */
int scenario_churn(void)
{
    uint64_t end = clock_now_ns() + app_word_number("ms", 10000) * NS_PER_MS;
    uint64_t pairs = 0;

    result_line("churn state=begin");
    while (clock_now_ns() < end) {
        for (unsigned i = 0; i < CHURN_PAIRS; i++) {
            pfn_t pfn = frame_alloc();

            if (pfn == PFN_NONE) {
                return STATUS_NOMEM;
            }
            frame_free(pfn);
        }
        pairs += CHURN_PAIRS;
    }
    result_line("churn state=end pairs=%llu actual=%llu", (unsigned long long)pairs,
                (unsigned long long)balloon_service_actual());
    return 0;
}

/* ---- pattern: nothing may be lost ---- */

/* Memory held at one time; sizes vary from one frame to 4 MiB. */
#define HELD_MAX       512U
#define RUN_FRAMES_MAX 1024U

struct held {
    pfn_t first;
    pfn_t count;
    uint64_t seed;
};

static struct held held[HELD_MAX];
static uint64_t random_state = 88172645463325252U;

/* xorshift64 (Marsaglia 2003): any generator will do, but the same one every time. */
static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void pattern_write(const struct held *h)
{
    for (pfn_t i = 0; i < h->count; i++) {
        uint64_t *view = frame_view(h->first + i);

        view[0] = h->seed + i;
        view[WORDS_PER_FRAME / 2] = ~(h->seed + i);
        view[WORDS_PER_FRAME - 1] = h->first + i;
    }
}

static bool pattern_is_right(const struct held *h)
{
    for (pfn_t i = 0; i < h->count; i++) {
        const uint64_t *view = frame_view(h->first + i);

        if (view[0] != h->seed + i || view[WORDS_PER_FRAME / 2] != ~(h->seed + i) ||
            view[WORDS_PER_FRAME - 1] != h->first + i) {
            log_error("frame %u of a run of %u at PFN %u has lost its content", i, h->count,
                      h->first);
            return false;
        }
    }
    return true;
}

/* Frees the slot if it is taken, fills it if memory can be had. */
static bool pattern_turn(struct held *h)
{
    if (h->count != 0) {
        if (!pattern_is_right(h)) {
            return false;
        }
        frame_free_run(h->first, h->count);
        h->count = 0;
        return true;
    }
    pfn_t count = (pfn_t)(random_next() % 4 == 0 ? random_next() % RUN_FRAMES_MAX + 1
                                                 : random_next() % 16 + 1);

    if (frame_alloc_run(count, &h->first) == OK) {
        h->count = count;
        h->seed = random_next();
        pattern_write(h);
    }
    return true;
}

/* Runs for rounds=N turns (default: 10 million, ended by the power button), checking everything at
 * the end; allocator and balloon are validated from time to time. Before all that touch=N MiB are
 * used and freed; slots=N is how much may be held, pause=N the milliseconds after each turn. */
int scenario_pattern(void)
{
    uint64_t rounds = app_word_number("rounds", 10000000);
    uint64_t check_every = app_word_number("check", 20000);
    uint64_t slots = min_u64(app_word_number("slots", HELD_MAX), HELD_MAX);
    uint64_t pause_ns = app_word_number("pause", 0) * NS_PER_MS;
    uint64_t chain;

    power_button_take();
    (void)chain_take(app_word_number("touch", 0) * (MIB / FRAME_SIZE), &chain);
    if (!chain_free(chain) || slots == 0) {
        return STATUS_WRONG;
    }
    for (uint64_t round = 0; round < rounds && !power_button_pressed(); round++) {
        if (!pattern_turn(&held[random_next() % slots])) {
            return STATUS_WRONG;
        }
        if (round % check_every == 0) {
            frame_check();
            result_line("pattern rounds=%llu", (unsigned long long)round);
        }
        if (pause_ns != 0) {
            task_sleep_until(clock_now_ns() + pause_ns);
        }
        task_yield();
    }
    uint64_t frames = 0;

    for (unsigned i = 0; i < HELD_MAX; i++) {
        if (held[i].count != 0 && !pattern_is_right(&held[i])) {
            return STATUS_WRONG;
        }
        frames += held[i].count;
    }
    frame_check();
    result_line("pattern state=end frames_checked=%llu", (unsigned long long)frames);
    return 0;
}

/* ---- hoard: nearly all memory is in use ---- */

/* Takes all but leave=N MiB (default 8) and keeps it for ms=N, then frees it all and stays; with
 * compute=1 in a loop that never yields. */
int scenario_hoard(void)
{
    uint64_t leave = app_word_number("leave", 8) * (MIB / FRAME_SIZE);
    uint64_t end = clock_now_ns() + app_word_number("ms", 1000) * NS_PER_MS;
    uint64_t free_frames = frame_free_count();
    uint64_t wanted = free_frames > leave ? free_frames - leave : 0;
    uint64_t chain;
    uint64_t frames = chain_take(wanted, &chain);

    if (frames < wanted) {
        return STATUS_NOMEM;
    }
    result_line("hoard state=full frames=%llu", (unsigned long long)frames);
    task_sleep_until(end);
    if (!chain_free(chain)) {
        return STATUS_WRONG;
    }
    result_line("hoard state=free");
    while (app_word_number("compute", 0) != 0) {
        cpu_relax();
    }
    task_sleep_until(UINT64_MAX);
    return 0;
}

/* ---- greedy: whatever is free is used at once ---- */

/* Once the host holds wait=N MiB: takes and touches every frame there is, again and again, until
 * the power button is pressed. */
int scenario_greedy(void)
{
    uint64_t wait_pages = app_word_number("wait", 0) * (MIB / FRAME_SIZE);
    uint64_t frames = 0;

    power_button_take();
    while (!power_button_pressed()) {
        pfn_t pfn;

        while (balloon_service_actual() >= wait_pages && (pfn = frame_alloc()) != PFN_NONE) {
            *frame_view(pfn) = pfn;
            wait_pages = 0;
            frames++;
        }
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    result_line("greedy frames=%llu", (unsigned long long)frames);
    return 0;
}

/* ---- grow: more is needed than is free ---- */

/* Once the host holds wait=N MiB: takes mib=N (default 64), says whether all of it could be had,
 * keeps it for hold=N milliseconds, checks and frees it, and stays. */
int scenario_grow(void)
{
    uint64_t wait_pages = app_word_number("wait", 0) * (MIB / FRAME_SIZE);
    uint64_t wanted = app_word_number("mib", 64) * (MIB / FRAME_SIZE);
    uint64_t hold_ns = app_word_number("hold", 0) * NS_PER_MS;
    uint64_t chain;

    while (balloon_service_actual() < wait_pages) {
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    uint64_t frames = chain_take(wanted, &chain);

    result_line("grow state=%s frames=%llu", frames == wanted ? "held" : "refused",
                (unsigned long long)frames);
    task_sleep_until(clock_now_ns() + hold_ns);
    if (!chain_free(chain)) {
        return STATUS_WRONG;
    }
    result_line("grow state=free");
    task_sleep_until(UINT64_MAX);
    return 0;
}
