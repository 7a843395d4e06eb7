/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Steps that several parts need, on top of tools/aerostat/vm.h. Each returns false (or null) after
 * bench_fail(). Everything runs on QEMU's translator: the figures compare with one another only on
 * the same accelerator, and counting needs this one.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/bench.h"
#include "tests/bench/count_shared.h"
#include "tools/aerostat/vm.h"

#define BENCH_FRAME_BYTES UINT64_C(4096)
#define BENCH_MIB         (UINT64_C(1) << 20)
#define BENCH_GIB         (UINT64_C(1) << 30)

/* Start-up and anything else that should be quick; generous, for a machine that does other things.
 */
#define BENCH_WAIT_MS 30000
/* Touching or moving GiBs. */
#define BENCH_LONG_WAIT_MS 120000

/* Starts a guest. `accel` of the description is set here. */
struct vm *bench_start(struct bench *bench, struct vm_config *config);

/* Waits for a line of the guest. `line` may be null. */
bool bench_wait(struct bench *bench, struct vm *vm, const char *text, int timeout_ms,
                const char **line);

/* The number behind `key=` in a line. */
bool bench_number(struct bench *bench, const char *line, const char *key, uint64_t *number);

/* Sends the command and returns. */
bool bench_balloon_ask(struct bench *bench, struct vm *vm, uint64_t bytes);

/* Asks QEMU every 2 ms until the guest says that it is done. */
bool bench_balloon_wait(struct bench *bench, struct vm *vm, uint64_t bytes);

/* Both; the seconds from the command to the answer. `seconds` may be null. */
bool bench_balloon(struct bench *bench, struct vm *vm, uint64_t bytes, double *seconds);

/* Lets the guest run for a while. False when it ended. */
bool bench_sleep(struct bench *bench, struct vm *vm, int ms);

/* An anonymous file for a trace; QEMU writes it under the name `path` (vm_config.trace_file) while
 * we read on behind it. Null: there is no memory for it. */
FILE *bench_trace_open(struct bench *bench, char *path, size_t size);

/* ---- counting ---- */

/* A guest whose instructions are counted, from the symbol `start` to the symbol `stop` of its image
 * (both null: only in all). */
struct counted {
    struct vm *vm;
    const struct count_shared *shared;
    int fd;
};

bool counted_start(struct bench *bench, struct counted *counted, struct vm_config *config,
                   const char *start, const char *stop);

/* The same between two addresses of the guest; 0: none. */
bool counted_start_at(struct bench *bench, struct counted *counted, struct vm_config *config,
                      uint64_t first, uint64_t last);
void counted_end(struct counted *counted);

/* Instructions executed since the start of the machine. */
uint64_t counted_now(const struct counted *counted);

/* Waits until the guest has executed next to nothing for a while; *executed is the count then. */
bool counted_rest(struct bench *bench, struct counted *counted, uint64_t *executed);
