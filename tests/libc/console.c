/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard input. The host types: "hello, world", "12 0x2a", two lines that are longer than a small
 * buffer, and ctrl-D. An ordinary program: it tells what fails and returns 1.
 */

#include <stdio.h>
#include <string.h>

#include "tests/libc/check.h"

int main(void)
{
    char line[80];
    int decimal = 0;
    int hexadecimal = 0;

    printf("a line: ");
    fflush(stdout);
    CHECK(fgets(line, sizeof(line), stdin) != NULL);
    CHECK(strcmp(line, "hello, world\n") == 0);
    CHECK(scanf("%d %i\n", &decimal, &hexadecimal) == 2);
    CHECK(decimal == 12 && hexadecimal == 42);
    for (int i = 0; i < 2; i++) {
        CHECK(fgets(line, 10, stdin) != NULL);
        CHECK(strcmp(line, "0123456789abcdef\n") != 0 && strlen(line) == 9);
        CHECK(fgets(line, 10, stdin) != NULL);
        CHECK(strcmp(line, "9abcdef\n") == 0);
    }
    CHECK(getchar() == EOF);
    CHECK(feof(stdin) && !ferror(stdin));
    return checks_result();
}
