/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads small files whole and finds numbers in them. One read() per file: the kernel writes these
 * files out in one piece, and whoever reads them in two may see two states.
 */

#include "tools/ballast/host/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool host_file_read(const struct host_source *source, const char *path, char *text, size_t size)
{
    char full[PATH_MAX];
    size_t length = 0;
    int fd;

    if (snprintf(full, sizeof(full), "%s%s", source->root, path) >= (int)sizeof(full)) {
        return false;
    }
    /* O_NONBLOCK: a FIFO in this place must not hold up the daemon. */
    fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    while (length + 1 < size) {
        ssize_t count = read(fd, text + length, size - 1 - length);

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            close(fd);
            return false;
        }
        if (count == 0) {
            break;
        }
        length += (size_t)count;
    }
    close(fd);
    text[length] = '\0';
    return length > 0;
}

bool host_file_number(const char *text, uint64_t *number, const char **end)
{
    const char *at = text + strspn(text, " \t");
    uint64_t sum = 0;

    if (*at < '0' || *at > '9') {
        return false;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(sum, (uint64_t)10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum)) {
            return false;
        }
    }
    *number = sum;
    if (end != NULL) {
        *end = at;
    }
    return true;
}

bool host_file_value(const char *text, const char *key, uint64_t unit, uint64_t *value)
{
    size_t length = strlen(key);
    uint64_t number = 0;

    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *next = strchr(line, '\n');

        if (strncmp(line, key, length) == 0 && (line[length] == ' ' || line[length] == '\t') &&
            host_file_number(line + length, &number, NULL) &&
            !__builtin_mul_overflow(number, unit, &number)) {
            *value = number;
            return true;
        }
        line = next == NULL ? NULL : next + 1;
    }
    return false;
}

bool host_file_single(const struct host_source *source, const char *path, uint64_t *value)
{
    char text[64];

    if (!host_file_read(source, path, text, sizeof(text))) {
        return false;
    }
    if (strncmp(text, "max", 3) == 0) {
        *value = POLICY_MISSING;
        return true;
    }
    return host_file_number(text, value, NULL);
}

bool host_file_pressure(const char *text, const char *kind, uint32_t *centi)
{
    char key[16];
    const char *at;
    uint64_t whole = 0;
    uint64_t sum;

    snprintf(key, sizeof(key), "%s avg10=", kind);
    at = strstr(text, key);
    if (at == NULL || !host_file_number(at + strlen(key), &whole, &at) || whole > 100) {
        return false;
    }
    sum = whole * 100;
    if (at[0] == '.' && at[1] >= '0' && at[1] <= '9') {
        sum += (uint64_t)(at[1] - '0') * 10;
        sum += at[2] >= '0' && at[2] <= '9' ? (uint64_t)(at[2] - '0') : 0;
    }
    *centi = (uint32_t)(sum < 10000 ? sum : 10000);
    return true;
}
