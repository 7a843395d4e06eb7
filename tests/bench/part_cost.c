/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest's own work is interrupted by, and what its allocator costs. Both are told by the
 * guest from its time-stamp counter, which under `-icount shift=0` advances by one for each
 * instruction, so nothing in the host changes the result.
 *
 * "gap": the longest time a computing task, which never yields, is away while 1 GiB inflates; the
 * sum of interrupt entry, one slice of balloon work and the way back. Trap: that the inflation took
 * place during the loop is checked, not assumed. Time the host spends on discards is not in it. In
 * Linux the loop is a process, which shares the processor with the kernel thread that inflates.
 *
 * "alloc": a frame, or a block of 2 MiB, allocated and freed, ten thousand times, less the empty
 * loop; and the bytes reserved for the allocator's metadata per GiB of memory. Reserved is not
 * touched: what the host holds of it is in the figure of resident memory. Linux's is what 4 GiB
 * more of memory add to what its zones hold but do not give out (present - managed): page
 * structures first of all. The smaller machine has memory above 4 GiB already, so that the buffers
 * which Linux makes for such machines are in both and drop out.
 */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>

#include "tools/aerostat/record.h"

#define ICOUNT "shift=0,sleep=off"

/* ---- gap ---- */

#define GUEST_MIB 2048U
/* Of virtual time; QEMU translates this much in some 10 s. */
#define COMPUTE_WORDS "test=compute ms=1500"
/* Linux takes longer, and stops when the balloon is full. */
#define COMPUTE_LINUX_WORDS "test=compute ms=15000 until=262144"

static bool compute(struct bench *bench, enum bench_guest guest, bool inflate, uint64_t *longest)
{
    struct vm_config config =
        guest_config(bench, guest, guest == GUEST_OURS ? COMPUTE_WORDS : COMPUTE_LINUX_WORDS);
    struct vm *vm;
    const char *line = NULL;
    uint64_t actual = 0;
    bool good;

    config.icount = ICOUNT;
    config.memory_mib = GUEST_MIB;
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@compute state=begin", BENCH_LONG_WAIT_MS, NULL) &&
           (!inflate || bench_balloon_ask(bench, vm, GUEST_MIB * BENCH_MIB - BENCH_GIB)) &&
           bench_wait(bench, vm, "@compute state=end", BENCH_LONG_WAIT_MS, &line) &&
           bench_number(bench, line, "longest_ns", longest) &&
           bench_number(bench, line, "actual", &actual);
    if (good && inflate && actual != BENCH_GIB / BENCH_FRAME_BYTES) {
        good = bench_fail(bench, "only %llu pages were inflated while the task computed",
                          (unsigned long long)actual);
    }
    vm_end(vm);
    return good;
}

static bool compute_linux(struct bench *bench, enum bench_guest guest, double *longest)
{
    uint64_t number = 0;
    bool good = compute(bench, guest, true, &number);

    *longest = (double)number;
    return good;
}

bool part_gap(struct bench *bench)
{
    double by_guest[GUEST_COUNT];
    uint64_t quiet;
    uint64_t busy;
    char how[BENCH_TEXT_MAX];

    bench_progress("longest gap in a computing task, nothing else going on");
    if (!compute(bench, GUEST_OURS, false, &quiet)) {
        return false;
    }
    bench_progress("longest gap in a computing task while 1 GiB inflates");
    if (!compute(bench, GUEST_OURS, true, &busy)) {
        return false;
    }
    guest_measure_linux(bench, "longest gap while 1 GiB inflates", compute_linux, by_guest);
    snprintf(how, sizeof(how), "-icount " ICOUNT ", default slice; %llu without inflation",
             (unsigned long long)quiet);
    bench_add(bench,
              &(struct bench_figure){ .name = "longest gap in a computing task, instructions",
                                      .value = (double)busy,
                                      .by_guest = by_guest,
                                      .goal = BENCH_AT_MOST,
                                      .limit = 100000,
                                      .how = how });
    return true;
}

/* ---- allocator ---- */

