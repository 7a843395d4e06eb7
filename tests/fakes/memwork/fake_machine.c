/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake machine. Free memory holds junk, so that nobody can rely on it. */

#include "tests/fakes/memwork/fake_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define JUNK     0x6b
#define PAUSE_NS UINT64_C(20000)
#define TAKE_NS  UINT64_C(200)

struct fake_machine fake_machine;

static struct fake_machine *const m = &fake_machine;

/* ---- memory ---- */

static uint32_t run_at(uint32_t page, uint32_t wanted)
{
    uint32_t count = 0;

    while (count < wanted && page + count < m->pages && m->used[page + count] == 0) {
        count++;
    }
    return count;
}

static uint64_t ask_caches(uint64_t pages)
{
    uint64_t got = 0;

    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        if (m->cache_is_open[i] && got < pages && engine_can_give(&m->engine, i) > 0) {
            got += engine_give(&m->engine, i, pages - got);
        }
    }
    return got;
}

static uint32_t take(void *context, uint32_t wanted, uint32_t *first)
{
    (void)context;
    ASSERT(wanted > 0);
    m->now_ns += TAKE_NS;
    if (m->free == 0) {
        (void)ask_caches(wanted);
    }
    for (uint32_t page = 0; page < m->pages; page++) {
        uint32_t count = run_at(page, wanted < m->run_max ? wanted : m->run_max);

        if (count > 0) {
            memset(m->used + page, 1, count);
            m->free -= count;
            *first = page;
            return count;
        }
    }
    return 0;
}

static uint64_t *view(void *context, uint32_t page)
{
    (void)context;
    ASSERT(page < m->pages);
    ASSERT(m->used[page] == 1);
    return m->memory + (size_t)page * HOST_PAGE_WORDS;
}

static void give(void *context, uint32_t page)
{
    memset(view(context, page), JUNK, HOST_PAGE_BYTES);
    m->used[page] = 0;
    m->free++;
}

static uint64_t free_pages(void *context)
{
    (void)context;
    return m->free;
}

/* ---- the balloon ---- */

/* Pages in the balloon are marked 2: nobody may look at them. */
static void balloon_follow(void)
{
    if (m->target > m->actual + m->free) {
        (void)ask_caches(m->target - m->actual - m->free);
    }
    for (uint32_t page = m->pages; page > 0 && m->actual < m->target; page--) {
        if (m->used[page - 1] == 0) {
            m->used[page - 1] = 2;
            m->free--;
            m->actual++;
        }
    }
    for (uint32_t page = 0; page < m->pages && m->actual > m->target; page++) {
        if (m->used[page] == 2) {
            m->used[page] = 0;
            m->free++;
            m->actual--;
        }
    }
}

static uint64_t balloon_target(void *context)
{
    (void)context;
    return m->target;
}

static uint64_t balloon_actual(void *context)
{
    (void)context;
    return m->actual;
}

void fake_machine_set_target(uint64_t pages)
{
    m->target = pages;
}

/* ---- time ---- */

static uint64_t now_ns(void *context)
{
    (void)context;
    return m->now_ns;
}

static void sleep_until(void *context, uint64_t at_ns)
{
    (void)context;
    if (at_ns > m->now_ns) {
        m->now_ns = at_ns;
    }
}

static void pause(void *context)
{
    (void)context;
    m->now_ns += PAUSE_NS;
    for (unsigned i = 0; i < m->events_count; i++) {
        struct fake_event *event = &m->events[i];

        if (event->happen != NULL && event->at_ns <= m->now_ns) {
            void (*happen)(void) = event->happen;

            event->happen = NULL;
            happen();
        }
    }
    balloon_follow();
    if (m->calls_left != UINT64_MAX && m->calls_left > 0) {
        m->calls_left--;
    }
}

static bool stopped(void *context)
{
    (void)context;
    return m->calls_left == 0;
}

void fake_machine_at(uint64_t ms, void (*happen)(void))
{
    ASSERT(m->events_count < FAKE_MACHINE_EVENTS_MAX);
    m->events[m->events_count++] = (struct fake_event){ .at_ns = ms * FAKE_MS, .happen = happen };
}

/* ---- caches and lines ---- */

static void cache_open(void *context, unsigned number, const char *name, unsigned cost)
{
    (void)context;
    ASSERT(number < ENGINE_REGIONS_MAX && !m->cache_is_open[number]);
    ASSERT(name[0] != '\0');
    m->cache_is_open[number] = true;
    m->cache_cost[number] = cost;
}

static void cache_close(void *context, unsigned number)
{
    (void)context;
    ASSERT(m->cache_is_open[number]);
    m->cache_is_open[number] = false;
}

static void print(void *context, const char *line)
{
    (void)context;
    ASSERT(strlen(line) <= ENGINE_LINE_MAX);
    if (getenv("AEROSTAT_TEST_LOG") != NULL) {
        fprintf(stderr, "@%s\n", line);
    }
    if (m->lines_count < FAKE_MACHINE_LINES_MAX) {
        memcpy(m->lines[m->lines_count], line, strlen(line) + 1);
    }
    m->lines_count++;
}

bool fake_machine_said(size_t index, const char *text)
{
    return index < m->lines_count && strstr(m->lines[index], text) != NULL;
}

bool fake_machine_ever_said(const char *text)
{
    for (size_t i = 0; i < m->lines_count && i < FAKE_MACHINE_LINES_MAX; i++) {
        if (strstr(m->lines[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

const char *fake_machine_last_line(void)
{
    ASSERT(m->lines_count > 0 && m->lines_count <= FAKE_MACHINE_LINES_MAX);
    return m->lines[m->lines_count - 1];
}

void fake_machine_flip(uint32_t page, unsigned word, unsigned bit)
{
    view(NULL, page)[word] ^= UINT64_C(1) << bit;
}

/* ---- start and end ---- */

void fake_machine_start(uint32_t pages)
{
    ASSERT(pages <= FAKE_MACHINE_PAGES_MAX);
    memset(m, 0, sizeof(*m));
    m->host = (struct memwork_host){
        .take = take,
        .give = give,
        .view = view,
        .free_pages = free_pages,
        .balloon_target = balloon_target,
        .balloon_actual = balloon_actual,
        .now_ns = now_ns,
        .sleep_until = sleep_until,
        .pause = pause,
        .stopped = stopped,
        .cache_open = cache_open,
        .cache_close = cache_close,
        .print = print,
    };
    m->memory = malloc((size_t)pages * HOST_PAGE_BYTES);
    ASSERT(m->memory != NULL);
    memset(m->memory, JUNK, (size_t)pages * HOST_PAGE_BYTES);
    m->pages = pages;
    m->free = pages;
    m->run_max = UINT32_MAX;
    m->calls_left = UINT64_MAX;
    engine_init(&m->engine, &m->host);
}

void fake_machine_end(void)
{
    ASSERT(m->free + m->actual == m->pages);
    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        ASSERT(!m->cache_is_open[i]);
    }
    free(m->memory);
    m->memory = NULL;
}

bool fake_machine_step(const char *script)
{
    static struct program program;
    struct script_error error;

    if (!script_parse(script, strlen(script), 1, &program, &error)) {
        engine_script_error(&m->engine, &error);
        return false;
    }
    return engine_run(&m->engine, &program);
}

int fake_machine_run(const char *script)
{
    (void)fake_machine_step(script);
    return engine_end(&m->engine);
}
