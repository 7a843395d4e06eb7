/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Glue and nothing else: the driver decides what to do and when it wants to be called; this file
 * calls it, from idle time, from a yield, or from the way out of an interrupt. In the last case a
 * task is computing, and the next slice waits about as long as the last one took, so that host and
 * task share the processor.
 */

#include "kernel/balloon_service.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "drivers/virtio/balloon_dev.h"
#include "kernel/balloon_memory.h"
#include "kernel/machine.h"
#include "kernel/params.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/virtio_bus.h"
#include "kernel/work.h"
#include "mm/frame.h"

#define NS_PER_MS     UINT64_C(1000000)
#define RETRY_MAX_MS  10000U
#define PAGES_PER_MIB (MIB / FRAME_SIZE)
/* The least that a computing task gets between two slices. */
#define PACE_NS_MIN 20000U
/* The poll of a device whose interrupts do not arrive. */
#define POLL_LOST_MS 100U

static struct virtio_bus_device device;
static struct balloon_dev driver;
static struct work service_work;
static struct timer service_timer;
static struct timer poll_timer;
static struct balloon_service_cost cost;
static bool running;
static bool by_line;         /* the device interrupts by a line */
static uint64_t announced;   /* times its interrupt reached us */
static unsigned unannounced; /* polls that found work before any interrupt ever came */
static uint64_t paced_until; /* a computing task has the processor until then; 0: none does */

/* ---- running it ---- */

/* A timer and not only a mark: the task that freed may compute from here on. */
static void on_memory_freed(void)
{
    balloon_dev_memory_freed(&driver);
    timer_set(&service_timer, clock_now_ns());
}

static void on_blocks_freed(void)
{
    balloon_dev_blocks_freed(&driver);
    timer_set(&service_timer, clock_now_ns());
}

static void serve(void *context, enum work_place place)
{
    (void)context;
    if (!running) {
        return; /* marked before the device left */
    }
    uint64_t before = clock_now_ns();

    if (place == WORK_INTERRUPT && before < paced_until) {
        timer_set(&service_timer, paced_until);
        return;
    }
    uint64_t next = balloon_dev_service(&driver, place == WORK_IDLE);
    uint64_t now = clock_now_ns();
    uint64_t took = now - before;

    cost.slices++;
    cost.busy_ns += took;
    if (took > cost.longest_ns) {
        cost.longest_ns = took;
    }
    if (next > now) {
        paced_until = 0;
        timer_set(&service_timer, next);
    } else if (place == WORK_INTERRUPT) {
        paced_until = now + (took > PACE_NS_MIN ? took : PACE_NS_MIN);
        timer_set(&service_timer, paced_until);
    } else {
        paced_until = 0;
        work_mark(&service_work);
    }
}

static bool on_idle(void)
{
    bool paced = paced_until != 0;
    bool wants = paced || balloon_dev_wants_idle(&driver);

    paced_until = 0; /* nobody computes: no reason to wait any more */

    if (wants) {
        work_mark(&service_work);
    }
    return wants;
}

static void on_interrupt(uint32_t cause)
{
    announced++;
    balloon_dev_interrupt(&driver, cause);
    work_mark(&service_work);
}

static void on_time(void *context)
{
    (void)context;
    work_mark(&service_work);
}

/*
 * A lost interrupt shows as a cause that is still set. One may be an interrupt on its way; a second
 * one, and never an interrupt, means that the firmware named the wrong line (observed: qboot on
 * q35). Then the host is served by polling often.
 */
static uint64_t poll_period_ms(bool found)
{
    if (announced == 0 && found) {
        unannounced++;
        if (unannounced == 2) {
            log_warn("balloon: its interrupt line leads nowhere; polled every %u ms", POLL_LOST_MS);
        }
    }
    return announced == 0 && unannounced != 0 ? min_u64(POLL_LOST_MS, params.poll_ms)
                                              : params.poll_ms;
}

static void on_poll(void *context)
{
    (void)context;
    uint32_t cause = virtio_bus_poll(&device);

    if (virtio_bus_has_line(&device) != by_line) {
        by_line = !by_line; /* a device that was started anew has refused messages */
        announced = 0;
    }
    uint64_t period_ms = by_line ? poll_period_ms(cause != 0) : params.poll_ms;

    balloon_dev_poll(&driver, cause);
    work_mark(&service_work);
    timer_set(&poll_timer, clock_now_ns() + period_ms * NS_PER_MS);
}

