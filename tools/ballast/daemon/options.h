/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The daemon's command line and its exit status.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tools/ballast/config/config.h"

/* ballast.mk sets it; a check that compiles a file alone does not. */
#ifndef BALLAST_VERSION
#define BALLAST_VERSION "unknown"
#endif

#define OPTIONS_VERSION        BALLAST_VERSION
#define OPTIONS_CONFIG_DEFAULT "/etc/ballast/ballast.conf"

enum options_exit {
    OPTIONS_EXIT_OK = 0,      /* ended as it was told to; --check found nothing */
    OPTIONS_EXIT_CONFIG = 1,  /* the configuration is wrong */
    OPTIONS_EXIT_USAGE = 2,   /* the command line is wrong */
    OPTIONS_EXIT_RUNNING = 3, /* another daemon has the state folder */
    OPTIONS_EXIT_STATE = 4,   /* the state folder or its database cannot be used */
    OPTIONS_EXIT_START = 5,   /* anything else that a daemon needs: an address, the host's memory */
};

enum options_action {
    OPTIONS_RUN,
    OPTIONS_ONCE,
    OPTIONS_CHECK,
    OPTIONS_HELP,
    OPTIONS_SHOW_VERSION,
};

struct options {
    enum options_action action;
    const char *config; /* points into the command line; never NULL */
    bool config_given;  /* false: the default file, which may be absent */
    bool log_level_given;
    enum config_log_level log_level;
};

/* False: `reason` is a sentence without a full stop that says what is wrong. */
bool options_parse(int argc, char **argv, struct options *options, char *reason,
                   size_t reason_size);

/* The text of --help. */
const char *options_help(void);
