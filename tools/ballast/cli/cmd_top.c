/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `top`: asks, draws, waits for a key or the next picture. The terminal's own screen and settings
 * come back however it ends. A daemon that goes away is waited for; the last picture stays.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_events.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_text.h"
#include "tools/ballast/cli/top.h"

#define DELAY_MS      2000
#define EVENTS_KEPT   5U
#define PLAIN_COLUMNS 100U

struct top {
    struct cli *cli;
    struct top_view view;
    json_t *host;     /* NULL: not to be seen */
    json_t *machines; /* the last answer */
    json_t *events;   /* array of the latest */
    int64_t last_event;
    int delay_ms;
    uint64_t left; /* pictures */
    bool screen;   /* pictures replace each other on a terminal */
    bool opened;   /* that terminal shows its other screen */
    struct termios before;
    char notice[160]; /* what went wrong last, "" nothing */
    bool raw;         /* keys come one by one, and `before` is to be restored */
};

/* ---- asking ---- */

/* The host is hidden from owners; that is no error here. */
static void ask_host(struct top *top)
{
    struct cli_answer answer;
    json_decref(top->host);
    top->host = NULL;
    if (cli_request(top->cli, "GET", "/v1/host", NULL, NULL, &answer) == CLI_OK) {
        top->host = answer.status == 200 ? json_incref(answer.json) : NULL;
        cli_answer_free(&answer);
    }
}

static int ask_all(struct top *top)
{
    json_t *json = NULL;
    int status = cli_get(top->cli, "/v1/machines", &json);
    if (status == CLI_OK) {
        json_decref(top->machines);
        top->machines = json_incref(json_object_get(json, "machines"));
        json_decref(json);
        ask_host(top);
        status = cli_events_read(top->cli, &top->last_event, EVENTS_KEPT, true, top->events);
    }
    return status;
}

/* On the screen complaints would stand in the middle of the picture: they go to its last line. */
static int ask(struct top *top)
{
    FILE *err = top->cli->err;
    char *text = NULL;
    size_t size = 0;
    if (!top->opened) {
        return ask_all(top);
    }
    top->cli->err = open_memstream(&text, &size);
    if (top->cli->err == NULL) {
        abort();
    }
    int status = ask_all(top);
    (void)fclose(top->cli->err);
    top->cli->err = err;
    (void)snprintf(top->notice, sizeof(top->notice), "%.*s", (int)strcspn(text, "\n"), text);
    free(text);
    return status;
}

/* ---- the terminal ---- */

static void screen_open(struct top *top)
{
    struct termios raw;
    (void)fputs("\033[?1049h\033[?25l", top->cli->out); /* its other screen, no cursor */
    top->opened = true;
    if (isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &top->before) == 0) {
        raw = top->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped in the middle it would leave its screen */
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        top->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
}

static void screen_close(struct top *top)
{
    if (top->raw) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
    }
    if (top->opened) {
        (void)fputs("\033[?25h\033[?1049l", top->cli->out);
        (void)fflush(top->cli->out);
    }
}

