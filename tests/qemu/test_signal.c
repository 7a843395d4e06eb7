/* SPDX-License-Identifier: BSD-2-Clause */
/* The power button and the serial port as a C program sees them: tests/libc/signal.c and
 * tests/libc/console.c. */

#include "tests/qemu/qtest.h"

#define STATUS_SIGNAL 128

static void press(struct qtest *t)
{
    qtest_line(t, "waiting", QTEST_STEP_MS);
    qtest_press_power(t);
}

/* Presses, and the program says this and ends well. */
static void press_and_hear(struct qtest *t, const char *text)
{
    press(t);
    qtest_line(t, text, QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void raise_kill_and_signal_keep_their_contracts(struct qtest *t)
{
    qtest_line(t, " 0 failed", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void the_power_button_ends_a_sleep(struct qtest *t)
{
    press_and_hear(t, "signal: flag 15");
}

static void the_power_button_ends_a_pause(struct qtest *t)
{
    press_and_hear(t, "signal: pause ended");
}

static void a_handler_may_exit(struct qtest *t)
{
    press(t);
    qtest_status(t, 7, QTEST_STEP_MS);
}

static void a_busy_program_notices_when_it_asks_for_the_time(struct qtest *t)
{
    press_and_hear(t, "signal: seen while busy");
}

static void a_program_that_only_prints_notices(struct qtest *t)
{
    press_and_hear(t, "signal: seen while printing");
}

static void a_program_that_only_reads_a_file_notices(struct qtest *t)
{
    press_and_hear(t, "signal: seen while reading");
}

static void an_ignored_button_does_nothing(struct qtest *t)
{
    press_and_hear(t, "signal: ignored");
}

static void a_read_of_the_console_ends(struct qtest *t)
{
    press_and_hear(t, "signal: read ended");
}

static void without_a_handler_the_button_ends_the_machine(struct qtest *t)
{
    press(t);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void with_its_handler_taken_back_too(struct qtest *t)
{
    without_a_handler_the_button_ends_the_machine(t);
}

static void abort_ends_with_a_status(struct qtest *t)
{
    qtest_line(t, "signal 6, which nobody handles", QTEST_STEP_MS);
    qtest_status(t, STATUS_SIGNAL + 6, QTEST_STEP_MS);
}

static void a_signal_that_nobody_handles_ends_with_a_status(struct qtest *t)
{
    qtest_line(t, "signal 15, which nobody handles", QTEST_STEP_MS);
    qtest_status(t, STATUS_SIGNAL + 15, QTEST_STEP_MS);
}

static void standard_input_is_the_serial_port(struct qtest *t)
{
    assert_true(vm_type(t->vm, "hello, world\n12 0x2a\n0123456789abcdef\n0123456789abcdef\n\x04",
                        QTEST_STEP_MS));
    qtest_line(t, " 0 failed", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

#define PROGRAM(function, name, words)                                                             \
    QTEST(function, .image = "libc-tests/" name ".elf", .append = "-- " words)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PROGRAM(raise_kill_and_signal_keep_their_contracts, "signal", ""),
        PROGRAM(the_power_button_ends_a_sleep, "signal", "flag"),
        PROGRAM(the_power_button_ends_a_pause, "signal", "pause"),
        PROGRAM(a_handler_may_exit, "signal", "exit"),
        PROGRAM(a_busy_program_notices_when_it_asks_for_the_time, "signal", "busy"),
        PROGRAM(a_program_that_only_prints_notices, "signal", "print"),
        QTEST(a_program_that_only_reads_a_file_notices, .image = "libc-tests/signal.elf",
              .append = "-- files", .initrd = "files.cpio"),
        PROGRAM(an_ignored_button_does_nothing, "signal", "ignore"),
        PROGRAM(a_read_of_the_console_ends, "signal", "read"),
        PROGRAM(without_a_handler_the_button_ends_the_machine, "signal", "nobody"),
        PROGRAM(with_its_handler_taken_back_too, "signal", "default"),
        PROGRAM(abort_ends_with_a_status, "signal", "abort"),
        PROGRAM(a_signal_that_nobody_handles_ends_with_a_status, "signal", "raise"),
        PROGRAM(standard_input_is_the_serial_port, "console", ""),
    };

    return qtest_main("tests/qemu/test_signal.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
