/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `plan`, `explain`, `doctor`: why.
 */

#include <inttypes.h>
#include <string.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

static void add_move(struct cli_table *table, const json_t *move)
{
    uint64_t before = cli_bytes(move, "target_bytes");
    uint64_t after = cli_bytes(move, "new_target_bytes");
    const char *hold = cli_hold(move, "text");
    enum cli_colour colour = CLI_DIM;
    if (before != after && before != POLICY_MISSING && after != POLICY_MISSING) {
        colour = after > before ? CLI_GREEN : CLI_YELLOW;
    }
    cli_table_add(table, CLI_PLAIN, "%s", cli_string(move, "name"));
    cli_table_bytes(table, cli_bytes(move, "size_bytes"));
    cli_table_bytes(table, before);
    if (before == after && after != POLICY_MISSING) {
        cli_table_add(table, colour, "=");
    } else {
        char text[CLI_TEXT];
        cli_table_add(table, colour, "%s", cli_size(after, text));
    }
    cli_table_add(table, colour, "%s", cli_word(move, "reason"));
    cli_table_add(table, CLI_PLAIN, "%s%s%s", cli_string(move, "text"), hold[0] == '\0' ? "" : "; ",
                  hold);
}

static void print_plan(struct cli *cli, const json_t *plan)
{
    const json_t *now = json_object_get(plan, "now");
    const json_t *move;
    char arrived[CLI_TEXT];
    char asked[CLI_TEXT];
    char fund[CLI_TEXT];
    char free_size[CLI_TEXT];
    size_t i;
    if (json_is_string(json_object_get(now, "zone"))) {
        (void)fputs("zone ", cli->out);
        cli_put(cli->out, cli_string(now, "zone"));
        (void)fprintf(cli->out,
                      "; %s asked for, %s arrived, %s in the slush fund, %s can be promised\n\n",
                      cli_size(cli_bytes(now, "asked_bytes"), asked),
                      cli_size(cli_bytes(now, "arrived_bytes"), arrived),
                      cli_size(cli_bytes(now, "slush_left_bytes"), fund),
                      cli_size(cli_bytes(now, "could_promise_bytes"), free_size));
    }
    if (json_array_size(json_object_get(plan, "moves")) == 0) {
        (void)fputs("There is no machine.\n", cli->out);
        return;
    }
    struct cli_table *table = cli_table_new("NAME|>NOW|>TARGET|>NEXT|RULE|WHY");
    json_array_foreach(json_object_get(plan, "moves"), i, move)
    {
        add_move(table, move);
    }
    cli_table_print(table, cli->out, cli->colour);
    cli_table_free(table);
}

int cmd_plan(struct cli *cli, const struct cli_args *args)
{
    json_t *plan = NULL;
    int status = cli_get(cli, "/v1/plan", &plan);
    (void)args;
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, plan);
    } else {
        print_plan(cli, plan);
    }
    json_decref(plan);
    return CLI_OK;
}

/* ---- explain ---- */

static void print_sentence(FILE *out, const char *text)
{
    if (text[0] != '\0') {
        cli_put(out, text);
        (void)fputc('\n', out);
    }
}

static void print_explanation(struct cli *cli, const json_t *json)
{
    static const struct {
        const char *name, *member;
    } lines[] = {
        { "memory now", "size_bytes" },
        { "target", "target_bytes" },
        { "used", "used_bytes" },
        { "demand", "demand_bytes" },
        { "fair part", "want_bytes" },
        { "floor", "floor_bytes" },
        { "promised", "promised_bytes" },
        { "booked", "booked_bytes" },
        { "smallest size", "smallest_bytes" },
        { "can be taken", "takeable_bytes" },
        { "largest step", "step_bytes" },
    };
    const json_t *numbers = json_object_get(json, "numbers");
    print_sentence(cli->out, cli_string(json, "text"));
    print_sentence(cli->out, cli_hold(json, "text"));
    (void)fputc('\n', cli->out);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[CLI_TEXT];
        cli_line(cli->out, lines[i].name, "%s",
                 cli_size(cli_bytes(numbers, lines[i].member), text));
    }
}

int cmd_explain(struct cli *cli, const struct cli_args *args)
{
    json_t *json = NULL;
    int status = cli_get_machine(cli, args->words[0], "/explain", &json, NULL);
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, json);
    } else {
        print_explanation(cli, json);
    }
    json_decref(json);
    return CLI_OK;
}

/* ---- doctor ---- */

static void print_diagnosis(struct cli *cli, const json_t *json)
{
    struct cli_table *table = cli_table_new("CHECK|VERDICT|FOUND");
    const char *verdict = cli_string(json, "verdict");
    const json_t *check;
    size_t i;
    json_array_foreach(json_object_get(json, "checks"), i, check)
    {
        const char *word = cli_string(check, "verdict");
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(check, "name"));
        cli_table_add(table, cli_verdict_colour(word), "%s", word);
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(check, "text"));
    }
    cli_table_print(table, cli->out, cli->colour);
    cli_table_free(table);
    (void)fputc('\n', cli->out);
    cli_put(cli->out, cli_string(json, "name"));
    (void)fputs(": ", cli->out);
    if (cli->colour) {
        (void)fputs(cli_colour_code(cli_verdict_colour(verdict)), cli->out);
    }
    cli_put(cli->out, verdict);
    (void)fprintf(cli->out, "%s: ", cli->colour ? cli_colour_code(CLI_PLAIN) : "");
    cli_put(cli->out, cli_string(json, "text"));
    (void)fputc('\n', cli->out);
}

int cmd_doctor(struct cli *cli, const struct cli_args *args)
{
    json_t *json = NULL;
    int status = cli_get_machine(cli, args->words[0], "/doctor", &json, NULL);
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, json);
    } else {
        print_diagnosis(cli, json);
    }
    status = strcmp(cli_string(json, "verdict"), "bad") == 0 ? CLI_FAILED : CLI_OK;
    json_decref(json);
    return status;
}
