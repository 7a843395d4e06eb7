/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How soon the host really has memory that the guest no longer needs. Two figures, each with the
 * host's huge pages on and off.
 *
 * "reporting": with free-page-reporting=on an application holds 2 GiB it has touched, says that it
 * now frees it, and frees it; the time from that line until 90 % of it has left QEMU's resident
 * size. In all of it: the guest's own freeing. The limit is one madvise() over as much memory in
 * this process, in the same round. Trap: QEMU's resident size contains QEMU, but what that changes
 * by meanwhile is small against the tenth that is left out.
 *
 * "first": 3 GiB that were touched are free in the guest, the host asks for them, and 90 % of them
 * must have left; once with free-page-reporting=on, where a long report may go before the frame
 * numbers, once with it off. Trap: a guest that reports what is freed has nothing left to give when
 * the host asks. KEEP_WARM tells ours to keep it, and that it was still there is checked.
 */

#include "tests/bench/bench_guest.h"
#include "tests/bench/bench_host.h"

#include <math.h>
#include <stdio.h>

#define ROUNDS_MAX 3U
/* Linux waits by the clock and is slow at it; the setting that makes its allocations slower has
 * nothing to do with that, so one run of it will do. */
#define SHIPPED_ROUNDS 1U
#define GUEST_MIB      4096U
#define SHARE          0.9
#define REPORTING_ON   "free-page-reporting=on"
#define REPORTING_OFF  "free-page-reporting=off"

static unsigned rounds_of(const struct bench *bench)
{
    return bench->rounds < ROUNDS_MAX ? bench->rounds : ROUNDS_MAX;
}

/* What is left when the share of `bytes` has gone. */
static uint64_t after_leaving(uint64_t before, uint64_t bytes)
{
    uint64_t leaving = (uint64_t)((double)bytes * SHARE);

    return before > leaving ? before - leaving : 0;
}

/* ---- reporting ---- */

#define FREED_MIB 2048U
/* Long enough for the size before to be looked at, and for a start to be over. */
#define HOLD_WORDS    "test=touch mib=2048 hold=1500"
#define LOOK_MS       500
#define OURS_LIMIT_S  10
#define LINUX_LIMIT_S 60

/* NAN: never within the limit. */
static bool reporting_once(struct bench *bench, enum bench_guest guest, double *seconds)
{
    struct vm_config config = guest_config(bench, guest, HOLD_WORDS);
    double limit = guest == GUEST_OURS ? OURS_LIMIT_S : LINUX_LIMIT_S;
    struct host_watch watch = { .fd = -1 };
    uint64_t before = 0;
    struct vm *vm;
    bool good;

    config.memory_mib = GUEST_MIB;
    config.balloon_properties = REPORTING_ON;
    vm = bench_start(bench, &config);
    good = vm != NULL && host_watch_open(bench, &watch, vm) &&
           bench_wait(bench, vm, "@touch state=held", BENCH_LONG_WAIT_MS, NULL) &&
           bench_sleep(bench, vm, LOOK_MS);
    before = good ? host_resident(&watch) : 0;
    good = good &&
           (before > FREED_MIB * BENCH_MIB ||
            bench_fail(bench, "less is resident than was touched")) &&
           bench_wait(bench, vm, "@touch state=free", BENCH_WAIT_MS, NULL);
    if (good) {
        *seconds = host_wait_resident(&watch, after_leaving(before, FREED_MIB * BENCH_MIB),
                                      bench_clock(), limit);
    }
    host_watch_close(&watch);
    vm_end(vm);
    return good;
}

struct reporting {
    const char *what; /* begins the names of the figures */
    bool huge_off;    /* and then without Linux */
    struct guest_series seconds;
    double bare[ROUNDS_MAX];       /* one madvise */
    double over_bare[ROUNDS_MAX];  /* ours */
    double over_linux[ROUNDS_MAX]; /* Linux's, times ours */
    unsigned pairs;                /* rounds with a value of ours */
    unsigned linux_pairs;          /* and one of Linux (fair) */
};

