/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * From a byte stream to JSON objects. QEMU writes one object after another with no length before
 * them, and a read may end anywhere, so the end of an object is found by counting braces outside
 * strings. Integers above 2^63 - 1, which jansson refuses, are kept exactly: they reach the caller
 * as strings of digits (qmp_get_u64() reads both forms).
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The largest object taken. The longest answer known, query-qmp-schema, has about 200 KiB. */
#define QMP_MESSAGE_MAX ((size_t)8 << 20)

enum qmp_text_status {
    QMP_TEXT_MORE,    /* no whole object yet: feed more bytes */
    QMP_TEXT_OBJECT,  /* *object is the next one; the caller owns the reference */
    QMP_TEXT_GARBAGE, /* this is no JSON object, or a too long one: the stream is useless now */
};

/* The stream: bytes that came and were not taken yet. All zero is the empty stream. */
struct qmp_text {
    char *bytes;
    size_t length;   /* bytes held */
    size_t capacity; /* bytes allocated */
    size_t scanned;  /* bytes of the current object looked at */
    unsigned depth;  /* open braces and brackets there */
    bool in_string;
    bool escaped; /* the next byte of the string follows a backslash */
};

/* Appends `count` bytes. False when memory ran out; the stream is then unchanged. */
bool qmp_text_feed(struct qmp_text *text, const char *bytes, size_t count);

/* Takes the next whole object. On QMP_TEXT_GARBAGE `reason` says what is wrong. */
enum qmp_text_status qmp_text_next(struct qmp_text *text, json_t **object, const char **reason);

void qmp_text_free(struct qmp_text *text);

/* Decodes one JSON object of `length` bytes, large integers kept as strings. NULL when it is
 * malformed or no object. */
json_t *qmp_text_decode(const char *bytes, size_t length);
