/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Runs the program `ballast` inside a test, and keeps what it wrote.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/ballast/fakes/fake_daemon.h"
#include "tools/ballast/cli/cli.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct ran {
    int status;
    char *out;
    char *err;
};

/* The line is split at blanks. */
static inline struct ran run_line(const char *url, const char *line)
{
    struct ran ran = { .status = -1 };
    char *words[24] = { NULL };
    char *copy = strdup(line);
    char *rest = NULL;
    int count = 0;
    size_t out_size = 0;
    size_t err_size = 0;
    FILE *out = open_memstream(&ran.out, &out_size);
    FILE *err = open_memstream(&ran.err, &err_size);
    char name[] = "ballast";
    words[count++] = name;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    (void)setenv("TZ", "UTC", 1);
    (void)setenv("BALLAST_URL", url, 1);
    (void)unsetenv("BALLAST_TOKEN_FILE");
    ran.status = cli_main(count, words, out, err);
    (void)fclose(out);
    (void)fclose(err);
    free(copy);
    return ran;
}

static inline void ran_free(struct ran *ran)
{
    free(ran->out);
    free(ran->err);
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("\"%s\" is in:\n%s", part, text);
    }
}
