/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What moving a GiB costs in instructions and in exits, on the device as QEMU makes it by default.
 * The guest has touched 1 GiB of its 2 GiB and freed it, and does nothing else.
 *
 * "work": guest instructions between the QMP command and the return to rest, per 4 KiB frame:
 * driver, allocator, interrupt and timer handling, all of it. Counted by the plugin.
 *
 * "events": notifications (the guest's writes to the notify register, trace event
 * virtio_queue_notify) and interrupts (apic_deliver_irq: what really reaches the processor, that of
 * the configuration change included; virtio_notify alone would leave that one out). Taken from
 * QEMU's trace, not from the guest's own counters. Traps: tracing every discard makes the host so
 * slow that the driver takes smaller slices, so discards are counted in a run of their own; and as
 * slices adapt to the host's speed, the count of notifications on a busy machine may be higher.
 *
 * Linux never comes to rest; it is given a moment before and after, which adds next to nothing to
 * the hundreds of instructions a frame costs it. Its timer interrupts are its local controller's
 * own and not among those that are delivered.
 */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GUEST_MIB 2048U
#define WORDS     "test=touch mib=1024"
/* How long to look on after `actual` is right: the last interrupt comes behind it. */
#define AFTER_MS 300

static struct vm_config touching(const struct bench *bench, enum bench_guest guest)
{
    struct vm_config config = guest_config(bench, guest, WORDS);

    config.memory_mib = GUEST_MIB;
    return config;
}

/* ---- instructions for each frame ---- */

struct work {
    double inflate;
    double deflate;
};

static bool rest(struct bench *bench, enum bench_guest guest, struct counted *counted,
                 uint64_t *executed)
{
    if (guest == GUEST_OURS) {
        return counted_rest(bench, counted, executed);
    }
    if (!bench_sleep(bench, counted->vm, AFTER_MS)) {
        return false;
    }
    *executed = counted_now(counted);
    return true;
}

static bool count_move(struct bench *bench, enum bench_guest guest, struct counted *counted,
                       uint64_t target, double *per_frame)
{
    uint64_t before;
    uint64_t after;

    if (!rest(bench, guest, counted, &before) || !bench_balloon(bench, counted->vm, target, NULL) ||
        !rest(bench, guest, counted, &after)) {
        return false;
    }
    *per_frame = (double)(after - before) * (double)BENCH_FRAME_BYTES / (double)BENCH_GIB;
    return true;
}

static bool work_once(struct bench *bench, enum bench_guest guest, struct work *work)
{
    struct vm_config config = touching(bench, guest);
    struct counted counted;
    bool good;

    bench_progress("guest instructions for 1 GiB inflated and deflated, %s", guest_name(guest));
    if (!counted_start(bench, &counted, &config, NULL, NULL)) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
           count_move(bench, guest, &counted, BENCH_GIB, &work->inflate) &&
           count_move(bench, guest, &counted, GUEST_MIB * BENCH_MIB, &work->deflate);
    counted_end(&counted);
    return good;
}

bool part_work(struct bench *bench)
{
    const char *how = "plugin, QMP command until rest, 1 GiB touched";
    double inflate[GUEST_COUNT];
    double deflate[GUEST_COUNT];

    for (enum bench_guest guest = GUEST_OURS; guest < GUEST_COUNT; guest++) {
        struct work work = { NAN, NAN };

        if (guest_is_there(bench, guest) && !work_once(bench, guest, &work)) {
            if (guest == GUEST_OURS) {
                return false;
            }
            guest_note(bench, guest, "work");
            work = (struct work){ NAN, NAN };
        }
        inflate[guest] = work.inflate;
        deflate[guest] = work.deflate;
    }
    bench_add(bench, &(struct bench_figure){ .name = "inflate: instructions per 4 KiB frame",
                                             .value = inflate[GUEST_OURS],
                                             .by_guest = inflate,
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 20,
                                             .how = how });
    bench_add(bench, &(struct bench_figure){ .name = "deflate: instructions per 4 KiB frame",
                                             .value = deflate[GUEST_OURS],
                                             .by_guest = deflate,
                                             .decimals = 2,
                                             .how = how });
    return true;
}

/* ---- events ---- */

struct events {
    uint64_t notifications;
    uint64_t interrupts;
    uint64_t discards;
};

/* Counts the lines of the trace from the stream's position on. */
static struct events count_events(FILE *trace)
{
    struct events events = { 0 };
    char line[512];

