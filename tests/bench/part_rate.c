/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast memory moves, against a limit measured in the same run: a bare loop that sends all frame
 * numbers in one request (tests/guest/bare.c). In both guests 3 GiB of 4 GiB were touched; both are
 * started by the same QMP command and write a line when `actual` is written, so one stopwatch
 * outside measures both and everything counts: the command, the interrupt, the guest's work, the
 * host's work. Runs alternate, each pair gives one ratio, the median counts. A rate by itself says
 * how fast this host discards pages, one call for each 4 KiB.
 *
 * Traps: asking QEMU meanwhile (query-balloon) wakes its main thread on another processor, and from
 * then on every discard has to interrupt that one as well; a bare loop that never leaves the device
 * does not let QEMU answer and would look faster for it. Both guests look for the end, or the wish,
 * once a millisecond: against seconds that is nothing. Linux does the same in the first rounds; its
 * page counter, which it is seen from, moves before the last of its requests is answered.
 *
 * The last figure is about waiting: from the moment the driver hands the first frames back to the
 * allocator until the host is notified of them, in instructions. The counter stops only at a
 * notification after the first frame was handed back, and one slice sends one, so a value above 0
 * shows that frames are usable before the host answers, or even knows.
 */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>

#define GUEST_MIB   4096U
#define TOUCHED_MIB 3072U

struct rates {
    double inflate; /* GiB/s */
    double deflate;
};

/* Seconds from the command to the guest's line. */
static bool move(struct bench *bench, struct vm *vm, uint64_t bytes, const char *line,
                 double *seconds)
{
    double before = bench_clock();

    if (!bench_balloon_ask(bench, vm, bytes) ||
        !bench_wait(bench, vm, line, BENCH_LONG_WAIT_MS, NULL)) {
        return false;
    }
    *seconds = bench_clock() - before;
    return true;
}

/* Behind the guests comes the bare loop. */
#define BARE        GUEST_COUNT
#define RATE_GUESTS (GUEST_COUNT + 1U)

