/* SPDX-License-Identifier: BSD-2-Clause */
/* apps/memwork/session.c: text that comes in any pieces is run line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "apps/memwork/session.h"
#include "tests/fakes/memwork/fake_machine.h"

static struct fake_machine *const m = &fake_machine;
static struct session session;

static int setup(void **state)
{
    (void)state;
    fake_machine_start(4096);
    session_init(&session);
    engine_init(&session.engine, &m->host);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_machine_end();
    return 0;
}

static void type(const char *text)
{
    session_type(&session, text, strlen(text));
}

static void each_line_is_run_when_it_ends(void **state)
{
    (void)state;
    type("print one; pri");
    assert_int_equal(m->lines_count, 0);
    type("nt two\nprint three\npri");
    assert_int_equal(m->lines_count, 3);
    assert_true(fake_machine_said(1, "line=1 what=print text=\"two\""));
    assert_true(fake_machine_said(2, "line=2 what=print text=\"three\""));
    type("nt four");
    session_type_end(&session);
    assert_true(fake_machine_said(3, "line=3 what=print text=\"four\""));
    assert_int_equal(engine_end(&session.engine), 0);
}

static void an_open_block_waits_for_its_end(void **state)
{
    (void)state;
    type("repeat 2 {\n\n  print in\n");
    assert_int_equal(m->lines_count, 0);
    type("}\nprint behind\n");
    assert_int_equal(m->lines_count, 3);
    assert_true(fake_machine_said(1, "line=3 what=print text=\"in\""));
    assert_true(fake_machine_said(2, "line=5 what=print text=\"behind\""));
    assert_int_equal(engine_end(&session.engine), 0);
}

static void a_block_that_never_ends_is_an_error_at_the_end(void **state)
{
    (void)state;
    type("print one\nrepeat 2 { print in\n");
    session_type_end(&session);
    assert_int_equal(m->lines_count, 2);
    assert_true(fake_machine_said(1, "memwork error line="));
    assert_int_equal(engine_end(&session.engine), 2);
}

static void an_error_ends_its_line_only(void **state)
{
    (void)state;
    type("alloc a 1M; fill b; print never\nfil a\nfill a\n");
    assert_true(fake_machine_said(1, "memwork error line=1 column=13 why=name"));
    assert_true(fake_machine_said(2, "memwork error line=2 column=1 why=script"));
    assert_true(fake_machine_said(3, "line=3 what=fill name=a bytes=1048576"));
    assert_int_equal(m->lines_count, 4);
    assert_int_equal(engine_end(&session.engine), 2);
}

static void nothing_is_run_behind_quit(void **state)
{
    (void)state;
    type("print one\nquit\nprint never\n");
    session_type_end(&session);
    assert_true(session_is_over(&session));
    assert_int_equal(m->lines_count, 1);
    assert_int_equal(engine_end(&session.engine), 0);
}

static void nothing_is_run_once_the_machine_is_to_end(void **state)
{
    (void)state;
    type("print one\n");
    m->calls_left = 0;
    type("print never\n");
    session_type_end(&session);
    assert_int_equal(m->lines_count, 1);
    assert_int_equal(engine_end(&session.engine), 0);
}

static void a_block_that_is_too_long_is_an_error_and_forgotten(void **state)
{
    (void)state;
    type("repeat 2 {\n");
    for (unsigned i = 0; i < SESSION_TEXT_MAX / 16 + 1; i++) {
        type("# fifteen bytes\n");
    }
    assert_true(fake_machine_ever_said("the lines are too long"));
    type("\nprint one\n");
    assert_true(strstr(fake_machine_last_line(), "text=\"one\"") != NULL);
    assert_int_equal(engine_end(&session.engine), 2);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    static char text[SESSION_TEXT_MAX];

    (void)state;
    memset(text, '#', sizeof(text));
    assert_true(session_append(&session, text, sizeof(text) - 1));
    assert_false(session_append(&session, text, 2));
    assert_int_equal(session.used, sizeof(text) - 1);
    assert_true(session_append(&session, text, 1));
    session_run(&session);
    assert_int_equal(m->lines_count, 0);
    assert_int_equal(engine_end(&session.engine), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_line_is_run_when_it_ends),
        TEST(an_open_block_waits_for_its_end),
        TEST(a_block_that_never_ends_is_an_error_at_the_end),
        TEST(an_error_ends_its_line_only),
        TEST(nothing_is_run_behind_quit),
        TEST(nothing_is_run_once_the_machine_is_to_end),
        TEST(a_block_that_is_too_long_is_an_error_and_forgotten),
        TEST(what_does_not_fit_changes_nothing),
    };

    return cmocka_run_group_tests_name("apps/memwork/session.c", tests, NULL, NULL);
}
