/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A ballastd that says what a test has written down, over real HTTP, and keeps what it was asked.
 */

#include <stdbool.h>
#include <stddef.h>

struct fake_reply {
    const char *method; /* NULL: GET */
    const char *path;   /* without the query, as it is on the wire */
    unsigned status;    /* 0: 200 */
    const char *body;   /* NULL: none */
    const char *etag;   /* NULL: none */
    unsigned times;     /* it is given so often, then the next one that fits is; 0: always */
    unsigned hold_ms;   /* the body is a stream that goes on so long without a further byte */
};

struct fake_daemon;

/* Answers with the first reply that fits, and 404 where none does. Replies must live until the
 * stop. `unix_path` NULL: any port of the loopback address. NULL when the system refuses. */
struct fake_daemon *fake_daemon_start(const struct fake_reply *replies, size_t count,
                                      const char *unix_path);

/* The address for --url. */
const char *fake_daemon_url(const struct fake_daemon *daemon);

/* What it was asked so far: lines of "METHOD PATH?QUERY", " if-match=", " token=", " after=" and
 * " body=" where there are such. To be given to free(). */
char *fake_daemon_log(struct fake_daemon *daemon);

void fake_daemon_stop(struct fake_daemon *daemon);
