/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether inflation frees huge pages of the host: the guest's memory consists of 2 MiB pages that
 * the host has set aside (hugetlb), 1.5 of 2 GiB were touched and freed, 1 GiB is inflated, and the
 * host's own count of free huge pages before and after is the figure. QEMU gives such a page back
 * only when all its frame numbers come in one buffer, in one go.
 *
 * The pages are set aside for this part and given back at its end, also when it is interrupted.
 */

#include "tests/bench/bench_guest.h"
#include "tests/qemu/huge_pool.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

#define GUEST_MIB  2048U
#define HUGE_PAGES (GUEST_MIB / 2)
#define WORDS      "test=touch mib=1536"
#define SETTLE_MS  300
#define FIGURE     "hugetlb: huge pages freed by inflating 1 GiB"

/* ---- the host's pool ---- */

static unsigned pool_before; /* for a signal handler */

/* QEMU dies with this process and its pages are the pool's again, which then shrinks. */
static void on_signal(int number)
{
    (void)huge_pool_resize(pool_before);
    _exit(128 + number);
}

static void on_signals(void (*handler)(int number))
{
    static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)signal(numbers[i], handler);
    }
}

static void pool_give_back(void)
{
    (void)huge_pool_resize(pool_before);
    on_signals(SIG_DFL);
}

/* Sets pages aside for one guest. False, with the reason, when the machine refuses. */
static bool pool_take(struct bench *bench)
{
    unsigned now = 0;

    if (!huge_pool_read("nr_hugepages", &pool_before)) {
        return bench_fail(bench, "this host has no huge pages of 2 MiB");
    }
    on_signals(on_signal);
    if (!huge_pool_resize(pool_before + HUGE_PAGES)) {
        on_signals(SIG_DFL);
        return bench_fail(bench, "huge pages cannot be set aside (that takes root)");
    }
    if (!huge_pool_read("nr_hugepages", &now) || now < pool_before + HUGE_PAGES) {
        pool_give_back();
        return bench_fail(bench, "the host has no %u huge pages to set aside", HUGE_PAGES);
    }
    return true;
}

/* ---- the measurement ---- */

static bool inflate_once(struct bench *bench, enum bench_guest guest, double *freed)
{
    static const char *const memory[] = {
        "-object", "memory-backend-memfd,id=mem,size=2048M,hugetlb=on,hugetlbsize=2M", NULL
    };
    struct vm_config config = guest_config(bench, guest, WORDS);
    unsigned before = 0;
    unsigned after = 0;
    struct vm *vm;
    bool good;

    config.memory_mib = GUEST_MIB;
    config.machine = "q35,memory-backend=mem";
    config.extra = memory;
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
           bench_sleep(bench, vm, SETTLE_MS) && huge_pool_read("free_hugepages", &before) &&
           bench_balloon(bench, vm, BENCH_GIB, NULL) && bench_sleep(bench, vm, SETTLE_MS) &&
           huge_pool_read("free_hugepages", &after);
    vm_end(vm);
    *freed = (double)after - (double)before;
    return good;
}

bool part_hugetlb(struct bench *bench)
{
    double by_guest[GUEST_COUNT];
    double ours = NAN;
    bool good;

    if (!pool_take(bench)) {
        bench_add_skip(bench, FIGURE);
        return true;
    }
    bench_progress("huge pages freed by an inflation");
    good = inflate_once(bench, GUEST_OURS, &ours);
    if (good) {
        guest_measure_linux(bench, "huge pages freed", inflate_once, by_guest);
        bench_add(bench, &(struct bench_figure){ .name = FIGURE,
                                                 .value = ours,
                                                 .by_guest = by_guest,
                                                 .goal = BENCH_AT_LEAST,
                                                 .limit = 512,
                                                 .how = "the host's free_hugepages, memfd of 2 MiB "
                                                        "pages, 1.5 of 2 GiB touched" });
    }
    pool_give_back();
    return good;
}
