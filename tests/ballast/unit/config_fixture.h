/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Reads configurations from strings and keeps the complaints about them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tools/ballast/config/config.h"

struct complaints {
    size_t count;
    int lines[16];
    char texts[16][512];
};

static inline void complaint_keep(void *context, const char *file, int line, const char *text)
{
    struct complaints *complaints = context;
    assert_string_equal(file, "test.conf");
    if (complaints->count < 16) {
        complaints->lines[complaints->count] = line;
        snprintf(complaints->texts[complaints->count], sizeof complaints->texts[0], "%s", text);
    }
    complaints->count++;
}

/* Reads what must be good. */
static inline void read_good(const char *text, struct config *config)
{
    struct complaints complaints = { 0 };
    const bool good = config_parse(text, "test.conf", config, complaint_keep, &complaints);
    if (!good) {
        fail_msg("line %d: %s", complaints.lines[0], complaints.texts[0]);
    }
    assert_int_equal(complaints.count, 0);
}

/* Reads what must be bad, and leaves *config alone meanwhile. */
static inline struct complaints read_bad(const char *text)
{
    struct complaints complaints = { 0 };
    struct config config;
    struct config before;
    memset(&config, 0x5a, sizeof config);
    memcpy(&before, &config, sizeof config);
    assert_false(config_parse(text, "test.conf", &config, complaint_keep, &complaints));
    assert_memory_equal(&config, &before, sizeof config);
    assert_true(complaints.count > 0);
    return complaints;
}

/* One complaint, in this line, with these words in it. */
static inline void refuses(const char *text, int line, const char *words)
{
    const struct complaints complaints = read_bad(text);
    if (strstr(complaints.texts[0], words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, complaints.texts[0]);
    }
    assert_int_equal(complaints.lines[0], line);
    assert_int_equal(complaints.count, 1);
}