static bool add_cost(struct bench *bench, struct vm *vm, const char *text, const char *name,
                     double limit)
{
    const char *line;
    uint64_t hundredths;

    if (!bench_wait(bench, vm, text, BENCH_WAIT_MS, &line) ||
        !bench_number(bench, line, "tsc_per_pair_x100", &hundredths)) {
        return false;
    }
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = (double)hundredths / 100,
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = limit,
                                             .how = "-icount " ICOUNT ", 10,000 pairs" });
    return true;
}

static bool add_metadata(struct bench *bench, struct vm *vm, const char *name,
                         const double *by_guest)
{
    const char *line;
    uint64_t bytes;
    uint64_t frames;

    if (!bench_wait(bench, vm, "@metadata", BENCH_WAIT_MS, &line) ||
        !bench_number(bench, line, "bytes", &bytes) ||
        !bench_number(bench, line, "frames", &frames)) {
        return false;
    }
    bench_add(bench, &(struct bench_figure){
                         .name = name,
                         .value = (double)bytes / 1024 /
                                  ((double)frames * BENCH_FRAME_BYTES / (double)BENCH_GIB),
                         .by_guest = by_guest,
                         .unit = "KiB",
                         .decimals = 2,
                         .goal = BENCH_AT_MOST,
                         .limit = 36,
                         .how = by_guest == NULL ? "the allocator's own count"
                                                 : "the same; Linux: present - managed, 8 GiB "
                                                   "less 4 GiB" });
    return true;
}

static bool reserved_once(struct bench *bench, enum bench_guest guest, uint64_t mib,
                          uint64_t *bytes, uint64_t *frames)
{
    struct vm_config config = guest_config(bench, guest, "test=reserved");
    const char *line;
    struct vm *vm;
    bool good;

    config.memory_mib = mib;
    config.lazy_memory = true;
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@metadata", BENCH_WAIT_MS, &line) &&
           bench_number(bench, line, "bytes", bytes) && bench_number(bench, line, "frames", frames);
    vm_end(vm);
    return good;
}

static bool reserved_linux(struct bench *bench, enum bench_guest guest, double *kib_per_gib)
{
    uint64_t bytes[2] = { 0 };
    uint64_t frames[2] = { 0 };

    if (!reserved_once(bench, guest, 4096, &bytes[0], &frames[0]) ||
        !reserved_once(bench, guest, 8192, &bytes[1], &frames[1])) {
        return false;
    }
    if (bytes[1] <= bytes[0] || frames[1] <= frames[0]) {
        return bench_fail(bench, "Linux keeps no more of 8 GiB than of 4 GiB");
    }
    *kib_per_gib = (double)(bytes[1] - bytes[0]) / 1024 /
                   ((double)(frames[1] - frames[0]) * BENCH_FRAME_BYTES / (double)BENCH_GIB);
    return true;
}

static struct vm *start_cost(struct bench *bench, uint64_t mib)
{
    struct vm_config config = { .image = bench_file(bench, "test.elf"),
                                .append = "-- test=alloc-cost",
                                .icount = ICOUNT,
                                .memory_mib = mib };

    bench_progress("the cost of an allocation, and metadata, at %llu MiB", (unsigned long long)mib);
    return bench_start(bench, &config);
}

bool part_alloc(struct bench *bench)
{
    double by_guest[GUEST_COUNT];
    struct vm *vm = start_cost(bench, 1024);
    bool good =
        vm != NULL &&
        add_cost(bench, vm, "@cost what=frame", "allocate and free a frame, instructions", 40) &&
        add_cost(bench, vm, "@cost what=block", "allocate and free 2 MiB, instructions", 80) &&
        add_metadata(bench, vm, "allocator metadata per GiB, at 1 GiB", NULL);

    vm_end(vm);
    if (!good) {
        return false;
    }
    guest_measure_linux(bench, "memory that Linux keeps for itself", reserved_linux, by_guest);
    vm = start_cost(bench, 4096);
    good = vm != NULL &&
           add_metadata(bench, vm, "the same at 4 GiB, with the hole in its addresses", by_guest);
    vm_end(vm);
    return good;
}
