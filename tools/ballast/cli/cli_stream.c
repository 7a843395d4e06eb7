/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that do not end: events and recordings, line by line. libcurl asks about once a second
 * whether to go on while nothing comes, so that ctrl-C ends a quiet stream too.
 */

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_http_internal.h"
#include "tools/ballast/cli/cli_text.h"

struct flow {
    const struct cli_stream *stream;
    CURL *curl;
    bool enough;
    bool began; /* the status is one of success */
    char *text; /* a line that is not whole yet; of an error, its body */
    size_t size;
};

static bool keep(struct flow *flow, const char *data, size_t size)
{
    if (size > CLI_ANSWER_MAX - flow->size) {
        return false;
    }
    char *text = realloc(flow->text, flow->size + size + 1);
    if (text == NULL) {
        return false;
    }
    memcpy(text + flow->size, data, size);
    flow->text = text;
    flow->size += size;
    return true;
}

/* Hands on the lines that became whole. */
static bool take_lines(struct flow *flow, const char *data, size_t size)
{
    while (size > 0 && !flow->enough) {
        const char *end = memchr(data, '\n', size);
        size_t part = end == NULL ? size : (size_t)(end - data);
        if (!keep(flow, data, part)) {
            return false;
        }
        if (end == NULL) {
            return true;
        }
        flow->text[flow->size] = '\0';
        if (flow->size > 0 && flow->text[flow->size - 1] == '\r') {
            flow->text[--flow->size] = '\0';
        }
        flow->enough = !flow->stream->line(flow->stream->context, flow->text, flow->size);
        flow->size = 0;
        data += part + 1;
        size -= part + 1;
    }
    return !flow->enough;
}

static size_t take(char *data, size_t one, size_t size, void *context)
{
    struct flow *flow = context;
    if (!flow->began) {
        long status = 0;
        (void)curl_easy_getinfo(flow->curl, CURLINFO_RESPONSE_CODE, &status);
        flow->began = cli_http_exit(status) == CLI_OK;
    }
    bool good = flow->began ? take_lines(flow, data, size) : keep(flow, data, size);
    return good ? size * one : 0;
}

static int ask(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct flow *flow = context;
    (void)total;
    (void)now;
    (void)up_total;
    (void)up;
    flow->enough = flow->enough || cli_stopped != 0;
    return flow->enough ? 1 : 0;
}

static CURLcode perform(struct cli_http *http, const struct cli_stream *stream, struct flow *flow)
{
    CURL *curl = http->curl;
    struct curl_slist *headers = NULL;
    char *url = NULL;
    char line[64];
    for (const struct curl_slist *at = http->headers; at != NULL; at = at->next) {
        headers = curl_slist_append(headers, at->data);
    }
    (void)snprintf(line, sizeof(line), "Accept: %s", stream->accept);
    headers = curl_slist_append(headers, line);
    if (stream->last_event > 0) {
        (void)snprintf(line, sizeof(line), "Last-Event-ID: %lld", (long long)stream->last_event);
        headers = curl_slist_append(headers, line);
    }
    if (asprintf(&url, "%s%s", http->base, stream->path) < 0) {
        abort();
    }
    http->error[0] = '\0';
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, flow);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, ask);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, flow);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)stream->for_ms);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    free(url);
    return code;
}

/* An answer that is an error, told as every other. */
static int refused(struct cli *cli, const struct flow *flow)
{
    struct cli_answer answer = { .json = NULL };
    (void)curl_easy_getinfo(flow->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.json = flow->size == 0 ? NULL : json_loadb(flow->text, flow->size, 0, NULL);
    int status = cli_answer_status(cli, &answer);
    cli_answer_free(&answer);
    return status;
}

enum cli_stream_end cli_follow(struct cli *cli, const struct cli_stream *stream, int *status)
{
    struct flow flow = { .stream = stream };
    enum cli_stream_end end = CLI_STREAM_CUT;
    long http_status = 0;
    *status = cli_http_open(cli);
    if (*status != CLI_OK) {
        return CLI_STREAM_FAILED;
    }
    flow.curl = cli->http->curl;
    CURLcode code = perform(cli->http, stream, &flow);
    (void)curl_easy_getinfo(flow.curl, CURLINFO_RESPONSE_CODE, &http_status);
    bool timed_out = code == CURLE_OPERATION_TIMEDOUT && stream->for_ms > 0;
    if (flow.enough || (timed_out && cli_http_exit(http_status) == CLI_OK)) {
        end = CLI_STREAM_ENOUGH;
    } else if (http_status == 0) {
        *status = cli_http_unreachable(cli, code);
        end = CLI_STREAM_FAILED;
    } else if (cli_http_exit(http_status) != CLI_OK) {
        *status = refused(cli, &flow);
        end = CLI_STREAM_FAILED;
    }
    free(flow.text);
    return end;
}
