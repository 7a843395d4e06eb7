/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line itself: words, options, help, addresses, tokens, exit statuses.
 */

#include <sys/stat.h>
#include <unistd.h>

#include "tests/ballast/unit/cli_fixture.h"
#include "tests/ballast/unit/cli_machines.h"

static const struct fake_reply list_only[] = { { .path = "/v1/machines", .body = LIST_BODY } };

/* Runs against a daemon that says `replies`; `log` may be NULL. */
static struct ran run_with(const struct fake_reply *replies, size_t count, const char *line,
                           char **log)
{
    struct fake_daemon *daemon = fake_daemon_start(replies, count, NULL);
    assert_non_null(daemon);
    struct ran ran = run_line(fake_daemon_url(daemon), line);
    if (log != NULL) {
        *log = fake_daemon_log(daemon);
    }
    fake_daemon_stop(daemon);
    return ran;
}

static void wrong_usage_is_told_and_exits_with_2(void **state)
{
    static const struct {
        const char *line, *said;
    } cases[] = {
        { "lst", "there is no command lst; did you mean list?" },
        { "frobnicate", "there is no command frobnicate" },
        { "help frobnicate", "there is no command frobnicate" },
        { "show", "show needs VM" },
        { "show a b", "show: one word too many: b" },
        { "list --colour", "unknown option: --colour" },
        { "list -z", "unknown option: -z" },
        { "list --names=1", "--names takes no value" },
        { "list --socket", "--socket needs a value: PATH" },
        { "set web", "set: nothing to change is given" },
        { "set web --class best", "--class is guaranteed, burst or spare, not best" },
        { "reserve 4G", "reserve needs --for NAME" },
        { "reserve 4X --for a", "4X is no size" },
        { "reserve 0 --for a", "0 is no size" },
        { "events --after x", "--after is the number of an event, not x" },
        { "events --limit 0", "--limit is 1 to" },
        { "audit --from never", "--from: never is no time" },
        { "audit --limit x", "--limit is 1 to" },
        { "history --from x", "--from: x is no time" },
        { "history --to x", "--to: x is no time" },
        { "history --from 100 --to 100", "--from must be before --to" },
        { "history --step hour", "--step is raw, minute or quarter, not hour" },
        { "history --limit -1", "--limit is 1 to" },
        { "record --for 0", "--for: 0 is no time" },
        { "top --delay 1ms", "--delay is 100ms to 1h, not 1ms" },
        { "top --sort size", "--sort is name, now" },
        { "top -n 0", "--number is a number from 1 on" },
        { "list --url ftp://x", "ftp://x is no address" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ran ran = run_line("unix:/nonexistent/api.sock", cases[i].line);
        if (ran.status != CLI_USAGE) {
            fail_msg("%s: status %d, %s", cases[i].line, ran.status, ran.err);
        }
        assert_has(ran.err, cases[i].said);
        assert_string_equal(ran.out, "");
        ran_free(&ran);
    }
}

static void without_a_command_help_is_shown_as_an_error(void **state)
{
    struct ran ran = run_line("", "");
    (void)state;
    assert_int_equal(ran.status, CLI_USAGE);
    assert_has(ran.err, "usage: ballast");
    assert_string_equal(ran.out, "");
    ran_free(&ran);
}

static void every_command_has_help_with_an_example(void **state)
{
    struct ran all = run_line("", "--help");
    (void)state;
    assert_int_equal(all.status, CLI_OK);
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        char line[64];
        char text[64];
        (void)snprintf(text, sizeof(text), "\n  %s ", command->name);
        assert_has(all.out, text);
        (void)snprintf(line, sizeof(line), "help %s", command->name);
        struct ran ran = run_line("", line);
        assert_int_equal(ran.status, CLI_OK);
        (void)snprintf(text, sizeof(text), "usage: ballast %s", command->name);
        assert_has(ran.out, text);
        (void)snprintf(text, sizeof(text), "\n  ballast %s", command->name);
        assert_has(ran.out, text);
        if (!command->raw) {
            (void)snprintf(line, sizeof(line), "%s --help", command->name);
            struct ran other = run_line("", line);
            assert_int_equal(other.status, CLI_OK);
            assert_string_equal(other.out, ran.out);
            ran_free(&other);
        }
        ran_free(&ran);
    }
    ran_free(&all);
}

/* The options of a command are found by their names; one of them twice could never be given. */
static void no_option_is_there_twice(void **state)
{
    (void)state;
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        size_t count = 0;
        for (const struct cli_option *one = command->options; one->name != NULL; one++) {
            count++;
            for (const struct cli_option *other = cli_global_options; other->name != NULL;
                 other++) {
                assert_string_not_equal(one->name, other->name);
            }
            for (const struct cli_option *other = one + 1; other->name != NULL; other++) {
                assert_string_not_equal(one->name, other->name);
                assert_true(one->letter == '\0' || one->letter != other->letter);
            }
        }
        assert_true(count <= CLI_OPTIONS_MAX);
        assert_true(command->most <= CLI_WORDS_MAX);
    }
}

