/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's functions, made of what aerostat.h has. A page's number is its address. Caches are
 * sources of memory that bear being asked from allocations, but not between any two instructions:
 * the engine is in order whenever it allocates or lets others run.
 *
 * Invariant: what a cache offers is true whenever others may run or memory may be asked for, so it
 * is brought up to date right before that.
 */

#include "apps/memwork/guest.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Answers that wait for the port. */
#define OUT_MAX 32768U

static struct engine *engine;
static struct aerostat_source sources[ENGINE_REGIONS_MAX];
static volatile sig_atomic_t power_pressed;

static struct aerostat_port *port; /* null: none, or it does not work any more */
static char out[OUT_MAX];
static size_t out_used;
static unsigned out_lost; /* lines */

/* ---- caches ---- */

static unsigned number_of(const struct aerostat_source *source)
{
    return (unsigned)(source - sources);
}

static void offer(struct aerostat_source *source)
{
    source->offered_bytes = engine_can_give(engine, number_of(source)) * HOST_PAGE_BYTES;
}

static void offer_all(void)
{
    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        if (sources[i].give != NULL) {
            offer(&sources[i]);
        }
    }
}

static size_t give_up(void *context, size_t bytes, uint64_t deadline_ns)
{
    struct aerostat_source *source = context;
    uint64_t gave = engine_give(engine, number_of(source), bytes / HOST_PAGE_BYTES);

    (void)deadline_ns;
    offer(source);
    return gave * HOST_PAGE_BYTES;
}

static void cache_open(void *context, unsigned number, const char *name, unsigned cost)
{
    struct aerostat_source *source = &sources[number];

    (void)context;
    *source = (struct aerostat_source){
        .name = name, .cost = cost, .context = source, .give = give_up, .gives_to_allocations = true
    };
    aerostat_source_register(source);
}

static void cache_close(void *context, unsigned number)
{
    (void)context;
    aerostat_source_unregister(&sources[number]);
    sources[number].give = NULL;
}

/* ---- memory ---- */

static uint64_t *view(void *context, uint32_t page)
{
    (void)context;
    return (uint64_t *)((uintptr_t)page * HOST_PAGE_BYTES);
}

static uint32_t take(void *context, uint32_t wanted, uint32_t *first)
{
    size_t got = 0;

    (void)context;
    offer_all();
    void *pages = aerostat_pages_some((size_t)wanted * HOST_PAGE_BYTES, &got);

    *first = pages != NULL ? (uint32_t)((uintptr_t)pages / HOST_PAGE_BYTES) : HOST_PAGE_NONE;
    return (uint32_t)(got / HOST_PAGE_BYTES);
}

static void give(void *context, uint32_t page)
{
    aerostat_pages_free(view(context, page), HOST_PAGE_BYTES);
}

static uint64_t free_pages(void *context)
{
    struct aerostat_memory memory;

    (void)context;
    aerostat_memory(&memory);
    return (memory.backed_bytes + memory.returned_bytes) / HOST_PAGE_BYTES;
}

static uint64_t balloon_target(void *context)
{
    struct aerostat_balloon balloon;

    (void)context;
    aerostat_balloon(&balloon);
    return balloon.target_bytes / HOST_PAGE_BYTES;
}

static uint64_t balloon_actual(void *context)
{
    struct aerostat_balloon balloon;

    (void)context;
    aerostat_balloon(&balloon);
    return balloon.actual_bytes / HOST_PAGE_BYTES;
}

/* ---- answers ---- */

/* Behind what is there; false: there is no room. */
static bool keep(const char *line)
{
    int length = snprintf(out + out_used, sizeof(out) - out_used, "@%s\n", line);

    if (length < 0 || (size_t)length >= sizeof(out) - out_used) {
        return false;
    }
    out_used += (size_t)length;
    return true;
}

static void print(void *context, const char *line)
{
    (void)context;
    aerostat_result("%s", line);
    if (port != NULL && (out_lost > 0 || !keep(line))) {
        out_lost++;
    }
}

static void tell_lost(void)
{
    char line[64];

    if (out_lost > 0) {
        snprintf(line, sizeof(line), "memwork lost lines=%u", out_lost);
        out_lost = 0;
        (void)keep(line);
    }
}

/* Caches may answer while it waits. When the host's end is left nobody wants what is kept, and one
 * who does not read when the machine is to end has had his time: the serial port has it all. */
void guest_flush(void)
{
    while (port != NULL && out_used > 0) {
        size_t bytes = out_used;
        int error = aerostat_port_write(port, out, bytes);

        if (error == EINTR && !power_pressed) {
            continue;
        }
        out_used -= bytes;
        memmove(out, out + bytes, out_used);
        tell_lost();
        if (error != 0 && error != EPIPE) {
            port = NULL;
        }
    }
}

void guest_answer_to(struct aerostat_port *to)
{
    port = to;
}

/* ---- time ---- */

static uint64_t now_ns(void *context)
{
    (void)context;
    return aerostat_now_ns();
}

static void sleep_until(void *context, uint64_t at_ns)
{
    (void)context;
    offer_all();
    guest_flush();
    aerostat_sleep_until(at_ns);
}

static void let_others_run(void *context)
{
    (void)context;
    offer_all();
    guest_flush();
    aerostat_yield();
}

/* ---- the power button ---- */

static bool stopped(void *context)
{
    (void)context;
    return power_pressed != 0;
}

static void on_power_button(int number)
{
    (void)number;
    power_pressed = 1;
}

void guest_take_power_button(void)
{
    if (signal(SIGTERM, on_power_button) == SIG_ERR) {
        aerostat_log(AEROSTAT_WARNING, "the power button will end the machine at once");
    }
}

const struct memwork_host *guest_host(struct engine *of)
{
    static const struct memwork_host host = {
        .take = take,
        .give = give,
        .view = view,
        .free_pages = free_pages,
        .balloon_target = balloon_target,
        .balloon_actual = balloon_actual,
        .now_ns = now_ns,
        .sleep_until = sleep_until,
        .pause = let_others_run,
        .stopped = stopped,
        .cache_open = cache_open,
        .cache_close = cache_close,
        .print = print,
    };

    engine = of;
    return &host;
}
