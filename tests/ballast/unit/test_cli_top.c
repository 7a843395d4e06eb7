/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `ballast top`: the picture, and the terminal that it is drawn on.
 */

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/ballast/unit/cli_fixture.h"
#include "tests/ballast/unit/cli_machines.h"
#include "tools/ballast/cli/cli_text.h"
#include "tools/ballast/cli/top.h"

static const struct fake_reply replies[] = {
    { .path = "/v1/machines", .body = LIST_BODY },
    { .path = "/v1/host", .body = HOST_BODY },
    { .path = "/v1/events", .body = EVENTS_BODY, .times = 1 },
    { .path = "/v1/events", .body = "{\"events\":[]}" },
};

/* ---- the picture ---- */

static char *drawn(const struct top_view *view, const char *machines, const char *host,
                   const char *events, const char *notice)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *list = json_loads(machines, 0, NULL);
    json_t *about = host == NULL ? NULL : json_loads(host, 0, NULL);
    json_t *what = json_loads(events, 0, NULL);
    struct top_data data = { .host = about,
                             .machines = json_object_get(list, "machines"),
                             .events = json_object_get(what, "events"),
                             .notice = notice };
    (void)setenv("TZ", "UTC", 1);
    top_draw(view, &data, out);
    (void)fclose(out);
    json_decref(list);
    json_decref(about);
    json_decref(what);
    return text;
}

static void the_picture_has_host_machines_and_events(void **state)
{
    const struct top_view view = { .width = 110 };
    char *text = drawn(&view, LIST_BODY, HOST_BODY, EVENTS_BODY, NULL);
    (void)state;
    assert_string_equal(text, "ballast  zone soft  2 machines  host 16 GiB, 2 GiB available\n"
                              "slush fund 768 MiB  short of 256 MiB  pressure 1.25 %\n"
                              "\n"
                              "NAME                  NOW   TARGET     USED   DEMAND  MAXIMUM"
                              "  USED, NOW, TARGET, MAXIMUM\n"
                              "db                  8 GiB    8 GiB        -    8 GiB    8 GiB"
                              "  ==============================================\n"
                              "web               1.5 GiB    1 GiB  768 MiB    1 GiB    4 GiB"
                              "  #########==|=====.............................\n"
                              "\n"
                              "23:31:30 web          web is asked for 1.0 GiB.\n"
                              "23:31:32 host         The host gets short.\n");
    free(text);
}

static void bars_show_used_now_target_and_maximum(void **state)
{
    static const struct {
        const char *machine, *bar;
        bool utf8;
    } cases[] = {
        { "{\"maximum_bytes\":100,\"size_bytes\":60,\"target_bytes\":60,\"used_bytes\":30}",
          "###===....", false },
        { "{\"maximum_bytes\":100,\"size_bytes\":60,\"target_bytes\":80,\"used_bytes\":30}",
          "###===.|..", false },
        { "{\"maximum_bytes\":100,\"size_bytes\":60,\"target_bytes\":40,\"used_bytes\":30}",
          "███│▒▒····", true },
        { "{\"maximum_bytes\":100,\"size_bytes\":100,\"target_bytes\":100,\"used_bytes\":500}",
          "##########", false },
        { "{\"maximum_bytes\":null,\"size_bytes\":100}", "..........", false },
        { "{\"maximum_bytes\":0,\"size_bytes\":0}", "..........", false },
        { "{\"maximum_bytes\":9223372036854775807,\"size_bytes\":4611686018427387904,"
          "\"used_bytes\":1}",
          "..........", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct top_view view = { .utf8 = cases[i].utf8 };
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        json_t *machine = json_loads(cases[i].machine, 0, NULL);
        top_bar(&view, machine, 10, out);
        (void)fclose(out);
        assert_string_equal(text, cases[i].bar);
        json_decref(machine);
        free(text);
    }
}

#define THREE                                                                                      \
    "{\"machines\":["                                                                              \
    "{\"name\":\"b\",\"size_bytes\":3,\"used_bytes\":1,\"target_bytes\":3,\"maximum_bytes\":9},"   \
    "{\"name\":\"a\",\"size_bytes\":3,\"used_bytes\":2,\"target_bytes\":1,\"maximum_bytes\":5},"   \
    "{\"name\":\"c\",\"size_bytes\":7,\"used_bytes\":null,\"target_bytes\":8,"                     \
    "\"maximum_bytes\":7,\"demand_bytes\":1}]}"

static void columns_sort_the_machines(void **state)
{
    static const struct {
        int key;
        const char *sort, *order;
    } cases[] = { { 'n', "name", "abc" },   { 'w', "now", "cab" },     { 'u', "used", "abc" },
                  { 'd', "demand", "cab" }, { 'x', "maximum", "bca" }, { 'm', "move", "acb" } };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct top_view view = { .width = 100 };
        enum top_sort sort = TOP_SORTS;
        assert_true(top_key(&view, cases[i].key));
        assert_true(top_sort_parse(cases[i].sort, &sort));
        assert_int_equal(sort, view.sort);
        for (int turned = 0; turned < 2; turned++) {
            char *text = drawn(&view, THREE, NULL, "{}", NULL);
            char order[4] = { 0 };
            const char *at = strstr(text, "MAXIMUM");
            for (int k = 0; k < 3; k++) {
                at = strchr(at, '\n') + 1;
                order[turned == 0 ? k : 2 - k] = *at;
            }
            assert_string_equal(order, cases[i].order);
            free(text);
            assert_true(top_key(&view, 'r'));
        }
    }
    struct top_view view = { .width = 100 };
    assert_false(top_key(&view, 'z'));
}

