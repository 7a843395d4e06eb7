/* SPDX-License-Identifier: BSD-2-Clause */
/* The Lua interpreter, a program whose sources are not ours: on the console, with scripts from the
 * initrd, and what it gives back. The scripts are those of tests/lua; they check from within. */

#include "tests/qemu/qtest.h"

#include <string.h>

static void type(struct qtest *t, const char *text)
{
    assert_true(vm_type(t->vm, text, QTEST_STEP_MS));
}

/* The next line but for what stands before it on the terminal: a prompt has no line end. */
static void prints(struct qtest *t, const char *line)
{
    const char *got = qtest_line(t, line, QTEST_STEP_MS);

    assert_string_equal(strstr(got, line), line);
}

static void its_checks_hold(struct qtest *t)
{
    qtest_line(t, " 0 failed", 3 * QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "not true"), 0);
}

static void the_libraries_find_what_they_need(struct qtest *t)
{
    its_checks_hold(t);
}

static void the_authors_programs_print_what_they_should(struct qtest *t)
{
    its_checks_hold(t);
}

static void it_talks_on_the_console_until_ctrl_d(struct qtest *t)
{
    prints(t, "Lua 5.4.4  Copyright (C) 1994-2022 Lua.org, PUC-Rio");
    type(t, "6 * 7\n");
    prints(t, "> 6 * 7");
    assert_string_equal(qtest_line(t, "42", QTEST_STEP_MS), "42");
    type(t, "for i = 1, 2 do\n");
    prints(t, "> for i = 1, 2 do");
    type(t, "print(('%g'):format(i / 2)) end\n");
    prints(t, ">> print(('%g'):format(i / 2)) end");
    assert_string_equal(qtest_line(t, "0.5", QTEST_STEP_MS), "0.5");
    assert_string_equal(qtest_line(t, "1", QTEST_STEP_MS), "1");
    type(t, "\x04");
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_line_can_be_edited_and_an_error_is_not_the_end(struct qtest *t)
{
    qtest_line(t, "PUC-Rio", QTEST_STEP_MS);
    type(t, "nonsense\x15"
            "x = 20\x7f"
            "2\n");
    type(t, "error('told')\n");
    prints(t, "stdin:1: told");
    type(t, "x + 1\n");
    prints(t, "> x + 1");
    assert_string_equal(qtest_line(t, "23", QTEST_STEP_MS), "23");
    type(t, "io.read()\nwhat is typed\n");
    assert_string_equal(qtest_line(t, "what is typed", QTEST_STEP_MS), "what is typed");
    assert_string_equal(qtest_line(t, "what is typed", QTEST_STEP_MS), "what is typed");
    type(t, "os.exit(7)\n");
    qtest_status(t, 7, QTEST_STEP_MS);
}

static void words_are_a_program_and_true_is_status_0(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "a=1.50 b"), 1);
}

static void os_exit_gives_the_status(struct qtest *t)
{
    qtest_status(t, 3, QTEST_STEP_MS);
}

static void an_error_is_status_1_with_a_traceback(struct qtest *t)
{
    qtest_status(t, 1, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "lua: (command line):1: told"), 1);
    assert_int_equal(vm_count_lines(t->vm, "stack traceback:"), 1);
}

static void no_script_is_status_1(struct qtest *t)
{
    qtest_status(t, 1, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "lua: cannot open /nothing.lua"), 1);
}

static void it_runs_in_4_mib(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "in 4 MiB"), 1);
}

/* The guest's report after the next one: what it was doing before has been counted. */
static uint64_t frames_in_use(struct qtest *t)
{
    qtest_sleep(t, 300);
    return qtest_mem(t).in_use;
}

/* 100 000 tables and as many strings of 600 bytes. */
static void what_lua_collects_is_free_frames_again(struct qtest *t)
{
    uint64_t before;
    uint64_t held;
    uint64_t after;

    qtest_line(t, "memory: nothing is held", QTEST_STEP_MS);
    before = frames_in_use(t);
    type(t, "\n");
    qtest_line(t, "memory: all is held", 3 * QTEST_STEP_MS);
    held = frames_in_use(t);
    assert_true(held - before > 60 * QTEST_MIB / QTEST_FRAME);
    type(t, "\n");
    qtest_line(t, "memory: nothing is left", 3 * QTEST_STEP_MS);
    after = frames_in_use(t);
    assert_true(after - before <= (held - before) / 100);
    type(t, "\n");
    qtest_status(t, 0, QTEST_STEP_MS);
}

#define LUA(function, words, ...)                                                                  \
    QTEST(function, .image = "lua.elf", .initrd = "lua-files.cpio", .append = words, __VA_ARGS__)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        LUA(the_libraries_find_what_they_need,
            "env.NAME=\"a value\" -- /basic.lua one \"two words\"", .memory_mib = 128),
        LUA(the_authors_programs_print_what_they_should, "-- /authors.lua", .memory_mib = 64),
        LUA(it_talks_on_the_console_until_ctrl_d, ""),
        LUA(a_line_can_be_edited_and_an_error_is_not_the_end, ""),
        LUA(words_are_a_program_and_true_is_status_0,
            "-- -e \"print(('a=%.2f b'):format(3 / 2))\" -e os.exit(true)"),
        LUA(os_exit_gives_the_status, "-- -e os.exit(3)"),
        LUA(an_error_is_status_1_with_a_traceback, "-- -e error('told')"),
        LUA(no_script_is_status_1, "-- /nothing.lua"),
        QTEST(it_runs_in_4_mib, .image = "lua.elf", .append = "-- -e \"print('in 4 MiB')\"",
              .memory_mib = 4),
        LUA(what_lua_collects_is_free_frames_again, "report=50 results=on -- /memory.lua",
            .memory_mib = 128),
    };

    return qtest_main("tests/qemu/test_lua.c", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
