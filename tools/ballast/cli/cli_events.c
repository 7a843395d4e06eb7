/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads events: the newest in one page, or all behind a number page by page. A page that is not
 * full is the last one.
 */

#include "tools/ballast/cli/cli_events.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_text.h"

#define PAGE 1000U /* the most that the API gives at once */

/* A daemon that numbers its events wrongly shall not keep this busy for ever. */
#define PAGES_MAX 1000U

char *cli_events_stream(const char *machine)
{
    char *encoded = machine == NULL ? NULL : curl_easy_escape(NULL, machine, (int)strlen(machine));
    char *path = NULL;
    if ((machine != NULL && encoded == NULL) ||
        asprintf(&path, "/v1/events%s%s",
                 machine == NULL ? "" : "?machine=", machine == NULL ? "" : encoded) < 0) {
        abort();
    }
    curl_free(encoded);
    return path;
}

/* Takes a page over; returns how many events were in it. */
static size_t take_page(json_t *page, int64_t *last, size_t keep, json_t *list)
{
    json_t *event;
    size_t i;
    json_array_foreach(page, i, event)
    {
        int64_t number = cli_number(event, "number");
        *last = number > *last ? number : *last;
        json_array_append(list, event);
    }
    size_t extra = json_array_size(list) > keep ? json_array_size(list) - keep : 0;
    for (; extra > 0; extra--) {
        json_array_remove(list, 0);
    }
    return json_array_size(page);
}

/* The query for one page. To be given to free(). */
static char *page_path(const char *machine, int64_t after, size_t limit)
{
    char *encoded = machine == NULL ? NULL : curl_easy_escape(NULL, machine, (int)strlen(machine));
    char from[32] = "";
    char *path = NULL;
    if (after >= 0) {
        (void)snprintf(from, sizeof(from), "after=%" PRId64 "&", after);
    }
    if ((machine != NULL && encoded == NULL) ||
        asprintf(&path, "/v1/events?%slimit=%zu%s%s", from, limit,
                 machine == NULL ? "" : "&machine=", machine == NULL ? "" : encoded) < 0) {
        abort();
    }
    curl_free(encoded);
    return path;
}

int cli_events_page(struct cli *cli, const char *machine, int64_t after, size_t limit, bool quiet,
                    json_t **page)
{
    struct cli_answer answer;
    char *path = page_path(machine, after, limit);
    int status = cli_request(cli, "GET", path, NULL, NULL, &answer);
    free(path);
    *page = NULL;
    if (status != CLI_OK) {
        return status;
    }
    if (!quiet || answer.status == 200) {
        status = cli_answer_status(cli, &answer);
    }
    if (status == CLI_OK) {
        json_t *events = json_object_get(answer.json, "events");
        *page = json_is_array(events) ? json_incref(events) : json_array();
    }
    cli_answer_free(&answer);
    return status;
}

int cli_events_read(struct cli *cli, int64_t *last, size_t keep, bool quiet, json_t *list)
{
    const bool latest = *last < 0;
    const size_t limit = latest && keep < PAGE ? keep : PAGE;
    size_t count = limit;
    int status = CLI_OK;
    for (unsigned pages = 0; status == CLI_OK && count >= limit && pages < PAGES_MAX; pages++) {
        json_t *page = NULL;
        status = cli_events_page(cli, NULL, *last, limit, quiet, &page);
        count = take_page(page, last, keep, list);
        json_decref(page);
        if (latest) {
            break; /* these are the newest already */
        }
    }
    return status;
}
