/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/daemon/log.c: lines, levels, names that would break out, and repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>

#include "tools/ballast/daemon/log.h"
#include "tools/ballast/daemon/log_escape.h"

static int64_t clock_ms;

static int64_t told_clock(void)
{
    return clock_ms;
}

struct fixture {
    struct log log;
    int pipes[2];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    assert_int_equal(pipe2(fixture->pipes, O_NONBLOCK), 0);
    clock_ms = INT64_C(1800000000123);
    log_init(&fixture->log, fixture->pipes[1]);
    fixture->log.now_ms = told_clock;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    (void)close(fixture->pipes[0]);
    (void)close(fixture->pipes[1]);
    free(fixture);
    return 0;
}

/* What was written since the last call. */
static const char *written(struct fixture *fixture)
{
    static char text[65536];
    ssize_t length = read(fixture->pipes[0], text, sizeof text - 1);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void a_line_has_time_level_text_machine_and_code(void **state)
{
    struct fixture *fixture = *state;

    log_line(&fixture->log, CONFIG_LOG_WARNING, "web", "stalled", "%d MiB are missing", 12);
    assert_string_equal(written(fixture), "2027-01-15T08:00:00.123Z warning: 12 MiB are missing"
                                          " machine=web code=stalled\n");
    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, "", "the daemon starts");
    assert_string_equal(written(fixture), "2027-01-15T08:00:00.123Z info: the daemon starts\n");
}

static void a_line_of_json_is_json(void **state)
{
    struct fixture *fixture = *state;
    json_t *line = NULL;

    log_configure(&fixture->log, CONFIG_LOG_JSON, CONFIG_LOG_INFO);
    log_line(&fixture->log, CONFIG_LOG_ERROR, "a\"b\\c\n\x01\xff\xc3\xa9", "code",
             "line one\nline \"two\"\x1b[31m\xc2\x9b");
    line = json_loads(written(fixture), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "time")),
                        "2027-01-15T08:00:00.123Z");
    assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(line, "machine")),
                        "a\"b\\c\n\x01\xef\xbf\xbd\xc3\xa9");
    assert_string_equal(json_string_value(json_object_get(line, "code")), "code");
    assert_string_equal(json_string_value(json_object_get(line, "text")),
                        "line one\nline \"two\"\x1b[31m\xc2\x9b");
    json_decref(line);

    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "short");
    line = json_loads(written(fixture), 0, NULL);
    assert_int_equal(json_object_size(line), 3);
    json_decref(line);
}

static void a_hostile_name_stays_in_its_field(void **state)
{
    struct fixture *fixture = *state;

    log_line(&fixture->log, CONFIG_LOG_INFO, "x code=fine\n<3>root: hello \"", "c d",
             "says \x1b[2J and\nthen \xc2\x9b and \xff");
    assert_string_equal(written(fixture),
                        "2027-01-15T08:00:00.123Z info: says \\x1b[2J and\\x0athen \\xc2\\x9b and "
                        "\\xff machine=x\\x20code\\x3dfine\\x0a<3>root:\\x20hello\\x20\\x22"
                        " code=c\\x20d\n");
}

static void the_longest_line_of_the_worst_characters_fits(void **state)
{
    struct fixture *fixture = *state;
    char bad[2000];
    const char *line = NULL;

    memset(bad, '\x01', sizeof bad - 1);
    bad[sizeof bad - 1] = '\0';
    for (int format = CONFIG_LOG_TEXT; format <= CONFIG_LOG_JSON; format++) {
        log_configure(&fixture->log, (enum config_log_format)format, CONFIG_LOG_INFO);
        clock_ms += LOG_REPEAT_MS;
        log_line(&fixture->log, CONFIG_LOG_INFO, bad, bad, "%s", bad);
        line = written(fixture);
        assert_true(strlen(line) > 1000);
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_null(strchr(line, '\x01'));
    }
}

static void only_well_formed_characters_pass(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xc0\xaf",
        "\xc3",
        "\xe2\x82",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf0\x80\x80\xaf",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)log_escape_text(bad[i], false, out, sizeof out);
        assert_int_equal(strncmp(out, "\\x", 2), 0);
        (void)log_escape_json(bad[i], out, sizeof out);
        assert_int_equal(strncmp(out, "\xef\xbf\xbd", 3), 0);
    }
    assert_int_equal(log_escape_text("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", false, out, sizeof out),
                     11);
    assert_string_equal(out, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
    /* Cut off between characters, never inside one. */
    assert_int_equal(log_escape_text("ab\xc3\xbc", false, out, 4), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(log_escape_text("ab\n", false, out, 6), 2);
    assert_int_equal(log_escape_json("ab\n", out, 8), 2);
}

static void lines_below_the_level_are_left_out(void **state)
{
    struct fixture *fixture = *state;

    log_configure(&fixture->log, CONFIG_LOG_TEXT, CONFIG_LOG_WARNING);
    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "info");
    log_line(&fixture->log, CONFIG_LOG_DEBUG, NULL, NULL, "debug");
    assert_string_equal(written(fixture), "");
    log_line(&fixture->log, CONFIG_LOG_ERROR, NULL, NULL, "error");
    assert_string_not_equal(written(fixture), "");
}

