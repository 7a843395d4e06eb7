/* SPDX-License-Identifier: BSD-2-Clause */
/* Typing on the guest's serial port. */

#include "tests/qemu/qtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASTE_LINES 2000U

static void type(struct qtest *t, const char *text)
{
    assert_true(vm_type(t->vm, text, QTEST_STEP_MS));
}

static void ready(struct qtest *t)
{
    qtest_line(t, "@console state=ready", QTEST_STEP_MS);
}

/* The guest's next read was this. */
static void reads(struct qtest *t, const char *bytes_and_text)
{
    const char *line = qtest_line(t, "@console bytes=", QTEST_STEP_MS);

    /* What was typed and not ended stands in front of it. */
    assert_string_equal(strstr(line, "@console ") + strlen("@console "), bytes_and_text);
}

static void ends(struct qtest *t)
{
    type(t, "end\n");
    qtest_line(t, "@console state=end", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_line_is_read_when_it_is_ended(struct qtest *t)
{
    ready(t);
    type(t, "hello");
    qtest_sleep(t, 200);
    assert_int_equal(vm_count_lines(t->vm, "@console bytes="), 0);
    type(t, ", guest\r");
    reads(t, "bytes=13 text='hello, guest'");
    assert_int_equal(vm_count_lines(t->vm, "interrupt leads nowhere"), 0);
    ends(t);
}

static void what_is_typed_shows_and_can_be_rubbed_out(struct qtest *t)
{
    ready(t);
    type(t, "abx\x7f"
            "c\n");
    qtest_line(t, "abx\b \bc", QTEST_STEP_MS);
    reads(t, "bytes=4 text='abc'");
    type(t, "all of it\x15nothing\n");
    reads(t, "bytes=8 text='nothing'");
    ends(t);
}

static void ctrl_d_is_the_end_of_input(struct qtest *t)
{
    ready(t);
    type(t, "part\x04");
    reads(t, "bytes=4 text='part'");
    type(t, "\x04");
    reads(t, "bytes=0 text=''");
    qtest_line(t, "@console state=end bytes=4", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* From before the kernel runs at all, more than the port holds, and nobody reads for a while. */
static void what_is_typed_ahead_is_not_lost(struct qtest *t)
{
    type(t, "first of all\nand a second line that is longer than a FIFO\n");
    ready(t);
    reads(t, "bytes=13 text='first of all'");
    reads(t, "bytes=45 text='and a second line that is longer than a FIFO'");
    ends(t);
}

/* The host is made to wait, so the guest gets every byte, at the pace at which it reads. */
static void a_long_script_can_be_pasted(struct qtest *t)
{
    char line[64];
    char *script = calloc(PASTE_LINES, sizeof(line));
    uint64_t sum = 0;
    uint64_t bytes = 0;
    uint64_t got = 0;

    assert_non_null(script);
    for (unsigned i = 0; i < PASTE_LINES; i++) {
        snprintf(line, sizeof(line), "line %u of what is pasted, and %u\n", i, i * 7919);
        strcpy(script + bytes, line);
        bytes += strlen(line);
    }
    strcpy(script + bytes, "end\n");
    bytes += 4;
    for (const char *at = script; *at != '\0'; at++) {
        sum = sum * 31 + (unsigned char)*at;
    }
    ready(t);
    assert_true(vm_type(t->vm, script, 60000));
    free(script);
    const char *end = qtest_line(t, "@console state=end", 60000);

    assert_true(record_u64(end, "bytes", &got));
    assert_int_equal(got, bytes);
    assert_true(record_u64(end, "sum", &got));
    assert_int_equal(got, sum);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void in_raw_mode_bytes_come_as_they_are(struct qtest *t)
{
    ready(t);
    type(t, "\x15");
    reads(t, "bytes=1 text='15'");
    type(t, "\x04");
    reads(t, "bytes=1 text='04'");
    type(t, "\r");
    reads(t, "bytes=1 text='0d'");
    type(t, ".");
    qtest_line(t, "@console state=end", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_read_that_waits_can_be_ended(struct qtest *t)
{
    ready(t);
    type(t, "half");
    reads(t, "bytes=-1 text=''");
    type(t, " a line\n"); /* it is still there */
    reads(t, "bytes=12 text='half a line'");
    ends(t);
}

/* Nobody reads, and nobody is kept awake by what is typed. */
static void a_guest_that_does_not_read_does_not_care(struct qtest *t)
{
    qtest_ready(t, "on");
    type(t, "hello\nis anybody there\n");
    qtest_calms_down(t, 300, 30000);
    qtest_powerdown(t);
}

/* The guest listens to line 4 and the port is wired to line 5. */
static void an_interrupt_that_leads_nowhere_is_noticed(struct qtest *t)
{
    ready(t);
    type(t, "hello\n");
    reads(t, "bytes=6 text='hello'");
    for (unsigned i = 0; i < 10; i++) {
        qtest_sleep(t, 50); /* so that the guest waits */
        type(t, "again\n");
        reads(t, "bytes=6 text='again'");
    }
    assert_int_equal(vm_count_lines(t->vm, "console: its interrupt leads nowhere"), 1);
    ends(t);
}

static const char *const other_line[] = { "-global", "isa-serial.irq=5", NULL };

#define CONSOLE(function, words, ...)                                                              \
    QTEST(function, .image = "test.elf", .append = "-- test=console " words, __VA_ARGS__)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CONSOLE(a_line_is_read_when_it_is_ended, "", .machine = "q35"),
        CONSOLE(a_line_is_read_when_it_is_ended, "", .machine = "pc"),
        CONSOLE(a_line_is_read_when_it_is_ended, "", .machine = "microvm"),
        CONSOLE(a_line_is_read_when_it_is_ended, "", .machine = "pc,acpi=off"),
        CONSOLE(what_is_typed_shows_and_can_be_rubbed_out, "", .machine = "q35"),
        CONSOLE(ctrl_d_is_the_end_of_input, "", .machine = "q35"),
        CONSOLE(what_is_typed_ahead_is_not_lost, "late=300", .machine = "q35"),
        CONSOLE(what_is_typed_ahead_is_not_lost, "late=300", .machine = "microvm"),
        CONSOLE(a_long_script_can_be_pasted, "sum=1", .machine = "q35"),
        CONSOLE(in_raw_mode_bytes_come_as_they_are, "raw=1", .machine = "q35"),
        CONSOLE(a_read_that_waits_can_be_ended, "interrupt=500", .machine = "q35"),
        QTEST(an_interrupt_that_leads_nowhere_is_noticed, .image = "test.elf", .machine = "q35",
              .append = "poll=300 -- test=console", .extra = other_line),
        QTEST(a_guest_that_does_not_read_does_not_care),
    };

    return qtest_main("tests/qemu/test_console.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
