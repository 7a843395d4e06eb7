/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Tables for people: columns are as wide as what stands in them, numbers at the right, no lines
 * drawn, so that a terminal and awk read them alike.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CLI_COLUMNS_MAX 12U

enum cli_colour {
    CLI_PLAIN,
    CLI_BOLD,
    CLI_DIM,
    CLI_GREEN,
    CLI_YELLOW,
    CLI_RED,
    CLI_BLUE,
};

struct cli_table;

/* Titles of columns, divided by '|'; one that begins with '>' stands at the right. */
struct cli_table *cli_table_new(const char *titles);
void cli_table_free(struct cli_table *table);

/* Adds a cell to the present row; the first cell behind a full row begins the next. */
void cli_table_add(struct cli_table *table, enum cli_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cli_table_bytes(struct cli_table *table, unsigned long long bytes);

size_t cli_table_rows(const struct cli_table *table);
void cli_table_print(const struct cli_table *table, FILE *out, bool colour);

/* The escape sequence that begins a colour, and with CLI_PLAIN the one that ends it. */
const char *cli_colour_code(enum cli_colour colour);

/* "name:   text" for descriptions: the name, padded to one width. */
void cli_line(FILE *out, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Colours for words of the API. */
enum cli_colour cli_zone_colour(const char *zone);
enum cli_colour cli_verdict_colour(const char *verdict);
