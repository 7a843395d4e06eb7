/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `make run-ballast` shows is shown: three machines with their memory, and that memory moves.
 * Shorter than for people, long enough for the first machine's demand to come.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char said[1 << 20];

static void the_demonstration_shows_memory_that_moves(void **state)
{
    const char *build = getenv("BUILD");
    char command[256];
    FILE *pipe;
    size_t length;

    (void)state;
    (void)snprintf(command, sizeof(command), "timeout 300 sh tools/ballast/demo.sh %s 12 2>&1",
                   build != NULL ? build : "build");
    /* A shell script is what is tested. NOLINTNEXTLINE(cert-env33-c) */
    pipe = popen(command, "re");
    assert_non_null(pipe);
    length = fread(said, 1, sizeof(said) - 1, pipe);
    said[length] = '\0';
    if (pclose(pipe) != 0) {
        fail_msg("the demonstration failed: %s", said);
    }
    for (const char *const *name = (const char *const[]){ "\nshop ", "\nmail ", "\nnight ", NULL };
         *name != NULL; name++) {
        assert_non_null(strstr(said, *name));
    }
    /* A target was sent, because somebody needed memory. */
    assert_non_null(strstr(said, "What happened, and why"));
    if (strstr(strstr(said, "What happened, and why"), " target ") == NULL) {
        fail_msg("no memory moved: %s", said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demonstration_shows_memory_that_moves),
    };

    return cmocka_run_group_tests_name("tools/ballast/demo.sh", tests, NULL, NULL);
}
