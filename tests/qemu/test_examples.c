/* SPDX-License-Identifier: BSD-2-Clause */
/* The example programs under apps/, one for each group of include/aerostat.h, do what
 * docs/PROGRAMS.md says of them. */

#include "tests/qemu/qtest.h"

static void tasks_hand_numbers_to_each_other(struct qtest *t)
{
    qtest_line(t, "app: the sum of 1 to 100 is 5050", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void timers_tick_and_can_be_cancelled(struct qtest *t)
{
    qtest_line(t, "tick 1", QTEST_STEP_MS);
    qtest_line(t, "5 ticks, none too early", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void pages_come_and_go_in_one_piece(struct qtest *t)
{
    qtest_line(t, "16 MiB more in use, 0 bytes behind a huge page's begin", QTEST_STEP_MS);
    qtest_line(t, "8 MiB more in use", QTEST_STEP_MS);
    qtest_line(t, "0 MiB more in use", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void memory_tells_what_the_host_has(struct qtest *t)
{
    qtest_line(t, "the host has 0 of 0", QTEST_STEP_MS);
    qtest_ask(t, 96 * QTEST_MIB);
    qtest_line(t, "the host has 32 of 32", QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes);
    qtest_line(t, "the host has 0 of 0", QTEST_STEP_MS);
    qtest_powerdown(t);
}

static void memory_without_a_balloon_says_so(struct qtest *t)
{
    qtest_line(t, "this machine has no balloon", QTEST_STEP_MS);
    qtest_status(t, 1, QTEST_STEP_MS);
}

static void pressure_shrinks_the_cache_for_the_host(struct qtest *t)
{
    qtest_line(t, "the cache has ", QTEST_STEP_MS);
    qtest_ask(t, 64 * QTEST_MIB);
    qtest_line(t, ", it gave ", QTEST_STEP_MS);
    qtest_wait_actual(t, 64 * QTEST_MIB, QTEST_STEP_MS);
    qtest_powerdown(t);
}

static void log_shows_what_its_parameters_let_through(struct qtest *t)
{
    qtest_line(t, "main() runs in task 'app'", QTEST_STEP_MS);
    qtest_line(t, "204800 bytes on the stack", QTEST_STEP_MS);
    qtest_line(t, "@example answer=42", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "nobody sees this"), 0);
}

static void the_command_line_wins_over_a_programs_parameters(struct qtest *t)
{
    qtest_line(t, "@example answer=42", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "main() runs"), 0);
    assert_int_equal(vm_count_lines(t->vm, "bytes on the stack"), 0);
}

#define PROGRAM(function, name, ...) QTEST(function, .image = name ".elf", .append = "" __VA_ARGS__)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PROGRAM(tasks_hand_numbers_to_each_other, "tasks"),
        PROGRAM(timers_tick_and_can_be_cancelled, "timers"),
        PROGRAM(pages_come_and_go_in_one_piece, "pages"),
        PROGRAM(memory_tells_what_the_host_has, "memory"),
        QTEST(memory_without_a_balloon_says_so, .image = "memory.elf", .append = "",
              .no_balloon = true),
        PROGRAM(pressure_shrinks_the_cache_for_the_host, "pressure"),
        PROGRAM(log_shows_what_its_parameters_let_through, "log"),
        PROGRAM(the_command_line_wins_over_a_programs_parameters, "log", "loglevel=error"),
    };

    return qtest_main("tests/qemu/test_examples.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
