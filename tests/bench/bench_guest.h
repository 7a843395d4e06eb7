/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The guests that are compared. All run on the same machine with the same processor, and the Linux
 * guest's only process (tests/bench/linux_init.c) takes the same words and writes the same lines as
 * build/test.elf, so that a part measures each of them in the same way.
 *
 * Linux is slow to start, so where runs alternate it takes part in the first rounds only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/bench.h"
#include "tests/bench/bench_vm.h"

#define GUEST_LINUX_ROUNDS 3U

/* Looks whether tools/linux_guest.sh has made a guest; `wanted` false: does without. */
void guest_find_linux(struct bench *bench, bool wanted);

/* Whether this guest takes part at all, and in round `round`. */
bool guest_is_there(const struct bench *bench, enum bench_guest guest);
bool guest_takes_part(const struct bench *bench, enum bench_guest guest, unsigned round);

/* "aerostat", "Linux (fair)", "Linux (as shipped)". */
const char *guest_name(enum bench_guest guest);

/* A description with image and command line. `words` is what stands behind `--`; null: the guest
 * does nothing, which for ours is aerostat.elf. Valid until the next call but three. */
struct vm_config guest_config(const struct bench *bench, enum bench_guest guest, const char *words);

/* Starts the guest counted from the kernel's entry to ready. */
bool guest_counted_start(struct bench *bench, enum bench_guest guest, struct counted *counted,
                         struct vm_config *config);

/* Linux could not be measured: keeps the reason for the end of the table. */
void guest_note(struct bench *bench, enum bench_guest guest, const char *what);

/* ---- values by guest ---- */

/* Values of several rounds. */
struct guest_series {
    double values[GUEST_COUNT][BENCH_ROUNDS_MAX];
    unsigned count[GUEST_COUNT];
};

void guest_series_add(struct guest_series *series, enum bench_guest guest, double value);

/* The median of each guest, NAN where there is none. Keeps the series as it is. */
void guest_medians(const struct guest_series *series, double *by_guest);

/* Measures what is the same in every run: both Linux guests once, NAN where it fails. */
typedef bool guest_measure(struct bench *bench, enum bench_guest guest, double *value);
void guest_measure_linux(struct bench *bench, const char *what, guest_measure *measure,
                         double *by_guest);
