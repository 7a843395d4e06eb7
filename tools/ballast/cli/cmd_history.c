/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `history`: memory over time, of a machine or of the host, as a table, CSV or JSON.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

#define POINTS_DEFAULT 1000U
#define POINTS_MAX     10000U /* as the API has it */

static const char *const members[] = { "size_bytes",      "target_bytes",   "used_bytes",
                                       "available_bytes", "resident_bytes", "demand_bytes",
                                       "short_bytes" };
#define MEMBERS (sizeof(members) / sizeof(members[0]))

struct span {
    int64_t from_s;
    int64_t to_s;
    const char *step;
    uint64_t limit;
};

/* Points are about as many as a screen or a plot can show, if no step is asked for. */
static const char *step_for(int64_t seconds)
{
    if (seconds <= 2 * 3600) {
        return "raw";
    }
    return seconds <= (int64_t)48 * 3600 ? "minute" : "quarter";
}

static int read_span(struct cli *cli, const struct cli_args *args, struct span *span)
{
    const char *from = cli_value(args, "from");
    const char *to = cli_value(args, "to");
    const char *limit = cli_value(args, "limit");
    const char *step = cli_value(args, "step");
    int64_t now = time(NULL);
    span->to_s = now + 1;
    span->limit = POINTS_DEFAULT;
    if (to != NULL && !cli_parse_time(to, now, &span->to_s)) {
        return cli_usage(cli, "--to: %s is no time; 2h or 2026-11-21 is one", to);
    }
    span->from_s = span->to_s - 3600;
    if (from != NULL && !cli_parse_time(from, now, &span->from_s)) {
        return cli_usage(cli, "--from: %s is no time; 2h or 2026-11-21 is one", from);
    }
    if (span->from_s >= span->to_s) {
        return cli_usage(cli, "--from must be before --to");
    }
    if (limit != NULL && !cli_parse_number(limit, 1, POINTS_MAX, &span->limit)) {
        return cli_usage(cli, "--limit is 1 to %u, not %s", POINTS_MAX, limit);
    }
    if (step != NULL && strcmp(step, "raw") != 0 && strcmp(step, "minute") != 0 &&
        strcmp(step, "quarter") != 0) {
        return cli_usage(cli, "--step is raw, minute or quarter, not %s", step);
    }
    span->step = step == NULL ? step_for(span->to_s - span->from_s) : step;
    return CLI_OK;
}

static void print_csv(struct cli *cli, const json_t *points, bool host)
{
    const json_t *point;
    size_t i;
    (void)fputs("time_s", cli->out);
    for (size_t k = 0; k < MEMBERS; k++) {
        (void)fprintf(cli->out, ",%s", members[k]);
    }
    (void)fputs(host ? ",zone\n" : "\n", cli->out);
    json_array_foreach(points, i, point)
    {
        (void)fprintf(cli->out, "%" PRId64, cli_number(point, "time_s"));
        for (size_t k = 0; k < MEMBERS; k++) {
            uint64_t bytes = cli_bytes(point, members[k]);
            if (bytes == POLICY_MISSING) {
                (void)fputc(',', cli->out);
            } else {
                (void)fprintf(cli->out, ",%" PRIu64, bytes);
            }
        }
        if (host) {
            (void)fputc(',', cli->out);
            cli_put(cli->out, cli_string(point, "zone"));
        }
        (void)fputc('\n', cli->out);
    }
}

static void print_points(struct cli *cli, const json_t *points, bool host)
{
    struct cli_table *table =
        cli_table_new(host ? "TIME|>TOTAL|>MACHINES|>USED|>AVAILABLE|>RESIDENT|>DEMAND|>SHORT|ZONE"
                           : "TIME|>NOW|>TARGET|>USED|>AVAILABLE|>IN HOST|>DEMAND|>SHORT");
    const json_t *point;
    size_t i;
    json_array_foreach(points, i, point)
    {
        char when[CLI_TEXT];
        cli_table_add(table, CLI_PLAIN, "%s", cli_time(cli_number(point, "time_s"), when));
        for (size_t k = 0; k < MEMBERS; k++) {
            cli_table_bytes(table, cli_bytes(point, members[k]));
        }
        if (host) {
            const char *zone = cli_string(point, "zone");
            cli_table_add(table, cli_zone_colour(zone), "%s", zone);
        }
    }
    cli_table_print(table, cli->out, cli->colour);
    cli_table_free(table);
}

int cmd_history(struct cli *cli, const struct cli_args *args)
{
    struct span span = { .step = "raw" };
    json_t *json = NULL;
    char query[160];
    char *path = NULL;
    bool host = args->count == 0;
    int status = read_span(cli, args, &span);
    if (status != CLI_OK) {
        return status;
    }
    (void)snprintf(query, sizeof(query),
                   "/history?step=%s&from=%" PRId64 "&to=%" PRId64 "&limit=%" PRIu64, span.step,
                   span.from_s, span.to_s, span.limit);
    if (host) {
        if (asprintf(&path, "/v1/host%s", query) < 0) {
            abort();
        }
        status = cli_get(cli, path, &json);
    } else {
        status = cli_get_machine(cli, args->words[0], query, &json, NULL);
    }
    free(path);
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, json);
    } else if (cli_value(args, "csv") != NULL) {
        print_csv(cli, json_object_get(json, "points"), host);
    } else {
        print_points(cli, json_object_get(json, "points"), host);
    }
    json_decref(json);
    return CLI_OK;
}
