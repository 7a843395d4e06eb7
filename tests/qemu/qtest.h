/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Integration tests: each case is a real QEMU with its own memory and connections. A case is a
 * function and the description of a machine:
 *
 *     static void the_guest_boots(struct qtest *t) { qtest_ready(t, "on"); }
 *     const struct CMUnitTest tests[] = { QTEST(the_guest_boots, .memory_mib = 64) };
 *     return qtest_main("tests/qemu/test_boot.c", tests, count, argc, argv);
 *
 * Every wait has a limit and every case one of its own; the QEMU ends with the case whatever
 * happens. The serial log of each case is kept in build/logs/NAME.log, and its tail is printed when
 * the case fails. All helpers below fail the case when what they wait for does not happen.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>

#include "tools/aerostat/record.h"
#include "tools/aerostat/vm.h"

#define QTEST_MIB   ((uint64_t)1 << 20)
#define QTEST_FRAME ((uint64_t)4096)
/* What a step may take on a busy machine, where a test gives up; nothing should need a tenth of it.
 */
#define QTEST_STEP_MS 60000

struct qtest_case;

struct qtest {
    const struct qtest_case *test;
    struct vm *vm;
    struct vm_config config; /* as it was started, defaults filled in */
    uint64_t ram_bytes;
    const char *role; /* in the name of its log: "" for the case's own machine */
    bool passed;
};

struct qtest_case {
    const char *name;
    void (*body)(struct qtest *t);
    struct vm_config
        vm; /* image, initrd: names in the build folder; default aerostat.elf, 128 MiB */
};

/* An entry of the list of tests; what follows the function are members of struct vm_config. */
#define QTEST(function, ...)                                                                       \
    {                                                                                              \
#function, qtest_run, NULL, qtest_end, &(struct qtest_case)                                \
        {                                                                                          \
            .name = #function, .body = function, .vm = { __VA_ARGS__ }                             \
        }                                                                                          \
    }

void qtest_run(void **state);
int qtest_end(void **state);

/* Runs the list. `-k PATTERN` on the command line, or CMOCKA_TEST_FILTER, picks cases by name (with
 * * and ?); `-l` lists them. Returns the exit code. */
int qtest_main(const char *group, const struct CMUnitTest *tests, size_t count, int argc,
               char **argv);

/* Starts a second machine for this case; it ends with the case, or with the next call. `config` is
 * usually a changed copy of t->config. All functions below take it too. */
struct qtest *qtest_beside(struct qtest *t, const struct vm_config *config);

/* ---- the guest's side ---- */

/* Waits for the next line that contains `text`. */
const char *qtest_line(struct qtest *t, const char *text, int timeout_ms);

/* Waits for `@ready`; its balloon= must be this word. Returns its number of frames. */
uint64_t qtest_ready(struct qtest *t, const char *balloon);

/* The guest's newest report (needs report=MS on its command line). */
struct record_mem qtest_mem(struct qtest *t);

/* A number of the newest `@balloon` line, 0 before there is one. */
uint64_t qtest_counter(struct qtest *t, const char *key);

/* Waits until the guest reports so many frames in the balloon, as `actual` and as its target. */
struct record_mem qtest_wait_frames(struct qtest *t, uint64_t frames);

/* The guest must end with this status. */
void qtest_status(struct qtest *t, unsigned status, int timeout_ms);

/* Presses the power button, and returns. */
void qtest_press_power(struct qtest *t);

/* Presses the power button; the guest must end with status 0. */
void qtest_powerdown(struct qtest *t);

/* The same on a machine without an exit device, which the guest must switch off. */
void qtest_switch_off(struct qtest *t);

/* ---- the host's side ---- */

/* A QMP command that must succeed; the caller owns the reply. */
json_t *qtest_command(struct qtest *t, const char *command, json_t *arguments);

/* The same, without a reply that matters. */
void qtest_do(struct qtest *t, const char *command);

/* Waits until `member` of what the command returns is the word `want`; `bad` fails the case. The
 * caller owns the reply. */
json_t *qtest_wait_word(struct qtest *t, const char *command, const char *member, const char *want,
                        const char *bad);

/* Asks for a guest of `bytes`, and returns. */
void qtest_ask(struct qtest *t, uint64_t bytes);

/* The device's `actual`, in bytes of guest memory. */
uint64_t qtest_actual(struct qtest *t);

/* Waits until `actual` is exactly `bytes`; the tail of the log shows where it stopped. */
void qtest_wait_actual(struct qtest *t, uint64_t bytes, int timeout_ms);

/* Asks, waits for `actual`, and for the guest to say the same. */
void qtest_resize(struct qtest *t, uint64_t bytes);

/* Guest memory that the host holds. */
uint64_t qtest_resident(struct qtest *t);

/* Lets the machine run for a while, reading its serial port: for moments at random, and for
 * watching that nothing happens. Who waits for a state uses QTEST_UNTIL. */
void qtest_sleep(struct qtest *t, int ms);

/* Lets it run until the condition holds; in the end it must. */
#define QTEST_UNTIL(t, condition)                                                                  \
    do {                                                                                           \
        int64_t until_ms = vm_now_ms() + QTEST_STEP_MS;                                            \
        while (!(condition) && vm_now_ms() < until_ms) {                                           \
            qtest_sleep((t), 20);                                                                  \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

/* Waits until the first processor uses at most `most_us` microseconds in a window of `ms`: what the
 * guest still had to do passes, what it does again and again does not. */
void qtest_calms_down(struct qtest *t, int ms, uint64_t most_us);

/* The guest's numbers after everything that it has done so far: its balloon has moved since. */
struct record_mem qtest_mem_now(struct qtest *t);
