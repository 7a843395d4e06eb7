/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splits the monitor's byte stream into JSON objects and decodes them. The scanner looks at every
 * byte once, however the reads are cut. It only finds the end of an object; whether the object is
 * correct JSON is jansson's verdict.
 *
 * Invariant: bytes[0 .. scanned) were looked at and contain no end of an object at depth 0.
 */

#include "tools/qmp/qmp_text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool qmp_text_feed(struct qmp_text *text, const char *bytes, size_t count)
{
    assert(text->length <= text->capacity);
    if (text->capacity - text->length < count) {
        size_t capacity = (text->length + count) * 2;
        char *grown = realloc(text->bytes, capacity);
        if (grown == NULL) {
            return false;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
    return true;
}

void qmp_text_free(struct qmp_text *text)
{
    free(text->bytes);
    *text = (struct qmp_text){ 0 };
}

/* Forgets the first `count` bytes and starts a new object. */
static void text_drop(struct qmp_text *text, size_t count)
{
    assert(count <= text->length);
    memmove(text->bytes, text->bytes + count, text->length - count);
    text->length -= count;
    text->scanned = 0;
    text->depth = 0;
    text->in_string = false;
    text->escaped = false;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Looks at one byte; true when it closes the object. */
static bool text_scan_byte(struct qmp_text *text, char byte)
{
    if (text->in_string) {
        if (text->escaped) {
            text->escaped = false;
        } else if (byte == '\\') {
            text->escaped = true;
        } else if (byte == '"') {
            text->in_string = false;
        }
        return false;
    }
    if (byte == '"') {
        text->in_string = true;
    } else if (byte == '{' || byte == '[') {
        text->depth++;
    } else if (byte == '}' || byte == ']') {
        text->depth--;
        return text->depth == 0;
    }
    return false;
}

enum qmp_text_status qmp_text_next(struct qmp_text *text, json_t **object, const char **reason)
{
    size_t blank = 0;

    while (text->scanned == 0 && blank < text->length && is_blank(text->bytes[blank])) {
        blank++;
    }
    if (blank > 0) {
        text_drop(text, blank);
    }
    if (text->length == 0) {
        return QMP_TEXT_MORE;
    }
    if (text->bytes[0] != '{') {
        *reason = "something that is no JSON object";
        return QMP_TEXT_GARBAGE;
    }
    while (text->scanned < text->length) {
        if (text->scanned >= QMP_MESSAGE_MAX) {
            *reason = "an object longer than QMP_MESSAGE_MAX";
            return QMP_TEXT_GARBAGE;
        }
        if (text_scan_byte(text, text->bytes[text->scanned++])) {
            size_t length = text->scanned;

            *object = qmp_text_decode(text->bytes, length);
            text_drop(text, length);
            *reason = *object == NULL ? "malformed JSON" : NULL;
            return *object == NULL ? QMP_TEXT_GARBAGE : QMP_TEXT_OBJECT;
        }
    }
    return QMP_TEXT_MORE;
}

/* The length of the number, or of what looks like one, that begins at bytes[0]. */
static size_t number_length(const char *bytes, size_t length)
{
    size_t end = 0;

    while (end < length && bytes[end] != '\0' && strchr("+-.0123456789eE", bytes[end]) != NULL) {
        end++;
    }
    return end;
}

/* True for a well-formed integer that jansson's type (long long) cannot hold. Everything malformed
 * is left to jansson, which refuses it. */
static bool number_is_large(const char *number, size_t length)
{
    char copy[24] = "";
    size_t digits = length;
    const char *first = number;

    if (length > 0 && number[0] == '-') {
        first++;
        digits--;
    }
    if (digits < 19 || first[0] == '0') { /* 2^63 has 19 digits */
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (first[i] < '0' || first[i] > '9') {
            return false;
        }
    }
    if (length >= sizeof(copy)) {
        return true;
    }
    memcpy(copy, number, length);
    errno = 0;
    (void)strtoll(copy, NULL, 10);
    return errno == ERANGE;
}

json_t *qmp_text_decode(const char *bytes, size_t length)
{
    /* Each quoted number has 19 digits or more, so two quotes grow the text by less than an
     * eighth of it. */
    char *quoted = malloc(length + length / 8 + 2);
    size_t out = 0;
    size_t at = 0;
    bool in_string = false;
    json_t *object;

    if (quoted == NULL) {
        return NULL;
    }
    while (at < length) {
        char byte = bytes[at];

        if (in_string && byte == '\\' && at + 1 < length) {
            quoted[out++] = bytes[at++]; /* and the byte after it below: it cannot end the string */
            byte = bytes[at];
        } else if (byte == '"') {
            in_string = !in_string;
        } else if (!in_string && (byte == '-' || (byte >= '0' && byte <= '9'))) {
            size_t count = number_length(bytes + at, length - at);
            bool large = number_is_large(bytes + at, count);

            if (large) {
                quoted[out++] = '"';
            }
            memcpy(quoted + out, bytes + at, count);
            out += count;
            at += count;
            if (large) {
                quoted[out++] = '"';
            }
            continue;
        }
        quoted[out++] = byte;
        at++;
    }
    assert(out <= length + length / 8 + 2);
    object = json_loadb(quoted, out, JSON_REJECT_DUPLICATES, NULL);
    free(quoted);
    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        object = NULL;
    }
    return object;
}
