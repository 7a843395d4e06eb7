/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one process: what of others and of temporary files is refused, and how it ends. With an
 * argument it ends in another way:
 *
 *     at once   by _exit(3), and nothing that atexit() registered runs
 *     large     with a status of more than eight bits
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/libc/check.h"

static void say_goodbye(void)
{
    printf("goodbye\n");
}

static void check_refused(void)
{
    char name[] = "/fileXXXXXX";

    CHECK(system(NULL) == 0); /* NOLINT(cert-env33-c) */
    errno = 0;
    CHECK(system("ls") == -1 && errno == ENOSYS); /* NOLINT(cert-env33-c) */
    errno = 0;
    CHECK(tmpfile() == NULL && errno == EROFS);
    errno = 0;
    CHECK(mkstemp(name) == -1 && errno == EROFS);
}

static bool is(const char *value)
{
    const char *found = getenv("NAME");

    return found != NULL && strcmp(found, value) == 0;
}

static void check_environment(void)
{
    CHECK(getenv("NAME") == NULL);
    CHECK(setenv("NAME", "value", 0) == 0 && is("value"));
    CHECK(setenv("NAME", "other", 0) == 0 && is("value"));
    CHECK(setenv("NAME", "other", 1) == 0 && is("other"));
    CHECK(unsetenv("NAME") == 0 && getenv("NAME") == NULL);
}

int main(int argc, char **argv)
{
    CHECK(atexit(say_goodbye) == 0);
    if (argc > 1 && strcmp(argv[1], "at once") == 0) {
        _exit(3);
    }
    if (argc > 1) {
        exit(255);
    }
    check_refused();
    check_environment();
    return checks_result();
}