/* ---- the device ---- */

/* Memory that stays free after an allocation had to take from the balloon: a constant of this
 * guest, small where all of it is small. */
static uint64_t headroom_pages(void)
{
    struct frame_stats frames;

    frame_stats(&frames);
    return min_u64(params.balloon_headroom_mib * PAGES_PER_MIB, frames.total / 8);
}

static struct balloon_dev_config choose_config(void)
{
    static const struct balloon_profile *const profiles[] = {
        [PROFILE_QEMU] = &balloon_profile_qemu,
        [PROFILE_CAREFUL] = &balloon_profile_careful,
        [PROFILE_FIRECRACKER] = &balloon_profile_firecracker,
        [PROFILE_CLOUD_HYPERVISOR] = &balloon_profile_cloud_hypervisor,
        [PROFILE_CROSVM] = &balloon_profile_crosvm,
    };
    struct balloon_dev_config config = balloon_dev_config_default;

    config.host = params.balloon_profile == PROFILE_AUTO
                      ? *balloon_profile_of(machine_acpi()->oem_id)
                      : *profiles[params.balloon_profile];
    config.slice_pages = params.balloon_slice_mib * PAGES_PER_MIB;
    config.floor_pages = params.balloon_floor_mib * PAGES_PER_MIB;
    config.limits.retry_min_ms = (uint32_t)params.balloon_retry_ms;
    config.limits.retry_max_ms = RETRY_MAX_MS;
    config.limits.headroom_pages = headroom_pages();
    config.limits.max_pages = params.balloon_max_mib * PAGES_PER_MIB;
    config.report.on = params.report != 0;
    config.report.reserve_pages = params.report_reserve_mib * PAGES_PER_MIB;
    config.report.run_pages = 1U << params.report_order;
    config.report.pace_ms = (uint32_t)params.report_pace_ms;
    config.timeout_ms = (uint32_t)params.balloon_timeout_ms;
    config.fill = params.fill != 0;
    config.fill_value = (uint32_t)params.fill_value;
    return config;
}

/* How the device tells us. Without an interrupt the safety poll serves it. */
static const char *route_interrupt(void)
{
    if (params.balloon_interrupts == INTERRUPTS_POLL) {
        if (params.poll_ms == 0) {
            log_warn("balloon: neither interrupts nor poll; the host will not be served");
        }
        return "poll";
    }
    const char *interrupts = virtio_bus_route(&device);

    by_line = virtio_bus_has_line(&device);
    announced = 0; /* routing looks once */
    return interrupts != NULL ? interrupts : "poll";
}

static void let_go(void);

static const struct virtio_bus_driver bus_driver = { .interrupt = on_interrupt, .let_go = let_go };

static err_t start_device(const struct virtio_place *place)
{
    bool messages = params.balloon_interrupts == INTERRUPTS_AUTO;
    err_t err = virtio_bus_attach(&device, place, messages, &bus_driver);

    if (err != OK) {
        return err;
    }
    struct balloon_dev_config config = choose_config();

    balloon_memory_init(on_memory_freed, on_blocks_freed);
    err = balloon_dev_start(&driver, device.dev, &balloon_memory, &config);
    if (err != OK) {
        return err;
    }
    const char *interrupts = route_interrupt();

    log_info("balloon: %s%s, features 0x%llx, %u pages a request, interrupts by %s", device.where,
             device.dev->legacy ? ", legacy" : "", (unsigned long long)device.dev->features,
             config.host.pfns_per_buffer * config.host.buffers_per_request, interrupts);
    return OK;
}

/* A device that was not reset may have memory of ours still: no other takes its place. */
static bool holds_memory_elsewhere(const struct virtio_place *place)
{
    return driver.owned && (place->in_memory || device.place.in_memory ||
                            memcmp(&place->pci, &device.place.pci, sizeof(place->pci)) != 0);
}

static bool start_first(void)
{
    struct virtio_place place;

    for (unsigned n = 0; virtio_bus_find(VIRTIO_ID_BALLOON, n, &place); n++) {
        err_t err = holds_memory_elsewhere(&place) ? ERR_BUSY : start_device(&place);

        if (err == OK) {
            return true;
        }
        log_warn("balloon: the device cannot be used: %s", err_name(err));
        virtio_bus_detach(&device);
    }
    return false;
}

