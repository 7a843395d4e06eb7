/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/daemon/options.c: every option, and every way to get one wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/ballast/daemon/options.h"

#define PARSE(options, reason, ...)                                                                \
    parse(options, reason, (const char *[]){ "ballastd", __VA_ARGS__, NULL })

static bool parse(struct options *options, char reason[256], const char **words)
{
    static char copies[8][128];
    char *arguments[9] = { NULL };
    int count = 0;

    for (; words[count] != NULL; count++) {
        (void)snprintf(copies[count], sizeof copies[count], "%s", words[count]);
        arguments[count] = copies[count];
    }
    reason[0] = '\0';
    return options_parse(count, arguments, options, reason, 256);
}

static void without_options_it_runs_with_the_default_file(void **state)
{
    struct options options;
    char reason[256];

    (void)state;
    assert_true(parse(&options, reason, (const char *[]){ "ballastd", NULL }));
    assert_int_equal(options.action, OPTIONS_RUN);
    assert_string_equal(options.config, OPTIONS_CONFIG_DEFAULT);
    assert_false(options.config_given);
    assert_false(options.log_level_given);
}

static void every_option_is_understood(void **state)
{
    struct options options;
    char reason[256];

    (void)state;
    assert_true(PARSE(&options, reason, "--config", "/a", "--log-level", "debug", "--once"));
    assert_string_equal(options.config, "/a");
    assert_true(options.config_given);
    assert_true(options.log_level_given);
    assert_int_equal(options.log_level, CONFIG_LOG_DEBUG);
    assert_int_equal(options.action, OPTIONS_ONCE);
    assert_true(PARSE(&options, reason, "-c", "/b", "--check"));
    assert_string_equal(options.config, "/b");
    assert_int_equal(options.action, OPTIONS_CHECK);
    assert_true(PARSE(&options, reason, "--config=/c", "--check", "--check"));
    assert_string_equal(options.config, "/c");
    assert_true(PARSE(&options, reason, "--check", "/d"));
    assert_string_equal(options.config, "/d");
    assert_true(options.config_given);
    assert_int_equal(options.action, OPTIONS_CHECK);
    assert_true(PARSE(&options, reason, "/d", "--check"));
    assert_string_equal(options.config, "/d");
    assert_true(PARSE(&options, reason, "--check", "-h"));
    assert_int_equal(options.action, OPTIONS_HELP);
    assert_true(PARSE(&options, reason, "--help"));
    assert_int_equal(options.action, OPTIONS_HELP);
    assert_true(PARSE(&options, reason, "--version"));
    assert_int_equal(options.action, OPTIONS_SHOW_VERSION);
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *words[3];
        const char *because;
    } cases[] = {
        { { "--nonsense" }, "--nonsense" },
        { { "-x" }, "-x" },
        { { "--check=yes" }, "--check=yes" },
        { { "--config" }, "--config" },
        { { "--config", "" }, "--config" },
        { { "--log-level", "loud" }, "loud" },
        { { "--check", "--once" }, "only one" },
        { { "word" }, "\"word\"" },
        { { "--check", "--", "--once" }, "\"--once\"" },
        { { "--check", "/a", "/b" }, "\"/b\"" },
        { { "--check", "" }, "\"\"" },
        { { "--check", "--config=/a", "/b" }, "\"/b\"" },
        { { "--once", "/b" }, "\"/b\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words[5] = { "ballastd", cases[i].words[0], cases[i].words[1],
                                 cases[i].words[2], NULL };
        struct options options;
        char reason[256];

        assert_false(parse(&options, reason, words));
        if (strstr(reason, cases[i].because) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", reason, cases[i].because);
        }
    }
}

static void the_help_names_every_option_and_status(void **state)
{
    static const char *const words[] = { "--config",    "--check", "--once",
                                         "--log-level", "--help",  "--version",
                                         "SIGHUP",      "SIGTERM", " 0 ",
                                         " 1 ",         "2 the",   " 3 ",
                                         " 4 ",         " 5 ",     OPTIONS_CONFIG_DEFAULT };

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_non_null(strstr(options_help(), words[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_it_runs_with_the_default_file),
        cmocka_unit_test(every_option_is_understood),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(the_help_names_every_option_and_status),
    };

    return cmocka_run_group_tests_name("tools/ballast/daemon/options.c", tests, NULL, NULL);
}
