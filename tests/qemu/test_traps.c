/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults and panics on purpose: the report says what, where, in which task, and ends the machine.
 */

#include "tests/qemu/qtest.h"

#include <string.h>

#define STATUS_FAULT 1

/* What every report of a fault has, after its first line. */
static void must_be_whole(struct qtest *t, const char *function, const char *what)
{
    const char *line;

    qtest_line(t, "rip ", QTEST_STEP_MS);
    qtest_line(t, "rax ", QTEST_STEP_MS);
    qtest_line(t, "r12 ", QTEST_STEP_MS);
    qtest_line(t, "backtrace:", QTEST_STEP_MS);
    line = qtest_line(t, function, QTEST_STEP_MS);
    assert_non_null(strstr(line, "+0x")); /* a symbol and an offset */
    line = qtest_line(t, " address ", QTEST_STEP_MS);
    assert_non_null(strstr(line, what));
    line = qtest_line(t, "@exit ", QTEST_STEP_MS);
    assert_non_null(strstr(line, "status=1"));
    qtest_status(t, STATUS_FAULT, QTEST_STEP_MS);
}

static void must_be_in_task_app(const char *line)
{
    assert_non_null(strstr(line, "in task 'app'"));
}

static void a_null_pointer_is_named(struct qtest *t)
{
    must_be_in_task_app(qtest_line(t, "fault: page fault", QTEST_STEP_MS));
    must_be_whole(t, "app_main", "writing address 0000000000000008 (not mapped): a null pointer");
}

static void a_stack_overflow_hits_the_guard_page(struct qtest *t)
{
    must_be_in_task_app(qtest_line(t, "fault: ", QTEST_STEP_MS));
    must_be_whole(t, "recurse", "the guard page below the stack of 'app'");
}

static void kernel_text_cannot_be_written(struct qtest *t)
{
    must_be_in_task_app(qtest_line(t, "fault: page fault", QTEST_STEP_MS));
    must_be_whole(t, "app_main", "(not permitted): kernel text");
}

static void kernel_data_cannot_be_executed(struct qtest *t)
{
    must_be_in_task_app(qtest_line(t, "fault: page fault", QTEST_STEP_MS));
    must_be_whole(t, "app_main", "(not permitted): kernel data");
}

static void memory_in_the_balloon_is_named(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_ask(t, t->ram_bytes / 2);
    must_be_in_task_app(qtest_line(t, "fault: page fault", QTEST_STEP_MS));
    must_be_whole(t, "app_main", "a frame in the balloon: the host has it");
}

static void a_failed_assertion_tells_file_line_and_task(struct qtest *t)
{
    const char *line = qtest_line(t, "panic in task 'app'", QTEST_STEP_MS);

    assert_non_null(strstr(line, "tests/guest/faults.c:"));
    assert_non_null(strstr(line, "assertion failed: one == 2"));
    qtest_line(t, "backtrace:", QTEST_STEP_MS);
    qtest_line(t, "app_main+0x", QTEST_STEP_MS);
    qtest_line(t, "@exit status=1 reason=\"panic\"", QTEST_STEP_MS);
    qtest_status(t, STATUS_FAULT, QTEST_STEP_MS);
}

static void the_status_of_an_application_is_the_machines(struct qtest *t)
{
    qtest_line(t, "there is no scenario 'nonsense'", QTEST_STEP_MS);
    qtest_line(t, "@exit status=3", QTEST_STEP_MS);
    qtest_status(t, 3, QTEST_STEP_MS);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(a_null_pointer_is_named, .image = "test.elf", .append = "-- test=fault-null"),
        QTEST(a_stack_overflow_hits_the_guard_page, .image = "test.elf",
              .append = "-- test=fault-guard"),
        QTEST(kernel_text_cannot_be_written, .image = "test.elf", .append = "-- test=fault-text"),
        QTEST(kernel_data_cannot_be_executed, .image = "test.elf",
              .append = "-- test=fault-execute"),
        QTEST(memory_in_the_balloon_is_named, .image = "test.elf",
              .append = "balloon.guard=on -- test=fault-away"),
        QTEST(a_failed_assertion_tells_file_line_and_task, .image = "test.elf",
              .append = "-- test=assert"),
        QTEST(the_status_of_an_application_is_the_machines, .image = "test.elf",
              .append = "-- test=nonsense"),
    };

    return qtest_main("tests/qemu/test_traps.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
