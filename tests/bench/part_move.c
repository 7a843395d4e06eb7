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
 */

#include "tests/bench/bench_vm.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUEST_MIB 2048U
#define APPEND    "-- test=touch mib=1024"
/* How long to look on after `actual` is right: the last interrupt comes behind it. */
#define AFTER_MS 300

static struct vm_config touching(const struct bench *bench)
{
    return (struct vm_config){ .image = bench_file(bench, "test.elf"),
                               .append = APPEND,
                               .memory_mib = GUEST_MIB };
}

/* ---- instructions for each frame ---- */

static bool count_move(struct bench *bench, struct counted *counted, uint64_t target,
                       double *per_frame)
{
    uint64_t before;
    uint64_t after;

    if (!counted_rest(bench, counted, &before) ||
        !bench_balloon(bench, counted->vm, target, NULL) || !counted_rest(bench, counted, &after)) {
        return false;
    }
    *per_frame = (double)(after - before) * (double)BENCH_FRAME_BYTES / (double)BENCH_GIB;
    return true;
}

bool part_work(struct bench *bench)
{
    struct vm_config config = touching(bench);
    struct counted counted;
    double inflate = 0;
    double deflate = 0;
    bool good;

    bench_progress("guest instructions for 1 GiB inflated and deflated");
    if (!counted_start(bench, &counted, &config, NULL, NULL)) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
           count_move(bench, &counted, BENCH_GIB, &inflate) &&
           count_move(bench, &counted, GUEST_MIB * BENCH_MIB, &deflate);
    counted_end(&counted);
    if (good) {
        const char *how = "plugin, QMP command until rest, 1 GiB touched";

        bench_add(bench, &(struct bench_figure){ .name = "inflate: instructions per 4 KiB frame",
                                                 .value = inflate,
                                                 .decimals = 2,
                                                 .goal = BENCH_AT_MOST,
                                                 .limit = 20,
                                                 .how = how });
        bench_add(bench, &(struct bench_figure){ .name = "deflate: instructions per 4 KiB frame",
                                                 .value = deflate,
                                                 .decimals = 2,
                                                 .how = how });
    }
    return good;
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

static bool trace_move(struct bench *bench, const char *event, const char *event2, FILE *trace,
                       struct events *inflated, struct events *deflated)
{
    char path[64];
    const char *extra[] = { "-trace", event2, NULL };
    struct vm_config config = touching(bench);
    struct vm *vm;
    bool good;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fileno(trace));
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

/* An anonymous file that QEMU writes while we read on behind it. */
static bool trace_run(struct bench *bench, const char *event, const char *event2,
                      struct events *inflated, struct events *deflated)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);
    FILE *trace = fd >= 0 ? fdopen(fd, "r") : NULL;
    bool good;

    if (trace == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return bench_fail(bench, "no memory for the trace");
    }
    good = trace_move(bench, event, event2, trace, inflated, deflated);
    fclose(trace);
    return good;
}

static void add_count(struct bench *bench, const char *name, uint64_t value, const char *how)
{
    bench_add(bench, &(struct bench_figure){ .name = name, .value = (double)value, .how = how });
}

bool part_events(struct bench *bench)
{
    struct events inflated = { 0 };
    struct events deflated = { 0 };
    struct events discarded = { 0 };
    struct events ignored = { 0 };
    char how[BENCH_TEXT_MAX];

    bench_progress("notifications and interrupts for 1 GiB");
    if (!trace_run(bench, "virtio_queue_notify", "apic_deliver_irq", &inflated, &deflated)) {
        return false;
    }
    bench_progress("host discards for 1 GiB");
    if (!trace_run(bench, "ram_block_discard_range", "virtio_queue_notify", &discarded, &ignored)) {
        return false;
    }
    snprintf(how, sizeof(how), "QEMU trace: %llu virtio_queue_notify, %llu apic_deliver_irq",
             (unsigned long long)inflated.notifications, (unsigned long long)inflated.interrupts);
    bench_add(bench, &(struct bench_figure){
                         .name = "inflate: notifications and interrupts per GiB",
                         .value = (double)(inflated.notifications + inflated.interrupts),
                         .goal = BENCH_AT_MOST,
                         .limit = 32,
                         .how = how });
    add_count(bench, "inflate: host discards per GiB", discarded.discards,
              "QEMU trace: ram_block_discard_range");
    snprintf(how, sizeof(how), "QEMU trace: %llu virtio_queue_notify, %llu apic_deliver_irq",
             (unsigned long long)deflated.notifications, (unsigned long long)deflated.interrupts);
    add_count(bench, "deflate: notifications and interrupts per GiB",
              deflated.notifications + deflated.interrupts, how);
    return true;
}
