/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The simulator: many hosts with many machines each, for hours of simulated time, under our policy
 * and under the published rules of other managers, scored alike. The same seed gives the same
 * bytes out, whatever the number of threads. docs/SIMULATOR.md describes the model.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum sim_family {
    SIM_DAILY,
    SIM_SPIKES,
    SIM_DATABASE,
    SIM_BATCH,
    SIM_LEAK,
    SIM_BOOT,
    SIM_FAULTS,
    SIM_MIXED,
    SIM_TRACE, /* recorded; only with a trace */
    SIM_FAMILY_COUNT,
};

#define SIM_POLICIES_MAX 16U
/* Waits longer than this many seconds are counted as this long. */
#define SIM_WAIT_MAX 3600U
/* One curve has so many points, whatever the simulated time. */
#define SIM_CURVE_POINTS 240U

struct sim_trace;
struct sim_policy;

struct sim_options {
    uint64_t seed;
    uint32_t machines;          /* in all */
    uint32_t machines_per_host; /* at most SIM_HOST_MACHINES */
    uint32_t hours;
    uint32_t period_ms; /* of our policy; whole seconds. The others have their own */
    uint32_t threads;
    bool families[SIM_FAMILY_COUNT];
    const struct sim_policy *policies[SIM_POLICIES_MAX];
    size_t policy_count;
    const struct sim_trace *trace; /* for SIM_TRACE, else NULL */
    /* Told after each host of each family and policy, by one thread at a time, or NULL. */
    void (*progress)(size_t done, size_t all, const char *family, const char *policy);
};

#define SIM_HOST_MACHINES 1000U
#define SIM_HOURS_MAX     8760U
#define SIM_MACHINES_MAX  1000000U

/* What one policy did to one family, added up over machines and hosts. */
struct sim_score {
    uint64_t shortfall_mib_s; /* memory that programs wanted and the machine alone would have had */
    uint64_t unavoidable_mib_s; /* of it, what no policy could have served: the host is too small */
    uint64_t out_of_memory;     /* a guest killed a program */
    uint64_t violations_s;      /* machine seconds below what was guaranteed */
    uint64_t hard_s;            /* host seconds with little memory left, */
    uint64_t low_s;             /* and with next to none */
    uint64_t host_swap_mib_s;   /* memory of guests that the host had to swap */
    uint64_t moved_mib;         /* by balloons, in both directions */
    uint64_t reversals;         /* targets that turned round */
    uint64_t peaks;             /* rises of a machine's need by a sixteenth of its RAM, */
    uint64_t waits[SIM_WAIT_MAX + 1]; /* and how many seconds each waited for its memory */
    /* For Jain's index, over machines that needed more than their minimum: the share that they got
     * of what they needed beyond it, in millionths. */
    uint64_t share_count;
    uint64_t share_sum;
    uint64_t share_square_sum;
};

/* The first host over time, for plots, in MiB. */
struct sim_curve {
    uint32_t points;
    uint32_t step_s;
    int64_t total;
    int64_t need[SIM_CURVE_POINTS];      /* of all machines and the host itself */
    int64_t used[SIM_CURVE_POINTS];      /* of the host's memory */
    int64_t sizes[SIM_CURVE_POINTS];     /* of all machines */
    int64_t shortfall[SIM_CURVE_POINTS]; /* mean within the step */
};

struct sim_result {
    enum sim_family family;
    const struct sim_policy *policy;
    struct sim_score score;
    struct sim_curve curve;
};

struct sim_results {
    struct sim_options options;
    uint32_t hosts;
    size_t count; /* families in order, in each the policies in the order of the options */
    struct sim_result *results;
};

/* ---- run ---- */

/* 1,000 machines on hosts of 50 for 24 hours, all families but the trace, all policies. */
void sim_options_default(struct sim_options *options);

/* What is wrong with the options, as one sentence without a full stop, or NULL. */
const char *sim_options_fault(const struct sim_options *options);

/* Runs everything. The options must have no fault (asserted). Returns NULL when there is no memory
 * or no thread. The caller frees the results with sim_results_free(). */
struct sim_results *sim_run(const struct sim_options *options);
void sim_results_free(struct sim_results *results);

/* ---- names ---- */

const char *sim_family_name(enum sim_family family);
bool sim_family_parse(const char *name, enum sim_family *family);

/* ---- scores ---- */

void sim_score_add(struct sim_score *sum, const struct sim_score *score);
/* The wait in seconds that so many of a hundred peaks did not exceed; 0 without peaks. */
uint32_t sim_score_wait(const struct sim_score *score, uint32_t percent);
/* Jain's index in ten-thousandths: 10,000 is the same for all. */
uint32_t sim_score_fairness(const struct sim_score *score);
/* The sum over all families of one policy, by its place in the options. */
void sim_results_total(const struct sim_results *results, size_t policy, struct sim_score *total);

/* ---- output ---- */

/* A table for people; JSON for programs: one object, keys in fixed order. */
void sim_print_table(const struct sim_results *results, FILE *out);
void sim_print_json(const struct sim_results *results, FILE *out);

/* Writes DIR/report.html and the plots beside it, creating DIR. Returns 0 or -errno. */
int sim_report_write(const struct sim_results *results, const char *dir);

/* The command `ballast simulate`; argv[0] is its name in messages. Returns the exit code: 0 done,
 * 1 it failed, 2 it was called wrongly. */
int sim_main(int argc, char **argv);
