/* SPDX-License-Identifier: BSD-2-Clause */
/* memwork's language: apps/memwork/script.c with its lexer and values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "apps/memwork/script.h"

#define SECOND UINT64_C(1000000000)

static struct program program;
static struct script_error error;

static bool parse(const char *text)
{
    return script_parse(text, strlen(text), 1, &program, &error);
}

/* The only statement of the text. */
static const struct statement *only(const char *text)
{
    if (!parse(text)) {
        fail_msg("'%s': line %u column %u: %s", text, error.line, error.column, error.text);
    }
    assert_int_equal(program.count, 1);
    return &program.statements[0];
}

static void an_empty_script_is_a_program_of_nothing(void **state)
{
    const char *const texts[] = { "", "\n", ";;;", " \t\r\n", "# only words\n# and more", "#" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_true(parse(texts[i]));
        assert_int_equal(program.count, 0);
    }
}

static void sizes_have_binary_units(void **state)
{
    (void)state;
    assert_int_equal(only("alloc a 5000")->bytes, 5000);
    assert_int_equal(only("alloc a 4K")->bytes, 4096);
    assert_int_equal(only("alloc a 64M")->bytes, UINT64_C(64) << 20);
    assert_int_equal(only("alloc a 3G")->bytes, UINT64_C(3) << 30);
    assert_int_equal(only("alloc a 80%")->percent, 80);
    assert_true(only("alloc a 80% or less")->or_less);
    assert_false(only("alloc a 4K")->or_less);
    assert_string_equal(only("alloc a-b_9 4K")->name, "a-b_9");
}

static void caches_have_a_cost(void **state)
{
    (void)state;
    assert_int_equal(only("cache web 128M")->count, 10);
    assert_int_equal(only("cache web 128M cost 3")->count, 3);
    assert_int_equal(only("cache web 128M or less cost 0")->count, 0);
    assert_int_equal(program.statements[0].kind, STATEMENT_CACHE);
}

static void fill_touch_and_verify_take_one_region_or_all(void **state)
{
    (void)state;
    assert_int_equal(only("fill a")->seed, 1);
    assert_int_equal(only("fill all seed 18446744073709551615")->seed, UINT64_MAX);
    assert_string_equal(program.statements[0].name, "");
    assert_string_equal(only("touch a")->name, "a");
    assert_int_equal(only("verify all")->kind, STATEMENT_VERIFY);
}

static void free_takes_a_share_or_a_size_in_order_or_at_random(void **state)
{
    (void)state;
    assert_int_equal(only("free a")->percent, 100);
    assert_int_equal(only("free a 0%")->percent, 0);
    assert_int_equal(only("free all 16M")->bytes, 16 << 20);
    assert_int_equal(program.statements[0].percent, 0);
    assert_true(only("free a 50% random")->random);
    assert_int_equal(program.statements[0].seed, 1);
    assert_int_equal(only("free a random seed 3")->seed, 3);
    assert_int_equal(program.statements[0].percent, 100);
}

static void churn_has_a_rate_and_a_time(void **state)
{
    const struct statement *s = only("churn pool 100M/s for 10s seed 4");

    (void)state;
    assert_int_equal(s->bytes, 100 << 20);
    assert_int_equal(s->time_ns, 10 * SECOND);
    assert_int_equal(s->seed, 4);
}

static void sine_and_step_have_a_range_a_period_and_a_time(void **state)
{
    const struct statement *s = only("sine pool 64M..512M period 500ms for 30s");

    (void)state;
    assert_int_equal(s->kind, STATEMENT_SINE);
    assert_int_equal(s->low, 64 << 20);
    assert_int_equal(s->high, 512 << 20);
    assert_int_equal(s->period_ns, SECOND / 2);
    assert_int_equal(s->time_ns, 30 * SECOND);
    assert_int_equal(only("step a 0 .. 4K period 1s for 1s")->high, 4096);
}

