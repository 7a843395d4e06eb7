/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escapes for the log. A machine's name or a guest's error text may hold line ends, terminal
 * sequences or half a character; none of them may reach a terminal or split a line. Text is taken
 * character by character, a character being one well-formed UTF-8 sequence, or else a single byte.
 */

#include "tools/ballast/daemon/log_escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* One character: its length and code point. False: the byte is part of no well-formed sequence. */
static bool character(const unsigned char *text, size_t *length, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t bytes = text[0] < 0x80              ? 1
                   : (text[0] & 0xe0U) == 0xc0 ? 2
                   : (text[0] & 0xf0U) == 0xe0 ? 3
                   : (text[0] & 0xf8U) == 0xf0 ? 4
                                               : 0;

    *length = 1;
    *point = text[0];
    if (bytes <= 1) {
        return bytes == 1;
    }
    *point = text[0] & (0xffU >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        /* The final 0 is no continuation: nothing behind it is read. */
        if ((text[i] & 0xc0U) != 0x80) {
            return false;
        }
        *point = *point << 6 | (text[i] & 0x3fU);
    }
    if (*point < least[bytes] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff)) {
        return false;
    }
    *length = bytes;
    return true;
}

/* Characters that act on a terminal instead of being shown. */
static bool acts(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029 ||
           (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

/* Adds a piece whole, or not at all. */
static bool add(char *out, size_t size, size_t *used, const char *piece, size_t length)
{
    if (*used + length >= size) {
        return false;
    }
    memcpy(out + *used, piece, length);
    *used += length;
    return true;
}

size_t log_escape_text(const char *text, bool word, char *out, size_t size)
{
    size_t used = 0;
    bool room = true;

    while (room && *text != '\0') {
        size_t length = 1;
        uint32_t point = 0;
        bool whole = character((const unsigned char *)text, &length, &point);

        if (whole && !acts(point) && (!word || strchr(" \"=\\", (int)point) == NULL)) {
            room = add(out, size, &used, text, length);
        } else {
            char hex[4 * 4 + 1] = "";

            for (size_t i = 0; i < length; i++) {
                (void)snprintf(hex + 4 * i, 5, "\\x%02x", (unsigned char)text[i]);
            }
            room = add(out, size, &used, hex, 4 * length);
        }
        text += length;
    }
    out[used] = '\0';
    return used;
}

size_t log_escape_json(const char *text, char *out, size_t size)
{
    size_t used = 0;
    bool room = true;

    while (room && *text != '\0') {
        size_t length = 1;
        uint32_t point = 0;
        char piece[8] = "";

        if (!character((const unsigned char *)text, &length, &point)) {
            room = add(out, size, &used, "\xef\xbf\xbd", 3);
        } else if (point == '"' || point == '\\') {
            (void)snprintf(piece, sizeof piece, "\\%c", (char)point);
            room = add(out, size, &used, piece, 2);
        } else if (acts(point)) {
            (void)snprintf(piece, sizeof piece, "\\u%04x", (unsigned)point & 0xffffU);
            room = add(out, size, &used, piece, 6);
        } else {
            room = add(out, size, &used, text, length);
        }
        text += length;
    }
    out[used] = '\0';
    return used;
}
