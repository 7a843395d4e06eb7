/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A short sorted list of sources and the question that goes round it. Choosing a place and a
 * deadline, and asking again from a task, is left to the kernel.
 *
 * A question can be interrupted anywhere by another one, from work or from inside give(), which
 * ends first. So nothing is remembered across give() but the number of the round: the next source
 * is looked up from the head again, and a source that is gone is not touched. `asking` is set
 * before anything of a source is changed, so only one question changes it; what pressure_gave()
 * changes meanwhile is one instruction each.
 *
 * Invariant: the list is sorted by cost, and complete between any two instructions.
 */

#include "mm/pressure.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/barrier.h"
#include "base/bits.h"
#include "base/local.h"
#include "base/log.h"

#define NS_PER_MS UINT64_C(1000000)
/* More frames than there can be, and far from overflow: what a source says may be anything. */
#define FRAMES_MAX (UINT64_C(1) << 40)

static struct pressure_source *sources;
static struct pressure_counters counters;
static uint64_t (*clock_ns)(void);
static uint64_t rounds;  /* questions so far */
static unsigned working; /* questions under way in PRESSURE_WORK */

/* ---- the list ---- */

static bool is_known(const struct pressure_source *source)
{
    for (const struct pressure_source *s = sources; s != NULL; s = s->next) {
        if (s == source) {
            return true;
        }
    }
    return false;
}

void pressure_init(uint64_t (*now_ns)(void))
{
    ASSERT(now_ns != NULL);
    clock_ns = now_ns;
    sources = NULL;
    rounds = 0;
    working = 0;
    counters = (struct pressure_counters){ 0 };
}

void pressure_register(struct pressure_source *source)
{
    struct pressure_source **at = &sources;

    ASSERT(clock_ns != NULL);
    ASSERT(source->name != NULL);
    ASSERT(source->can_give != NULL);
    ASSERT(source->give != NULL);
    ASSERT(source->safe <= PRESSURE_WORK);
    ASSERT(working == 0);
    ASSERT(!is_known(source));
    while (*at != NULL && (*at)->cost <= source->cost) {
        at = &(*at)->next;
    }
    source->round = rounds;
    source->owed = 0;
    source->skip_until_ns = 0;
    source->asking = false;
    source->promised = false;
    source->blamed = false;
    source->next = *at;
    /* Work may go through the list at any moment: it sees the source complete, or not at all. */
    barrier_release();
    *at = source;
}

void pressure_unregister(struct pressure_source *source)
{
    struct pressure_source **at = &sources;

    ASSERT(working == 0);
    while (*at != source) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = source->next;
}

/* ---- promises ---- */

/* A promise ends: kept, or not. */
static void settle(struct pressure_source *source, uint64_t now)
{
    bool all_given = source->owed <= 0;

    ASSERT(source->asking);
    if (!source->promised || (!all_given && now <= source->deadline_ns)) {
        return;
    }
    source->promised = false;
    if (all_given && source->gave_ns <= source->deadline_ns) {
        source->blamed = false;
        return;
    }
    source->missed++;
    source->skip_until_ns = now + PRESSURE_SKIP_NS;
    if (!source->blamed) {
        source->blamed = true;
        log_warn("pressure: %s missed its deadline with %llu frames to give; not asked for %u ms",
                 source->name, (unsigned long long)(all_given ? 0 : source->owed),
                 (unsigned)(PRESSURE_SKIP_NS / NS_PER_MS));
    }
}

/* What is still to come from all sources by this deadline. */
static uint64_t promised_by(uint64_t deadline_ns, uint64_t now)
{
    uint64_t frames = 0;

    for (const struct pressure_source *s = sources; s != NULL; s = s->next) {
        if (s->promised && s->owed > 0 && s->deadline_ns <= deadline_ns && now <= s->deadline_ns) {
            frames += (uint64_t)s->owed;
        }
    }
    return frames;
}

static void book(struct pressure_source *source, int64_t frames)
{
    if (source->owed > 0) { /* what comes on top makes no promise late */
        source->gave_ns = clock_ns();
    }
    local_add(&source->given, frames);
    (void)local_sub(&source->owed, frames);
}

