/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people write and what they read: sizes, times, names, columns.
 */

#include <time.h>

#include "tests/ballast/unit/cli_fixture.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"
#include "tools/ballast/config/config.h"

#define GIB ((uint64_t)1 << 30)

static void sizes_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        { "0", 0 },
        { "65536", 65536 },
        { "1B", 1 },
        { "512K", 512 << 10 },
        { "512M", 512 << 20 },
        { "512m", 512 << 20 },
        { "1.5G", 3 * GIB / 2 },
        { "1.5 GiB", 3 * GIB / 2 },
        { "2GiB", 2 * GIB },
        { "1T", 1024 * GIB },
        { "0.001G", 1073741 },
        { "50%", 2 * GIB },
        { "100%", 4 * GIB },
        { "12.5%", GIB / 2 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t bytes = 1;
        if (!cli_parse_size(cases[i].text, 4 * GIB, &bytes) || bytes != cases[i].bytes) {
            fail_msg("%s: %llu", cases[i].text, (unsigned long long)bytes);
        }
    }
}

static void what_is_no_size_is_refused(void **state)
{
    static const char *const cases[] = {
        "",         "G",
        "-1G",      "+1",
        "1Gi",      "1.G",
        ".5G",      "1e9",
        "1.5",      "0x1",
        "1G1",      "101%",
        "50% x",    "100.1%",
        " 1",       "99999999999999999999",
        "1,5G",     "18446744073709551615",
        "9999999T", "nan",
        "1P",
    };
    uint64_t bytes = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cli_parse_size(cases[i], 4 * GIB, &bytes)) {
            fail_msg("\"%s\" is taken for %llu", cases[i], (unsigned long long)bytes);
        }
    }
    assert_false(cli_parse_size("50%", POLICY_MISSING, &bytes));
}

/* One reader for both: what the file says may be said on the command line, and means the same. */
static void sizes_and_times_mean_what_they_mean_in_the_configuration(void **state)
{
    static const char *const cases[] = {
        "1",    "1K",   "1 K", "1KB", "1kiB", "0.1M", "1.000001G", "1Ki", "1KiBB", "1s",  "2 h",
        "0.5d", "1min", "ms",  "0",   "1.s",  "1.5",  "1MB",       "7 T", "8e3",   "0x4", "12 %",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t here = 0;
        uint64_t there = 0;
        int64_t span = 0;
        bool good = cli_parse_size(cases[i], POLICY_MISSING, &here);
        assert_int_equal(good, config_parse_size(cases[i], &there));
        assert_true(!good || here == there);
        good = config_parse_time(cases[i], &there);
        assert_true(!good || (cli_parse_span(cases[i], &span) && (uint64_t)span == there));
    }
}

static void times_are_read(void **state)
{
    int64_t ms = 0;
    int64_t when = 0;
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    assert_true(cli_parse_span("500ms", &ms) && ms == 500);
    assert_true(cli_parse_span("2", &ms) && ms == 2000);
    assert_true(cli_parse_span("1.5s", &ms) && ms == 1500);
    assert_true(cli_parse_span("10m", &ms) && ms == 600000);
    assert_true(cli_parse_span("7d", &ms) && ms == (int64_t)7 * 86400000);
    assert_false(cli_parse_span("1w", &ms));
    assert_false(cli_parse_span("", &ms));
    assert_false(cli_parse_span("99999999999999999d", &ms));
    assert_true(cli_parse_time("1234567890", 0, &when) && when == 1234567890);
    assert_true(cli_parse_time("2h", 10000, &when) && when == 10000 - 7200);
    assert_true(cli_parse_time("2009-02-13 23:31:30", 0, &when) && when == 1234567890);
    assert_true(cli_parse_time("2009-02-13T23:31", 0, &when) && when == 1234567860);
    assert_true(cli_parse_time("2009-02-13", 0, &when) && when == 1234483200);
    assert_false(cli_parse_time("yesterday", 0, &when));
    assert_false(cli_parse_time("2009-02-13 23", 0, &when));
}

