/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests about one machine: its name is encoded, and one that does not exist is met with the
 * names that do.
 */

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_text.h"

char *cli_machine_path(const char *name, const char *rest)
{
    char *path = NULL;
    char *encoded = curl_easy_escape(NULL, name, (int)strlen(name));
    if (encoded == NULL || asprintf(&path, "/v1/machines/%s%s", encoded, rest) < 0) {
        abort();
    }
    curl_free(encoded);
    return path;
}

int cli_no_machine(struct cli *cli, const char *name)
{
    struct cli_answer answer;
    const char *best = NULL;
    unsigned least = 0;
    const json_t *machine;
    size_t i;
    /* Asked without cli_get(): whatever goes wrong now is not what was wrong. */
    bool asked = cli_request(cli, "GET", "/v1/machines", NULL, NULL, &answer) == CLI_OK;
    if (asked) {
        json_array_foreach(json_object_get(answer.json, "machines"), i, machine)
        {
            unsigned distance = 0;
            const char *other = cli_string(machine, "name");
            if (cli_alike(name, other, &distance) && (best == NULL || distance < least)) {
                best = other;
                least = distance;
            }
        }
    }
    if (best != NULL) {
        cli_complain(cli, "no machine of that name: %s; did you mean %s?", name, best);
    } else {
        cli_complain(cli, "no machine of that name: %s", name);
    }
    if (asked) {
        cli_answer_free(&answer);
    }
    return CLI_NOT_FOUND;
}

int cli_get_machine(struct cli *cli, const char *name, const char *rest, json_t **json,
                    char etag[64])
{
    struct cli_answer answer;
    char *path = cli_machine_path(name, rest);
    int status = cli_request(cli, "GET", path, NULL, NULL, &answer);
    free(path);
    *json = NULL;
    if (status != CLI_OK) {
        return status;
    }
    if (answer.status == 404) {
        if (cli->json && answer.json != NULL) {
            cli_put_json(cli->out, answer.json);
        }
        cli_answer_free(&answer);
        return cli_no_machine(cli, name);
    }
    status = cli_answer_status(cli, &answer);
    if (status == CLI_OK && !json_is_object(answer.json)) {
        cli_complain(cli, "%s does not answer like ballastd", cli->url);
        status = CLI_FAILED;
    }
    if (status == CLI_OK) {
        *json = json_incref(answer.json);
        if (etag != NULL) {
            memcpy(etag, answer.etag, sizeof(answer.etag));
        }
    }
    cli_answer_free(&answer);
    return status;
}
