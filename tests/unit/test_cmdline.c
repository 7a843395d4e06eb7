/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/cmdline.c: what each kind of parameter accepts, what is reported and with which words,
 * and that a bad word never changes a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "kernel/cmdline.h"
#include "tests/fakes/fake_seams.h"

static uint64_t verbose;
static uint64_t period;
static uint64_t big;
static uint64_t mode;
static char banner[9];

static const char *const modes[] = { "eager", "lazy", "off", NULL };

static const struct param table[] = {
    { .name = "verbose", .kind = PARAM_FLAG, .help = "Say more", .value = &verbose },
    { .name = "period",
      .kind = PARAM_NUMBER,
      .min = 10,
      .max = 1000,
      .default_value = 100,
      .unit = "ms",
      .help = "Time between two reports",
      .value = &period },
    { .name = "big", .kind = PARAM_NUMBER, .max = UINT64_MAX, .help = "Any number", .value = &big },
    { .name = "mode",
      .kind = PARAM_CHOICE,
      .default_value = 1,
      .choices = modes,
      .help = "How to give back",
      .value = &mode },
    { .name = "banner",
      .kind = PARAM_TEXT,
      .default_text = "hello",
      .help = "First words",
      .text = banner,
      .text_size = sizeof banner },
};

static unsigned reports;
static char last_word[512];
static char last_reason[512];
static char lines[8][CMDLINE_LINE_MAX];
static unsigned line_count;

static void note_report(void *context, const char *word, const char *reason)
{
    assert_ptr_equal(context, &reports);
    reports++;
    snprintf(last_word, sizeof last_word, "%s", word);
    snprintf(last_reason, sizeof last_reason, "%s", reason);
}

static void note_line(void *context, const char *line)
{
    assert_ptr_equal(context, &line_count);
    assert_true(line_count < ARRAY_SIZE(lines));
    snprintf(lines[line_count++], CMDLINE_LINE_MAX, "%s", line);
}

static const char *parse(const char *line)
{
    reports = 0;
    last_word[0] = '\0';
    last_reason[0] = '\0';
    return cmdline_parse(line, table, ARRAY_SIZE(table), note_report, &reports);
}

static void assert_defaults(void)
{
    assert_int_equal(verbose, 0);
    assert_int_equal(period, 100);
    assert_int_equal(big, 0);
    assert_int_equal(mode, 1);
    assert_string_equal(banner, "hello");
}

static void assert_refused(const char *line, const char *word, const char *reason)
{
    parse(line);
    assert_int_equal(reports, 1);
    assert_string_equal(last_word, word);
    assert_string_equal(last_reason, reason);
    assert_defaults();
}

static void an_empty_line_sets_every_default(void **state)
{
    (void)state;
    verbose = period = big = mode = 77;
    strcpy(banner, "old");
    assert_string_equal(parse(""), "");
    assert_int_equal(reports, 0);
    assert_defaults();
    assert_string_equal(parse(" \t\n "), "");
    assert_defaults();
}

static void every_kind_takes_its_value(void **state)
{
    (void)state;
    assert_string_equal(parse("verbose period=250\tmode=off  banner=ahoy big=0xFfffffffffffffff"),
                        "");
    assert_int_equal(reports, 0);
    assert_int_equal(verbose, 1);
    assert_int_equal(period, 250);
    assert_true(big == UINT64_MAX);
    assert_int_equal(mode, 2);
    assert_string_equal(banner, "ahoy");
}