/* The first device that works, if there is one, becomes the one that is served. */
static enum balloon_presence serve_first(void)
{
    ASSERT(!running);
    if (!start_first()) {
        return BALLOON_NONE;
    }
    running = true;
    task_set_idle_hook(on_idle);
    work_mark(&service_work);
    if (params.poll_ms != 0) {
        timer_set(&poll_timer, clock_now_ns() + params.poll_ms * NS_PER_MS);
    }
    return BALLOON_ON;
}

enum balloon_presence balloon_service_start(void)
{
    if (params.balloon == 0) {
        log_info("balloon: switched off by balloon=off");
        return BALLOON_OFF;
    }
    service_work.run = serve;
    service_timer.fire = on_time;
    poll_timer.fire = on_poll;
    work_add(&service_work);
    return serve_first();
}

/* A device that was given up has its chance too: what was wrong may have been mended. */
void balloon_service_look(void)
{
    if (running && balloon_dev_status(&driver).state == BALLOON_DEV_DEAD) {
        let_go();
        virtio_bus_detach(&device);
    }
    if (!running && params.balloon != 0) {
        (void)serve_first();
    }
}

/* From work: the service is not in the middle of something. */
static void let_go(void)
{
    ASSERT(work_is_running());
    running = false;
    task_set_idle_hook(NULL);
    timer_cancel(&service_timer);
    timer_cancel(&poll_timer);
    balloon_dev_stop(&driver);
    log_info("balloon: %s is let go", device.where);
}

/* ---- an allocation would fail ---- */

void balloon_service_reclaim(uint64_t frames, bool from_balloon)
{
    bool on = interrupts_save_off();

    if (running) {
        (void)balloon_dev_reclaim(&driver, frames, from_balloon);
        if (balloon_dev_marked(&driver)) {
            /* The host is to be told soon, whoever computes. */
            work_mark(&service_work);
            timer_set(&service_timer, clock_now_ns());
        }
    }
    interrupts_restore(on);
}

/* ---- questions ---- */

/* Tasks ask too, and the driver may run on the way out of any interrupt. */
static struct balloon_dev_status status(void)
{
    bool on = interrupts_save_off();
    struct balloon_dev_status now = { .state = BALLOON_DEV_STOPPED };

    if (running) {
        now = balloon_dev_status(&driver);
    }
    interrupts_restore(on);
    return now;
}

bool balloon_service_serves(void)
{
    return running;
}

uint64_t balloon_service_target(void)
{
    return status().target;
}

uint64_t balloon_service_actual(void)
{
    return status().actual;
}

uint64_t balloon_service_lacking(void)
{
    struct balloon_dev_status s = status();
    uint64_t wanted = s.target + params.balloon_floor_mib * PAGES_PER_MIB;
    uint64_t there = s.actual + s.leaving + frame_free_count();

    return s.target > s.actual + s.leaving && wanted > there ? wanted - there : 0;
}

bool balloon_service_contains(pfn_t pfn)
{
    bool on = interrupts_save_off();
    bool contains = running && balloon_dev_contains(&driver, pfn);

    interrupts_restore(on);
    return contains;
}

struct balloon_service_cost balloon_service_cost(void)
{
    return cost;
}

void balloon_service_report(void)
{
    struct balloon_dev_status s = status();
    const struct balloon_dev_counters *c = &s.counters;

    if (!running) {
        return;
    }
    result_line(
        "balloon kicks=%llu interrupts=%llu resets=%llu timeouts=%llu inflated=%llu "
        "deflated=%llu shortfalls=%llu retries=%llu stats=%llu slices=%llu busy_ns=%llu "
        "longest_ns=%llu reported=%llu urgent=%llu drops=%s backoffs=%llu hinted=%llu "
        "taken=%llu",
        (unsigned long long)c->kicks, (unsigned long long)c->interrupts,
        (unsigned long long)c->resets, (unsigned long long)c->timeouts,
        (unsigned long long)c->inflated, (unsigned long long)c->deflated,
        (unsigned long long)c->shortfalls, (unsigned long long)c->retries,
        (unsigned long long)c->stats, (unsigned long long)cost.slices,
        (unsigned long long)cost.busy_ns, (unsigned long long)cost.longest_ns,
        (unsigned long long)driver.report.reported, (unsigned long long)driver.report.urgent,
        balloon_drops_name(driver.report.probe.drops), (unsigned long long)driver.report.backoffs,
        (unsigned long long)driver.hint.hinted, (unsigned long long)c->taken);
}