    clearerr(trace); /* the end of the file has moved */
    while (fgets(line, sizeof(line), trace) != NULL) {
        events.notifications += strstr(line, "virtio_queue_notify ") != NULL;
        events.interrupts += strstr(line, "apic_deliver_irq ") != NULL;
        events.discards += strstr(line, "ram_block_discard_range ") != NULL;
    }
    return events;
}

static bool trace_move(struct bench *bench, enum bench_guest guest, const char *event,
                       const char *event2, FILE *trace, const char *path, struct events *inflated,
                       struct events *deflated)
{
    const char *extra[] = { "-trace", event2, NULL };
    struct vm_config config = touching(bench, guest);
    struct vm *vm;
    bool good;

    config.trace = event;
    config.trace_file = path;
    config.extra = extra;
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
           bench_sleep(bench, vm, AFTER_MS);
    (void)count_events(trace); /* what came before does not count */
    good = good && bench_balloon(bench, vm, BENCH_GIB, NULL) && bench_sleep(bench, vm, AFTER_MS);
    *inflated = count_events(trace);
    good = good && bench_balloon(bench, vm, GUEST_MIB * BENCH_MIB, NULL) &&
           bench_sleep(bench, vm, AFTER_MS);
    *deflated = count_events(trace);
    vm_end(vm);
    return good;
}

static bool trace_run(struct bench *bench, enum bench_guest guest, const char *event,
                      const char *event2, struct events *inflated, struct events *deflated)
{
    char path[64];
    FILE *trace = bench_trace_open(bench, path, sizeof(path));
    bool good;

    if (trace == NULL) {
        return false;
    }
    good = trace_move(bench, guest, event, event2, trace, path, inflated, deflated);
    fclose(trace);
    return good;
}

struct event_counts {
    struct events inflated; /* notifications and interrupts */
    struct events deflated;
    uint64_t discards;
};

static bool events_once(struct bench *bench, enum bench_guest guest, struct event_counts *counts)
{
    struct events discarded = { 0 };
    struct events ignored = { 0 };

    bench_progress("notifications and interrupts for 1 GiB, %s", guest_name(guest));
    if (!trace_run(bench, guest, "virtio_queue_notify", "apic_deliver_irq", &counts->inflated,
                   &counts->deflated)) {
        return false;
    }
    bench_progress("host discards for 1 GiB, %s", guest_name(guest));
    if (!trace_run(bench, guest, "ram_block_discard_range", "virtio_queue_notify", &discarded,
                   &ignored)) {
        return false;
    }
    counts->discards = discarded.discards;
    return true;
}

static void add_events(struct bench *bench, const char *name, const struct events *ours,
                       const double *by_guest, double limit)
{
    char how[BENCH_TEXT_MAX];

    snprintf(how, sizeof(how), "QEMU trace: %llu virtio_queue_notify, %llu apic_deliver_irq",
             (unsigned long long)ours->notifications, (unsigned long long)ours->interrupts);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = by_guest[GUEST_OURS],
                                             .by_guest = by_guest,
                                             .goal = limit > 0 ? BENCH_AT_MOST : BENCH_NO_GOAL,
                                             .limit = limit,
                                             .how = how });
}

static double exits(const struct events *events)
{
    return (double)(events->notifications + events->interrupts);
}

bool part_events(struct bench *bench)
{
    struct event_counts counts[GUEST_COUNT] = { 0 };
    double inflate[GUEST_COUNT];
    double deflate[GUEST_COUNT];
    double discards[GUEST_COUNT];

    for (enum bench_guest guest = GUEST_OURS; guest < GUEST_COUNT; guest++) {
        bool good = guest_is_there(bench, guest) && events_once(bench, guest, &counts[guest]);

        if (!good && guest == GUEST_OURS) {
            return false;
        }
        if (!good && guest_is_there(bench, guest)) {
            guest_note(bench, guest, "events");
        }
        inflate[guest] = good ? exits(&counts[guest].inflated) : NAN;
        deflate[guest] = good ? exits(&counts[guest].deflated) : NAN;
        discards[guest] = good ? (double)counts[guest].discards : NAN;
    }
    add_events(bench, "inflate: notifications and interrupts per GiB", &counts[GUEST_OURS].inflated,
               inflate, 32);
    bench_add(bench, &(struct bench_figure){ .name = "inflate: host discards per GiB",
                                             .value = discards[GUEST_OURS],
                                             .by_guest = discards,
                                             .how = "QEMU trace: ram_block_discard_range" });
    add_events(bench, "deflate: notifications and interrupts per GiB", &counts[GUEST_OURS].deflated,
               deflate, 0);
    return true;
}
