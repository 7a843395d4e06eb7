/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `events`, `audit`: what happened, and who did what. Events that are followed come as server-sent
 * events; a connection that ends is made again from the last number that was seen.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_events.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

#define LIMIT_DEFAULT 100U
#define LIMIT_MAX     1000U /* as the API has it */

/* Between two attempts to connect again. */
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS  10000

struct follower {
    struct cli *cli;
    int64_t last;  /* number of the last event */
    uint64_t left; /* how many may still be printed */
    bool heard;    /* something came since the connection was made */
};

static void print_event(struct cli *cli, const json_t *event)
{
    char when[CLI_TEXT];
    const char *machine = cli_string(event, "machine");
    char *line = NULL;
    if (asprintf(&line, "%s  %-12s %-12s %-18s %s", cli_time(cli_number(event, "time_s"), when),
                 machine[0] == '\0' ? "host" : machine, cli_string(event, "kind"),
                 cli_string(event, "code"), cli_string(event, "text")) < 0) {
        abort();
    }
    cli_put(cli->out, line);
    (void)fputc('\n', cli->out);
    free(line);
}

/* A line of a stream. Numbers are in the data, too, so that "id:" need not be looked at; an event's
 * data is one line. */
static bool take_line(void *context, const char *line, size_t size)
{
    static const char prefix[] = "data:";
    struct follower *follower = context;
    follower->heard = true;
    if (size < strlen(prefix) || strncmp(line, prefix, strlen(prefix)) != 0) {
        return true;
    }
    json_t *event = json_loadb(line + strlen(prefix), size - strlen(prefix), 0, NULL);
    if (json_is_object(event)) {
        int64_t number = cli_number(event, "number");
        follower->last = number > follower->last ? number : follower->last;
        if (follower->cli->json) {
            (void)json_dumpf(event, follower->cli->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
            (void)fputc('\n', follower->cli->out);
        } else {
            print_event(follower->cli, event);
        }
        (void)fflush(follower->cli->out);
        follower->left--;
    }
    json_decref(event);
    return follower->left > 0 && ferror(follower->cli->out) == 0;
}

static void pause_ms(int ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    (void)nanosleep(&span, NULL);
}

/* The first connection must come about; later ones are tried until they do. */
static int follow(struct follower *follower, const char *path)
{
    struct cli *cli = follower->cli;
    struct cli_stream stream = {
        .path = path, .accept = "text/event-stream", .line = take_line, .context = follower
    };
    int wait_ms = RETRY_FIRST_MS;
    bool first = true;
    cli_catch_signals();
    while (cli_stopped == 0) {
        int status = CLI_OK;
        stream.last_event = follower->last;
        follower->heard = false;
        enum cli_stream_end end = cli_follow(cli, &stream, &status);
        if (end == CLI_STREAM_ENOUGH) {
            return CLI_OK;
        }
        if (end == CLI_STREAM_FAILED && (first || status != CLI_UNREACHABLE)) {
            return status;
        }
        if (end == CLI_STREAM_CUT) {
            cli_complain(cli, "the connection ended; connecting again");
        }
        wait_ms = follower->heard ? RETRY_FIRST_MS : wait_ms * 2;
        wait_ms = wait_ms > RETRY_MOST_MS ? RETRY_MOST_MS : wait_ms;
        first = false;
        pause_ms(wait_ms);
    }
    return CLI_OK;
}

/* `after` below 0: the latest. */
static int print_events(struct cli *cli, const char *machine, int64_t after, uint64_t limit)
{
    json_t *list = NULL;
    const json_t *event;
    size_t i;
    int status = cli_events_page(cli, machine, after, (size_t)limit, false, &list);
    if (status == CLI_OK && cli->json) {
        json_t *json = json_pack("{s:O}", "events", list);
        cli_put_json(cli->out, json);
        json_decref(json);
    } else if (status == CLI_OK) {
        json_array_foreach(list, i, event)
        {
            print_event(cli, event);
        }
    }
    json_decref(list);
    return status;
}

int cmd_events(struct cli *cli, const struct cli_args *args)
{
    const char *after = cli_value(args, "after");
    const char *limit = cli_value(args, "limit");
    uint64_t number = 0;
    uint64_t most = LIMIT_DEFAULT;
    if (after != NULL && !cli_parse_number(after, 0, INT64_MAX, &number)) {
        return cli_usage(cli, "--after is the number of an event, not %s", after);
    }
    if (limit != NULL && !cli_parse_number(limit, 1, LIMIT_MAX, &most)) {
        return cli_usage(cli, "--limit is 1 to %u, not %s", LIMIT_MAX, limit);
    }
    if (cli_value(args, "follow") == NULL) {
        return print_events(cli, cli_value(args, "machine"), after == NULL ? -1 : (int64_t)number,
                            most);
    }
    struct follower follower = { .cli = cli,
                                 .last = (int64_t)number,
                                 .left = limit == NULL ? UINT64_MAX : most };
    char *path = cli_events_stream(cli_value(args, "machine"));
    int status = follow(&follower, path);
    free(path);
    return status;
}

/* ---- audit ---- */

static void print_audit(struct cli *cli, const json_t *entries)
{
    struct cli_table *table = cli_table_new("TIME|WHO|ACTION|TARGET|DONE|DETAIL");
    const json_t *entry;
    size_t i;
    json_array_foreach(entries, i, entry)
    {
        char when[CLI_TEXT];
        bool done = cli_true(entry, "done");
        cli_table_add(table, CLI_PLAIN, "%s", cli_time(cli_number(entry, "time_s"), when));
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(entry, "who"));
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(entry, "action"));
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(entry, "target"));
        cli_table_add(table, done ? CLI_GREEN : CLI_RED, "%s", done ? "yes" : "no");
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(entry, "detail"));
    }
    cli_table_print(table, cli->out, cli->colour);
    cli_table_free(table);
}

int cmd_audit(struct cli *cli, const struct cli_args *args)
{
    const char *from = cli_value(args, "from");
    const char *limit = cli_value(args, "limit");
    int64_t since = 0;
    uint64_t most = LIMIT_DEFAULT;
    char path[96];
    json_t *json = NULL;
    if (from != NULL && !cli_parse_time(from, time(NULL), &since)) {
        return cli_usage(cli, "--from: %s is no time; 2h or 2026-11-21 is one", from);
    }
    if (limit != NULL && !cli_parse_number(limit, 1, LIMIT_MAX, &most)) {
        return cli_usage(cli, "--limit is 1 to %u, not %s", LIMIT_MAX, limit);
    }
    (void)snprintf(path, sizeof(path), "/v1/audit?from=%" PRId64 "&limit=%" PRIu64, since, most);
    int status = cli_get(cli, path, &json);
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, json);
    } else {
        print_audit(cli, json_object_get(json, "entries"));
    }
    json_decref(json);
    return CLI_OK;
}
