/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * `make bench`: measures, compares with the goals and prints one table. Every part is a function
 * that starts its own QEMUs, adds figures as it gets them, and ends what it started. A part that
 * cannot measure says why with bench_fail() and returns false.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For every guest the same: Linux starts by PVH without five-level paging only, and string
 * instructions by bytes, which those two features make it choose, are slow under translation. */
#define BENCH_CPU "max,la57=off,erms=off,fsrm=off"

#define BENCH_FIGURES_MAX 64U
#define BENCH_NOTES_MAX   16U
#define BENCH_TEXT_MAX    200U
#define BENCH_ROUNDS_MAX  25U

enum bench_goal {
    BENCH_NO_GOAL,
    BENCH_AT_MOST,
    BENCH_AT_LEAST,
};

/* Who is measured: ours, and Linux in two settings. The fair one does not fill memory with zeros
 * when it is allocated (init_on_alloc=0); as shipped, Debian's kernel does. */
enum bench_guest {
    GUEST_OURS,
    GUEST_LINUX_FAIR,
    GUEST_LINUX_SHIPPED,
    GUEST_COUNT,
};

struct bench_figure {
    const char *name;
    double value;           /* NAN: none, and `how` says why */
    const double *by_guest; /* null: Linux has no such figure; otherwise by enum bench_guest, NAN
                               where there is no value; that of GUEST_OURS is not looked at */
    const char *unit;       /* may be "" */
    int decimals;
    enum bench_goal goal;
    double limit;
    const char *how;
};

/* What the table keeps of a figure. */
struct bench_row {
    char name[BENCH_TEXT_MAX];
    char unit[BENCH_TEXT_MAX];
    char how[BENCH_TEXT_MAX];
    double value;
    double by_guest[GUEST_COUNT];
    int decimals;
    enum bench_goal goal;
    double limit;
    bool failed;  /* there is no value; `how` says why */
    bool skipped; /* and nobody is to blame */
};

struct bench {
    const char *build; /* folder of images and plugin */
    const char *qemu;
    char qemu_version[64]; /* as the first QEMU says */
    bool version_known;
    unsigned rounds;             /* of interleaved runs */
    char reason[BENCH_TEXT_MAX]; /* why a part failed */
    char linux_version[64];      /* "": there is no Linux guest */
    char linux_reason[BENCH_TEXT_MAX];
    char notes[BENCH_NOTES_MAX][BENCH_TEXT_MAX]; /* what of Linux could not be measured */
    size_t note_count;
    struct bench_row rows[BENCH_FIGURES_MAX];
    size_t row_count;
};

/* ---- for parts ---- */

void bench_add(struct bench *bench, const struct bench_figure *figure);

/* Sets the reason; always false, so that a part can return it. */
__attribute__((format(printf, 2, 3))) bool bench_fail(struct bench *bench, const char *format, ...);

/* A row that says that `name` has no value, with the reason set before. */
void bench_add_failure(struct bench *bench, const char *name);

/* The same where this machine cannot do it, which is no failure. */
void bench_add_skip(struct bench *bench, const char *name);

/* One line on standard error for whoever waits. */
__attribute__((format(printf, 1, 2))) void bench_progress(const char *format, ...);

/* BUILD/name; valid until the next call but three. */
const char *bench_file(const struct bench *bench, const char *name);

/* Sorts and returns the middle, of an even count the mean of both middle ones. */
double bench_median(double *values, size_t count);

/* A monotonic clock in seconds. */
double bench_clock(void);

/* ---- the parts, in the order of the table ---- */

bool part_start(struct bench *bench);
bool part_boot(struct bench *bench);
bool part_resident(struct bench *bench);
bool part_idle(struct bench *bench);
bool part_work(struct bench *bench);
bool part_events(struct bench *bench);
bool part_rate(struct bench *bench);
bool part_gap(struct bench *bench);
bool part_slice(struct bench *bench);
bool part_latency(struct bench *bench);
bool part_oom(struct bench *bench);
bool part_alloc(struct bench *bench);
bool part_reporting(struct bench *bench);
bool part_first(struct bench *bench);
bool part_migration(struct bench *bench);
bool part_hugetlb(struct bench *bench);
bool part_program(struct bench *bench);

/* ---- the table ---- */

void bench_print(const struct bench *bench);
void bench_print_machine(const struct bench *bench);
bool bench_write_json(const struct bench *bench, const char *path);
unsigned bench_missed(const struct bench *bench);
unsigned bench_failed(const struct bench *bench);
