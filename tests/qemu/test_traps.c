/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults and panics on purpose: the report says what, where, in which task, and ends the machine.
 */

#include "tests/qemu/qtest.h"

#include <string.h>

#define STATUS_FAULT 1

/* Registers and the way to the function it happened in. */
static void must_show_where(struct qtest *t, const char *function)
{
    const char *line;

    qtest_line(t, "rip ", QTEST_STEP_MS);
    qtest_line(t, "rax ", QTEST_STEP_MS);
    qtest_line(t, "r12 ", QTEST_STEP_MS);
    qtest_line(t, "backtrace:", QTEST_STEP_MS);
    line = qtest_line(t, function, QTEST_STEP_MS);
    assert_non_null(strstr(line, "+0x")); /* a symbol and an offset */
}

static void must_end(struct qtest *t)
{
    const char *line = qtest_line(t, "@exit ", QTEST_STEP_MS);

    assert_non_null(strstr(line, "status=1"));
    qtest_status(t, STATUS_FAULT, QTEST_STEP_MS);
}

/* What every report of a page fault has, after its first line. */
static void must_be_whole(struct qtest *t, const char *function, const char *what)
{
    const char *line;

    must_show_where(t, function);
    line = qtest_line(t, " address ", QTEST_STEP_MS);
    assert_non_null(strstr(line, what));
    must_end(t);
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

static void read_only_data_cannot_be_written(struct qtest *t)
{
    must_be_in_task_app(qtest_line(t, "fault: page fault", QTEST_STEP_MS));
    must_be_whole(t, "scenario_fault_rodata", "(not permitted): kernel read-only data");
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

/* The same where frames are reported first and then go into the balloon. */
static void memory_that_was_reported_into_the_balloon_is_named(struct qtest *t)
{
    memory_in_the_balloon_is_named(t);
}

/* An exception that is not about an address. */
static void must_be_named(struct qtest *t, const char *exception, const char *function)
{
    must_be_in_task_app(qtest_line(t, exception, QTEST_STEP_MS));
    must_show_where(t, function);
    must_end(t);
}

static void a_division_by_zero_is_named(struct qtest *t)
{
    must_be_named(t, "fault: divide error (vector 0)", "scenario_fault_divide");
}

static void an_invalid_instruction_is_named(struct qtest *t)
{
    must_be_named(t, "fault: invalid opcode (vector 6)", "scenario_fault_opcode");
}

static void an_impossible_address_is_a_general_protection_fault(struct qtest *t)
{
    must_be_named(t, "fault: general protection (vector 13)", "scenario_fault_gp");
}

static void a_double_fault_has_a_stack_of_its_own(struct qtest *t)
{
    must_be_in_task_app(qtest_line(t, "fault: double fault (vector 8)", QTEST_STEP_MS));
    must_show_where(t, "scenario_fault_double");
    qtest_line(t, "last page fault at ", QTEST_STEP_MS);
    must_end(t);
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
        QTEST(read_only_data_cannot_be_written, .image = "test.elf",
              .append = "-- test=fault-rodata"),
        QTEST(kernel_data_cannot_be_executed, .image = "test.elf",
              .append = "-- test=fault-execute"),
        QTEST(memory_in_the_balloon_is_named, .image = "test.elf",
              .append = "balloon.guard=on -- test=fault-away"),
        QTEST(memory_that_was_reported_into_the_balloon_is_named, .image = "test.elf",
              .balloon_properties = "free-page-reporting=on",
              .append = "balloon.guard=on -- test=fault-away"),
        QTEST(a_division_by_zero_is_named, .image = "test.elf", .append = "-- test=fault-divide"),
        QTEST(an_invalid_instruction_is_named, .image = "test.elf",
              .append = "-- test=fault-opcode"),
        QTEST(an_impossible_address_is_a_general_protection_fault, .image = "test.elf",
              .append = "-- test=fault-gp"),
        QTEST(a_double_fault_has_a_stack_of_its_own, .image = "test.elf",
              .append = "-- test=fault-double"),
        QTEST(a_failed_assertion_tells_file_line_and_task, .image = "test.elf",
              .append = "-- test=assert"),
        QTEST(the_status_of_an_application_is_the_machines, .image = "test.elf",
              .append = "-- test=nonsense"),
    };

    return qtest_main("tests/qemu/test_traps.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
