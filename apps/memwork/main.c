/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memwork: does to memory what a script says (docs/MEMWORK.md). The script comes in one of three
 * ways:
 *
 *     -- alloc a 64M; fill a       the words themselves, or one word script="alloc a 64M; fill a"
 *     -- file=/path                a file of the initrd
 *     -- console                   line by line, each run at once
 *
 * Exit status: 0 all went well, 1 something failed, 2 there was no script or it was wrong.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "apps/memwork/engine.h"
#include "apps/memwork/guest.h"
#include "apps/memwork/script.h"
#include "kernel/format.h"

/* Bytes of a script, or of an open block on the console. */
#define TEXT_MAX 32768U

/* The kernel's parameters: its lines for programs are wanted beside ours. */
extern const char app_params[];
const char app_params[] = "loglevel=warning";

static struct engine engine;
static struct program program;
static char text[TEXT_MAX];
static size_t text_used;
static unsigned text_line = 1; /* of its first byte */

static bool append(const char *from, size_t length)
{
    if (length > sizeof(text) - text_used) {
        return false;
    }
    memcpy(text + text_used, from, length);
    text_used += length;
    return true;
}

/* There is no script to be wrong in a place; it is told at its begin. */
__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    struct script_error error = { .line = text_line, .column = 1 };
    va_list args;

    va_start(args, format);
    (void)format_text(error.text, sizeof(error.text), format, args);
    va_end(args);
    engine_script_error(&engine, &error);
}

/* ---- a script that is there as a whole ---- */

static void run_text(void)
{
    struct script_error error;

    guest_take_power_button();
    if (script_parse(text, text_used, 1, &program, &error)) {
        (void)engine_run(&engine, &program);
    } else {
        engine_script_error(&engine, &error);
    }
}

static void run_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && text_used < sizeof(text)) {
        got = read(fd, text + text_used, sizeof(text) - text_used);
        text_used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        complain("'%.64s' cannot be read: %s", path, strerror(errno));
    } else if (text_used == sizeof(text)) {
        complain("'%.64s' is too long: a script has less than %u bytes", path, TEXT_MAX);
    } else {
        run_text();
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* The words are the script, with a blank between them. */
static void run_words(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!append(argv[i], strlen(argv[i])) || (i + 1 < argc && !append(" ", 1))) {
            complain("the script is too long: it has at most %u bytes", TEXT_MAX);
            return;
        }
    }
    run_text();
}

/* ---- a script that comes line by line ---- */

/* Runs what is there unless a block is still open. */
static void run_lines(unsigned line, bool at_end)
{
    struct script_error error;

    if (script_parse(text, text_used, text_line, &program, &error)) {
        (void)engine_run(&engine, &program);
    } else if (error.incomplete && !at_end) {
        return;
    } else {
        engine_script_error(&engine, &error);
    }
    text_used = 0;
    text_line = line + 1;
}

static void run_console(void)
{
    unsigned line = 1;
    char c;

    engine_ready(&engine);
    while (!engine.quit && read(STDIN_FILENO, &c, 1) == 1) {
        if (!append(&c, 1)) {
            complain("the lines are too long: a block has at most %u bytes", TEXT_MAX);
            text_used = 0;
        }
        if (c == '\n') {
            run_lines(line, false);
            line++;
        }
    }
    if (!engine.quit && text_used > 0) {
        run_lines(line, true);
    }
}

int main(int argc, char **argv)
{
    static const char script[] = "script=";
    static const char file[] = "file=";

    engine_init(&engine, guest_host(&engine));
    if (argc < 2) {
        complain("there is no script: write it behind '--', or file=/path, or console");
    } else if (argc == 2 && strcmp(argv[1], "console") == 0) {
        run_console();
    } else if (argc == 2 && strncmp(argv[1], file, strlen(file)) == 0) {
        run_file(argv[1] + strlen(file));
    } else if (argc == 2 && strncmp(argv[1], script, strlen(script)) == 0) {
        argv[1] += strlen(script);
        run_words(argc, argv);
    } else {
        run_words(argc, argv);
    }
    return engine_end(&engine);
}