static bool reporting_round(struct bench *bench, unsigned round, struct reporting *all)
{
    double seconds[GUEST_COUNT] = { NAN, NAN, NAN };

    if (!host_drop_seconds(bench, FREED_MIB * BENCH_MIB, &all->bare[round])) {
        return false;
    }
    for (enum bench_guest guest = GUEST_OURS; guest < GUEST_COUNT; guest++) {
        if (!guest_takes_part(bench, guest, round) || (guest != GUEST_OURS && all->huge_off) ||
            (guest == GUEST_LINUX_SHIPPED && round >= SHIPPED_ROUNDS)) {
            continue;
        }
        if (!reporting_once(bench, guest, &seconds[guest])) {
            if (guest == GUEST_OURS) {
                return false;
            }
            guest_note(bench, guest, "reporting");
        } else if (isnan(seconds[guest]) && guest != GUEST_OURS) {
            (void)bench_fail(bench, "90 %% had not left within %d s", LINUX_LIMIT_S);
            guest_note(bench, guest, "reporting");
        }
        if (!isnan(seconds[guest])) {
            guest_series_add(&all->seconds, guest, seconds[guest] * 1000);
        }
    }
    if (!isnan(seconds[GUEST_OURS])) {
        all->over_bare[all->pairs++] = seconds[GUEST_OURS] / all->bare[round];
        if (!isnan(seconds[GUEST_LINUX_FAIR])) {
            all->over_linux[all->linux_pairs++] = seconds[GUEST_LINUX_FAIR] / seconds[GUEST_OURS];
        }
    }
    return true;
}

static void add_reporting(struct bench *bench, struct reporting *all, unsigned rounds)
{
    double by_guest[GUEST_COUNT];
    char name[BENCH_TEXT_MAX];
    char how[BENCH_TEXT_MAX];

    guest_medians(&all->seconds, by_guest);
    if (all->pairs > 0) {
        snprintf(how, sizeof(how), "from the guest's line before it frees, median of %u rounds",
                 all->pairs);
    } else {
        snprintf(how, sizeof(how), "not reached within %d s; one bare madvise took %.1f ms",
                 OURS_LIMIT_S, bench_median(all->bare, rounds) * 1000);
    }
    snprintf(name, sizeof(name), "%s: 90 %% of 2 GiB freed has left after", all->what);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = by_guest[GUEST_OURS],
                                             .by_guest = by_guest,
                                             .unit = "ms",
                                             .decimals = 1,
                                             .how = how });
    if (all->pairs > 0) {
        double ratio = bench_median(all->over_bare, all->pairs);

        snprintf(name, sizeof(name), "%s: times one bare madvise", all->what);
        snprintf(how, sizeof(how), "median of %u rounds; one madvise over 2 GiB took %.1f ms",
                 all->pairs, bench_median(all->bare, rounds) * 1000);
        bench_add(bench, &(struct bench_figure){ .name = name,
                                                 .value = ratio,
                                                 .unit = "x",
                                                 .decimals = 2,
                                                 .goal = BENCH_AT_MOST,
                                                 .limit = 1.5,
                                                 .how = how });
    }
    if (all->linux_pairs > 0) {
        snprintf(name, sizeof(name), "%s: Linux (fair) takes longer by", all->what);
        bench_add(bench,
                  &(struct bench_figure){ .name = name,
                                          .value = bench_median(all->over_linux, all->linux_pairs),
                                          .unit = "x",
                                          .decimals = 1,
                                          .goal = BENCH_AT_LEAST,
                                          .limit = 20,
                                          .how = "median of the rounds' ratios" });
    }
}

