/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that keeps moving: churn, sine and step. Each works in turns: it looks at the clock, does
 * what is due by now, at most a batch, and sleeps when nothing is. A machine that is too slow falls
 * behind and says so in its answer; it never does more than a batch without a pause.
 */

#include "apps/memwork/engine_internal.h"

#include "base/assert.h"
#include "base/bits.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)
/* How long it sleeps when nothing is due. */
#define TURN_NS (10 * NS_PER_MS)
/* What a longer pause would have made due is not made up for. */
#define LAG_MAX_NS NS_PER_S

/* ---- the clock ---- */

struct course {
    uint64_t begin_ns;
    uint64_t length_ns;
    uint64_t now_ns; /* since begin_ns */
};

static uint64_t now(const struct engine *engine)
{
    return engine->host->now_ns(engine->host->context);
}

static struct course course_begin(const struct engine *engine, uint64_t length_ns)
{
    return (struct course){ .begin_ns = now(engine), .length_ns = length_ns };
}

/* The next turn; false at the end. An `idle` turn was one without work. */
static bool course_next(struct engine *engine, struct course *course, bool idle)
{
    if (idle) {
        uint64_t end = course->begin_ns + course->length_ns;

        engine->host->sleep_until(engine->host->context, min_u64(end, now(engine) + TURN_NS));
    }
    bool goes_on = engine_pause(engine);

    course->now_ns = now(engine) - course->begin_ns;
    return goes_on && course->now_ns < course->length_ns;
}

/* ---- churn ---- */

struct churn {
    uint64_t pages_per_s;
    uint64_t rest; /* of a page that is due, in page nanoseconds per second */
    uint64_t seen_ns;
    uint64_t due;  /* pages */
    uint64_t size; /* pages that the region shall keep */
    uint64_t moved;
    uint64_t random;
    struct region_fault fault;
};

static void churn_look(struct churn *c, const struct course *course)
{
    uint64_t passed = min_u64(course->now_ns - c->seen_ns, LAG_MAX_NS);
    uint64_t most = c->pages_per_s; /* what is due after LAG_MAX_NS */

    c->seen_ns = course->now_ns;
    c->rest += passed * c->pages_per_s;
    c->due = min_u64(c->due + c->rest / NS_PER_S, most);
    c->rest %= NS_PER_S;
}

/* New pages first, then old ones go: so it is other memory that comes. */
static void churn_batch(struct engine *engine, struct region *region, struct churn *c)
{
    uint64_t batch = min_u64(c->due, ENGINE_BATCH);
    uint64_t wanted = c->size + batch;

    while (region->count < wanted &&
           region_grow(region, engine->host, wanted - region->count, REGION_FILL) > 0) {
    }
    c->due -= batch;
    for (uint64_t i = 0; i < batch && region->count > 0; i++) {
        engine_drop(engine, region, engine_random(&c->random) % region->count, &c->fault);
        c->moved++;
    }
    while (region->count > c->size) {
        engine_drop(engine, region, region->count - 1, &c->fault);
    }
}

bool do_churn(struct engine *engine, const struct statement *s)
{
    struct region *region = engine_find(engine, s->name);

    if (region == NULL) {
        return false;
    }
    struct course course = course_begin(engine, s->time_ns);
    struct churn c = { .pages_per_s = s->bytes / HOST_PAGE_BYTES,
                       .size = region->count,
                       .random = engine_random_start(s->seed) };
    uint64_t gave = region->gave;

    while (c.fault.words == 0 && course_next(engine, &course, c.due == 0)) {
        churn_look(&c, &course);
        /* What a cache gave up is not fetched again. */
        c.size -= min_u64(c.size, region->gave - gave);
        gave = region->gave;
        churn_batch(engine, region, &c);
    }
    if (!answer_fault(engine, region, &c.fault)) {
        return false;
    }
    uint64_t lacking = c.size > region->count ? c.size - region->count : 0;

    answer_ok(engine, " name=%s bytes=%llu short=%llu", region->name, engine_bytes_of(c.moved),
              engine_bytes_of(lacking));
    return true;
}

/* ---- sine and step ---- */

/* Fractions are of 2^16. */
#define ONE UINT64_C(65536)

/* (1 - cos(2 pi x)) / 2, which is sin(pi x) squared. The sine is Bhaskara's approximation, which is
 * less than 0.2 % off and exact at both ends and in the middle. */
static uint64_t sine_share(uint64_t x)
{
    ASSERT(x < ONE);
    uint64_t p = x * (ONE - x) / ONE;
    uint64_t sine = 16 * p * ONE / (5 * ONE - 4 * p);

    return sine * sine / ONE;
}

/* The pages that the region shall have so long after the begin. */
static uint64_t wave_at(const struct statement *s, uint64_t now_ns)
{
    uint64_t x = now_ns % s->period_ns * ONE / s->period_ns;
    uint64_t low = engine_pages_of(s->low);
    uint64_t high = engine_pages_of(s->high);
    uint64_t share = s->kind == STATEMENT_SINE ? sine_share(x) : x < ONE / 2 ? 0 : ONE;

    return low + (high - low) * share / ONE;
}

struct wave {
    bool on_course; /* the size it began with has been left behind */
    uint64_t low;   /* since it is on course, pages */
    uint64_t high;
    uint64_t lacking; /* the most that could not be had */
    struct region_fault fault;
};

/* A batch towards `wanted`; true when there is no more to do, or nothing can be done. */
static bool wave_batch(struct engine *engine, struct region *region, struct wave *w,
                       uint64_t wanted)
{
    if (region->count < wanted) {
        uint64_t batch = min_u64(wanted - region->count, ENGINE_BATCH);

        if (region_grow(region, engine->host, batch, REGION_FILL) == 0) {
            w->lacking = max_u64(w->lacking, wanted - region->count);
            return true;
        }
    }
    for (unsigned i = 0; i < ENGINE_BATCH && region->count > wanted; i++) {
        engine_drop(engine, region, region->count - 1, &w->fault);
    }
    if (region->count == wanted && !w->on_course) {
        w->on_course = true;
        w->low = region->count;
        w->high = region->count;
    }
    w->low = min_u64(w->low, region->count);
    w->high = max_u64(w->high, region->count);
    return region->count == wanted;
}

bool do_wave(struct engine *engine, const struct statement *s)
{
    struct region *region = engine_make(engine, s->name);

    if (region == NULL) {
        return false;
    }
    struct course course = course_begin(engine, s->time_ns);
    struct wave w = { .low = region->count, .high = region->count };
    bool reached = false;

    while (w.fault.words == 0 && course_next(engine, &course, reached)) {
        reached = wave_batch(engine, region, &w, wave_at(s, course.now_ns));
    }
    if (!answer_fault(engine, region, &w.fault)) {
        return false;
    }
    answer_ok(engine, " name=%s low=%llu high=%llu short=%llu", region->name,
              engine_bytes_of(w.low), engine_bytes_of(w.high), engine_bytes_of(w.lacking));
    return true;
}
