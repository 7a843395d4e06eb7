/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry of `ballast`; everything is in cli.c, where tests reach it.
 */

#include <stdio.h>

#include "tools/ballast/cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv, stdout, stderr);
}
