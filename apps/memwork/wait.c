/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements that only look: hold, wait and print. */

#include "base/bits.h"

#include "apps/memwork/engine_internal.h"

#define NS_PER_MS UINT64_C(1000000)
/* How often a statement that waits looks around. */
#define LOOK_NS (10 * NS_PER_MS)

static uint64_t now(const struct engine *engine)
{
    return engine->host->now_ns(engine->host->context);
}

/* Sleeps for a short while, at most until `end`; false: the machine is to end. */
static bool doze(struct engine *engine, uint64_t end)
{
    engine->host->sleep_until(engine->host->context, min_u64(end, now(engine) + LOOK_NS));
    return engine_pause(engine);
}

bool do_hold(struct engine *engine, const struct statement *s)
{
    uint64_t end = engine->started_ns + s->time_ns;

    while (now(engine) < end && doze(engine, end)) {
    }
    answer_ok(engine, "%s", "");
    return true;
}

static uint64_t waited_for(const struct engine *engine, enum wait_for what)
{
    const struct memwork_host *host = engine->host;

    switch (what) {
    case WAIT_BALLOON:
        return host->balloon_actual(host->context);
    case WAIT_TARGET:
        return host->balloon_target(host->context);
    case WAIT_FREE:
        break;
    }
    return host->free_pages(host->context);
}

static bool is_reached(const struct statement *s, uint64_t pages)
{
    uint64_t wanted = engine_pages_of(s->bytes);

    switch (s->wait_until) {
    case WAIT_AT_LEAST:
        return pages >= wanted;
    case WAIT_AT_MOST:
        return pages <= wanted;
    case WAIT_EXACTLY:
        break;
    }
    return pages == wanted;
}

bool do_wait(struct engine *engine, const struct statement *s)
{
    static const char *const names[] = { "balloon", "target", "free" };
    static const char *const relations[] = { "", "at least ", "at most " };
    uint64_t end = engine->started_ns + s->time_ns;
    uint64_t pages = waited_for(engine, s->wait_for);

    while (!is_reached(s, pages) && now(engine) < end && doze(engine, end)) {
        pages = waited_for(engine, s->wait_for);
    }
    if (!is_reached(s, pages) && now(engine) >= end) {
        return answer_error(engine, "timeout", "%s is %llu bytes, not %s%llu, after %llu ms",
                            names[s->wait_for], engine_bytes_of(pages), relations[s->wait_until],
                            engine_bytes_of(engine_pages_of(s->bytes)),
                            (unsigned long long)(s->time_ns / NS_PER_MS));
    }
    answer_ok(engine, " for=%s bytes=%llu", names[s->wait_for], engine_bytes_of(pages));
    return true;
}

bool do_print(struct engine *engine, const struct statement *s)
{
    const struct memwork_host *host = engine->host;
    uint64_t checksum = 0;

    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        checksum += engine->regions[i].name[0] != '\0' ? engine->regions[i].checksum : 0;
    }
    answer_ok(engine, " text=\"%s\" balloon=%llu target=%llu gave=%llu checksum=%016llx", s->say,
              engine_bytes_of(host->balloon_actual(host->context)),
              engine_bytes_of(host->balloon_target(host->context)), engine_bytes_of(engine->gave),
              (unsigned long long)checksum);
    return true;
}
