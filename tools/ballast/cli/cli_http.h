/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Requests to ballastd by libcurl, over its unix socket or a loopback address. Functions that
 * return an exit status have told on cli->err what was wrong.
 */

#include <jansson.h>
#include <stdint.h>

#include "tools/ballast/cli/cli.h"

/* A longer answer is none of ours. */
#define CLI_ANSWER_MAX ((size_t)64 << 20)

struct cli_answer {
    long status;   /* of HTTP */
    json_t *json;  /* the body, or NULL when there is none */
    char etag[64]; /* as it came, with its quotes; "" none */
};

/* Sends a request and reads a JSON answer, whatever its status. `body` may be NULL (it stays the
 * caller's), `if_match` too. CLI_OK: *answer is set, give it to cli_answer_free(). */
int cli_request(struct cli *cli, const char *method, const char *path, const json_t *body,
                const char *if_match, struct cli_answer *answer);
void cli_answer_free(struct cli_answer *answer);

/* CLI_OK for an answer of success; else tells what the daemon says, and returns its exit status.
 * With --json the daemon's error goes to cli->out too. */
int cli_answer_status(struct cli *cli, const struct cli_answer *answer);

/* GET and both of the above. CLI_OK: *json is a new reference and an object. */
int cli_get(struct cli *cli, const char *path, json_t **json);

/* The same for /v1/machines/NAME and what may follow ("", "/doctor"). A name that does not exist is
 * told with the name that was meant, perhaps. `etag` may be NULL. */
int cli_get_machine(struct cli *cli, const char *name, const char *rest, json_t **json,
                    char etag[64]);

/* Tells that there is no machine of that name, and which could be meant. Returns CLI_NOT_FOUND. */
int cli_no_machine(struct cli *cli, const char *name);

/* "/v1/machines/NAME/rest" with the name encoded, to be given to free(). */
char *cli_machine_path(const char *name, const char *rest);

/* ---- streams ---- */

struct cli_stream {
    const char *path;
    const char *accept;
    int64_t last_event; /* sent as Last-Event-ID when above 0 */
    int64_t for_ms;     /* ends after this long; 0: never */
    /* Takes a line without its end. False: it was enough. */
    bool (*line)(void *context, const char *line, size_t size);
    void *context;
};

enum cli_stream_end {
    CLI_STREAM_ENOUGH, /* `line` said so, the time is over, or cli_stopped */
    CLI_STREAM_CUT,    /* the connection ended */
    CLI_STREAM_FAILED, /* it never began: *status is the exit status, and it was told why */
};

enum cli_stream_end cli_follow(struct cli *cli, const struct cli_stream *stream, int *status);

void cli_http_free(struct cli_http *http);