static void times_and_sizes_are_written_for_people(void **state)
{
    char text[CLI_TEXT];
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(cli_size(3 * GIB / 2, text), "1.5 GiB");
    assert_string_equal(cli_size(POLICY_MISSING, text), "-");
    assert_string_equal(cli_span(-1, text), "-");
    assert_string_equal(cli_span(450, text), "450 ms");
    assert_string_equal(cli_span(2999, text), "2 s");
    assert_string_equal(cli_span(180000, text), "3 min");
    assert_string_equal(cli_span((int64_t)5 * 3600000, text), "5 h");
    assert_string_equal(cli_span((int64_t)49 * 3600000, text), "2 d");
    assert_string_equal(cli_time(1234567890, text), "2009-02-13 23:31:30");
    assert_string_equal(cli_time(-1, text), "-");
}

static void a_slip_finds_the_name_that_was_meant(void **state)
{
    unsigned distance = 0;
    (void)state;
    assert_true(cli_alike("webb", "web", &distance) && distance == 1);
    assert_true(cli_alike("WEB", "web", &distance) && distance == 0);
    assert_true(cli_alike("dbx", "db1", &distance));
    assert_true(cli_alike("web", "web-frontend", &distance));
    assert_false(cli_alike("web", "mail", &distance));
    assert_false(cli_alike("a", "bc", &distance));
    assert_false(cli_alike("", "web", &distance));
}

static void columns_are_counted_as_a_terminal_does(void **state)
{
    (void)state;
    assert_int_equal(cli_columns(""), 0);
    assert_int_equal(cli_columns("web"), 3);
    assert_int_equal(cli_columns("Käse"), 4);
    assert_int_equal(cli_columns("日本"), 4);
    assert_int_equal(cli_columns("█▒│·"), 4);
    assert_int_equal(cli_columns("\xff\xfe"), 2);
    assert_int_equal(cli_columns("\xe6\x97"), 2);
}

static char *printed(struct cli_table *table, bool colour)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cli_table_print(table, out, colour);
    (void)fclose(out);
    cli_table_free(table);
    return text;
}

static void a_table_is_as_wide_as_its_widest_letters(void **state)
{
    struct cli_table *table = cli_table_new("NAME|>SIZE|WHY");
    (void)state;
    cli_table_add(table, CLI_PLAIN, "日本");
    cli_table_bytes(table, 512 << 20);
    cli_table_add(table, CLI_RED, "a");
    cli_table_add(table, CLI_PLAIN, "a-long-name");
    cli_table_bytes(table, POLICY_MISSING);
    cli_table_add(table, CLI_PLAIN, "%s", "");
    assert_int_equal(cli_table_rows(table), 2);
    char *text = printed(table, false);
    assert_string_equal(text, "NAME            SIZE  WHY\n"
                              "日本         512 MiB  a\n"
                              "a-long-name        -  \n");
    free(text);
}

static void colours_do_not_move_columns(void **state)
{
    struct cli_table *table = cli_table_new("A|B");
    (void)state;
    cli_table_add(table, CLI_RED, "x");
    cli_table_add(table, CLI_PLAIN, "y");
    char *text = printed(table, true);
    assert_has(text, "\033[1;31mx\033[0m  y\n");
    free(text);
}

/* Names and errors come from guests and their monitors. */
static void nothing_that_controls_a_terminal_is_printed(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    cli_put(out, "a\033]0;x\a\tb\x7f\xc2\x9b"
                 "2Jé");
    (void)fclose(out);
    assert_string_equal(text, "a?]0;x??b??2Jé");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_exactly),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(sizes_and_times_mean_what_they_mean_in_the_configuration),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(times_and_sizes_are_written_for_people),
        cmocka_unit_test(a_slip_finds_the_name_that_was_meant),
        cmocka_unit_test(columns_are_counted_as_a_terminal_does),
        cmocka_unit_test(a_table_is_as_wide_as_its_widest_letters),
        cmocka_unit_test(colours_do_not_move_columns),
        cmocka_unit_test(nothing_that_controls_a_terminal_is_printed),
    };
    return cmocka_run_group_tests_name("tools/ballast/cli/cli_text.c", tests, NULL, NULL);
}
