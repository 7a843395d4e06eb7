/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The program `ballast`: commands for people and scripts, which ask ballastd over its HTTP API.
 * Commands write to streams that they are given, so that tests run them in their own process.
 * docs/man/ballast.1 is the reference; a test compares it with the tables here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The program's exit statuses. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* it did not work; `doctor`: something is bad; `replay`: it differs */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_UNREACHABLE = 3, /* no daemon answers */
    CLI_NOT_FOUND = 4,   /* no machine or reservation of that name */
    CLI_REFUSED = 5,     /* the host or the machine cannot honour it */
    CLI_NOT_ALLOWED = 6, /* no token, or one that may not do this */
    CLI_CONFLICT = 7,    /* somebody else changed it meanwhile */
};

#define CLI_OPTIONS_MAX 12U
#define CLI_WORDS_MAX   4U

#define CLI_URL_DEFAULT "unix:/run/ballast/api.sock"

struct cli_option {
    const char *name;     /* without "--"; NULL ends a list */
    char letter;          /* 0: none */
    const char *argument; /* what it takes, in capitals; NULL: nothing */
    const char *text;
};

/* A command line, sorted out. Everything in it belongs to argv. */
struct cli_args {
    size_t count;
    const char *words[CLI_WORDS_MAX];
    const struct cli_option *options;
    const char *values[CLI_OPTIONS_MAX]; /* by the option's place; NULL: not given */
    int argc; /* commands with `raw`: all words from the command's name on */
    char **argv;
};

struct cli {
    FILE *out;
    FILE *err;
    bool json;
    bool colour;                       /* escape sequences for colours may be written to `out` */
    bool utf8;                         /* letters beyond ASCII may be */
    bool tty;                          /* `out` is a terminal */
    const char *url;                   /* "unix:PATH" or "http://..." */
    const char *token_file;            /* NULL: none */
    const struct cli_command *command; /* the one that runs */
    struct cli_http *http;             /* made when it is needed; see cli_http.h */
};

struct cli_command {
    const char *name;
    const char *arguments; /* "VM", "SIZE", "[VM]", "" */
    size_t least, most;    /* words behind the name */
    bool raw;              /* it reads its words itself */
    const char *summary;   /* half a sentence, for the list */
    const char *text;      /* a paragraph */
    const struct cli_option *options;
    const char *examples; /* lines, each a command line without "ballast " in front */
    int (*run)(struct cli *cli, const struct cli_args *args);
};

/* All commands in the order of the help; the last has no name. */
extern const struct cli_command cli_commands[];
extern const struct cli_option cli_global_options[];

/* The program. Returns its exit status. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* The command of that name, or NULL. */
const struct cli_command *cli_command_find(const char *name);

/* What an option was given: "" when it takes nothing, NULL when it was not there. The name must be
 * one of the command's. */
const char *cli_value(const struct cli_args *args, const char *name);

/* Help for everything, or for one command. */
void cli_help(FILE *out, const struct cli_command *command);

/* Writes "ballast: ..." and a line end to cli->err. */
void cli_complain(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with a hint at the help; returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks long running commands to end: set by SIGINT and SIGTERM while cli_catch_signals() is on. */
extern volatile int cli_stopped;
void cli_catch_signals(void);
