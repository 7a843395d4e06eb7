/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads values out of replies and events. The other half of the agreement about large integers is
 * in qmp_text.c.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/qmp/qmp.h"

const char *qmp_status_name(enum qmp_status status)
{
    static const char *const names[] = { "ok",     "refused",  "timeout", "busy",
                                         "closed", "protocol", "system" };

    return (unsigned)status < sizeof(names) / sizeof(names[0]) ? names[status] : "?";
}

/* Follows the member names in `path`. */
static const json_t *find(const json_t *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        size_t length = strcspn(path, "/");
        char name[64];

        if (length >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        value = json_object_get(value, name);
        path += length + (path[length] == '/' ? 1 : 0);
    }
    return value;
}

bool qmp_get_u64(const json_t *value, const char *path, uint64_t *number)
{
    const json_t *found = find(value, path);
    const char *digits;
    char *end;
    unsigned long long large;

    if (json_is_integer(found)) {
        json_int_t signed_number = json_integer_value(found);

        if (signed_number < 0) {
            return false;
        }
        *number = (uint64_t)signed_number;
        return true;
    }
    /* The decoder wrote integers that do not fit a json_int_t as strings. A shorter string of
     * digits is a string that QEMU sent. */
    digits = json_string_value(found);
    if (digits == NULL || digits[0] < '1' || digits[0] > '9') {
        return false;
    }
    errno = 0;
    large = strtoull(digits, &end, 10);
    if (errno != 0 || *end != '\0' || large <= INT64_MAX) {
        return false;
    }
    *number = large;
    return true;
}