static void the_version_is_told(void **state)
{
    struct ran ran = run_line("", "version");
    struct ran option = run_line("", "--version");
    struct ran json = run_line("", "version --json");
    (void)state;
    assert_int_equal(ran.status, CLI_OK);
    assert_int_equal(strncmp(ran.out, "ballast 0.", 10), 0);
    assert_string_equal(ran.out, option.out);
    assert_has(json.out, "{\"version\": \"0.");
    ran_free(&ran);
    ran_free(&option);
    ran_free(&json);
}

static void a_daemon_that_does_not_run_exits_with_3(void **state)
{
    struct ran ran = run_line("unix:/nonexistent/api.sock", "list");
    struct ran tcp = run_line("http://127.0.0.1:1", "list");
    struct ran events = run_line("unix:/nonexistent/api.sock", "events -f");
    (void)state;
    assert_int_equal(ran.status, CLI_UNREACHABLE);
    assert_string_equal(ran.err, "ballast: no daemon answers at unix:/nonexistent/api.sock: "
                                 "No such file or directory (is ballastd running?)\n");
    assert_int_equal(tcp.status, CLI_UNREACHABLE);
    assert_has(tcp.err, "http://127.0.0.1:1: Connection refused");
    assert_int_equal(events.status, CLI_UNREACHABLE);
    ran_free(&ran);
    ran_free(&tcp);
    ran_free(&events);
}

static void a_unix_socket_is_found_by_option_and_environment(void **state)
{
    char folder[] = "/tmp/ballast_cli_XXXXXX";
    char path[64];
    char line[96];
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/api.sock", folder);
    struct fake_daemon *daemon = fake_daemon_start(list_only, COUNT(list_only), path);
    assert_non_null(daemon);
    struct ran environment = run_line(fake_daemon_url(daemon), "list --names");
    (void)snprintf(line, sizeof(line), "list --names --socket %s", path);
    struct ran option = run_line("unix:/nonexistent", line);
    (void)snprintf(line, sizeof(line), "--url=unix:%s list --names", path);
    struct ran url = run_line("unix:/nonexistent", line);
    assert_string_equal(environment.out, "db\nweb\n");
    assert_string_equal(option.out, "db\nweb\n");
    assert_string_equal(url.out, "db\nweb\n");
    ran_free(&environment);
    ran_free(&option);
    ran_free(&url);
    fake_daemon_stop(daemon);
    (void)rmdir(folder);
}

static void a_token_is_read_from_its_file_and_shown(void **state)
{
    char path[] = "/tmp/ballast_token_XXXXXX";
    char line[96];
    char *log = NULL;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0123456789abcdef \nmore\n", 23), 23);
    (void)close(fd);
    (void)snprintf(line, sizeof(line), "list --token-file %s", path);
    struct ran ran = run_with(list_only, COUNT(list_only), line, &log);
    assert_int_equal(ran.status, CLI_OK);
    assert_string_equal(log, "GET /v1/machines token=Bearer 0123456789abcdef\n");
    ran_free(&ran);
    free(log);
    assert_int_equal(truncate(path, 0), 0);
    ran = run_with(list_only, COUNT(list_only), line, &log);
    assert_int_equal(ran.status, CLI_NOT_ALLOWED);
    assert_has(ran.err, "holds no token in its first line");
    assert_string_equal(log, "");
    ran_free(&ran);
    free(log);
    (void)unlink(path);
    ran = run_with(list_only, COUNT(list_only), line, NULL);
    assert_int_equal(ran.status, CLI_NOT_ALLOWED);
    assert_has(ran.err, "cannot read the token in");
    ran_free(&ran);
}

static void each_answer_has_its_exit_status(void **state)
{
    static const struct {
        unsigned http;
        int status;
    } cases[] = { { 200, CLI_OK },          { 400, CLI_FAILED },    { 401, CLI_NOT_ALLOWED },
                  { 403, CLI_NOT_ALLOWED }, { 404, CLI_NOT_FOUND }, { 405, CLI_FAILED },
                  { 409, CLI_REFUSED },     { 412, CLI_CONFLICT },  { 422, CLI_FAILED },
                  { 428, CLI_FAILED },      { 500, CLI_FAILED } };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct fake_reply reply = { .path = "/v1/host",
                                          .status = cases[i].http,
                                          .body = cases[i].http == 200 ? HOST_BODY : REFUSED_BODY };
        struct ran ran = run_with(&reply, 1, "host", NULL);
        assert_int_equal(ran.status, cases[i].status);
        if (cases[i].status != CLI_OK) {
            assert_string_equal(ran.err, cases[i].http == 401
                                             ? "ballast: the host cannot promise this\n"
                                               "missing: 1.5 GiB\n"
                                               "Show a token with --token-file FILE.\n"
                                             : "ballast: the host cannot promise this\n"
                                               "missing: 1.5 GiB\n");
        }
        ran_free(&ran);
    }
}