static void wait_has_a_quantity_a_relation_and_a_limit(void **state)
{
    const struct statement *s = only("wait balloon 256M within 5s");

    (void)state;
    assert_int_equal(s->wait_for, WAIT_BALLOON);
    assert_int_equal(s->wait_until, WAIT_EXACTLY);
    assert_int_equal(s->time_ns, 5 * SECOND);
    assert_int_equal(only("wait target at least 1G")->time_ns, 60 * SECOND);
    assert_int_equal(program.statements[0].wait_until, WAIT_AT_LEAST);
    assert_int_equal(only("wait free at most 1G")->wait_for, WAIT_FREE);
}

static void print_says_the_rest_of_the_statement(void **state)
{
    (void)state;
    assert_string_equal(only("print")->say, "");
    assert_string_equal(only("print  hello, 50% of it!  # not this")->say, "hello, 50% of it!");
    assert_string_equal(only("print \"with; and } and #\"")->say, "with; and } and #");
    assert_string_equal(only("print say \"a\"\r\n")->say, "say 'a'");
    assert_true(parse("repeat 2 { print one; print two }"));
    assert_string_equal(program.statements[2].say, "two");
    assert_int_equal(program.statements[3].kind, STATEMENT_END);
}

static void repeats_and_their_ends_know_each_other(void **state)
{
    (void)state;
    assert_true(parse("repeat 3 { hold 1s\n repeat 2 { hold 2s; hold 3s; } }\nquit"));
    assert_int_equal(program.count, 8);
    assert_int_equal(program.statements[0].other, 6);
    assert_int_equal(program.statements[6].other, 0);
    assert_int_equal(program.statements[2].other, 5);
    assert_int_equal(program.statements[5].other, 2);
    assert_int_equal(program.statements[7].kind, STATEMENT_QUIT);
    assert_int_equal(program.statements[7].line, 3);
}

struct mistake {
    const char *text;
    unsigned line;
    unsigned column;
    const char *says;
};

static void mistakes_are_told_with_their_place(void **state)
{
    static const struct mistake mistakes[] = {
        { "aloc a 64M", 1, 1, "'aloc' is no statement" },
        { "hold 1s\n  alloc a", 2, 10, "a size such as 64M is missing" },
        { "alloc a 64MB", 1, 9, "a size such as 64M is expected here, not '64MB'" },
        { "alloc a 1.5G", 1, 9, "whole numbers only" },
        { "alloc a 0", 1, 9, "the size is 0" },
        { "alloc a 101%", 1, 9, "at most 100%" },
        { "alloc a 99999999999999999999", 1, 9, "the number is too large" },
        { "alloc a 17179869184G", 1, 9, "'17179869184G' is too large" },
        { "alloc all 4K", 1, 7, "'all' means all regions" },
        { "alloc 64M", 1, 7, "the name of a region is expected here" },
        { "alloc a 4K or", 1, 14, "'less'" },
        { "alloc sixteen-letters- 4K", 1, 7, "at most 15 characters" },
        { "hold 2", 1, 6, "a time such as 500ms or 2s is expected here, not '2'" },
        { "hold 25s extra", 1, 10, "the end of the statement" },
        { "hold 90000s", 1, 6, "too large" },
        { "churn a 1/s for 1s", 1, 9, "a rate such as 100M/s" },
        { "churn a 3K/s for 1s", 1, 9, "the least is 4K/s" },
        { "churn a 4K/s", 1, 13, "'for' and a time is missing" },
        { "sine a 64M for 1s", 1, 12, "'..' and the larger size" },
        { "sine a 64M..32M period 1s for 1s", 1, 8, "the smaller size comes first" },
        { "sine a 1M..2M period 0s for 1s", 1, 22, "a period of 0" },
        { "sine a 1M.2M period 1s for 1s", 1, 8, "whole numbers only" },
        { "sine a 1M . 2M period 1s for 1s", 1, 11, "a single '.'" },
        { "wait ballon 1M", 1, 6, "'balloon', 'target' or 'free'" },
        { "wait balloon at 1M", 1, 17, "'least' or 'most'" },
        { "repeat 3", 1, 9, "'{' is missing" },
        { "}", 1, 1, "closes nothing" },
        { "hold 1s }", 1, 9, "closes nothing" },
        { "print \"open", 1, 7, "not closed" },
        { "print \x01", 1, 7, "printable" },
        { "64M", 1, 1, "a statement is expected here, not '64M'" },
        { "alloc \x80", 1, 7, "this character means nothing" },
        { "cache a 4K cost x", 1, 17, "a number such as 10" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        const struct mistake *mistake = &mistakes[i];

        if (parse(mistake->text)) {
            fail_msg("'%s' is a program", mistake->text);
        }
        if (error.line != mistake->line || error.column != mistake->column ||
            strstr(error.text, mistake->says) == NULL) {
            fail_msg("'%s': line %u column %u: %s", mistake->text, error.line, error.column,
                     error.text);
        }
        assert_false(error.incomplete);
    }
}

static void an_open_block_is_incomplete_and_not_wrong(void **state)
{
    (void)state;
    assert_false(parse("hold 1s\n repeat 2 {\n hold 1s"));
    assert_true(error.incomplete);
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 2);
    assert_false(parse("repeat 2 {\n hold 1"));
    assert_false(error.incomplete);
}

