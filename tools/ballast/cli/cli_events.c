/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads events page by page. A page that is not full is the last one.
 */

#include "tools/ballast/cli/cli_events.h"

#include <inttypes.h>
#include <string.h>

#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_text.h"

#define PAGE 1000U /* the most that the API gives at once */

/* A daemon that numbers its events wrongly shall not keep this busy for ever. */
#define PAGES_MAX 1000U

bool cli_event_of(const json_t *event, const char *machine)
{
    return machine == NULL || strcmp(cli_string(event, "machine"), machine) == 0;
}

/* Takes a page over; returns how many events were in it. */
static size_t take_page(json_t *page, const char *machine, int64_t *last, size_t keep, json_t *list)
{
    json_t *event;
    size_t i;
    json_array_foreach(page, i, event)
    {
        int64_t number = cli_number(event, "number");
        *last = number > *last ? number : *last;
        if (cli_event_of(event, machine)) {
            json_array_append(list, event);
        }
    }
    size_t extra = json_array_size(list) > keep ? json_array_size(list) - keep : 0;
    for (; extra > 0; extra--) {
        json_array_remove(list, 0);
    }
    return json_array_size(page);
}

int cli_events_read(struct cli *cli, const char *machine, int64_t *last, size_t keep, bool quiet,
                    json_t *list)
{
    size_t count = PAGE;
    int status = CLI_OK;
    for (unsigned pages = 0; status == CLI_OK && count >= PAGE && pages < PAGES_MAX; pages++) {
        struct cli_answer answer;
        char path[80];
        if (*last < 0) {
            (void)snprintf(path, sizeof(path), "/v1/events?limit=%u", PAGE);
        } else {
            (void)snprintf(path, sizeof(path), "/v1/events?after=%" PRId64 "&limit=%u", *last,
                           PAGE);
        }
        status = cli_request(cli, "GET", path, NULL, NULL, &answer);
        if (status != CLI_OK) {
            return status;
        }
        if (!quiet || answer.status == 200) {
            status = cli_answer_status(cli, &answer);
        }
        count = take_page(json_object_get(answer.json, "events"), machine, last, keep, list);
        cli_answer_free(&answer);
    }
    return status;
}
