/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the guest's lines for machines. kernel/report.c and tests/guest/ write them. */

#include "tools/aerostat/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool record_is(const char *line, const char *name)
{
    size_t length = strlen(name);

    return line[0] == '@' && strncmp(line + 1, name, length) == 0 &&
           (line[1 + length] == ' ' || line[1 + length] == '\0');
}

/* The value behind " key=", or NULL; *length is its length without quotes. */
static const char *find_value(const char *line, const char *key, size_t *length)
{
    size_t key_length = strlen(key);
    const char *at = line;

    assert(key_length > 0);
    while (*at != '\0') {
        bool match = at != line && at[-1] == ' ' && strncmp(at, key, key_length) == 0 &&
                     at[key_length] == '=';

        if (match && at[key_length + 1] == '"') {
            at += key_length + 2;
            *length = strcspn(at, "\"");
            return at;
        }
        if (match) {
            at += key_length + 1;
            *length = strcspn(at, " ");
            return at;
        }
        if (*at == '"') { /* nothing inside quotes is a key */
            const char *end = strchr(at + 1, '"');

            at = end == NULL ? at + strlen(at) : end + 1;
            continue;
        }
        at++;
    }
    return NULL;
}

bool record_text(const char *line, const char *key, char *text, size_t size)
{
    size_t length = 0;
    const char *value = find_value(line, key, &length);

    assert(size > 0);
    if (value == NULL) {
        return false;
    }
    length = length < size ? length : size - 1;
    memcpy(text, value, length);
    text[length] = '\0';
    return true;
}

bool record_u64(const char *line, const char *key, uint64_t *number)
{
    char text[24];
    char *end;
    unsigned long long value;

    if (!record_text(line, key, text, sizeof(text)) || text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *number = value;
    return true;
}

bool record_mem(const char *line, struct record_mem *mem)
{
    return record_is(line, "mem") && record_u64(line, "ms", &mem->ms) &&
           record_u64(line, "total", &mem->total) && record_u64(line, "in_use", &mem->in_use) &&
           record_u64(line, "backed", &mem->backed) &&
           record_u64(line, "returned", &mem->returned) &&
           record_u64(line, "balloon", &mem->balloon) && record_u64(line, "target", &mem->target) &&
           record_u64(line, "actual", &mem->actual);
}