static void a_line_that_repeats_is_told_once_and_then_counted(void **state)
{
    struct fixture *fixture = *state;

    for (int i = 0; i < 100; i++) {
        log_line(&fixture->log, CONFIG_LOG_WARNING, "web", "trouble", "no answer");
        clock_ms += 100;
    }
    assert_string_equal(written(fixture), "2027-01-15T08:00:00.123Z warning: no answer machine=web"
                                          " code=trouble\n");
    /* Another machine's is another line. */
    log_line(&fixture->log, CONFIG_LOG_WARNING, "db", "trouble", "no answer");
    assert_non_null(strstr(written(fixture), "machine=db"));
    log_flush(&fixture->log, false);
    assert_string_equal(written(fixture), "");
    clock_ms += LOG_REPEAT_MS;
    log_flush(&fixture->log, false);
    assert_string_equal(written(fixture), "2027-01-15T08:01:10.123Z warning: no answer (99 times"
                                          " more) machine=web code=trouble\n");
    log_flush(&fixture->log, true);
    assert_string_equal(written(fixture), "");
    log_line(&fixture->log, CONFIG_LOG_WARNING, "web", "trouble", "no answer");
    assert_non_null(strstr(written(fixture), "no answer machine=web"));
}

static void repeats_are_told_before_the_line_comes_again(void **state)
{
    struct fixture *fixture = *state;

    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "again");
    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "again");
    (void)written(fixture);
    clock_ms += LOG_REPEAT_MS;
    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "again");
    assert_string_equal(written(fixture), "2027-01-15T08:01:00.123Z info: again (once more)\n"
                                          "2027-01-15T08:01:00.123Z info: again\n");
}

static void a_clock_set_back_silences_nothing(void **state)
{
    struct fixture *fixture = *state;

    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "again");
    (void)written(fixture);
    clock_ms -= 86400000;
    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "again");
    assert_string_not_equal(written(fixture), "");
}

static void no_repeat_is_lost_when_many_lines_come(void **state)
{
    struct fixture *fixture = *state;
    unsigned lines = 0;
    unsigned more = 0;

    /* More different lines than are remembered, each of them twice. */
    for (int i = 0; i < 200; i++) {
        log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "line %d", i);
        log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "line %d", i);
    }
    log_flush(&fixture->log, true);
    for (const char *at = written(fixture); *at != '\0'; at = strchr(at, '\n') + 1) {
        const char *count = strstr(at, "(once more)");

        more += count != NULL && count < strchr(at, '\n');
        lines++;
    }
    assert_int_equal(lines, 400);
    assert_int_equal(more, 200);
}

static void under_the_journal_a_line_begins_with_its_priority(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    char stream[64];

    assert_int_equal(fstat(fixture->pipes[1], &status), 0);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init(&fixture->log, fixture->pipes[1]);
    log_line(&fixture->log, CONFIG_LOG_ERROR, "web", NULL, "bad");
    assert_string_equal(written(fixture), "<3>bad machine=web\n");
    log_line(&fixture->log, CONFIG_LOG_INFO, NULL, NULL, "good");
    assert_string_equal(written(fixture), "<6>good\n");
    /* The variable is there, but our output goes elsewhere. */
    assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    log_init(&fixture->log, fixture->pipes[1]);
    assert_false(fixture->log.journal);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void levels_have_names_and_names_have_levels(void **state)
{
    enum config_log_level level = CONFIG_LOG_ERROR;

    (void)state;
    for (int i = CONFIG_LOG_ERROR; i <= CONFIG_LOG_DEBUG; i++) {
        assert_true(log_level_parse(log_level_name((enum config_log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("loud", &level));
    assert_false(log_level_parse("", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_line_has_time_level_text_machine_and_code),
        CASE(a_line_of_json_is_json),
        CASE(a_hostile_name_stays_in_its_field),
        CASE(the_longest_line_of_the_worst_characters_fits),
        CASE(only_well_formed_characters_pass),
        CASE(lines_below_the_level_are_left_out),
        CASE(a_line_that_repeats_is_told_once_and_then_counted),
        CASE(repeats_are_told_before_the_line_comes_again),
        CASE(a_clock_set_back_silences_nothing),
        CASE(no_repeat_is_lost_when_many_lines_come),
        CASE(under_the_journal_a_line_begins_with_its_priority),
        CASE(levels_have_names_and_names_have_levels),
    };

    return cmocka_run_group_tests_name("tools/ballast/daemon/log.c", tests, NULL, NULL);
}
