/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs on newlib: each of tests/libc checks one thing from within and ends with status 0 when
 * all of it is true; here it is started, and what only the outside sees is looked at. */

#include "tests/qemu/qtest.h"

/* What a program prints may not be cut off by the end of the machine: its last line is looked for.
 */
static void its_checks_hold(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, " 0 failed"), 1);
    assert_int_equal(vm_count_lines(t->vm, "not true"), 0);
}

static void main_finds_arguments_environment_and_threads(struct qtest *t)
{
    its_checks_hold(t);
    assert_int_equal(vm_count_lines(t->vm, "last words"), 1);
}

static void an_overrun_stack_variable_ends_the_machine_and_is_named(struct qtest *t)
{
    qtest_status(t, 1, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "a variable on the stack was written past its end"), 1);
}

static void hello_prints_its_argument_and_nothing_else(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "Hello, world"), 1);
    assert_int_equal(vm_count_lines(t->vm, ""), 1);
}

static void hello_runs_in_4_mib(struct qtest *t)
{
    hello_prints_its_argument_and_nothing_else(t);
}

static void the_time_of_day_is_the_hosts_and_sleeping_lasts(struct qtest *t)
{
    its_checks_hold(t);
}

static void entropy_comes_from_the_device(struct qtest *t)
{
    its_checks_hold(t);
}

static void entropy_comes_from_the_processor_without_a_device(struct qtest *t)
{
    its_checks_hold(t);
}

static const char *const rng[] = { "-device", "virtio-rng-pci", NULL };

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(main_finds_arguments_environment_and_threads, .image = "libc-tests/start.elf",
              .append = "env.NAME=value \"env.TWO=a b\" -- one \"two words\""),
        QTEST(an_overrun_stack_variable_ends_the_machine_and_is_named,
              .image = "libc-tests/overrun.elf", .append = "loglevel=error"),
        QTEST(the_time_of_day_is_the_hosts_and_sleeping_lasts, .image = "libc-tests/time.elf",
              .append = "results=off"),
        QTEST(entropy_comes_from_the_device, .image = "libc-tests/entropy.elf", .extra = rng,
              .append = "results=off"),
        QTEST(entropy_comes_from_the_processor_without_a_device, .image = "libc-tests/entropy.elf",
              .append = "results=off"),
        QTEST(hello_prints_its_argument_and_nothing_else, .image = "hello.elf",
              .append = "-- world"),
        QTEST(hello_runs_in_4_mib, .image = "hello.elf", .append = "-- world", .memory_mib = 4),
    };

    return qtest_main("tests/qemu/test_libc.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
