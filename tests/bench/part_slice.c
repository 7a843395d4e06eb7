/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The longest slice of balloon work while 3 GiB of 4 GiB inflate, in instructions, for several
 * values of balloon.slice. The guest times each slice itself, and tells the longest as longest_ns:
 * under `-icount shift=0` its clock advances by one nanosecond for each instruction, and what the
 * host does meanwhile takes no time at all.
 *
 * The bound is docs/PARAMETERS.md's: so much for each MiB, which is the way of 256 frames from the
 * allocator into a request, and so much for everything else: the looks at the queues, and an area
 * of 1 GiB that is opened because nobody has used it before. Traps: the memory is fresh, so the
 * areas are opened by slices and not by somebody before; and that so many slices were needed as the
 * parameter asks for is checked, not assumed.
 */

#include "tests/bench/bench_guest.h"

#include <stdio.h>

#define ICOUNT          "shift=0,sleep=off"
#define GUEST_MIB       4096U
#define INFLATED_MIB    3072U
#define FRAMES_PER_MIB  (BENCH_MIB / BENCH_FRAME_BYTES)
#define SLICE_BASE      20000U /* instructions */
#define SLICE_EVERY_MIB 1000U

struct slices {
    uint64_t longest; /* instructions */
    uint64_t count;
};

static bool slice_once(struct bench *bench, unsigned mib, struct slices *slices)
{
    char words[64];
    char inflated[64];
    struct vm_config config = { .image = bench_file(bench, "aerostat.elf"),
                                .append = words,
                                .icount = ICOUNT,
                                .memory_mib = GUEST_MIB };
    const char *line = NULL;
    struct vm *vm;
    bool good;

    snprintf(words, sizeof(words), "report=100 balloon.slice=%u", mib);
    snprintf(inflated, sizeof(inflated), " inflated=%llu ",
             (unsigned long long)(INFLATED_MIB * FRAMES_PER_MIB));
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@ready", BENCH_WAIT_MS, NULL) &&
           bench_balloon_ask(bench, vm, (GUEST_MIB - INFLATED_MIB) * BENCH_MIB) &&
           bench_wait(bench, vm, inflated, BENCH_LONG_WAIT_MS, &line) &&
           bench_number(bench, line, "longest_ns", &slices->longest) &&
           bench_number(bench, line, "slices", &slices->count);
    if (good && slices->count < INFLATED_MIB / mib) {
        good = bench_fail(bench, "only %llu slices of at most %u MiB moved %u MiB",
                          (unsigned long long)slices->count, mib, INFLATED_MIB);
    }
    vm_end(vm);
    return good;
}

bool part_slice(struct bench *bench)
{
    static const unsigned sizes[] = { 2, 16, 64 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct slices slices = { 0 };
        char name[BENCH_TEXT_MAX];
        char how[BENCH_TEXT_MAX];

        bench_progress("the longest slice of balloon work, balloon.slice=%u", sizes[i]);
        if (!slice_once(bench, sizes[i], &slices)) {
            return false;
        }
        snprintf(name, sizeof(name), "longest slice, balloon.slice=%u, instructions", sizes[i]);
        snprintf(how, sizeof(how), "-icount " ICOUNT ", 3 GiB in %llu slices; goal: %u + %u a MiB",
                 (unsigned long long)slices.count, SLICE_BASE, SLICE_EVERY_MIB);
        bench_add(bench, &(struct bench_figure){ .name = name,
                                                 .value = (double)slices.longest,
                                                 .goal = BENCH_AT_MOST,
                                                 .limit = SLICE_BASE + SLICE_EVERY_MIB * sizes[i],
                                                 .how = how });
    }
    return true;
}
