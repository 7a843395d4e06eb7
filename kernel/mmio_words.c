/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `virtio_mmio.device=SIZE@BASE:IRQ[:ID]`, each number decimal or 0x and hexadecimal, SIZE with an
 * optional K, M or G. A reader of its own beside cmdline.c: the word may come many times, and a
 * monitor that appends it does not know that `--` ends the kernel's part.
 */
#include "kernel/mmio_words.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/string.h"

#define PREFIX "virtio_mmio.device="

enum { IRQ_MAX = 255 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

/* Digits at `*cursor`, which is left behind them. False when there are none or too many. */
static bool take_number(const char **cursor, uint64_t *number)
{
    const char *at = *cursor;
    const bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    const unsigned base = hex ? 16 : 10;
    at += hex ? 2 : 0;
    const char *const first = at;
    *number = 0;
    for (; digit_value(*at) < base; at++) {
        if (*number > (UINT64_MAX - digit_value(*at)) / base) {
            return false;
        }
        *number = *number * base + digit_value(*at);
    }
    *cursor = at;
    return at != first;
}

static bool take_char(const char **cursor, char c)
{
    if (**cursor != c) {
        return false;
    }
    (*cursor)++;
    return true;
}

static bool take_size(const char **cursor, uint64_t *bytes)
{
    if (!take_number(cursor, bytes)) {
        return false;
    }
    const unsigned shift = take_char(cursor, 'K')   ? 10
                           : take_char(cursor, 'M') ? 20
                           : take_char(cursor, 'G') ? 30
                                                    : 0;
    if (*bytes == 0 || *bytes > UINT64_MAX >> shift) {
        return false;
    }
    *bytes <<= shift;
    return true;
}

static bool parse(const char *cursor, struct mmio_word *word)
{
    uint64_t irq = 0;
    uint64_t id = 0;
    if (!take_size(&cursor, &word->bytes) || !take_char(&cursor, '@') ||
        !take_number(&cursor, &word->base) || !take_char(&cursor, ':') ||
        !take_number(&cursor, &irq)) {
        return false;
    }
    if (take_char(&cursor, ':') && !take_number(&cursor, &id)) {
        return false;
    }
    word->irq = (uint32_t)irq;
    return (*cursor == '\0' || is_blank(*cursor)) && irq >= 1 && irq <= IRQ_MAX &&
           word->base <= UINT64_MAX - word->bytes;
}

static void report_word(const char *text, size_t length, mmio_words_report_fn *report,
                        void *context)
{
    int shown = 0;
    while ((size_t)shown < length && shown < MMIO_WORD_REPORT_MAX && text[shown] >= ' ' &&
           text[shown] <= '~') {
        shown++;
    }
    report(context, text, shown);
}

size_t mmio_words_read(const char *line, struct mmio_word *words, size_t max,
                       mmio_words_report_fn *report, void *context)
{
    size_t count = 0;
    ASSERT(line != NULL && words != NULL);
    ASSERT(report != NULL);
    while (*line != '\0') {
        size_t length = 0;
        while (line[length] != '\0' && !is_blank(line[length])) {
            length++;
        }
        if (strncmp(line, PREFIX, strlen(PREFIX)) == 0) {
            struct mmio_word word = { 0 };
            if (count < max && parse(line + strlen(PREFIX), &word)) {
                words[count++] = word;
            } else {
                report_word(line, length, report, context);
            }
        }
        line += length;
        while (is_blank(*line)) {
            line++;
        }
    }
    return count;
}
