/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A machine for memwork's engine to run on, and scripts to give it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/memory.h"
#include "apps/memwork/pattern.h"
#include "tests/fakes/memwork/fake_machine.h"

#define PAGES         4096U /* 16 MiB */
#define PAGES_PER_MIB 256U

static struct fake_machine *const m = &fake_machine;

static inline int setup(void **state)
{
    (void)state;
    fake_machine_start(PAGES);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    fake_machine_end();
    return 0;
}

static inline uint64_t number(const char *line, const char *key)
{
    char text[32];
    unsigned long long value = 0;

    snprintf(text, sizeof(text), " %s=", key);
    const char *at = strstr(line, text);

    if (at == NULL || sscanf(at + strlen(text), "%llu", &value) != 1) {
        fail_msg("no number '%s' in '%s'", key, line);
    }
    return value;
}

static inline uint64_t told(const char *key)
{
    return number(fake_machine_last_line(), key);
}

static inline bool ended_with_error(int status, const char *why)
{
    char text[32];

    snprintf(text, sizeof(text), "why=%s ", why);
    return status == 1 && fake_machine_ever_said(text);
}

static inline void want_8_mib(void)
{
    fake_machine_set_target(8 * PAGES_PER_MIB);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
