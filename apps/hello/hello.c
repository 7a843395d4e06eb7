/* SPDX-License-Identifier: BSD-2-Clause */
/* The least a program can do. Ends with status 2 when it cannot write. */

#include <stdio.h>

int main(int argc, char **argv)
{
    int written = printf("Hello, %s\n", argc > 1 ? argv[1] : "nobody");

    return written < 0 ? 2 : 0;
}
