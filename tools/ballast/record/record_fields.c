/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes and reads structures by their tables. What is read comes from a file that anybody may have
 * made: kinds and ranges are checked here, relations between members by who needs them.
 */

#include "tools/ballast/record/record_fields.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/record/record.h"

static size_t element_size(enum record_kind kind)
{
    switch (kind) {
    case RECORD_U64:
    case RECORD_TIME:
        return sizeof(uint64_t);
    case RECORD_BOOL:
        return sizeof(bool);
    case RECORD_U32:
    case RECORD_SIGN:
    case RECORD_NAMED:
        break;
    }
    return sizeof(uint32_t);
}

static_assert(sizeof(enum policy_hold) == sizeof(uint32_t), "enumerations are read as 32 bits");

/* Out of memory while a line is made: nobody could do anything sensible about it. */
static json_t *must(json_t *json)
{
    if (json == NULL) {
        abort();
    }
    return json;
}

static json_t *write_u64(uint64_t value)
{
    char digits[24];
    if (value == POLICY_MISSING) {
        return must(json_null());
    }
    if (value > INT64_MAX) {
        (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
        return must(json_string(digits));
    }
    return must(json_integer((json_int_t)value));
}

static json_t *write_element(const struct record_field *field, const char *at)
{
    uint64_t u64 = 0;
    int64_t time = 0;
    uint32_t u32 = 0;
    int32_t sign = 0;
    const char *word;
    switch (field->kind) {
    case RECORD_U64:
        memcpy(&u64, at, sizeof(u64));
        return write_u64(u64);
    case RECORD_TIME:
        memcpy(&time, at, sizeof(time));
        return must(json_integer(time));
    case RECORD_U32:
        memcpy(&u32, at, sizeof(u32));
        return must(json_integer(u32));
    case RECORD_SIGN:
        memcpy(&sign, at, sizeof(sign));
        return must(json_integer(sign));
    case RECORD_BOOL:
        return must(json_boolean(*(const bool *)(const void *)at));
    case RECORD_NAMED:
        break;
    }
    memcpy(&u32, at, sizeof(u32));
    word = field->word(u32);
    assert(word != NULL);
    return must(json_string(word));
}

void record_write(const struct record_table *table, const void *object, json_t *into)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct record_field *field = &table->fields[i];
        const char *at = (const char *)object + field->offset;
        json_t *value;
        if (field->count == 1) {
            value = write_element(field, at);
        } else {
            value = must(json_array());
            for (size_t k = 0; k < field->count; k++) {
                json_array_append_new(value,
                                      write_element(field, at + k * element_size(field->kind)));
            }
        }
        if (json_object_set_new(into, field->name, value) != 0) {
            abort();
        }
    }
}

/* ---- reading ---- */

static bool read_u64(const json_t *json, uint64_t *value)
{
    if (json_is_null(json)) {
        *value = POLICY_MISSING;
        return true;
    }
    if (json_is_string(json)) {
        const char *text = json_string_value(json);
        char *end = NULL;
        if (text[0] < '1' || text[0] > '9') {
            return false;
        }
        errno = 0;
        *value = strtoull(text, &end, 10);
        return errno == 0 && *end == '\0' && strlen(text) == json_string_length(json);
    }
    if (!json_is_integer(json) || json_integer_value(json) < 0) {
        return false;
    }
    *value = (uint64_t)json_integer_value(json);
    return true;
}

static bool read_range(const json_t *json, json_int_t least, json_int_t most, json_int_t *value)
{
    if (!json_is_integer(json)) {
        return false;
    }
    *value = json_integer_value(json);
    return *value >= least && *value <= most;
}

static bool read_word(const struct record_field *field, const json_t *json, char *at)
{
    if (!json_is_string(json)) {
        return false;
    }
    for (uint32_t value = 0; field->word(value) != NULL; value++) {
        if (strcmp(field->word(value), json_string_value(json)) == 0) {
            memcpy(at, &value, sizeof(value));
            return true;
        }
    }
    if (field->former != NULL && strcmp(field->former, json_string_value(json)) == 0) {
        memset(at, 0, sizeof(uint32_t));
        return true;
    }
    return false;
}

static bool read_element(const struct record_field *field, const json_t *json, char *at)
{
    json_int_t number = 0;
    uint64_t u64 = 0;
    switch (field->kind) {
    case RECORD_U64:
        if (!read_u64(json, &u64)) {
            return false;
        }
        memcpy(at, &u64, sizeof(u64));
        return true;
    case RECORD_TIME: {
        if (!read_range(json, 0, RECORD_TIME_MAX, &number)) {
            return false;
        }
        int64_t time = number;
        memcpy(at, &time, sizeof(time));
        return true;
    }
    case RECORD_U32: {
        if (!read_range(json, 0, UINT32_MAX, &number)) {
            return false;
        }
        uint32_t u32 = (uint32_t)number;
        memcpy(at, &u32, sizeof(u32));
        return true;
    }
    case RECORD_SIGN: {
        if (!read_range(json, -1, 1, &number)) {
            return false;
        }
        int32_t sign = (int32_t)number;
        memcpy(at, &sign, sizeof(sign));
        return true;
    }
    case RECORD_BOOL:
        if (!json_is_boolean(json)) {
            return false;
        }
        *(bool *)(void *)at = json_is_true(json);
        return true;
    case RECORD_NAMED:
        break;
    }
    return read_word(field, json, at);
}

static bool read_field(const struct record_field *field, const json_t *json, char *at)
{
    if (field->count == 1) {
        return read_element(field, json, at);
    }
    if (json_array_size(json) != field->count) {
        return false;
    }
    for (size_t i = 0; i < field->count; i++) {
        if (!read_element(field, json_array_get(json, i), at + i * element_size(field->kind))) {
            return false;
        }
    }
    return true;
}

bool record_read(const struct record_table *table, const json_t *from, void *object, char *reason,
                 size_t reason_size)
{
    if (!json_is_object(from)) {
        (void)snprintf(reason, reason_size, "\"%s\" is missing or no object", table->what);
        return false;
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct record_field *field = &table->fields[i];
        const json_t *value = json_object_get(from, field->name);
        if (value == NULL && field->optional) {
            memset((char *)object + field->offset, 0, field->count * element_size(field->kind));
            continue;
        }
        if (value == NULL) {
            (void)snprintf(reason, reason_size, "\"%s\" is missing in \"%s\"", field->name,
                           table->what);
            return false;
        }
        if (!read_field(field, value, (char *)object + field->offset)) {
            (void)snprintf(reason, reason_size, "\"%s\" in \"%s\" is no possible value",
                           field->name, table->what);
            return false;
        }
    }
    return true;
}

const char *record_difference(const struct record_table *table, const void *one, const void *other)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct record_field *field = &table->fields[i];
        size_t size = field->count * element_size(field->kind);
        if (memcmp((const char *)one + field->offset, (const char *)other + field->offset, size) !=
            0) {
            return field->name;
        }
    }
    return NULL;
}
