/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps a stream as lines. Memory that runs out ends the program: there is nothing to report with.
 */

#include "tools/aerostat/text_log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes);

    if (grown == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return grown;
}

static void end_line(struct text_log *log)
{
    char *line;

    if (log->count == TEXT_LOG_LINES_MAX) {
        log->part_length = 0;
        return;
    }
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 64 : log->capacity * 2;
        log->lines = grow(log->lines, log->capacity * sizeof(log->lines[0]));
    }
    line = grow(NULL, log->part_length + 1);
    if (log->part_length > 0) {
        memcpy(line, log->part, log->part_length);
    }
    line[log->part_length] = '\0';
    log->lines[log->count++] = line;
    log->part_length = 0;
}

void text_log_feed(struct text_log *log, const char *bytes, size_t count)
{
    if (log->part_capacity - log->part_length < count) {
        log->part_capacity = (log->part_length + count) * 2;
        log->part = grow(log->part, log->part_capacity);
    }
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') {
            end_line(log);
        } else if (bytes[i] != '\r') {
            assert(log->part_length < log->part_capacity);
            log->part[log->part_length++] = bytes[i] == '\0' ? '?' : bytes[i];
        }
    }
}

void text_log_finish(struct text_log *log)
{
    if (log->part_length > 0) {
        end_line(log);
    }
}

const char *text_log_line(const struct text_log *log, size_t index)
{
    return index < log->count ? log->lines[index] : NULL;
}

const char *text_log_take(struct text_log *log)
{
    assert(log->taken <= log->count);
    return log->taken < log->count ? log->lines[log->taken++] : NULL;
}

char *text_log_join(const struct text_log *log)
{
    size_t length = 1;
    char *text;
    char *end;

    for (size_t i = 0; i < log->count; i++) {
        length += strlen(log->lines[i]) + 1;
    }
    text = grow(NULL, length);
    end = text;
    *end = '\0';
    for (size_t i = 0; i < log->count; i++) {
        end = stpcpy(end, i == 0 ? "" : "\n");
        end = stpcpy(end, log->lines[i]);
    }
    return text;
}

void text_log_free(struct text_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->lines[i]);
    }
    free(log->lines);
    free(log->part);
    *log = (struct text_log){ 0 };
}
