/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks words up in the text that the command line's reader left for the application. */

#include "kernel/app_words.h"

#include "base/bits.h"
#include "base/string.h"

#include "kernel/params.h"

#define NUMBER_DIGITS_MAX 19U /* every number of so many digits fits 64 bits */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static size_t word_length(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0' && !is_blank(text[length])) {
        length++;
    }
    return length;
}

bool app_word_text(const char *name, char *out, size_t size)
{
    const char *at = params_app_line();
    size_t name_length = strlen(name);

    while (*at != '\0') {
        size_t length = word_length(at);

        if (length > name_length && strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            size_t kept = min_u64(length - name_length - 1, size - 1);

            memcpy(out, at + name_length + 1, kept);
            out[kept] = '\0';
            return true;
        }
        at += length;
        while (is_blank(*at)) {
            at++;
        }
    }
    return false;
}

uint64_t app_word_number(const char *name, uint64_t otherwise)
{
    char text[NUMBER_DIGITS_MAX + 2]; /* one more, to see what is too long */
    uint64_t value = 0;

    if (!app_word_text(name, text, sizeof(text)) || text[0] == '\0' ||
        strlen(text) > NUMBER_DIGITS_MAX) {
        return otherwise;
    }
    for (const char *digit = text; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return otherwise;
        }
        value = value * 10 + (uint64_t)(*digit - '0');
    }
    return value;
}