static size_t lines_of(const char *text)
{
    size_t lines = 1;
    for (; *text != '\0'; text++) {
        lines += *text == '\n' ? 1 : 0;
    }
    return lines;
}

static void the_picture_fits_the_terminal(void **state)
{
    (void)state;
    for (size_t height = 6; height < 40; height++) {
        for (size_t width = 20; width < 200; width += 7) {
            const struct top_view view = { .width = width, .height = height, .utf8 = true };
            char *text = drawn(&view, THREE, HOST_BODY, height > 12 ? EVENTS_BODY : "{}", NULL);
            char *rest = NULL;
            assert_true(lines_of(text) <= height);
            for (char *line = strtok_r(text, "\n", &rest); width >= 80 && line != NULL;
                 line = strtok_r(NULL, "\n", &rest)) {
                if (cli_columns(line) > width) {
                    fail_msg("%zu columns: %s", width, line);
                }
            }
            free(text);
        }
    }
}

static void trouble_stands_in_the_last_line(void **state)
{
    const struct top_view view = { .width = 80, .height = 24 };
    char *text = drawn(&view, THREE, NULL, "{}", "ballast: no daemon answers");
    (void)state;
    assert_has(text, "\nballast: no daemon answers");
    assert_has_not(text, "sorted by");
    assert_has(text, "  ==============="); /* there is room for a bar */
    free(text);
}

/* ---- in a pipe ---- */

static void in_a_pipe_it_is_plain_text(void **state)
{
    struct fake_daemon *daemon = fake_daemon_start(replies, COUNT(replies), NULL);
    (void)state;
    struct ran ran = run_line(fake_daemon_url(daemon), "top -n 2 -d 100ms --sort used");
    char *log = fake_daemon_log(daemon);
    assert_int_equal(ran.status, CLI_OK);
    assert_has_not(ran.out, "\033");
    assert_has_not(ran.out, "sorted by");
    const char *second = strstr(ran.out + 1, "ballast  zone");
    assert_non_null(second);
    assert_has(second, "23:31:32 host"); /* the last events stay */
    assert_true(strstr(ran.out, "web  ") < strstr(ran.out, "db  "));
    assert_string_equal(log,
                        "GET /v1/machines\nGET /v1/host\nGET /v1/events?limit=5\n"
                        "GET /v1/machines\nGET /v1/host\nGET /v1/events?after=42&limit=1000\n");
    free(log);
    ran_free(&ran);
    fake_daemon_stop(daemon);
}

static void an_owner_sees_no_host(void **state)
{
    static const struct fake_reply owners[] = {
        { .path = "/v1/machines", .body = LIST_BODY },
        { .path = "/v1/host", .status = 403, .body = REFUSED_BODY },
    };
    struct fake_daemon *daemon = fake_daemon_start(owners, COUNT(owners), NULL);
    (void)state;
    struct ran ran = run_line(fake_daemon_url(daemon), "top -n 1");
    assert_int_equal(ran.status, CLI_OK);
    assert_int_equal(strncmp(ran.out, "ballast  2 machines\n", 20), 0);
    assert_string_equal(ran.err, "");
    ran_free(&ran);
    struct ran json = run_line(fake_daemon_url(daemon), "top --json");
    assert_has(json.out, "\"host\": null");
    ran_free(&json);
    fake_daemon_stop(daemon);
}

/* ---- on a terminal ---- */

struct screen {
    int fd;
    pid_t child;
    char text[1 << 16];
    size_t size;
};

