/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: which command, which options, and what the environment says where they are not
 * given. Options may stand anywhere, before and behind the command's name; "--" ends them.
 */

#include "tools/ballast/cli/cli.h"

#include <assert.h>
#include <curl/curl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_text.h"

volatile int cli_stopped;

static void stop(int signal)
{
    cli_stopped = signal;
}

void cli_catch_signals(void)
{
    struct sigaction action = { .sa_handler = stop };
    cli_stopped = 0;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

void cli_complain(const struct cli *cli, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) {
        abort();
    }
    va_end(list);
    (void)fputs("ballast: ", cli->err);
    cli_put(cli->err, text);
    (void)fputc('\n', cli->err);
    free(text);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) {
        abort();
    }
    va_end(list);
    cli_complain(cli, "%s", text);
    free(text);
    if (cli->command == NULL) {
        (void)fputs("Try `ballast help`.\n", cli->err);
    } else {
        (void)fprintf(cli->err, "Try `ballast help %s`.\n", cli->command->name);
    }
    return CLI_USAGE;
}

const struct cli_command *cli_command_find(const char *name)
{
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
    size_t i = 0;
    while (args->options[i].name != NULL && strcmp(args->options[i].name, name) != 0) {
        i++;
    }
    assert(args->options[i].name != NULL);
    return args->values[i];
}

/* ---- reading the command line ---- */

struct reader {
    struct cli *cli;
    struct cli_args *args;
    int argc;
    char **argv;
    int at;
    bool help;
    bool version;
    bool no_colour;
};

/* Finds `name` (or, when it is one letter, that) in a list. */
static const struct cli_option *find_option(const struct cli_option *options, const char *name,
                                            size_t size, char letter)
{
    for (; options->name != NULL; options++) {
        if (letter != '\0'
                ? options->letter == letter
                : strlen(options->name) == size && strncmp(options->name, name, size) == 0) {
            return options;
        }
    }
    return NULL;
}

static void take_global(struct reader *reader, const char *name, const char *value)
{
    struct cli *cli = reader->cli;
    if (strcmp(name, "json") == 0) {
        cli->json = true;
    } else if (strcmp(name, "no-color") == 0) {
        reader->no_colour = true;
    } else if (strcmp(name, "help") == 0) {
        reader->help = true;
    } else if (strcmp(name, "version") == 0) {
        reader->version = true;
    } else if (strcmp(name, "token-file") == 0) {
        cli->token_file = value;
    } else {
        assert(strcmp(name, "url") == 0 || strcmp(name, "socket") == 0);
        cli->url = value;
    }
}

/* One word that begins with '-'. The value of an option is behind '=', or the next word. */
static int read_option(struct reader *reader, const char *word)
{
    const struct cli *cli = reader->cli;
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t size = is_long ? strcspn(name, "=") : 1;
    char letter = '\0';
    if (!is_long) {
        letter = *name;
    }
    const struct cli_option *options = cli->command == NULL ? NULL : cli->command->options;
    const struct cli_option *own =
        options == NULL ? NULL : find_option(options, name, size, letter);
    const struct cli_option *option =
        own != NULL ? own : find_option(cli_global_options, name, size, letter);
    const char *value = "";
    if (option == NULL) {
        return cli_usage(cli, "unknown option: %.*s", (int)(strlen(word) - strlen(name) + size),
                         word);
    }
    bool attached = name[size] != '\0';
    if (option->argument == NULL && attached) {
        return cli_usage(cli, "--%s takes no value", option->name);
    }
    if (option->argument != NULL && attached) {
        value = name + size + (is_long ? 1 : 0);
    } else if (option->argument != NULL) {
        if (reader->at + 1 >= reader->argc) {
            return cli_usage(cli, "--%s needs a value: %s", option->name, option->argument);
        }
        value = reader->argv[++reader->at];
    }
    if (own != NULL) {
        reader->args->values[own - options] = value;
    } else {
        take_global(reader, option->name, value);
    }
    return CLI_OK;
}

