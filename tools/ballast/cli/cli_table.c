/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables and descriptions. Cells are kept as text until all widths are known; nothing is ever cut
 * off, since a name or a reason that is not whole helps nobody.
 */

#include "tools/ballast/cli/cli_table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_text.h"

struct cell {
    char *text;
    enum cli_colour colour;
};

struct cli_table {
    size_t columns;
    char *titles[CLI_COLUMNS_MAX];
    bool right[CLI_COLUMNS_MAX];
    size_t width[CLI_COLUMNS_MAX];
    struct cell *cells;
    size_t count;
    size_t room;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

struct cli_table *cli_table_new(const char *titles)
{
    struct cli_table *table = must(calloc(1, sizeof(*table)));
    for (const char *at = titles; at != NULL;) {
        const char *end = strchr(at, '|');
        size_t column = table->columns++;
        assert(column < CLI_COLUMNS_MAX);
        table->right[column] = *at == '>';
        at += table->right[column] ? 1 : 0;
        table->titles[column] = must(end == NULL ? strdup(at) : strndup(at, (size_t)(end - at)));
        table->width[column] = cli_columns(table->titles[column]);
        at = end == NULL ? NULL : end + 1;
    }
    return table;
}

void cli_table_free(struct cli_table *table)
{
    for (size_t i = 0; i < table->columns; i++) {
        free(table->titles[i]);
    }
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i].text);
    }
    free(table->cells);
    free(table);
}

void cli_table_add(struct cli_table *table, enum cli_colour colour, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    size_t column = table->count % table->columns;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) {
        abort();
    }
    va_end(list);
    if (table->count == table->room) {
        table->room = table->room == 0 ? 64 : 2 * table->room;
        table->cells = must(reallocarray(table->cells, table->room, sizeof(*table->cells)));
    }
    table->cells[table->count++] = (struct cell){ .text = text, .colour = colour };
    size_t width = cli_columns(text);
    table->width[column] = width > table->width[column] ? width : table->width[column];
}

void cli_table_bytes(struct cli_table *table, unsigned long long bytes)
{
    char text[CLI_TEXT];
    cli_table_add(table, CLI_PLAIN, "%s", cli_size(bytes, text));
}

size_t cli_table_rows(const struct cli_table *table)
{
    return table->count / table->columns;
}

const char *cli_colour_code(enum cli_colour colour)
{
    switch (colour) {
    case CLI_BOLD:
        return "\033[1m";
    case CLI_DIM:
        return "\033[2m";
    case CLI_GREEN:
        return "\033[32m";
    case CLI_YELLOW:
        return "\033[33m";
    case CLI_RED:
        return "\033[1;31m";
    case CLI_BLUE:
        return "\033[36m";
    case CLI_PLAIN:
        break;
    }
    return "\033[0m";
}

static void print_cell(const struct cli_table *table, FILE *out, size_t column, const char *text,
                       enum cli_colour colour)
{
    bool last = column + 1 == table->columns;
    size_t used = cli_columns(text);
    int pad = (int)(table->width[column] > used ? table->width[column] - used : 0);
    if (table->right[column]) {
        (void)fprintf(out, "%*s", pad, "");
    }
    if (colour != CLI_PLAIN) {
        (void)fputs(cli_colour_code(colour), out);
    }
    cli_put(out, text);
    if (colour != CLI_PLAIN) {
        (void)fputs(cli_colour_code(CLI_PLAIN), out);
    }
    if (!last) {
        (void)fprintf(out, "%*s  ", table->right[column] ? 0 : pad, "");
    } else {
        (void)fputc('\n', out);
    }
}

void cli_table_print(const struct cli_table *table, FILE *out, bool colour)
{
    assert(table->count % table->columns == 0);
    for (size_t i = 0; i < table->columns; i++) {
        print_cell(table, out, i, table->titles[i], colour ? CLI_BOLD : CLI_PLAIN);
    }
    for (size_t i = 0; i < table->count; i++) {
        print_cell(table, out, i % table->columns, table->cells[i].text,
                   colour ? table->cells[i].colour : CLI_PLAIN);
    }
}

void cli_line(FILE *out, const char *name, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) {
        abort();
    }
    va_end(list);
    (void)fprintf(out, "%-16s ", name);
    cli_put(out, text);
    (void)fputc('\n', out);
    free(text);
}

enum cli_colour cli_zone_colour(const char *zone)
{
    if (strcmp(zone, "green") == 0) {
        return CLI_GREEN;
    }
    if (zone[0] == '\0' || zone[0] == '-') {
        return CLI_PLAIN; /* not known */
    }
    return strcmp(zone, "soft") == 0 ? CLI_YELLOW : CLI_RED;
}

enum cli_colour cli_verdict_colour(const char *verdict)
{
    if (strcmp(verdict, "good") == 0) {
        return CLI_GREEN;
    }
    if (strcmp(verdict, "bad") == 0) {
        return CLI_RED;
    }
    return strcmp(verdict, "note") == 0 ? CLI_YELLOW : CLI_DIM;
}
