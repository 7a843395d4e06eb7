/* SPDX-License-Identifier: BSD-2-Clause */
/* How a program ends, and what of other processes is refused (tests/libc/process.c); one without
 * stdio (tests/libc/plain.c). */

#include "tests/qemu/qtest.h"

static void other_processes_and_temporary_files_are_refused(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, " 0 failed"), 1);
    assert_int_equal(vm_count_lines(t->vm, "goodbye"), 1);
}

static void an_exit_at_once_runs_nothing_more(struct qtest *t)
{
    qtest_status(t, 3, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "goodbye"), 0);
}

static void the_last_eight_bits_of_a_status_reach_the_host(struct qtest *t)
{
    qtest_status(t, 255, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "goodbye"), 1);
}

static void a_program_without_stdio_prints(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "Hello, world"), 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(other_processes_and_temporary_files_are_refused, .image = "libc-tests/process.elf"),
        QTEST(an_exit_at_once_runs_nothing_more, .image = "libc-tests/process.elf",
              .append = "-- \"at once\""),
        QTEST(the_last_eight_bits_of_a_status_reach_the_host, .image = "libc-tests/process.elf",
              .append = "-- large"),
        QTEST(a_program_without_stdio_prints, .image = "libc-tests/plain.elf",
              .append = "-- world"),
    };

    return qtest_main("tests/qemu/test_process.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
