/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/line_edit.c: what is handed over, and what the terminal shows meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/line_edit.h"
#include "tests/fakes/fake_seams.h"

static struct line_edit edit;
static char shown[16384];
static size_t shown_bytes;

static void echo(const char *text, size_t bytes)
{
    assert_true(shown_bytes + bytes < sizeof(shown));
    memcpy(shown + shown_bytes, text, bytes);
    shown_bytes += bytes;
    shown[shown_bytes] = '\0';
}

static int setup(void **state)
{
    (void)state;
    line_edit_init(&edit, echo);
    shown_bytes = 0;
    shown[0] = '\0';
    return 0;
}

static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        line_edit_type(&edit, *text);
    }
}

/* All of the line, and the next one begins. */
static void takes(const char *want)
{
    char line[LINE_EDIT_MAX + 1];

    assert_true(line_edit_is_done(&edit));
    size_t count = line_edit_take(&edit, line, sizeof(line));

    line[count] = '\0';
    assert_string_equal(line, want);
    assert_int_equal(count, strlen(want));
    assert_false(line_edit_is_done(&edit));
}

static void a_line_is_handed_over_at_its_end(void **state)
{
    (void)state;
    type("abc");
    assert_false(line_edit_is_done(&edit));
    type("\r");
    takes("abc\n");
    assert_string_equal(shown, "abc\n");
    type("d\n");
    takes("d\n");
    type("\n");
    takes("\n");
}

static void a_line_may_be_taken_in_pieces(void **state)
{
    char piece[3];

    (void)state;
    type("abcd\n");
    assert_int_equal(line_edit_take(&edit, piece, 3), 3);
    assert_memory_equal(piece, "abc", 3);
    assert_true(line_edit_is_done(&edit));
    assert_int_equal(line_edit_take(&edit, piece, 0), 0);
    assert_int_equal(line_edit_take(&edit, piece, 3), 2);
    assert_memory_equal(piece, "d\n", 2);
    assert_false(line_edit_is_done(&edit));
}

static void what_is_rubbed_out_is_gone_and_does_not_show(void **state)
{
    (void)state;
    type("abx\x7f");
    assert_string_equal(shown, "abx\b \b");
    type("y\bc\n");
    takes("abc\n");
}

static void nothing_can_be_rubbed_out_of_nothing(void **state)
{
    (void)state;
    type("\b\x7f\x15");
    assert_string_equal(shown, "");
    type("a\b\b\bb\n");
    takes("b\n");
    assert_string_equal(shown, "a\b \bb\n");
}

static void ctrl_u_rubs_out_the_line(void **state)
{
    (void)state;
    type("a\tb\x15");
    assert_string_equal(shown, "a b\b \b\b \b\b \b");
    type("c\n");
    takes("c\n");
}

static void control_characters_show_in_two_columns(void **state)
{
    (void)state;
    type("\x1b[A\x01");
    assert_string_equal(shown, "^[[A^A");
    type("\x7f");
    assert_string_equal(shown, "^[[A^A\b \b\b \b");
    type("\n");
    takes("\x1b[A\n");
}

static void a_character_of_utf8_is_rubbed_out_whole(void **state)
{
    (void)state;
    type("a\xc3\xa4\xe2\x82\xac\x7f");
    assert_string_equal(shown, "a\xc3\xa4\xe2\x82\xac\b \b");
    type("\x7f\n");
    takes("a\n");
    type("\xa4\xa4\x7f\n"); /* none, but must end all the same */
    takes("\n");
}

static void ctrl_d_hands_over_what_is_there(void **state)
{
    (void)state;
    type("ab\x04");
    takes("ab");
    type("c\n");
    takes("c\n");
    assert_string_equal(shown, "abc\n");
}

static void ctrl_d_alone_is_the_end_of_input(void **state)
{
    (void)state;
    type("\x04");
    takes("");
    type("more\n"); /* a terminal can go on after it */
    takes("more\n");
}

static void a_half_typed_line_can_be_finished_from_outside(void **state)
{
    (void)state;
    line_edit_finish(&edit);
    assert_false(line_edit_is_done(&edit));
    type("ab");
    line_edit_finish(&edit);
    takes("ab");
}

static void a_line_that_is_too_long_beeps_and_can_still_be_ended(void **state)
{
    static char want[LINE_EDIT_MAX + 1];

    (void)state;
    memset(want, 'x', LINE_EDIT_MAX - 1);
    type(want);
    assert_null(strchr(shown, '\a'));
    type("yz");
    assert_string_equal(shown + LINE_EDIT_MAX - 1, "\a\a");
    type("\n");
    want[LINE_EDIT_MAX - 1] = '\n';
    takes(want);
}

static void type_one(void)
{
    line_edit_type(&edit, 'a');
}

static void take_one(void)
{
    char byte;

    (void)line_edit_take(&edit, &byte, 1);
}

static void typing_into_a_line_that_is_done_is_a_mistake(void **state)
{
    (void)state;
    assert_true(panics(take_one));
    type("\n");
    assert_true(panics(type_one));
}

/* Whatever is typed, what shows is what will be handed over: the columns add up. */
static void the_screen_shows_what_the_line_is(void **state)
{
    static const char keys[] = "ab\t\x01\x7f\b\x15 \xc3";

    uint32_t chance = 1;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        char screen[256];
        size_t column = 0;
        char expected[256];
        size_t columns = 0;

        setup(NULL);
        for (unsigned i = 0; i < 40; i++) {
            chance = chance * 1664525U + 1013904223U;
            line_edit_type(&edit, keys[(chance >> 16) % (sizeof(keys) - 1)]);
        }
        for (size_t i = 0; i < shown_bytes; i++) {
            if (shown[i] == '\b') {
                assert_true(column > 0);
                column--;
            } else {
                screen[column++] = shown[i];
            }
        }
        for (size_t i = 0; i < edit.length; i++) {
            if (edit.line[i] == '\x01') {
                expected[columns++] = '^';
            }
            expected[columns++] = edit.line[i] == '\x01' ? 'A'
                                  : edit.line[i] == '\t' ? ' '
                                                         : edit.line[i];
        }
        assert_int_equal(column, columns);
        assert_memory_equal(screen, expected, columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_handed_over_at_its_end, setup),
        cmocka_unit_test_setup(a_line_may_be_taken_in_pieces, setup),
        cmocka_unit_test_setup(what_is_rubbed_out_is_gone_and_does_not_show, setup),
        cmocka_unit_test_setup(nothing_can_be_rubbed_out_of_nothing, setup),
        cmocka_unit_test_setup(ctrl_u_rubs_out_the_line, setup),
        cmocka_unit_test_setup(control_characters_show_in_two_columns, setup),
        cmocka_unit_test_setup(a_character_of_utf8_is_rubbed_out_whole, setup),
        cmocka_unit_test_setup(ctrl_d_hands_over_what_is_there, setup),
        cmocka_unit_test_setup(ctrl_d_alone_is_the_end_of_input, setup),
        cmocka_unit_test_setup(a_half_typed_line_can_be_finished_from_outside, setup),
        cmocka_unit_test_setup(a_line_that_is_too_long_beeps_and_can_still_be_ended, setup),
        cmocka_unit_test_setup(typing_into_a_line_that_is_done_is_a_mistake, setup),
        cmocka_unit_test_setup(the_screen_shows_what_the_line_is, setup),
    };

    return cmocka_run_group_tests_name("kernel/line_edit.c", tests, NULL, NULL);
}