static bool rate_once(struct bench *bench, unsigned which, struct rates *rates)
{
    struct vm_config config = { .image = bench_file(bench, "test.elf") };
    char words[64];
    struct vm *vm;
    double inflate = 0;
    double deflate = 0;
    bool good;

    if (which == BARE) {
        snprintf(words, sizeof(words), "balloon=off -- test=bare mib=%u watch=1", TOUCHED_MIB);
        config.append = words;
    } else {
        snprintf(words, sizeof(words), "test=touch mib=%u watch=1", TOUCHED_MIB);
        config = guest_config(bench, (enum bench_guest)which, words);
    }
    config.memory_mib = GUEST_MIB;
    vm = bench_start(bench, &config);
    good =
        vm != NULL && bench_wait(bench, vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
        move(bench, vm, (GUEST_MIB - TOUCHED_MIB) * BENCH_MIB, "@moved what=inflate", &inflate) &&
        move(bench, vm, GUEST_MIB * BENCH_MIB, "@moved what=deflate", &deflate);
    vm_end(vm);
    if (good) {
        rates->inflate = TOUCHED_MIB / 1024.0 / inflate;
        rates->deflate = TOUCHED_MIB / 1024.0 / deflate;
    }
    return good;
}

static void add_ratio(struct bench *bench, const char *name, const struct guest_series *rates,
                      double *bare)
{
    double ratios[BENCH_ROUNDS_MAX];
    double by_guest[GUEST_COUNT];
    char how[BENCH_TEXT_MAX];
    char rate_name[BENCH_TEXT_MAX];
    char rate_how[BENCH_TEXT_MAX];
    double ratio;
    double bare_rate;

    for (unsigned i = 0; i < bench->rounds; i++) {
        ratios[i] = rates->values[GUEST_OURS][i] * 100 / bare[i];
    }
    guest_medians(rates, by_guest);
    ratio = bench_median(ratios, bench->rounds); /* and sorts them */
    bare_rate = bench_median(bare, bench->rounds);
    snprintf(how, sizeof(how),
             "median of %u alternating pairs (%.0f to %.0f %%), bare loop %.2f GiB/s",
             bench->rounds, ratios[0], ratios[bench->rounds - 1], bare_rate);
    snprintf(rate_how, sizeof(rate_how),
             "from QMP command to the guest's line, median of %u; Linux: %u", bench->rounds,
             rates->count[GUEST_LINUX_FAIR]);
    snprintf(rate_name, sizeof(rate_name), "%s rate, 3 GiB touched", name);
    bench_add(bench, &(struct bench_figure){ .name = rate_name,
                                             .value = by_guest[GUEST_OURS],
                                             .by_guest = by_guest,
                                             .unit = "GiB/s",
                                             .decimals = 2,
                                             .how = rate_how });
    snprintf(rate_name, sizeof(rate_name), "%s rate against the bare loop", name);
    bench_add(bench, &(struct bench_figure){ .name = rate_name,
                                             .value = ratio,
                                             .unit = "%",
                                             .decimals = 1,
                                             .goal = BENCH_AT_LEAST,
                                             .limit = 90,
                                             .how = how });
}

/* ---- frames are usable without waiting ---- */

static bool usable_at_once(struct bench *bench)
{
    struct vm_config config = { .image = bench_file(bench, "aerostat.elf"), .memory_mib = 1024 };
    struct counted counted;
    double instructions = 0;
    bool good;

    bench_progress("whether deflated frames wait for the host");
    if (!counted_start(bench, &counted, &config, "frame_give_run", "virtio_kick")) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@ready", BENCH_WAIT_MS, NULL) &&
           bench_balloon(bench, counted.vm, 1000 * BENCH_MIB, NULL) &&
           bench_balloon(bench, counted.vm, BENCH_GIB, NULL);
    if (good) {
        instructions = counted.shared->stops == 0
                           ? 0
                           : (double)(counted.shared->stopped - counted.shared->started);
        bench_add(bench, &(struct bench_figure){
                             .name = "deflate: frames usable before the host is told, by",
                             .value = instructions,
                             .unit = "instructions",
                             .goal = BENCH_AT_LEAST,
                             .limit = 1,
                             .how = "plugin, first frame_give_run to the notification" });
    }
    counted_end(&counted);
    return good;
}

/* One run of each. The two that give a ratio follow each other closely, as the machine's speed
 * changes from minute to minute, and take turns in being first. */
static bool rate_round(struct bench *bench, unsigned round, struct rates *rates)
{
    static const unsigned orders[2][RATE_GUESTS] = {
        { GUEST_OURS, BARE, GUEST_LINUX_FAIR, GUEST_LINUX_SHIPPED },
        { BARE, GUEST_OURS, GUEST_LINUX_SHIPPED, GUEST_LINUX_FAIR },
    };

    for (unsigned i = 0; i < RATE_GUESTS; i++) {
        unsigned which = orders[round % 2][i];

        rates[which] = (struct rates){ NAN, NAN };
        if (which != BARE && !guest_takes_part(bench, (enum bench_guest)which, round)) {
            continue;
        }
        if (!rate_once(bench, which, &rates[which])) {
            if (which == GUEST_OURS || which == BARE) {
                return false;
            }
            guest_note(bench, (enum bench_guest)which, "rate");
            rates[which] = (struct rates){ NAN, NAN };
        }
    }
    return true;
}

bool part_rate(struct bench *bench)
{
    static struct guest_series inflate;
    static struct guest_series deflate;
    double bare[2][BENCH_ROUNDS_MAX]; /* inflate, deflate */

    for (unsigned i = 0; i < bench->rounds; i++) {
        struct rates rates[RATE_GUESTS];

        bench_progress("inflate and deflate 3 GiB, round %u of %u", i + 1, bench->rounds);
        if (!rate_round(bench, i, rates)) {
            return false;
        }
        for (enum bench_guest guest = GUEST_OURS; guest < GUEST_COUNT; guest++) {
            if (!isnan(rates[guest].inflate)) {
                guest_series_add(&inflate, guest, rates[guest].inflate);
                guest_series_add(&deflate, guest, rates[guest].deflate);
            }
        }
        bare[0][i] = rates[BARE].inflate;
        bare[1][i] = rates[BARE].deflate;
    }
    add_ratio(bench, "inflate", &inflate, bare[0]);
    add_ratio(bench, "deflate", &deflate, bare[1]);
    return usable_at_once(bench);
}
