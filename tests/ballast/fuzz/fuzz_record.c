/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a recording. The first byte chooses: the rest alone, or behind the beginning of a
 * good one, or a good recording of which some bytes are replaced, so that the policy is reached.
 * Whatever is accepted must be decided the same a second time.
 */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GIB ((uint64_t)1 << 30)

static char *good;
static size_t good_size;
static size_t first_size; /* of it, the first line */

static void put(FILE *file, char *line)
{
    (void)fprintf(file, "%s\n", line);
    (void)fflush(file);
    free(line);
}

/* A recording of two machines that is good, with memories in its first line. */
static void make_good(void)
{
    struct policy_settings settings;
    struct policy_host host = { .total_bytes = 16 * GIB, .available_bytes = 2 * GIB };
    struct policy_host_memory host_memory = { .zone = POLICY_GREEN };
    struct policy_machine machines[2];
    struct record_machine named[2] = { { "a", &machines[0] }, { "b", &machines[1] } };
    FILE *file = open_memstream(&good, &good_size);
    policy_settings_default(&settings);
    memset(machines, 0, sizeof(machines));
    for (uint32_t i = 0; i < 2; i++) {
        machines[i].id = i + 1;
        machines[i].class = POLICY_BURST;
        machines[i].enabled = true;
        machines[i].weight = 1000;
        machines[i].min_bytes = GIB;
        machines[i].max_bytes = 4 * GIB;
        machines[i].sample.driver = POLICY_DRIVER_OK;
        machines[i].sample.actual_bytes = 3 * GIB;
        machines[i].sample.resident_bytes = 3 * GIB;
        machines[i].sample.stats_actual_bytes = 3 * GIB;
        machines[i].sample.total_bytes = 3 * GIB;
        machines[i].sample.available_bytes = i * GIB;
    }
    for (int64_t now = 1000; now < 9000; now += 2000) {
        struct policy_plan plan;
        memset(&plan, 0, sizeof(plan));
        machines[0].sample.stats_ms = now;
        machines[1].sample.stats_ms = now;
        if (now == 5000) {
            put(file, record_first(&settings, &host_memory, named, 2));
            first_size = good_size;
        }
        policy_decide(&settings, &host, &host_memory, machines, 2, now, &plan);
        if (now >= 5000) {
            put(file, record_period(now, &host, &plan, named, 2));
        }
    }
    (void)fclose(file);
}

/* Replaces bytes of the text: two bytes of place, one of length, and what stands there then. */
static char *damaged(const uint8_t *data, size_t size, size_t *result_size)
{
    char *text = malloc(good_size + size + 1);
    memcpy(text, good, good_size);
    size_t length = good_size;
    while (size >= 4) {
        size_t place = (size_t)(data[0] | data[1] << 8) % good_size;
        size_t cut = data[2] % 24U;
        size_t put = data[3] % 24U;
        data += 4;
        size -= 4;
        put = put < size ? put : size;
        if (place > length || length + put > good_size + size) {
            break;
        }
        cut = cut < length - place ? cut : length - place;
        if (length - cut + put > good_size + size) {
            break;
        }
        memmove(text + place + put, text + place + cut, length - place - cut);
        memcpy(text + place, data, put);
        length = length - cut + put;
        data += put;
        size -= put;
    }
    *result_size = length;
    return text;
}

static bool replay(const char *text, size_t size, struct record_replay *result)
{
    unsigned long line = 0;
    char reason[160];
    FILE *in = size == 0 ? fopen("/dev/null", "re") : fmemopen((void *)(uintptr_t)text, size, "r");
    bool accepted = record_replay(in, NULL, result, &line, reason, sizeof(reason));
    assert(accepted == (reason[0] == '\0'));
    assert(line >= 1);
    (void)fclose(in);
    return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_replay one;
    struct record_replay other;
    char *text = NULL;
    size_t text_size = 0;
    if (good == NULL) {
        make_good();
        assert(replay(good, good_size, &one) && one.periods == 2 && one.different == 0);
    }
    if (size == 0) {
        return 0;
    }
    if (data[0] % 4 >= 2) {
        text = damaged(data + 1, size - 1, &text_size);
    } else {
        size_t before = data[0] % 4 == 0 ? 0 : first_size;
        text = malloc(before + size);
        memcpy(text, good, before);
        memcpy(text + before, data + 1, size - 1);
        text_size = before + size - 1;
    }
    bool accepted = replay(text, text_size, &one);
    assert(replay(text, text_size, &other) == accepted);
    assert(memcmp(&one, &other, sizeof(one)) == 0);
    assert(one.different <= one.decisions);
    assert(one.different_plans <= one.periods);
    free(text);
    return 0;
}