void pressure_gave(struct pressure_source *source, uint64_t frames)
{
    int64_t count = (int64_t)min_u64(frames, FRAMES_MAX);

    book(source, count);
    local_add(&counters.given_later, count);
}

/* ---- the question ---- */

/* The cheapest source that has not had its turn in this round. One that had it in a later round,
 * a question inside this one, has had it. */
static struct pressure_source *next_source(uint64_t round, enum pressure_place place)
{
    for (struct pressure_source *s = sources; s != NULL; s = s->next) {
        if (s->round < round && s->safe >= place && !s->asking) {
            return s;
        }
    }
    return NULL;
}

/* Asks one source for at most `frames`. Returns what it gave at once; *promised: what else it owes
 * by the deadline. */
static uint64_t ask_source(struct pressure_source *source, uint64_t frames,
                           enum pressure_place place, uint64_t deadline_ns, uint64_t *promised)
{
    uint64_t share;
    uint64_t given;

    source->asking = true;
    settle(source, clock_ns());
    share = min_u64(frames, source->can_give(source->context));
    *promised = 0;
    if (source->promised || clock_ns() < source->skip_until_ns || share == 0) {
        source->asking = false;
        return 0;
    }
    source->asked++;
    source->owed = (int64_t)share;
    source->deadline_ns = deadline_ns;
    source->promised = true;
    given = min_u64(source->give(source->context, share, place, deadline_ns), FRAMES_MAX);
    if (!is_known(source)) {
        return given;
    }
    /* It may be a new registration by now: then nothing is owed, and the gift is booked. */
    if (given > 0) {
        book(source, (int64_t)given);
    }
    source->asking = true;
    settle(source, clock_ns());
    *promised = source->promised ? (uint64_t)source->owed : 0;
    source->asking = false;
    return given;
}

uint64_t pressure_ask(uint64_t frames, enum pressure_reason reason, enum pressure_place place,
                      uint64_t deadline_ns)
{
    struct pressure_source *source;
    uint64_t wanted = min_u64(frames, FRAMES_MAX);
    uint64_t round = ++rounds;
    uint64_t coming = 0;
    uint64_t given = 0;

    ASSERT(clock_ns != NULL);
    ASSERT(reason < PRESSURE_REASONS);
    ASSERT(place <= PRESSURE_WORK);
    counters.asked[reason]++;
    working += place == PRESSURE_WORK;
    if (reason == PRESSURE_HOST_WANTS) {
        coming = promised_by(deadline_ns, clock_ns());
    }
    while (given + coming < wanted && (source = next_source(round, place)) != NULL) {
        uint64_t promised;

        source->round = round;
        given += ask_source(source, wanted - given - coming, place, deadline_ns, &promised);
        coming += reason == PRESSURE_HOST_WANTS ? promised : 0;
    }
    working -= place == PRESSURE_WORK;
    counters.given[reason] += given;
    counters.fell_short += given < wanted ? 1 : 0;
    return given;
}

/* ---- questions about it ---- */

uint64_t pressure_available(void)
{
    uint64_t now = clock_ns();
    uint64_t frames = 0;

    for (const struct pressure_source *s = sources; s != NULL; s = s->next) {
        if (now >= s->skip_until_ns) {
            frames += min_u64(s->can_give(s->context), FRAMES_MAX);
        }
    }
    return frames;
}

struct pressure_counters pressure_counters(void)
{
    return counters;
}

void pressure_report(void)
{
    result_line("pressure host_asked=%llu host_given=%llu alloc_asked=%llu alloc_given=%llu "
                "later=%lld short=%llu",
                (unsigned long long)counters.asked[PRESSURE_HOST_WANTS],
                (unsigned long long)counters.given[PRESSURE_HOST_WANTS],
                (unsigned long long)counters.asked[PRESSURE_ALLOC_FAILS],
                (unsigned long long)counters.given[PRESSURE_ALLOC_FAILS],
                (long long)counters.given_later, (unsigned long long)counters.fell_short);
    for (const struct pressure_source *s = sources; s != NULL; s = s->next) {
        result_line("pressure_source name=%s cost=%u asked=%llu given=%lld missed=%llu", s->name,
                    s->cost, (unsigned long long)s->asked, (long long)s->given,
                    (unsigned long long)s->missed);
    }
}
