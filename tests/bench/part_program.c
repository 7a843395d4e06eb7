/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program on newlib: apps/hello, which prints a line by printf(), and tests/libc/plain.c, which
 * does it by write(). Three figures.
 *
 * "loaded": what the loader copies out of the image: text, read-only data and data, and what lies
 * between them. Kernel and C library are in it, stacks and zeroed data are not.
 * "memory": the smallest machine in which hello prints its line and ends with status 0, by trying
 * each MiB from one on. Less than a MiB more or less is not told apart.
 * "instructions": from the kernel's entry (pvh_start) to the first instruction of main(), counted
 * by the plugin: the kernel's start with PCI and balloon, the C library's, and main()'s arguments.
 */

#include "tests/bench/bench_elf.h"
#include "tests/bench/bench_vm.h"

#include <stdio.h>

#define COUNT_RUNS    3U
#define USUAL_MIB     1024U
#define SMALL_MIB_MAX 64U
#define LINE          "Hello, world"
#define HELLO         "hello.elf"
#define PLAIN         "libc-tests/plain.elf"

static struct vm_config program_config(const struct bench *bench, const char *name, uint64_t mib)
{
    return (struct vm_config){ .image = bench_file(bench, name),
                               .append = "-- world",
                               .memory_mib = mib };
}

/* ---- loaded ---- */

static bool add_loaded(struct bench *bench, const char *name, const char *image)
{
    uint64_t bytes;

    if (!elf_loaded_bytes(bench_file(bench, image), &bytes)) {
        return bench_fail(bench, "%s cannot be read", image);
    }
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = (double)bytes / 1024,
                                             .unit = "KiB",
                                             .decimals = 1,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 256,
                                             .how = "bytes in the file of the segments to load" });
    return true;
}

/* ---- memory ---- */

/* False only when QEMU cannot be started; how hello fares is *works. */
static bool try_memory(struct bench *bench, uint64_t mib, bool *works)
{
    struct vm_config config = program_config(bench, HELLO, mib);
    struct vm *vm = bench_start(bench, &config);
    struct vm_exit result;

    if (vm == NULL) {
        return false;
    }
    *works = vm_wait_line(vm, LINE, BENCH_WAIT_MS / 3, NULL) == VM_WAIT_OK &&
             vm_wait_exit(vm, BENCH_WAIT_MS, &result) == VM_WAIT_OK &&
             result.end == VM_END_STATUS && result.status == 0;
    vm_end(vm);
    return true;
}

static bool add_memory(struct bench *bench)
{
    bool works = false;
    uint64_t mib;

    for (mib = 1; !works && mib <= SMALL_MIB_MAX; mib++) {
        bench_progress("hello in %llu MiB", (unsigned long long)mib);
        if (!try_memory(bench, mib, &works)) {
            return false;
        }
    }
    if (!works) {
        return bench_fail(bench, "hello does not run in %u MiB", SMALL_MIB_MAX);
    }
    bench_add(bench,
              &(struct bench_figure){ .name = "smallest memory for hello",
                                      .value = (double)(mib - 1),
                                      .unit = "MiB",
                                      .goal = BENCH_AT_MOST,
                                      .limit = 4,
                                      .how = "it prints its line and ends with 0; MiB by MiB" });
    return true;
}

/* ---- instructions ---- */

static bool count_once(struct bench *bench, double *instructions)
{
    struct vm_config config = program_config(bench, HELLO, USUAL_MIB);
    struct counted counted;
    struct vm_exit result;
    bool good;

    config.lazy_memory = true;
    if (!counted_start(bench, &counted, &config, "pvh_start", "main")) {
        return false;
    }
    good = bench_wait(bench, counted.vm, LINE, BENCH_WAIT_MS, NULL) &&
           (vm_wait_exit(counted.vm, BENCH_WAIT_MS, &result) == VM_WAIT_OK ||
            bench_fail(bench, "hello does not end"));
    if (good && counted.shared->stops == 0) {
        good = bench_fail(bench, "main() was not reached");
    }
    if (good) {
        *instructions = (double)(counted.shared->stopped - counted.shared->started);
    }
    counted_end(&counted);
    return good;
}

static bool add_instructions(struct bench *bench)
{
    double values[COUNT_RUNS];
    char how[BENCH_TEXT_MAX];
    double median;

    for (unsigned i = 0; i < COUNT_RUNS; i++) {
        bench_progress("instructions to main(), run %u of %u", i + 1, COUNT_RUNS);
        if (!count_once(bench, &values[i])) {
            return false;
        }
    }
    median = bench_median(values, COUNT_RUNS);
    snprintf(how, sizeof(how), "plugin, pvh_start to main, %u MiB, %u runs, spread %.0f", USUAL_MIB,
             COUNT_RUNS, values[COUNT_RUNS - 1] - values[0]); /* sorted by now */
    bench_add(bench, &(struct bench_figure){ .name = "instructions from entry to main()",
                                             .value = median,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 1000000,
                                             .how = how });
    return true;
}

bool part_program(struct bench *bench)
{
    return add_loaded(bench, "hello, loaded", HELLO) &&
           add_loaded(bench, "the same without stdio", PLAIN) && add_memory(bench) &&
           add_instructions(bench);
}
