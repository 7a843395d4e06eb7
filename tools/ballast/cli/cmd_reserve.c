/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `reserve`, `release`, `reservations`: memory for what will start.
 */

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

int cmd_reserve(struct cli *cli, const struct cli_args *args)
{
    const char *name = cli_value(args, "for");
    struct cli_answer answer;
    uint64_t bytes = 0;
    char size[CLI_TEXT];
    if (name == NULL) {
        return cli_usage(cli, "reserve needs --for NAME");
    }
    if (!cli_parse_size(args->words[0], POLICY_MISSING, &bytes) || bytes == 0) {
        return cli_usage(cli, "%s is no size; 4G or 512M is one", args->words[0]);
    }
    json_t *body = json_pack("{s:s, s:I}", "name", name, "bytes", (json_int_t)bytes);
    if (body == NULL) {
        return cli_usage(cli, "--for: this is not UTF-8");
    }
    int status = cli_request(cli, "POST", "/v1/reservations", body, NULL, &answer);
    json_decref(body);
    if (status != CLI_OK) {
        return status;
    }
    status = cli_answer_status(cli, &answer);
    if (status == CLI_OK && cli->json && answer.json != NULL) {
        cli_put_json(cli->out, answer.json);
    } else if (status == CLI_OK && !cli->json) {
        cli_line(cli->out, name, "%s reserved; `ballast reservations` tells when it has arrived",
                 cli_size(bytes, size));
    }
    cli_answer_free(&answer);
    return status;
}

int cmd_release(struct cli *cli, const struct cli_args *args)
{
    const char *name = args->words[0];
    struct cli_answer answer;
    char *path = NULL;
    char *encoded = curl_easy_escape(NULL, name, (int)strlen(name));
    if (encoded == NULL || asprintf(&path, "/v1/reservations/%s", encoded) < 0) {
        abort();
    }
    curl_free(encoded);
    int status = cli_request(cli, "DELETE", path, NULL, NULL, &answer);
    free(path);
    if (status != CLI_OK) {
        return status;
    }
    status = cli_answer_status(cli, &answer);
    if (status == CLI_OK && !cli->json) {
        cli_line(cli->out, name, "released");
    }
    cli_answer_free(&answer);
    return status;
}

static void print_reservations(struct cli *cli, const json_t *list)
{
    struct cli_table *table = cli_table_new("NAME|>SIZE|>ARRIVED|>AGE");
    const json_t *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        char age[CLI_TEXT];
        cli_table_add(table, CLI_PLAIN, "%s", cli_string(entry, "name"));
        cli_table_bytes(table, cli_bytes(entry, "bytes"));
        cli_table_bytes(table, cli_bytes(entry, "arrived_bytes"));
        cli_table_add(table, CLI_PLAIN, "%s", cli_span(cli_number(entry, "age_ms"), age));
    }
    cli_table_print(table, cli->out, cli->colour);
    cli_table_free(table);
}

int cmd_reservations(struct cli *cli, const struct cli_args *args)
{
    json_t *json = NULL;
    int status = cli_get(cli, "/v1/reservations", &json);
    (void)args;
    if (status != CLI_OK) {
        return status;
    }
    const json_t *list = json_object_get(json, "reservations");
    if (cli->json) {
        cli_put_json(cli->out, json);
    } else if (json_array_size(list) == 0) {
        (void)fputs("There is no reservation.\n", cli->out);
    } else {
        print_reservations(cli, list);
    }
    json_decref(json);
    return CLI_OK;
}
