/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the command line. Only reads: what an option means is main.c's and daemon.c's.
 */

#include "tools/ballast/daemon/options.h"
#include "tools/ballast/daemon/log.h"

#include <getopt.h>
#include <stdio.h>

static const char help_text[] =
    "usage: ballastd [OPTION...]\n"
    "       ballastd --check [FILE]\n"
    "\n"
    "Distributes this host's memory over its virtual machines by their present demand.\n"
    "\n"
    "  -c, --config FILE      read this configuration (default " OPTIONS_CONFIG_DEFAULT ";\n"
    "                         where that is absent every setting has its default)\n"
    "      --check            read the configuration, or FILE if it is named behind, say "
    "everything\n"
    "                         that is wrong with it or what it means, and end\n"
    "      --once             look, decide, act once, and end\n"
    "      --log-level LEVEL  error, warning, info or debug, whatever the configuration says\n"
    "  -h, --help             show this text\n"
    "      --version          show the version\n"
    "\n"
    "SIGHUP reads the configuration again; when it is wrong the last good one stays. SIGTERM and\n"
    "SIGINT end the daemon; what happens to machines then is `on-exit` in the configuration.\n"
    "\n"
    "Exit status: 0 ended as told, or --check found nothing wrong; 1 the configuration is wrong;\n"
    "2 the command line is wrong; 3 another ballastd has the state folder; 4 the state folder or\n"
    "the database in it cannot be used; 5 something else is missing that a daemon needs, for\n"
    "example an address to listen at.\n";

enum option_id {
    OPTION_CHECK = 256,
    OPTION_ONCE,
    OPTION_LOG_LEVEL,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "check", no_argument, NULL, OPTION_CHECK },
    { "once", no_argument, NULL, OPTION_ONCE },
    { "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

const char *options_help(void)
{
    return help_text;
}

/* Two that cannot both be meant; --help and --version win over everything. */
static bool set_action(struct options *options, enum options_action action, char *reason,
                       size_t reason_size)
{
    if (options->action != OPTIONS_RUN && options->action != action) {
        (void)snprintf(reason, reason_size, "only one of --check and --once makes sense");
        return false;
    }
    options->action = action;
    return true;
}

static bool take(struct options *options, int id, const char *word, char *reason,
                 size_t reason_size)
{
    switch (id) {
    case 'c':
        if (optarg[0] == '\0') {
            (void)snprintf(reason, reason_size, "--config wants a file");
            return false;
        }
        options->config = optarg;
        options->config_given = true;
        return true;
    case OPTION_CHECK:
        return set_action(options, OPTIONS_CHECK, reason, reason_size);
    case OPTION_ONCE:
        return set_action(options, OPTIONS_ONCE, reason, reason_size);
    case OPTION_LOG_LEVEL:
        options->log_level_given = log_level_parse(optarg, &options->log_level);
        if (!options->log_level_given) {
            (void)snprintf(reason, reason_size, "\"%s\" is no level: error, warning, info or debug",
                           optarg);
        }
        return options->log_level_given;
    case ':':
        (void)snprintf(reason, reason_size, "%s wants a value", word);
        return false;
    default:
        (void)snprintf(reason, reason_size, "%s is no option, or has a value that it does not take",
                       word);
        return false;
    }
}

bool options_parse(int argc, char **argv, struct options *options, char *reason, size_t reason_size)
{
    int id = 0;

    *options = (struct options){ .action = OPTIONS_RUN,
                                 .config = OPTIONS_CONFIG_DEFAULT,
                                 .log_level = CONFIG_LOG_INFO };
    optind = 0; /* begin anew, whoever parsed before */
    opterr = 0;
    while ((id = getopt_long(argc, argv, ":c:h", long_options, NULL)) != -1) {
        if (id == 'h' || id == OPTION_VERSION) {
            options->action = id == 'h' ? OPTIONS_HELP : OPTIONS_SHOW_VERSION;
            return true;
        }
        if (!take(options, id, argv[optind - 1], reason, reason_size)) {
            return false;
        }
    }
    /* `--check FILE` is `--check -c FILE`, as people write it. */
    if (optind < argc && options->action == OPTIONS_CHECK && !options->config_given &&
        argv[optind][0] != '\0' && argv[optind][0] != '-') {
        options->config = argv[optind++];
        options->config_given = true;
    }
    if (optind < argc) {
        (void)snprintf(reason, reason_size, "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    return true;
}