static void a_flag_has_six_spellings(void **state)
{
    (void)state;
    const char *const on[] = { "verbose", "verbose=on", "verbose=yes", "verbose=1" };
    const char *const off[] = { "verbose verbose=off", "verbose verbose=no", "verbose verbose=0" };
    for (size_t i = 0; i < ARRAY_SIZE(on); i++) {
        parse(on[i]);
        assert_int_equal(verbose, 1);
        assert_int_equal(reports, 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
        parse(off[i]);
        assert_int_equal(verbose, 0);
        assert_int_equal(reports, 0);
    }
    assert_refused("verbose=maybe", "verbose=maybe", "verbose expects on or off");
    assert_refused("verbose=", "verbose=", "verbose expects on or off");
}

static void a_number_outside_its_range_is_refused(void **state)
{
    (void)state;
    parse("period=10");
    assert_int_equal(period, 10);
    parse("period=0x3e8");
    assert_int_equal(period, 1000);
    const char *const reason = "period expects a number from 10 to 1000 ms";
    const char *const bad[] = { "period",      "period=",    "period=9",    "period=1001",
                                "period=-1",   "period=1e2", "period=100K", "period=0x",
                                "period=0x1g", "period=+50", "period==50" };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_refused(bad[i], bad[i], reason);
    }
}

static void a_number_that_overflows_is_refused(void **state)
{
    (void)state;
    parse("big=18446744073709551615");
    assert_true(big == UINT64_MAX);
    const char *const reason = "big expects a number from 0 to 18446744073709551615";
    assert_refused("big=18446744073709551616", "big=18446744073709551616", reason);
    assert_refused("big=0x10000000000000000", "big=0x10000000000000000", reason);
    assert_refused("big=99999999999999999999999", "big=99999999999999999999999", reason);
}

static void a_choice_outside_its_list_is_told_the_list(void **state)
{
    (void)state;
    assert_refused("mode=Lazy", "mode=Lazy", "mode expects one of eager, lazy, off");
    assert_refused("mode=eagerly", "mode=eagerly", "mode expects one of eager, lazy, off");
    assert_refused("mode", "mode", "mode expects one of eager, lazy, off");
}

static void a_text_that_does_not_fit_is_refused_not_cut(void **state)
{
    (void)state;
    parse("banner=12345678");
    assert_string_equal(banner, "12345678");
    parse("banner=");
    assert_string_equal(banner, "");
    assert_int_equal(reports, 0);
    assert_refused("banner=123456789", "banner=123456789",
                   "banner expects a text of at most 8 characters");
}

static void quotes_keep_blanks_together(void **state)
{
    (void)state;
    parse("banner=\"a  b\" period=20");
    assert_string_equal(banner, "a  b");
    assert_int_equal(period, 20);
    parse("\"banner=c d\"");
    assert_string_equal(banner, "c d");
    parse("banner=\"--\" verbose");
    assert_string_equal(banner, "--");
    assert_int_equal(verbose, 1);
    assert_int_equal(reports, 0);
    assert_refused("banner=\"never closed -- verbose", "banner=never closed -- verbose",
                   "a double quote is not closed");
}

static void two_dashes_begin_the_applications_words(void **state)
{
    (void)state;
    assert_string_equal(parse("period=20 --   run \"a b\" period=30 -- x"),
                        "run \"a b\" period=30 -- x");
    assert_int_equal(period, 20);
    assert_int_equal(reports, 0);
    assert_string_equal(parse("--"), "");
    assert_string_equal(parse("-- "), "");
    assert_string_equal(parse("--verbose"), "");
    assert_int_equal(reports, 1);
    assert_string_equal(last_word, "--verbose");
}

static void an_unknown_word_is_reported_and_the_rest_still_counts(void **state)
{
    (void)state;
    parse("colour=red period=20");
    assert_int_equal(reports, 1);
    assert_string_equal(last_word, "colour=red");
    assert_string_equal(last_reason, "no parameter has this name");
    assert_int_equal(period, 20);
    parse("=5");
    assert_int_equal(reports, 1);
    assert_string_equal(last_reason, "no parameter has this name");
}

static void a_slip_of_the_pen_is_told_the_nearest_name(void **state)
{
    (void)state;
    assert_refused("peroid=20", "peroid=20", "no parameter has this name, the nearest is period");
    assert_refused("modes=off", "modes=off", "no parameter has this name, the nearest is mode");
    assert_refused("Verbose", "Verbose", "no parameter has this name, the nearest is verbose");
}

