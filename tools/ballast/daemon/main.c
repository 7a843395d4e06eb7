/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `ballastd`: reads the command line; daemon.c does the work.
 */

#include <stdio.h>
#include <unistd.h>

#include "tools/ballast/daemon/daemon.h"

int main(int argc, char **argv)
{
    struct options options;
    struct log log;
    char reason[256] = "";

    if (!options_parse(argc, argv, &options, reason, sizeof reason)) {
        (void)fprintf(stderr, "ballastd: %s; `ballastd --help` shows what there is\n", reason);
        return OPTIONS_EXIT_USAGE;
    }
    switch (options.action) {
    case OPTIONS_HELP:
        (void)fputs(options_help(), stdout);
        return OPTIONS_EXIT_OK;
    case OPTIONS_SHOW_VERSION:
        (void)puts("ballastd " OPTIONS_VERSION);
        return OPTIONS_EXIT_OK;
    case OPTIONS_CHECK:
        return (int)daemon_check(&options, stdout, stderr);
    case OPTIONS_RUN:
    case OPTIONS_ONCE:
        break;
    }
    log_init(&log, STDERR_FILENO);
    if (options.log_level_given) {
        log_configure(&log, CONFIG_LOG_TEXT, options.log_level);
    }
    return (int)daemon_run(&options, &log);
}