static int unknown_command(struct cli *cli, const char *word)
{
    const char *best = NULL;
    unsigned least = 0;
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        unsigned distance = 0;
        if (cli_alike(word, command->name, &distance) && (best == NULL || distance < least)) {
            best = command->name;
            least = distance;
        }
    }
    if (best == NULL) {
        return cli_usage(cli, "there is no command %s", word);
    }
    return cli_usage(cli, "there is no command %s; did you mean %s?", word, best);
}

static int read_word(struct reader *reader, char *word)
{
    struct cli_args *args = reader->args;
    struct cli *cli = reader->cli;
    if (cli->command == NULL) {
        cli->command = cli_command_find(word);
        if (cli->command == NULL) {
            return unknown_command(cli, word);
        }
        args->options = cli->command->options;
        args->argc = reader->argc - reader->at;
        args->argv = reader->argv + reader->at;
        return CLI_OK;
    }
    if (args->count >= cli->command->most) {
        return cli_usage(cli, "%s: one word too many: %s", cli->command->name, word);
    }
    args->words[args->count++] = word;
    return CLI_OK;
}

static int read_all(struct reader *reader)
{
    bool options = true;
    for (reader->at = 1; reader->at < reader->argc; reader->at++) {
        char *word = reader->argv[reader->at];
        const struct cli_command *command = reader->cli->command;
        int status;
        if (command != NULL && command->raw) {
            return CLI_OK;
        }
        if (options && strcmp(word, "--") == 0) {
            options = false;
            continue;
        }
        if (options && word[0] == '-' && word[1] != '\0') {
            status = read_option(reader, word);
        } else {
            status = read_word(reader, word);
        }
        if (status != CLI_OK) {
            return status;
        }
    }
    return CLI_OK;
}

/* ---- running ---- */

static void read_environment(struct cli *cli)
{
    const char *url = getenv("BALLAST_URL");
    const char *token_file = getenv("BALLAST_TOKEN_FILE");
    int fd = fileno(cli->out);
    cli->url = url != NULL && url[0] != '\0' ? url : CLI_URL_DEFAULT;
    cli->token_file = token_file != NULL && token_file[0] != '\0' ? token_file : NULL;
    cli->tty = fd >= 0 && isatty(fd) == 1;
    cli->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* A path alone is a socket, as --socket takes it. */
static char *complete_url(const char *url)
{
    char *complete = NULL;
    bool whole = strncmp(url, "unix:", 5) == 0 || strstr(url, "://") != NULL;
    if (asprintf(&complete, "%s%s", whole ? "" : "unix:", url) < 0) {
        abort();
    }
    return complete;
}

static int run(struct reader *reader)
{
    struct cli *cli = reader->cli;
    const struct cli_command *command = cli->command;
    const char *no_colour = getenv("NO_COLOR");
    if (reader->help) {
        cli_help(cli->out, command);
        return CLI_OK;
    }
    if (reader->version) {
        return cmd_version(cli, reader->args);
    }
    if (command == NULL) {
        cli_help(cli->err, NULL);
        return CLI_USAGE;
    }
    if (!command->raw && reader->args->count < command->least) {
        return cli_usage(cli, "%s needs %s", command->name, command->arguments);
    }
    cli->colour = cli->tty && !reader->no_colour && (no_colour == NULL || no_colour[0] == '\0');
    char *url = complete_url(cli->url);
    cli->url = url;
    int status = command->run(cli, reader->args);
    cli_http_free(cli->http);
    free(url);
    return status;
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
    static const struct cli_option none[] = { { .name = NULL } };
    struct cli cli = { .out = out, .err = err };
    struct cli_args args = { .options = none };
    struct reader reader = { .cli = &cli, .args = &args, .argc = argc, .argv = argv };
    (void)setlocale(LC_CTYPE, "");
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    read_environment(&cli);
    int status = read_all(&reader);
    if (status == CLI_OK) {
        status = run(&reader);
    }
    if (fflush(out) != 0 && status == CLI_OK) {
        cli_complain(&cli, "the output cannot be written: %m");
        status = CLI_FAILED;
    }
    return status;
}
