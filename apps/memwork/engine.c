/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs statements one after the other, keeps the table of regions, and answers the machine when it
 * asks caches for memory.
 */

#include "apps/memwork/engine.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#include "apps/memwork/engine_internal.h"

/* ---- small things ---- */

uint64_t engine_pages_of(uint64_t bytes)
{
    return bytes / HOST_PAGE_BYTES + (bytes % HOST_PAGE_BYTES != 0);
}

unsigned long long engine_bytes_of(uint64_t pages)
{
    return (unsigned long long)pages * HOST_PAGE_BYTES;
}

static uint64_t now(const struct engine *engine)
{
    return engine->host->now_ns(engine->host->context);
}

bool engine_pause(struct engine *engine)
{
    engine->host->pause(engine->host->context);
    return !engine->host->stopped(engine->host->context);
}

uint64_t engine_random_start(uint64_t seed)
{
    /* Any number but 0, which would stay 0. */
    return seed * 2 + 1;
}

/* xorshift64 (Marsaglia 2003). */
uint64_t engine_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- regions ---- */

struct region *engine_lookup(struct engine *engine, const char *name)
{
    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        if (strcmp(engine->regions[i].name, name) == 0) {
            return &engine->regions[i];
        }
    }
    return NULL;
}

struct region *engine_find(struct engine *engine, const char *name)
{
    struct region *region = engine_lookup(engine, name);

    if (region == NULL) {
        (void)answer_error(engine, "name", "there is no region '%s'; 'alloc %s 64M' makes one",
                           name, name);
    }
    return region;
}

struct region *engine_make(struct engine *engine, const char *name)
{
    struct region *region = engine_lookup(engine, name);

    if (region != NULL) {
        return region;
    }
    region = engine_lookup(engine, ""); /* one that is unused */
    if (region == NULL) {
        (void)answer_error(engine, "limit", "there are %u regions already", ENGINE_REGIONS_MAX);
        return NULL;
    }
    region_init(region, (unsigned)(region - engine->regions), name);
    return region;
}

void engine_forget(struct engine *engine, struct region *region)
{
    ASSERT(region->count == 0);
    if (region->is_cache) {
        engine->host->cache_close(engine->host->context, region->number);
    }
    region->name[0] = '\0';
}

void engine_drop(struct engine *engine, struct region *region, uint64_t at,
                 struct region_fault *fault)
{
    uint64_t checksum = 0;

    region_check(region, engine->host, at, fault, &checksum);
    region_drop(region, engine->host, at);
}

/* The regions of a statement, one after the other: null at the end. */
struct region *engine_next_region(struct engine *engine, const struct statement *s,
                                  struct region *last)
{
    if (s->name[0] != '\0') {
        return last == NULL ? engine_lookup(engine, s->name) : NULL;
    }
    for (struct region *r = last == NULL ? engine->regions : last + 1;
         r < engine->regions + ENGINE_REGIONS_MAX; r++) {
        if (r->name[0] != '\0') {
            return r;
        }
    }
    return NULL;
}

bool engine_is_known(struct engine *engine, const struct statement *s)
{
    return s->name[0] == '\0' || engine_find(engine, s->name) != NULL;
}

const char *engine_name_of(const struct statement *s)
{
    return s->name[0] != '\0' ? s->name : "all";
}

/* ---- programs ---- */

static bool run_statement(struct engine *engine, const struct statement *s)
{
    switch (s->kind) {
    case STATEMENT_ALLOC:
    case STATEMENT_CACHE:
        return do_alloc(engine, s);
    case STATEMENT_CHURN:
        return do_churn(engine, s);
    case STATEMENT_FILL:
    case STATEMENT_TOUCH:
        return do_write(engine, s);
    case STATEMENT_FREE:
        return do_free(engine, s);
    case STATEMENT_HOLD:
        return do_hold(engine, s);
    case STATEMENT_PRINT:
        return do_print(engine, s);
    case STATEMENT_SINE:
    case STATEMENT_STEP:
        return do_wave(engine, s);
    case STATEMENT_VERIFY:
        return do_verify(engine, s);
    case STATEMENT_WAIT:
        return do_wait(engine, s);
    case STATEMENT_END:
    case STATEMENT_QUIT:
    case STATEMENT_REPEAT:
        break; /* engine_run() sees to them */
    }
    panic("memwork: statement %d has no meaning", (int)s->kind);
}

bool engine_run(struct engine *engine, const struct program *program)
{
    uint64_t left[SCRIPT_DEPTH_MAX]; /* rounds of the repeats we are in, this one included */
    unsigned depth = 0;
    unsigned at = 0;

    while (at < program->count && !engine->quit) {
        const struct statement *s = &program->statements[at];

        engine->now = s;
        engine->line = s->line;
        engine->column = s->column;
        at++;
        if (s->kind == STATEMENT_REPEAT) {
            ASSERT(depth < SCRIPT_DEPTH_MAX);
            left[depth++] = s->count;
            if (s->count == 0) {
                at = s->other + 1;
                depth--;
            }
        } else if (s->kind == STATEMENT_END) {
            ASSERT(depth > 0);
            if (--left[depth - 1] > 0) {
                at = s->other + 1;
            } else {
                depth--;
            }
        } else if (s->kind == STATEMENT_QUIT) {
            engine->quit = true;
        } else {
            engine->started_ns = now(engine);
            engine->statements++;
            if (!run_statement(engine, s)) {
                return false;
            }
        }
        if (!engine_pause(engine)) {
            break;
        }
    }
    return true;
}

void engine_init(struct engine *engine, const struct memwork_host *host)
{
    *engine = (struct engine){ .host = host, .line = 1, .column = 1 };
}

int engine_end(struct engine *engine)
{
    static const struct statement everything = { .kind = STATEMENT_FREE };
    uint64_t checksum = 0;
    struct region *r = NULL;

    while (!engine->failed && (r = engine_next_region(engine, &everything, r)) != NULL) {
        (void)engine_verify_region(engine, r, &checksum);
    }
    for (r = engine_next_region(engine, &everything, NULL); r != NULL;
         r = engine_next_region(engine, &everything, r)) {
        while (r->count > 0) {
            region_drop(r, engine->host, r->count - 1);
        }
        engine_forget(engine, r);
    }
    int status = engine->script_is_bad ? 2 : engine->failed ? 1 : 0;

    answer_end(engine, status);
    return status;
}

/* ---- the machine asks for memory ---- */

uint64_t engine_can_give(const struct engine *engine, unsigned number)
{
    const struct region *region = &engine->regions[number];

    ASSERT(number < ENGINE_REGIONS_MAX && region->name[0] != '\0');
    return region->busy ? 0 : region->count;
}

uint64_t engine_give(struct engine *engine, unsigned number, uint64_t pages)
{
    struct region *region = &engine->regions[number];
    uint64_t done = 0;

    for (; done < pages && engine_can_give(engine, number) > 0; done++) {
        region_drop(region, engine->host, region->count - 1);
    }
    if (done > 0) {
        region->gave += done;
        engine->gave += done;
        answer_gave(engine, region, done);
    }
    return done;
}
