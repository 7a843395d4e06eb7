/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the two files that speak HTTP share.
 */

#include <curl/curl.h>
#include <sys/types.h>

#include "tools/ballast/cli/cli.h"

struct cli_http {
    CURL *curl;
    struct curl_slist *headers; /* of every request */
    char *base;                 /* what stands before a path */
    const char *socket;         /* the path of the daemon's unix socket; NULL: TCP */
    int fd;                     /* the connection to it */
    bool stranger;              /* somebody who cannot be the daemon listens there */
    uid_t stranger_uid;
    char error[CURL_ERROR_SIZE];
};

/* Makes cli->http unless it is there. */
int cli_http_open(struct cli *cli);

/* Tells that nobody answers, or nobody who can be the daemon; returns CLI_UNREACHABLE. */
int cli_http_unreachable(struct cli *cli, CURLcode code);

/* The exit status for a status of HTTP. */
int cli_http_exit(long status);
