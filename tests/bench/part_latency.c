/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a request of apps/latency takes while the host takes 3 GiB of 4 and gives them back, and
 * while it leaves the guest alone: the worst of all requests, and the slowest of 99.9 % of them. In
 * instructions, by `-icount shift=0`, where what the host does takes no time at all; and in time,
 * with everything a host adds. The Linux guest runs the same loop, from the same source.
 *
 * Requests follow each other without a pause, so the guest's work for the host has to come in the
 * middle of them. Our guest is measured with its parameters for low latency (docs/LATENCY.md) and
 * with those it has by default; the bound it is held against is one slice of that work, which the
 * part "slice" has too, the same again for what else a guest does in interrupts, and the worst
 * request that nobody disturbed.
 *
 * Traps: that a move took place while requests ran is told by the guest, which ends right after it.
 * QEMU is not asked, because that disturbs (part_rate.c): a line of the guest, which is no part of
 * a request, says when the host has its memory. Instructions are the same in every run but for the
 * moment at which the host's wish arrives. The worst time is what the host's
 * scheduler does to a whole QEMU, as the quiet rows show: so the guests take turns,
 * and of several runs the median counts. The distribution of each run goes to standard error.
 */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ICOUNT    "shift=0,sleep=off"
#define GUEST_MIB 4096U
#define MOVED_MIB 3072U
#define ROUNDS    3U
/* Our guest is done with a move after so few requests, where the host takes no time for it, that
 * there would not be a thousand to take 99.9 % of. */
#define MOVES_ICOUNT 8U
#define QUIET_MS     "ms=2000"
#define MOVE_WORDS   "ms=100000 mib=3072"
#define REPORTING    "free-page-reporting=on"

/* For low latency, of which docs/LATENCY.md tells the reasons. */
#define SLICE_MIB   2U
#define LOW_LATENCY "balloon.slice=2 report.reserve=64"
/* docs/PARAMETERS.md */
#define SLICE_MOST (20000U + 1000U * SLICE_MIB)

enum setting { QUIET, LOW, DEFAULTS, SETTINGS };

struct times {
    double usual; /* of 99.9 %, nanoseconds; with -icount instructions */
    double worst;
    double requests;
};

/* ---- one run ---- */

static unsigned moves_of(enum bench_guest guest, enum setting setting, bool icount)
{
    return setting == QUIET ? 0 : icount && guest == GUEST_OURS ? MOVES_ICOUNT : 1;
}

static bool start(struct bench *bench, enum bench_guest guest, enum setting setting, bool icount,
                  struct vm **vm)
{
    char ours[160];
    char words[128];
    struct vm_config config;

    snprintf(words, sizeof(words), "test=latency %s moves=%u",
             setting == QUIET ? QUIET_MS : MOVE_WORDS, moves_of(guest, setting, icount));
    config = guest_config(bench, guest, words);
    if (guest == GUEST_OURS) {
        snprintf(ours, sizeof(ours), "%s -- %s", setting == DEFAULTS ? "" : LOW_LATENCY,
                 strchr(words, ' ') + 1);
        config.image = bench_file(bench, "latency.elf");
        config.append = ours;
    }
    config.icount = icount ? ICOUNT : NULL;
    config.memory_mib = GUEST_MIB;
    config.balloon_properties = REPORTING;
    *vm = bench_start(bench, &config);
    return *vm != NULL;
}

static bool move(struct bench *bench, struct vm *vm)
{
    return bench_balloon_ask(bench, vm, (GUEST_MIB - MOVED_MIB) * BENCH_MIB) &&
           bench_wait(bench, vm, "@latency state=taken", BENCH_LONG_WAIT_MS, NULL) &&
           bench_balloon_ask(bench, vm, GUEST_MIB * BENCH_MIB) &&
           bench_wait(bench, vm, "@latency state=given", BENCH_LONG_WAIT_MS, NULL);
}

/* The whole distribution, for whoever watches. */
static void show_rows(struct vm *vm)
{
    const char *line;

    for (size_t i = 0; (line = vm_line(vm, i)) != NULL; i++) {
        if (strstr(line, "latency_row memory=all ") != NULL) {
            bench_progress("%s", line);
        }
    }
}

static bool run_once(struct bench *bench, enum bench_guest guest, enum setting setting, bool icount,
                     struct times *times)
{
    const char *line = NULL;
    struct vm *vm = NULL;
    uint64_t usual = 0;
    uint64_t worst = 0;
    uint64_t requests = 0;
    unsigned moves = moves_of(guest, setting, icount);
    bool good = start(bench, guest, setting, icount, &vm) &&
                bench_wait(bench, vm, "@latency state=begin", BENCH_LONG_WAIT_MS, NULL);