static void lines_count_from_where_the_caller_says(void **state)
{
    (void)state;
    assert_false(script_parse("hold 1s\nbad", 11, 40, &program, &error));
    assert_int_equal(error.line, 41);
    assert_int_equal(program.statements[0].line, 40);
}

/* `count` times the text, then a last one. */
static bool parse_many(const char *text, unsigned count, const char *last)
{
    static char many[65536];
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        length += (size_t)snprintf(many + length, sizeof(many) - length, "%s", text);
    }
    snprintf(many + length, sizeof(many) - length, "%s", last);
    return parse(many);
}

static void every_limit_is_an_error_that_names_it(void **state)
{
    (void)state;
    assert_true(parse_many("quit;", SCRIPT_STATEMENTS_MAX, ""));
    assert_int_equal(program.count, SCRIPT_STATEMENTS_MAX);
    assert_false(parse_many("quit;", SCRIPT_STATEMENTS_MAX, "quit"));
    assert_non_null(strstr(error.text, "at most 256 statements"));
    assert_false(parse_many("quit;", SCRIPT_STATEMENTS_MAX - 1, "repeat 1 { }"));
    assert_non_null(strstr(error.text, "at most 256 statements"));
    assert_true(parse_many("repeat 1 {", SCRIPT_DEPTH_MAX, "}}}}}}}}"));
    assert_false(parse_many("repeat 1 {", SCRIPT_DEPTH_MAX + 1, "}}}}}}}}}"));
    assert_non_null(strstr(error.text, "at most 8 deep"));
    assert_false(parse_many("print ", 20, ""));
    assert_non_null(strstr(error.text, "at most 96 characters"));
    assert_false(parse_many("print 12345678901234567890\n", 100, ""));
    assert_non_null(strstr(error.text, "2048 characters"));
}

static void every_statement_knows_its_word(void **state)
{
    (void)state;
    assert_string_equal(statement_word(STATEMENT_ALLOC), "alloc");
    assert_string_equal(statement_word(STATEMENT_WAIT), "wait");
    assert_string_equal(statement_word(STATEMENT_END), "}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_script_is_a_program_of_nothing),
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(caches_have_a_cost),
        cmocka_unit_test(fill_touch_and_verify_take_one_region_or_all),
        cmocka_unit_test(free_takes_a_share_or_a_size_in_order_or_at_random),
        cmocka_unit_test(churn_has_a_rate_and_a_time),
        cmocka_unit_test(sine_and_step_have_a_range_a_period_and_a_time),
        cmocka_unit_test(wait_has_a_quantity_a_relation_and_a_limit),
        cmocka_unit_test(print_says_the_rest_of_the_statement),
        cmocka_unit_test(repeats_and_their_ends_know_each_other),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(an_open_block_is_incomplete_and_not_wrong),
        cmocka_unit_test(lines_count_from_where_the_caller_says),
        cmocka_unit_test(every_limit_is_an_error_that_names_it),
        cmocka_unit_test(every_statement_knows_its_word),
    };
    return cmocka_run_group_tests_name("apps/memwork/script.c", tests, NULL, NULL);
}