static void an_error_without_words_is_told_by_its_number(void **state)
{
    static const char *const bodies[] = { NULL, "<html>", "[]", "{}", "{\"error\":1}" };
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct fake_reply reply = { .path = "/v1/host", .status = 502, .body = bodies[i] };
        struct ran ran = run_with(&reply, 1, "host", NULL);
        assert_int_equal(ran.status, CLI_FAILED);
        assert_string_equal(ran.err, "ballast: the daemon answers with status 502\n");
        ran_free(&ran);
    }
}

static void an_answer_that_is_none_of_ours_is_told(void **state)
{
    static const char *const bodies[] = { NULL, "hello", "[]", "{\"machines\":" };
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct fake_reply reply = { .path = "/v1/machines", .body = bodies[i] };
        struct ran ran = run_with(&reply, 1, "list", NULL);
        assert_int_equal(ran.status, CLI_FAILED);
        assert_has(ran.err, "does not answer like ballastd");
        ran_free(&ran);
    }
}

/* Members may be missing, or of another kind: nothing crashes, and what is not told is "-". */
static void an_answer_with_wrong_members_is_shown_as_far_as_it_goes(void **state)
{
    static const struct {
        const char *path, *line;
    } commands[] = {
        { "/v1/machines", "list" },
        { "/v1/machines", "top" },
        { "/v1/host", "host" },
        { "/v1/machines/web", "show web" },
        { "/v1/machines/web/explain", "explain web" },
        { "/v1/machines/web/doctor", "doctor web" },
        { "/v1/machines/web/history", "history web" },
        { "/v1/host/history", "history" },
        { "/v1/plan", "plan" },
        { "/v1/events", "events" },
        { "/v1/audit", "audit" },
        { "/v1/reservations", "reservations" },
    };
    static const char *const bodies[] = {
        "{}",
        "{\"machines\":1,\"moves\":1,\"points\":1,\"events\":1,\"entries\":{},\"checks\":\"x\"}",
        "{\"machines\":[1,null,{\"name\":5,\"size_bytes\":-1,\"guest\":[]}],\"moves\":[{},2],"
        "\"points\":[{\"time_s\":\"x\"}],\"events\":[3,{}],\"entries\":[{}],\"checks\":[[]],"
        "\"reservations\":[{\"bytes\":1.5}],\"verdict\":7,\"numbers\":0,\"zone\":{}}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(commands); i++) {
        for (size_t k = 0; k < COUNT(bodies); k++) {
            const struct fake_reply reply = { .path = commands[i].path, .body = bodies[k] };
            char line[64];
            (void)snprintf(line, sizeof(line), "%s%s", commands[i].line,
                           strcmp(commands[i].line, "top") == 0 ? " -n 1" : "");
            struct ran ran = run_with(&reply, 1, line, NULL);
            assert_int_equal(ran.status, CLI_OK);
            ran_free(&ran);
        }
    }
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
    struct fake_daemon *daemon = fake_daemon_start(list_only, COUNT(list_only), NULL);
    FILE *full = fopen("/dev/full", "we");
    FILE *quiet = fopen("/dev/null", "we");
    char ballast[] = "ballast";
    char list[] = "list";
    char *words[] = { ballast, list, NULL };
    (void)state;
    assert_non_null(full);
    (void)setenv("BALLAST_URL", fake_daemon_url(daemon), 1);
    assert_int_equal(cli_main(2, words, full, quiet), CLI_FAILED);
    (void)fclose(full);
    (void)fclose(quiet);
    fake_daemon_stop(daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_is_told_and_exits_with_2),
        cmocka_unit_test(without_a_command_help_is_shown_as_an_error),
        cmocka_unit_test(every_command_has_help_with_an_example),
        cmocka_unit_test(no_option_is_there_twice),
        cmocka_unit_test(the_version_is_told),
        cmocka_unit_test(a_daemon_that_does_not_run_exits_with_3),
        cmocka_unit_test(a_unix_socket_is_found_by_option_and_environment),
        cmocka_unit_test(a_token_is_read_from_its_file_and_shown),
        cmocka_unit_test(each_answer_has_its_exit_status),
        cmocka_unit_test(an_error_without_words_is_told_by_its_number),
        cmocka_unit_test(an_answer_that_is_none_of_ours_is_told),
        cmocka_unit_test(an_answer_with_wrong_members_is_shown_as_far_as_it_goes),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("tools/ballast/cli/cli.c", tests, NULL, NULL);
}