static void measure(struct top *top)
{
    struct winsize size;
    top->view.width = PLAIN_COLUMNS;
    top->view.height = 0;
    if (top->cli->tty && ioctl(fileno(top->cli->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        top->view.width = size.ws_col;
    }
    if (top->screen) {
        top->view.height = 24;
        if (ioctl(fileno(top->cli->out), TIOCGWINSZ, &size) == 0 && size.ws_row > 0) {
            top->view.height = size.ws_row;
        }
    }
}

/* The picture is made in memory and written at once, so that nothing flickers: each line clears its
 * rest, and the last one what is below. */
static void draw(struct top *top)
{
    struct top_data data = { .host = top->host,
                             .machines = top->machines,
                             .events = top->events,
                             .notice = top->notice[0] == '\0' ? NULL : top->notice };
    char *text = NULL;
    size_t size = 0;
    measure(top);
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        abort();
    }
    top_draw(&top->view, &data, memory);
    (void)fclose(memory);
    if (top->screen) {
        (void)fputs("\033[H", top->cli->out);
        for (const char *at = text; *at != '\0'; at++) {
            if (*at == '\n') {
                (void)fputs("\033[K", top->cli->out);
            }
            (void)fputc(*at, top->cli->out);
        }
        (void)fputs("\033[J", top->cli->out);
    } else {
        (void)fputs(text, top->cli->out);
    }
    (void)fflush(top->cli->out);
    free(text);
}

/* Waits for the next picture. False: it is to end. */
static bool wait_for_key(struct top *top)
{
    struct pollfd input = { .fd = top->raw ? STDIN_FILENO : -1, .events = POLLIN };
    int ready = poll(&input, 1, top->delay_ms);
    if (cli_stopped != 0) {
        return false;
    }
    if (ready > 0) {
        char key = 0;
        ssize_t size = read(STDIN_FILENO, &key, 1);
        if (size == 0 || key == 'q' || key == 'Q') {
            return false; /* the terminal is gone, or it was asked for */
        }
        if (size == 1) {
            (void)top_key(&top->view, key);
        }
    }
    return true;
}

/* ---- the command ---- */

static int run(struct top *top)
{
    int status = ask(top);
    if (status != CLI_OK) {
        return status;
    }
    if (top->screen) {
        screen_open(top);
    }
    cli_catch_signals();
    while (cli_stopped == 0) {
        draw(top);
        if (--top->left == 0 || ferror(top->cli->out) != 0) {
            break;
        }
        if (!top->screen) {
            (void)fputc('\n', top->cli->out);
        }
        if (!wait_for_key(top)) {
            break;
        }
        status = ask(top);
        if (status != CLI_OK && (status != CLI_UNREACHABLE || !top->screen)) {
            break;
        }
    }
    screen_close(top);
    return status == CLI_UNREACHABLE && top->screen ? CLI_OK : status;
}

static int read_options(struct top *top, const struct cli_args *args)
{
    struct cli *cli = top->cli;
    const char *delay = cli_value(args, "delay");
    const char *number = cli_value(args, "number");
    const char *sort = cli_value(args, "sort");
    int64_t ms = DELAY_MS;
    if (delay != NULL && (!cli_parse_span(delay, &ms) || ms < 100 || ms > 3600000)) {
        return cli_usage(cli, "--delay is 100ms to 1h, not %s", delay);
    }
    if (number != NULL && !cli_parse_number(number, 1, INT64_MAX, &top->left)) {
        return cli_usage(cli, "--number is a number from 1 on, not %s", number);
    }
    if (sort != NULL && !top_sort_parse(sort, &top->view.sort)) {
        return cli_usage(cli, "--sort is name, now, used, demand, maximum or move, not %s", sort);
    }
    top->delay_ms = (int)ms;
    top->view.reverse = cli_value(args, "reverse") != NULL;
    top->view.colour = cli->colour;
    top->view.utf8 = cli->utf8;
    top->screen = cli->tty && cli_value(args, "batch") == NULL;
    return CLI_OK;
}

static int print_json(struct top *top)
{
    int status = ask(top);
    if (status == CLI_OK) {
        json_t *json = json_pack("{s:O?, s:O, s:O}", "host", top->host, "machines", top->machines,
                                 "events", top->events);
        cli_put_json(top->cli->out, json);
        json_decref(json);
    }
    return status;
}

int cmd_top(struct cli *cli, const struct cli_args *args)
{
    struct top top = { .cli = cli, .events = json_array(), .last_event = -1 };
    int status = read_options(&top, args);
    if (status == CLI_OK) {
        status = cli->json ? print_json(&top) : run(&top);
    }
    json_decref(top.host);
    json_decref(top.machines);
    json_decref(top.events);
    return status;
}
