/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the kernel's app_main() to the program's main() and from there to the end of the machine.
 *
 *     kernel words env.NAME=value ... -- argument argument ...
 *
 * Arguments are the words behind `--`, argv[0] is the program's name; words env.NAME=value in front
 * of it are the environment. This file is compiled without the stack protector, for there is no
 * canary before thread_start().
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/boot_info.h"
#include "base/log.h"
#include "kernel/app.h"
#include "kernel/cmdline.h"
#include "kernel/fault.h"
#include "kernel/params.h"
#include "libc/thread.h"

#define WORDS_MAX 128U

const char app_params[] __attribute__((weak)) = "loglevel=warning results=off";
const uint32_t app_stack_bytes __attribute__((weak)) = 128 * 1024;

/* What the image was linked as (the Makefile, aerostat-cc). */
extern const char program_name[] __attribute__((weak));

int main(int argc, char **argv, char **envp);
void __libc_init_array(void);
void _init(void);
void _fini(void);

static char text[BOOT_CMDLINE_MAX + 1];
static size_t text_used;
static char *argv[WORDS_MAX + 2];
static char *variables[WORDS_MAX + 1];
static int argc;

/* Constructors of the old kind: there are none, the arrays have them all. */
void _init(void)
{
}

void _fini(void)
{
}

static bool take(const char **line, char **word)
{
    bool found;
    bool open;
    size_t room = sizeof(text) - text_used;

    *word = text + text_used;
    text_used += cmdline_take_word(line, *word, room, &found, &open) + 1;
    if (found && open) {
        log_warn("a quote is not closed in '%s'", *word);
    }
    return found;
}

static void read_environment(const char *line, const char *end)
{
    size_t count = 0;
    size_t mark = text_used;
    char *word;

    while (line < end && count < WORDS_MAX && take(&line, &word)) {
        if (strncmp(word, APP_ENV, strlen(APP_ENV)) == 0 && strchr(word, '=') != NULL) {
            variables[count++] = word + strlen(APP_ENV);
            mark = text_used;
        }
        text_used = mark;
    }
    environ = variables;
}

static void read_arguments(const char *line)
{
    static char anonymous[] = "program";
    char *word;

    argv[argc++] = program_name != NULL ? (char *)(uintptr_t)program_name : anonymous;
    while ((unsigned)argc <= WORDS_MAX && take(&line, &word)) {
        argv[argc++] = word;
    }
    if (*line != '\0') {
        log_warn("more than %u arguments, the others are dropped", WORDS_MAX);
    }
}

int app_main(void)
{
    thread_start(THREAD_ON_STACK());
    read_environment(params_line(), params_app_line());
    read_arguments(params_app_line());
    __libc_init_array();
    exit(main(argc, argv, environ));
}

/* The status has eight bits, as everywhere. */
void _exit(int status)
{
    machine_exit((uint8_t)status, "the program ended");
}
