/* SPDX-License-Identifier: BSD-2-Clause */
/* The least a program can do without stdio, for the size of it (tests/bench/part_program.c). */

#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "nobody";
    int good = write(STDOUT_FILENO, "Hello, ", 7) == 7 &&
               write(STDOUT_FILENO, name, strlen(name)) == (ssize_t)strlen(name) &&
               write(STDOUT_FILENO, "\n", 1) == 1;

    return good ? 0 : 2;
}
