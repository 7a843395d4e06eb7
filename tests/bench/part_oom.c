/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether an allocation that takes from the balloon (DEFLATE_ON_OOM) waits for the host. The host
 * holds half of the guest, the guest uses up what is free and then allocates 2 MiB again and again,
 * which only the balloon can serve (tests/guest/reclaim.c). It writes a mark to the scratch
 * register of its serial port right before and right after each of these allocations, and QEMU
 * traces the marks and the notifications of the device into one file, in the order in which the
 * processor made them: a notification between two marks is a round trip on the allocation's time.
 *
 * Interrupts are on all the while: that the driver announces what was taken in an interrupt that
 * comes before the allocation returns counts, and did happen. Traps: an allocation that was served
 * otherwise would look good, so the driver's count of frames taken from the balloon must be right;
 * and so would a driver that tells the host nothing, so the notifications behind the marks are
 * wanted. A notification is handled where it is made: under TCG the device has no ioeventfd. And
 * QEMU does not offer MUST_TELL_HOST, with which the host has to be told first.
 */

#include "tests/bench/bench_guest.h"

#include <stdio.h>
#include <string.h>

#define GUEST_MIB    512U
#define LEFT_MIB     256U
#define BLOCKS       16U
#define BLOCK_FRAMES 512U
#define WORDS        "-- test=reclaim wait=256 blocks=16"
#define MARK_BEGIN   "serial_write write addr 0x07 val 0xb1"
#define MARK_END     "serial_write write addr 0x07 val 0xe1"
#define NOTIFY       "virtio_queue_notify "

struct round_trips {
    unsigned allocations;
    unsigned inside;
    unsigned after; /* the last allocation's announcement included */
};

static struct round_trips count_round_trips(FILE *trace)
{
    struct round_trips trips = { 0 };
    bool inside = false;
    char line[512];

    rewind(trace);
    while (fgets(line, sizeof(line), trace) != NULL) {
        if (strstr(line, MARK_BEGIN) != NULL) {
            inside = true;
        } else if (strstr(line, MARK_END) != NULL) {
            trips.allocations += inside;
            inside = false;
        } else if (strstr(line, NOTIFY) != NULL) {
            trips.inside += inside;
            trips.after += !inside && trips.allocations > 0;
        }
    }
    return trips;
}

static bool check(struct bench *bench, const struct round_trips *trips, uint64_t taken)
{
    if (trips->allocations != BLOCKS) {
        return bench_fail(bench, "%u of %u allocations are in the trace", trips->allocations,
                          BLOCKS);
    }
    if (taken != BLOCKS * BLOCK_FRAMES) {
        return bench_fail(bench, "%llu frames came from the balloon instead of %u",
                          (unsigned long long)taken, BLOCKS * BLOCK_FRAMES);
    }
    if (trips->inside + trips->after == 0) {
        return bench_fail(bench, "the host was never told of what was taken");
    }
    return true;
}

static bool oom_once(struct bench *bench, FILE *trace, const char *path, struct round_trips *trips)
{
    const char *extra[] = { "-trace", "serial_write", NULL };
    struct vm_config config = { .image = bench_file(bench, "test.elf"),
                                .append = WORDS,
                                .memory_mib = GUEST_MIB,
                                .balloon_properties = "deflate-on-oom=on",
                                .trace = "virtio_queue_notify",
                                .trace_file = path,
                                .extra = extra };
    const char *line = NULL;
    uint64_t taken = 0;
    struct vm *vm = bench_start(bench, &config);
    bool good = vm != NULL && bench_wait(bench, vm, "@ready", BENCH_WAIT_MS, NULL) &&
                bench_balloon_ask(bench, vm, LEFT_MIB * BENCH_MIB) &&
                bench_wait(bench, vm, "@balloon ", BENCH_LONG_WAIT_MS, &line) &&
                bench_number(bench, line, "taken", &taken);

    vm_end(vm);
    if (good) {
        *trips = count_round_trips(trace);
        good = check(bench, trips, taken);
    }
    return good;
}

bool part_oom(struct bench *bench)
{
    struct round_trips trips = { 0 };
    char path[64];
    char how[BENCH_TEXT_MAX];
    FILE *trace = bench_trace_open(bench, path, sizeof(path));
    bool good;

    if (trace == NULL) {
        return false;
    }
    bench_progress("round trips of an allocation that takes from the balloon");
    good = oom_once(bench, trace, path, &trips);
    fclose(trace);
    if (!good) {
        return false;
    }
    snprintf(how, sizeof(how),
             "QEMU trace, virtio_queue_notify in %u allocations of 2 MiB; %u behind them",
             trips.allocations, trips.after);
    bench_add(bench, &(struct bench_figure){ .name = "allocation by DEFLATE_ON_OOM: round trips",
                                             .value = trips.inside,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 0,
                                             .how = how });
    return true;
}
