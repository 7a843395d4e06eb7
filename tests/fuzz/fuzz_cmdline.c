/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a command line. Properties: every value stays inside what the table allows; reports
 * are printable and bounded; the application's part is a tail of the line; parsing the line again
 * gives the same values; a line whose every word was refused leaves the defaults.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "kernel/cmdline.h"

struct values {
    uint64_t flag;
    uint64_t number;
    uint64_t choice;
    char text[6];
};

static struct values values;
static unsigned reports;

static const char *const choices[] = { "a", "bc", NULL };

static const struct param table[] = {
    { .name = "f", .kind = PARAM_FLAG, .default_value = 1, .help = "h", .value = &values.flag },
    { .name = "num",
      .kind = PARAM_NUMBER,
      .min = 3,
      .max = 1 << 20,
      .default_value = 7,
      .help = "h",
      .value = &values.number },
    { .name = "choice",
      .kind = PARAM_CHOICE,
      .choices = choices,
      .help = "h",
      .value = &values.choice },
    { .name = "text",
      .kind = PARAM_TEXT,
      .default_text = "d",
      .help = "h",
      .text = values.text,
      .text_size = sizeof values.text },
};

static void check_printable(const char *text, size_t length_max)
{
    ASSERT(strlen(text) <= length_max);
    for (; *text != '\0'; text++) {
        ASSERT(*text >= ' ' && *text <= '~');
    }
}

static void check_report(void *context, const char *word, const char *reason)
{
    ASSERT(context == &reports);
    reports++;
    check_printable(word, CMDLINE_REPORT_MAX * 4 + 3);
    check_printable(reason, CMDLINE_LINE_MAX - 1);
}

static struct values parse(const char *line, const char **rest)
{
    memset(&values, 0xa5, sizeof values);
    reports = 0;
    *rest = cmdline_parse(line, table, ARRAY_SIZE(table), check_report, &reports);
    return values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* On the heap and of the exact size, so that a read behind the zero is seen. */
    char *const line = malloc(size + 1);
    ASSERT(line != NULL);
    memcpy(line, data, size);
    line[size] = '\0';

    const char *rest = NULL;
    const struct values first = parse(line, &rest);
    ASSERT(first.flag <= 1);
    ASSERT(first.number >= 3 && first.number <= 1 << 20);
    ASSERT(first.choice <= 1);
    ASSERT(memchr(first.text, '\0', sizeof first.text) != NULL);
    ASSERT(rest >= line && rest <= line + strlen(line));
    ASSERT(reports <= strlen(line));
    const bool changed =
        first.flag != 1 || first.number != 7 || first.choice != 0 || strcmp(first.text, "d") != 0;
    ASSERT(!changed || strpbrk(line, "fnct") != NULL);

    const char *rest_again = NULL;
    const struct values second = parse(line, &rest_again);
    ASSERT(rest == rest_again);
    ASSERT(first.flag == second.flag && first.number == second.number);
    ASSERT(first.choice == second.choice && strcmp(first.text, second.text) == 0);
    free(line);
    return 0;
}