/* Reads until `part` was drawn, for five seconds at most. */
static bool wait_for(struct screen *screen, const char *part)
{
    for (int tries = 0; tries < 100; tries++) {
        struct pollfd input = { .fd = screen->fd, .events = POLLIN };
        if (strstr(screen->text, part) != NULL) {
            return true;
        }
        if (poll(&input, 1, 50) > 0 && screen->size < sizeof(screen->text) - 1) {
            ssize_t size = read(screen->fd, screen->text + screen->size,
                                sizeof(screen->text) - 1 - screen->size);
            if (size <= 0) {
                break;
            }
            screen->size += (size_t)size;
            screen->text[screen->size] = '\0';
        }
    }
    return strstr(screen->text, part) != NULL;
}

static void screen_start(struct screen *screen, const struct fake_daemon *daemon)
{
    struct winsize size = { .ws_row = 24, .ws_col = 100 };
    memset(screen, 0, sizeof(*screen));
    screen->child = forkpty(&screen->fd, NULL, NULL, &size);
    assert_true(screen->child >= 0);
    if (screen->child == 0) {
        char name[] = "ballast";
        char top[] = "top";
        char delay[] = "--delay=200ms";
        char *words[] = { name, top, delay, NULL };
        struct termios before;
        struct termios after;
        (void)setenv("BALLAST_URL", fake_daemon_url(daemon), 1);
        (void)setenv("TZ", "UTC", 1);
        (void)unsetenv("NO_COLOR");
        (void)tcgetattr(0, &before);
        int status = cli_main(3, words, stdout, stderr);
        (void)tcgetattr(0, &after);
        bool restored = before.c_lflag == after.c_lflag &&
                        memcmp(before.c_cc, after.c_cc, sizeof(before.c_cc)) == 0;
        _exit(restored ? status : 99);
    }
}

static int screen_end(struct screen *screen)
{
    int status = -1;
    assert_true(wait_for(screen, "\033[?25h\033[?1049l")); /* the cursor and the screen are back */
    assert_int_equal(waitpid(screen->child, &status, 0), screen->child);
    (void)close(screen->fd);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void on_a_terminal_keys_work_and_q_gives_it_back(void **state)
{
    struct fake_daemon *daemon = fake_daemon_start(replies, COUNT(replies), NULL);
    struct screen screen;
    (void)state;
    screen_start(&screen, daemon);
    assert_true(wait_for(&screen, "\033[?1049h\033[?25l"));
    assert_true(wait_for(&screen, "sorted by name"));
    assert_has(screen.text, "\033[33msoft"); /* the zone has a colour */
    assert_int_equal(write(screen.fd, "u", 1), 1);
    assert_true(wait_for(&screen, "sorted by used"));
    assert_int_equal(write(screen.fd, "q", 1), 1);
    assert_int_equal(screen_end(&screen), CLI_OK);
    fake_daemon_stop(daemon);
}

static void ctrl_c_gives_the_terminal_back(void **state)
{
    struct fake_daemon *daemon = fake_daemon_start(replies, COUNT(replies), NULL);
    struct screen screen;
    (void)state;
    screen_start(&screen, daemon);
    assert_true(wait_for(&screen, "sorted by name"));
    assert_int_equal(write(screen.fd, "\003", 1), 1);
    assert_int_equal(screen_end(&screen), CLI_OK);
    fake_daemon_stop(daemon);
}

static void a_daemon_that_goes_away_is_waited_for(void **state)
{
    char folder[] = "/tmp/ballast_top_XXXXXX";
    char path[64];
    struct screen screen;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/api.sock", folder);
    struct fake_daemon *daemon = fake_daemon_start(replies, COUNT(replies), path);
    assert_non_null(daemon);
    screen_start(&screen, daemon);
    assert_true(wait_for(&screen, "sorted by name"));
    fake_daemon_stop(daemon);
    assert_true(wait_for(&screen, "ballast: no daemon answers at unix:"));
    screen.size = 0;
    screen.text[0] = '\0';
    daemon = fake_daemon_start(replies, COUNT(replies), path);
    assert_true(wait_for(&screen, "sorted by name"));
    assert_int_equal(write(screen.fd, "q", 1), 1);
    assert_int_equal(screen_end(&screen), CLI_OK);
    fake_daemon_stop(daemon);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_picture_has_host_machines_and_events),
        cmocka_unit_test(bars_show_used_now_target_and_maximum),
        cmocka_unit_test(columns_sort_the_machines),
        cmocka_unit_test(the_picture_fits_the_terminal),
        cmocka_unit_test(trouble_stands_in_the_last_line),
        cmocka_unit_test(in_a_pipe_it_is_plain_text),
        cmocka_unit_test(an_owner_sees_no_host),
        cmocka_unit_test(on_a_terminal_keys_work_and_q_gives_it_back),
        cmocka_unit_test(ctrl_c_gives_the_terminal_back),
        cmocka_unit_test(a_daemon_that_goes_away_is_waited_for),
    };
    return cmocka_run_group_tests_name("tools/ballast/cli/top.c", tests, NULL, NULL);
}
