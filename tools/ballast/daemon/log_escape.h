/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Text that came from outside, made harmless for a line of the log. Both functions write at most
 * `size` bytes with the final 0, cut off at a character, and return the length.
 */

#include <stdbool.h>
#include <stddef.h>

/* For people: control characters, those that turn the direction of writing, and bytes that are no
 * UTF-8 become \xNN. `word`: blanks, quotes, '=' and backslashes too, so that it is one field. */
size_t log_escape_text(const char *text, bool word, char *out, size_t size);

/* The inside of a JSON string; bytes that are no UTF-8 become U+FFFD. */
size_t log_escape_json(const char *text, char *out, size_t size);
