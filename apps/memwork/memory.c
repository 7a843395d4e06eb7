/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The statements that allocate, write, verify and free. After every batch others run; then caches
 * may have fewer pages than before, so loops look at the region's count again and never keep a
 * place in it across a pause.
 */

#include "base/bits.h"

#include "apps/memwork/engine_internal.h"

/* ---- alloc and cache ---- */

/* Nothing is kept of what was too little. */
static bool refuse(struct engine *engine, struct region *region, uint64_t got, uint64_t wanted,
                   bool is_new)
{
    for (uint64_t i = 0; i < got && region->count > 0; i++) {
        region_drop(region, engine->host, region->count - 1);
    }
    if (is_new && region->count == 0) {
        engine_forget(engine, region);
    }
    return answer_error(engine, "memory",
                        "only %llu of %llu bytes could be had; 'or less' would take them",
                        engine_bytes_of(got), engine_bytes_of(wanted));
}

bool do_alloc(struct engine *engine, const struct statement *s)
{
    const struct memwork_host *host = engine->host;
    uint64_t wanted = s->percent == 0 ? engine_pages_of(s->bytes)
                                      : host->free_pages(host->context) / 100 * s->percent;
    bool is_new = engine_lookup(engine, s->name) == NULL;
    struct region *region = engine_make(engine, s->name);
    bool goes_on = true;
    uint64_t got = 0;
    uint64_t more = 1;

    if (region == NULL) {
        return false;
    }
    if (s->kind == STATEMENT_CACHE) {
        if (region->is_cache) {
            host->cache_close(host->context, region->number);
        }
        region->is_cache = true;
        host->cache_open(host->context, region->number, region->name, (unsigned)s->count);
    }
    while (got < wanted && more > 0 && goes_on) {
        more =
            region_grow(region, host, wanted - got, region->is_cache ? REGION_FILL : REGION_LEAVE);
        got += more;
        goes_on = engine_pause(engine);
    }
    if (got < wanted && !s->or_less && goes_on) {
        return refuse(engine, region, got, wanted, is_new);
    }
    answer_ok(engine, " name=%s bytes=%llu", s->name, engine_bytes_of(got));
    return true;
}

/* ---- touch and fill ---- */

bool do_write(struct engine *engine, const struct statement *s)
{
    bool fills = s->kind == STATEMENT_FILL;
    uint64_t pages = 0;
    bool goes_on = true;

    if (!engine_is_known(engine, s)) {
        return false;
    }
    for (struct region *r = engine_next_region(engine, s, NULL); r != NULL && goes_on;
         r = engine_next_region(engine, s, r)) {
        if (fills) {
            region_new_version(r, s->seed);
        }
        for (uint64_t at = 0; at < r->count && goes_on; at++) {
            region_write(r, engine->host, at, fills ? REGION_FILL : REGION_TOUCH);
            pages++;
            goes_on = pages % ENGINE_BATCH != 0 || engine_pause(engine);
        }
    }
    answer_ok(engine, " name=%s bytes=%llu", engine_name_of(s), engine_bytes_of(pages));
    return true;
}

/* ---- verify ---- */

/* Reads all of the region, whoever wants the machine to end: this is what it is for. A cache that
 * gives up pages meanwhile is read again from the start: its checksum is of what it holds now. */
bool engine_verify_region(struct engine *engine, struct region *region, uint64_t *checksum)
{
    struct region_fault fault = { .words = 0 };
    uint64_t sum;
    uint64_t gave;

    do {
        gave = region->gave;
        sum = 0;
        for (uint64_t at = 0; at < region->count; at++) {
            region_check(region, engine->host, at, &fault, &sum);
            if (at % ENGINE_BATCH == ENGINE_BATCH - 1) {
                (void)engine_pause(engine);
            }
        }
    } while (gave != region->gave && fault.words == 0);
    *checksum += sum;
    if (!answer_fault(engine, region, &fault)) {
        return false;
    }
    /* Every word is right, so only the books can be wrong: pages that are lost, or there twice. */
    return sum == region->checksum ||
           answer_error(engine, "wrong",
                        "the checksum of '%s' is 0x%016llx instead of 0x%016llx: pages are lost "
                        "or there twice",
                        region->name, (unsigned long long)sum,
                        (unsigned long long)region->checksum);
}

bool do_verify(struct engine *engine, const struct statement *s)
{
    uint64_t pages = 0;
    uint64_t checksum = 0;

    if (!engine_is_known(engine, s)) {
        return false;
    }
    for (struct region *r = engine_next_region(engine, s, NULL); r != NULL;
         r = engine_next_region(engine, s, r)) {
        if (!engine_verify_region(engine, r, &checksum)) {
            return false;
        }
        pages += r->count;
    }
    answer_ok(engine, " name=%s bytes=%llu checksum=%016llx", engine_name_of(s),
              engine_bytes_of(pages), (unsigned long long)checksum);
    return true;
}

/* ---- free ---- */

static uint64_t free_some(struct engine *engine, struct region *region, const struct statement *s,
                          uint64_t *random, struct region_fault *fault)
{
    uint64_t pages = s->percent != 0
                         ? region->count / 100 * s->percent + region->count % 100 * s->percent / 100
                         : min_u64(engine_pages_of(s->bytes), region->count);
    uint64_t done = 0;

    while (done < pages && region->count > 0) {
        engine_drop(engine, region,
                    s->random ? engine_random(random) % region->count : region->count - 1, fault);
        done++;
        if (done % ENGINE_BATCH == 0) {
            (void)engine_pause(engine);
        }
    }
    return done;
}

bool do_free(struct engine *engine, const struct statement *s)
{
    uint64_t random = engine_random_start(s->seed);
    uint64_t pages = 0;

    if (!engine_is_known(engine, s)) {
        return false;
    }
    for (struct region *r = engine_next_region(engine, s, NULL); r != NULL;
         r = engine_next_region(engine, s, r)) {
        struct region_fault fault = { .words = 0 };

        pages += free_some(engine, r, s, &random, &fault);
        if (!answer_fault(engine, r, &fault)) {
            return false;
        }
        if (s->percent == 100) {
            engine_forget(engine, r);
        }
    }
    answer_ok(engine, " name=%s bytes=%llu", engine_name_of(s), engine_bytes_of(pages));
    return true;
}
