/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Help, from the same tables that the command line is read by.
 */

#include <string.h>

#include "tools/ballast/cli/cli_commands.h"

/* ballast.mk sets it; a check that compiles this file alone does not. */
#ifndef BALLAST_VERSION
#define BALLAST_VERSION "unknown"
#endif

static void print_options(FILE *out, const struct cli_option *options)
{
    for (; options->name != NULL; options++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s%c%s--%s%s%s", options->letter != '\0' ? "-" : "  ",
                       options->letter != '\0' ? options->letter : ' ',
                       options->letter != '\0' ? ", " : " ", options->name,
                       options->argument == NULL ? "" : " ",
                       options->argument == NULL ? "" : options->argument);
        (void)fprintf(out, "  %-26s %s\n", name, options->text);
    }
}

static void help_all(FILE *out)
{
    (void)fputs("usage: ballast [OPTION...] COMMAND [ARGUMENT...]\n\n"
                "Shows and steers ballastd, which distributes this host's memory over its "
                "machines.\n\nCommands:\n",
                out);
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s %s", command->name, command->arguments);
        (void)fprintf(out, "  %-24s %s\n", name, command->summary);
    }
    (void)fputs("\nOptions of all commands:\n", out);
    print_options(out, cli_global_options);
    (void)fputs("\nExit status: 0 it worked, 1 it did not, 2 wrong usage, 3 no daemon answers,\n"
                "4 no such machine, 5 refused by the host, 6 not allowed, 7 changed meanwhile.\n"
                "`ballast help COMMAND` says more; ballast(1) is the reference.\n",
                out);
}

void cli_help(FILE *out, const struct cli_command *command)
{
    if (command == NULL) {
        help_all(out);
        return;
    }
    (void)fprintf(out, "usage: ballast %s%s%s%s\n\n%s\n", command->name,
                  command->arguments[0] == '\0' ? "" : " ", command->arguments,
                  command->options[0].name == NULL ? "" : " [OPTION...]", command->text);
    if (command->options[0].name != NULL) {
        (void)fputs("\nOptions:\n", out);
        print_options(out, command->options);
    }
    (void)fputs("\nOptions of all commands:\n", out);
    print_options(out, cli_global_options);
    (void)fputs("\nExamples:\n", out);
    for (const char *at = command->examples; *at != '\0';) {
        int size = (int)strcspn(at, "\n");
        (void)fprintf(out, "  ballast %.*s\n", size, at);
        at += size + (at[size] == '\n' ? 1 : 0);
    }
}

int cmd_help(struct cli *cli, const struct cli_args *args)
{
    const struct cli_command *command = NULL;
    if (args->count > 0) {
        command = cli_command_find(args->words[0]);
        if (command == NULL) {
            return cli_usage(cli, "there is no command %s", args->words[0]);
        }
    }
    cli_help(cli->out, command);
    return CLI_OK;
}

int cmd_version(struct cli *cli, const struct cli_args *args)
{
    (void)args;
    if (cli->json) {
        (void)fputs("{\"version\": \"" BALLAST_VERSION "\"}\n", cli->out);
    } else {
        (void)fputs("ballast " BALLAST_VERSION "\n", cli->out);
    }
    return CLI_OK;
}