static bool reporting_rounds(struct bench *bench, struct reporting *all)
{
    unsigned rounds = rounds_of(bench);

    for (unsigned i = 0; i < rounds; i++) {
        bench_progress("2 GiB freed with %s, round %u of %u", all->what, i + 1, rounds);
        if (!reporting_round(bench, i, all)) {
            return false;
        }
    }
    add_reporting(bench, all, rounds);
    return true;
}

bool part_reporting(struct bench *bench)
{
    static struct reporting on = { .what = "reporting" };
    static struct reporting off = { .what = "reporting, THP off", .huge_off = true };
    bool good = reporting_rounds(bench, &on) && host_huge_pages_off(bench, true);

    if (!good) {
        return false;
    }
    good = reporting_rounds(bench, &off);
    return host_huge_pages_off(bench, false) && good;
}

/* ---- a report before the inflation ---- */

#define TOUCHED_MIB   3072U
#define FIRST_LIMIT_S 60
/* Nothing that is freed is reported: all of it stays as a reserve. */
#define KEEP_WARM "report.reserve=4096 -- test=touch mib=3072"

static bool first_once(struct bench *bench, const char *properties, double *seconds)
{
    struct vm_config config = { .image = bench_file(bench, "test.elf"),
                                .append = KEEP_WARM,
                                .memory_mib = GUEST_MIB,
                                .balloon_properties = properties };
    struct host_watch watch = { .fd = -1 };
    uint64_t touched = TOUCHED_MIB * BENCH_MIB;
    uint64_t before = 0;
    double start;
    struct vm *vm;
    bool good;

    vm = bench_start(bench, &config);
    good = vm != NULL && host_watch_open(bench, &watch, vm) &&
           bench_wait(bench, vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
           bench_sleep(bench, vm, LOOK_MS);
    before = good ? host_resident(&watch) : 0;
    good = good && (before > touched || bench_fail(bench, "the memory has left before the host "
                                                          "asked for it"));
    start = bench_clock();
    good = good && bench_balloon_ask(bench, vm, (GUEST_MIB - TOUCHED_MIB) * BENCH_MIB);
    if (good) {
        *seconds = host_wait_resident(&watch, after_leaving(before, touched), start, FIRST_LIMIT_S);
        good =
            !isnan(*seconds) || bench_fail(bench, "90 %% had not left within %d s", FIRST_LIMIT_S);
    }
    host_watch_close(&watch);
    vm_end(vm);
    return good;
}

static bool first_rounds(struct bench *bench, const char *name)
{
    double seconds[2][ROUNDS_MAX]; /* without and with */
    double ratios[ROUNDS_MAX];
    unsigned rounds = rounds_of(bench);
    char how[BENCH_TEXT_MAX];

    for (unsigned i = 0; i < rounds; i++) {
        bench_progress("%s, round %u of %u", name, i + 1, rounds);
        for (unsigned j = 0; j < 2; j++) {
            unsigned with = (i + j) % 2;

            if (!first_once(bench, with == 1 ? REPORTING_ON : REPORTING_OFF, &seconds[with][i])) {
                return false;
            }
        }
        ratios[i] = seconds[0][i] / seconds[1][i];
    }
    snprintf(
        how, sizeof(how),
        "median of %u alternating pairs; 90 %% of 3 GiB touched: %.0f ms without, %.0f ms with",
        rounds, bench_median(seconds[0], rounds) * 1000, bench_median(seconds[1], rounds) * 1000);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = bench_median(ratios, rounds),
                                             .unit = "x",
                                             .decimals = 1,
                                             .goal = BENCH_AT_LEAST,
                                             .limit = 10,
                                             .how = how });
    return true;
}

bool part_first(struct bench *bench)
{
    bool good = first_rounds(bench, "inflate: a report before makes it faster by") &&
                host_huge_pages_off(bench, true);

    if (!good) {
        return false;
    }
    good = first_rounds(bench, "the same, THP off");
    return host_huge_pages_off(bench, false) && good;
}
