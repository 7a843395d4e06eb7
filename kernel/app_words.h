/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The application's part of the command line: `name=value` words behind `--`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the value of `name` to `out`, cut to `size` with its zero; false when it is not there. */
bool app_word_text(const char *name, char *out, size_t size);

/* The value as a decimal number; `otherwise` when it is not there or not a number. */
uint64_t app_word_number(const char *name, uint64_t otherwise);