    for (unsigned i = 0; good && i < moves; i++) {
        good = move(bench, vm);
    }
    good = good && bench_wait(bench, vm, "@latency memory=all ", BENCH_LONG_WAIT_MS, &line) &&
           bench_number(bench, line, "p999", &usual) && bench_number(bench, line, "max", &worst) &&
           bench_number(bench, line, "count", &requests) &&
           bench_wait(bench, vm, "@latency state=end result=ok", BENCH_WAIT_MS, NULL);
    if (good) {
        show_rows(vm);
    }
    vm_end(vm);
    *times = (struct times){ (double)usual, (double)worst, (double)requests };
    return good;
}

/* ---- all runs ---- */

struct results {
    struct guest_series usual[SETTINGS];
    struct guest_series worst[SETTINGS];
    struct guest_series requests[SETTINGS];
};

static bool run_guest(struct bench *bench, enum bench_guest guest, bool icount,
                      struct results *results)
{
    /* Linux has no parameters for it. */
    for (enum setting s = QUIET; s < (guest == GUEST_OURS ? SETTINGS : DEFAULTS); s++) {
        static const char *const names[] = { "nothing else going on", "while 3 GiB move",
                                             "the same, default parameters" };
        struct times times;

        bench_progress("requests in %s, %s, %s", icount ? "instructions" : "time",
                       guest_name(guest), names[s]);
        if (!run_once(bench, guest, s, icount, &times)) {
            return false;
        }
        guest_series_add(&results->usual[s], guest, times.usual);
        guest_series_add(&results->worst[s], guest, times.worst);
        guest_series_add(&results->requests[s], guest, times.requests);
    }
    return true;
}

static bool run_all(struct bench *bench, bool icount, struct results *results)
{
    unsigned rounds = icount || bench->rounds < ROUNDS ? 1 : ROUNDS;

    for (unsigned round = 0; round < rounds; round++) {
        if (!run_guest(bench, GUEST_OURS, icount, results)) {
            return false;
        }
        if (guest_is_there(bench, GUEST_LINUX_FAIR) &&
            !run_guest(bench, GUEST_LINUX_FAIR, icount, results)) {
            guest_note(bench, GUEST_LINUX_FAIR, "latency");
        }
    }
    return true;
}

/* ---- the table ---- */

static void add(struct bench *bench, bool icount, const char *name, const char *how, double limit,
                const struct guest_series *series)
{
    double by_guest[GUEST_COUNT];
    char full[BENCH_TEXT_MAX];

    guest_medians(series, by_guest);
    for (unsigned i = 0; i < GUEST_COUNT && !icount; i++) {
        by_guest[i] /= 1000;
    }
    snprintf(full, sizeof(full), "%.150s%s", name, icount ? ", instr." : "");
    bench_add(bench, &(struct bench_figure){ .name = full,
                                             .value = by_guest[GUEST_OURS],
                                             .by_guest = by_guest,
                                             .unit = icount ? "" : "us",
                                             .decimals = icount ? 0 : 1,
                                             .goal = limit > 0 ? BENCH_AT_MOST : BENCH_NO_GOAL,
                                             .limit = limit,
                                             .how = how });
}

static void add_setting(struct bench *bench, bool icount, const struct results *results,
                        enum setting setting, double limit)
{
    static const struct {
        const char *name;
        const char *how;
    } texts[SETTINGS] = { { "quiet", LOW_LATENCY },
                          { "3 GiB moving", LOW_LATENCY },
                          { "3 GiB moving, default", "parameters as they are by default" } };
    double requests[GUEST_COUNT];
    char name[BENCH_TEXT_MAX];
    char how[BENCH_TEXT_MAX];

    guest_medians(&results->requests[setting], requests);
    snprintf(how, sizeof(how), "%s, %s; of %.0f requests (Linux: %.0f), median of %u",
             icount ? "-icount " ICOUNT : "time", texts[setting].how, requests[GUEST_OURS],
             isnan(requests[GUEST_LINUX_FAIR]) ? 0 : requests[GUEST_LINUX_FAIR],
             results->worst[setting].count[GUEST_OURS]);
    snprintf(name, sizeof(name), "99.9 %% of requests, %s", texts[setting].name);
    add(bench, icount, name, how, 0, &results->usual[setting]);
    snprintf(name, sizeof(name), "worst request, %s", texts[setting].name);
    add(bench, icount, name, how, limit, &results->worst[setting]);
}

static void add_all(struct bench *bench, bool icount, const struct results *results)
{
    double quiet[GUEST_COUNT];

    guest_medians(&results->worst[QUIET], quiet);
    for (enum setting s = QUIET; s < SETTINGS; s++) {
        add_setting(bench, icount, results, s,
                    icount && s == LOW ? quiet[GUEST_OURS] + 2 * SLICE_MOST : 0);
    }
}

bool part_latency(struct bench *bench)
{
    static struct results instructions;
    static struct results time;

    if (!run_all(bench, true, &instructions)) {
        return false;
    }
    add_all(bench, true, &instructions);
    if (!run_all(bench, false, &time)) {
        return false;
    }
    add_all(bench, false, &time);
    return true;
}
