/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `forget`, `expect`: what is kept for machines that do not run, or will start anew.
 */

#include <stdlib.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

#define EXPECT_DEFAULT_MS (INT64_C(15) * 60 * 1000)
#define EXPECT_MOST_MS    (INT64_C(24) * 60 * 60 * 1000)

/* Asks, and says in a line that it is done. Takes the reference to `body`. */
static int ask(struct cli *cli, const char *method, const char *name, const char *rest,
               json_t *body, const char *done)
{
    struct cli_answer answer;
    char *path = cli_machine_path(name, rest);
    int status = cli_request(cli, method, path, body, NULL, &answer);
    free(path);
    json_decref(body);
    if (status != CLI_OK) {
        return status;
    }
    status = cli_answer_status(cli, &answer);
    if (status == CLI_OK && cli->json && answer.json != NULL) {
        cli_put_json(cli->out, answer.json);
    } else if (status == CLI_OK && !cli->json) {
        cli_line(cli->out, name, "%s", done);
    }
    cli_answer_free(&answer);
    return status;
}

int cmd_forget(struct cli *cli, const struct cli_args *args)
{
    return ask(cli, "DELETE", args->words[0], "", NULL, "what was kept is forgotten");
}

int cmd_expect(struct cli *cli, const struct cli_args *args)
{
    const char *name = args->words[0];
    const char *given = cli_value(args, "for");
    int64_t ms = EXPECT_DEFAULT_MS;
    if (cli_value(args, "cancel") != NULL) {
        return given != NULL
                   ? cli_usage(cli, "expect: --cancel and --for exclude each other")
                   : ask(cli, "DELETE", name, "/expect", NULL, "is not expected any more");
    }
    if (given != NULL &&
        (!cli_parse_span(given, &ms) || ms < 1000 || ms > EXPECT_MOST_MS || ms % 1000 != 0)) {
        return cli_usage(cli, "--for is a time of whole seconds from 1s to 24h, not %s", given);
    }
    return ask(cli, "POST", name, "/expect", json_pack("{s:I}", "seconds", (json_int_t)(ms / 1000)),
               "is expected: the next machine of this name takes over what is kept");
}