static void the_last_valid_value_counts(void **state)
{
    (void)state;
    parse("period=20 period=30 period=5");
    assert_int_equal(reports, 1);
    assert_int_equal(period, 30);
}

static void bytes_that_are_no_plain_text_are_shown_escaped(void **state)
{
    (void)state;
    assert_refused("\x1b[2J\xc3\xa4\\", "\\x1b[2J\\xc3\\xa4\\x5c", "no parameter has this name");
}

static void a_word_without_end_is_bounded(void **state)
{
    (void)state;
    char line[1000];
    memset(line, '\xff', sizeof line);
    memcpy(line, "banner=", 7);
    strcpy(line + sizeof line - 11, " period=20");
    parse(line);
    assert_int_equal(reports, 1);
    assert_int_equal(strlen(last_word), 7 + (CMDLINE_REPORT_MAX - 7) * 4 + 3);
    assert_string_equal(last_word + strlen(last_word) - 7, "\\xff...");
    assert_string_equal(last_reason, "the word is longer than CMDLINE_WORD_MAX characters");
    assert_string_equal(banner, "hello");
    assert_int_equal(period, 20);
}

static void the_description_names_unit_default_and_range(void **state)
{
    (void)state;
    line_count = 0;
    cmdline_describe(table, ARRAY_SIZE(table), note_line, &line_count);
    assert_int_equal(line_count, ARRAY_SIZE(table));
    assert_string_equal(lines[0], "verbose=on|off: Say more (default off)");
    assert_string_equal(lines[1],
                        "period=NUMBER: Time between two reports (default 100 ms, 10 to 1000)");
    assert_string_equal(lines[2], "big=NUMBER: Any number (default 0, 0 to 18446744073709551615)");
    assert_string_equal(lines[3], "mode=eager|lazy|off: How to give back (default lazy)");
    assert_string_equal(lines[4],
                        "banner=TEXT: First words (default \"hello\", at most 8 characters)");
}

static void parse_a_default_below_min(void)
{
    const struct param broken[] = {
        { .name = "x", .kind = PARAM_NUMBER, .min = 5, .max = 9, .help = "", .value = &big },
    };
    (void)cmdline_parse("", broken, ARRAY_SIZE(broken), note_report, &reports);
}

static void parse_one_name_twice(void)
{
    const struct param broken[] = {
        { .name = "x", .kind = PARAM_FLAG, .help = "", .value = &big },
        { .name = "x", .kind = PARAM_FLAG, .help = "", .value = &period },
    };
    (void)cmdline_parse("", broken, ARRAY_SIZE(broken), note_report, &reports);
}

static void a_contradictory_table_is_the_programmers_mistake(void **state)
{
    (void)state;
    assert_true(panics(parse_a_default_below_min));
    assert_true(panics(parse_one_name_twice));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_line_sets_every_default),
        cmocka_unit_test(every_kind_takes_its_value),
        cmocka_unit_test(a_flag_has_six_spellings),
        cmocka_unit_test(a_number_outside_its_range_is_refused),
        cmocka_unit_test(a_number_that_overflows_is_refused),
        cmocka_unit_test(a_choice_outside_its_list_is_told_the_list),
        cmocka_unit_test(a_text_that_does_not_fit_is_refused_not_cut),
        cmocka_unit_test(quotes_keep_blanks_together),
        cmocka_unit_test(two_dashes_begin_the_applications_words),
        cmocka_unit_test(an_unknown_word_is_reported_and_the_rest_still_counts),
        cmocka_unit_test(a_slip_of_the_pen_is_told_the_nearest_name),
        cmocka_unit_test(the_last_valid_value_counts),
        cmocka_unit_test(bytes_that_are_no_plain_text_are_shown_escaped),
        cmocka_unit_test(a_word_without_end_is_bounded),
        cmocka_unit_test(the_description_names_unit_default_and_range),
        cmocka_unit_test(a_contradictory_table_is_the_programmers_mistake),
    };
    return cmocka_run_group_tests_name("kernel/cmdline.c", tests, NULL, NULL);
}
