/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the two files that speak HTTP share.
 */

#include <curl/curl.h>

#include "tools/ballast/cli/cli.h"

struct cli_http {
    CURL *curl;
    struct curl_slist *headers; /* of every request */
    char *base;                 /* what stands before a path */
    char error[CURL_ERROR_SIZE];
};

/* Makes cli->http unless it is there. */
int cli_http_open(struct cli *cli);

/* Tells that nobody answers; returns CLI_UNREACHABLE. */
int cli_http_unreachable(struct cli *cli, CURLcode code);

/* The exit status for a status of HTTP. */
int cli_http_exit(long status);
