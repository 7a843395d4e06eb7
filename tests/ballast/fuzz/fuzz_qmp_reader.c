/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of QMP's byte stream: whatever comes, and however it is cut into reads, the same
 * objects come out in the same order, and the stream ends in the same way. The first byte of the
 * input seeds the cuts; bytes from 128 on stand for pieces of JSON.
 */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qmp/qmp_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The objects that come out of the stream fed in parts, as an array; *end is how it ended. */
static json_t *objects_of(const char *bytes, size_t size, uint32_t seed, enum qmp_text_status *end)
{
    struct qmp_text text = { 0 };
    json_t *all = json_array();
    size_t at = 0;

    *end = QMP_TEXT_MORE;
    while (*end != QMP_TEXT_GARBAGE && at < size) {
        size_t part = seed == 0 ? size : 1 + (seed >> 16) % 7;

        seed = seed == 0 ? 0 : seed * 1103515245U + 12345U;
        part = part < size - at ? part : size - at;
        assert(qmp_text_feed(&text, bytes + at, part));
        at += part;
        do {
            json_t *object = NULL;
            const char *reason = NULL;

            *end = qmp_text_next(&text, &object, &reason);
            assert((*end == QMP_TEXT_OBJECT) == (object != NULL));
            assert((*end == QMP_TEXT_GARBAGE) == (reason != NULL));
            if (object != NULL) {
                assert(json_is_object(object));
                assert(json_array_append_new(all, object) == 0);
            }
        } while (*end == QMP_TEXT_OBJECT);
    }
    qmp_text_free(&text);
    return all;
}

/* Writes the stream that the input stands for. */
static char *stream_of(const uint8_t *data, size_t size, size_t *length)
{
    static const char *const pieces[] = { "{\"return\": ",
                                          "{}",
                                          "}",
                                          "{",
                                          "[",
                                          "]",
                                          ", \"id\": ",
                                          "\"",
                                          "\\",
                                          "\"a\": ",
                                          ",",
                                          "18446744073709551615",
                                          "-9223372036854775809",
                                          "1",
                                          ".5",
                                          "e3",
                                          "true",
                                          "null",
                                          "\r\n",
                                          "{\"event\": \"RESET\"}",
                                          "\"}\\\"{\"",
                                          "\\u00e4" };
    const size_t most = 32; /* no piece is longer */
    char *bytes = malloc(size * most + 1);

    assert(bytes != NULL);
    *length = 0;
    for (size_t i = 0; i < size; i++) {
        const char *piece = pieces[data[i] % (sizeof(pieces) / sizeof(pieces[0]))];
        size_t count = data[i] < 128 ? 1 : strlen(piece);

        assert(count <= most);
        memcpy(bytes + *length, data[i] < 128 ? (const char *)&data[i] : piece, count);
        *length += count;
    }
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum qmp_text_status ends[2];
    json_t *objects[2];
    size_t length = 0;
    char *bytes;

    if (size == 0) {
        return 0;
    }
    bytes = stream_of(data + 1, size - 1, &length);
    objects[0] = objects_of(bytes, length, 0, &ends[0]);
    objects[1] = objects_of(bytes, length, (uint32_t)data[0] * 65537U + 1, &ends[1]);
    assert(ends[0] == ends[1]);
    assert(json_equal(objects[0], objects[1]));
    json_decref(objects[0]);
    json_decref(objects[1]);
    free(bytes);
    return 0;
}
