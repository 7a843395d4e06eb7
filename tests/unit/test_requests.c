/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop of requests on a clock and a balloon that a test moves. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/latency/requests.h"
#include "tools/aerostat/record.h"

#define MIB         (UINT64_C(1) << 20)
#define LINES_MAX   400U
#define LINE_MAX    256U
#define STEP_NS     UINT64_C(500000)
#define NEVER_MS    UINT64_C(1000000000)
#define BALLOON_MAX 16U

struct machine {
    uint64_t now;
    uint64_t slow_at; /* this reading of the clock comes late */
    uint64_t readings;
    uint64_t balloon[BALLOON_MAX]; /* what it holds at each look, and at the end for good */
    unsigned looks;
    char lines[LINES_MAX][LINE_MAX];
    unsigned count;
};

static struct machine machine;
static struct requests_config config;

static uint64_t now_ns(void *context)
{
    struct machine *m = context;

    m->now += STEP_NS;
    m->readings++;
    m->now += m->readings == m->slow_at ? 50 * STEP_NS : 0;
    return m->now;
}

static uint64_t balloon_bytes(void *context)
{
    struct machine *m = context;
    unsigned look = m->looks < BALLOON_MAX ? m->looks : BALLOON_MAX - 1;

    m->looks++;
    return m->balloon[look];
}

static void print(void *context, const char *line)
{
    struct machine *m = context;

    assert_true(m->count < LINES_MAX && strlen(line) < LINE_MAX);
    memcpy(m->lines[m->count++], line, strlen(line) + 1);
}

static const struct requests_host host = {
    .context = &machine, .now_ns = now_ns, .balloon_bytes = balloon_bytes, .print = print
};

static int start_anew(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    config = requests_default;
    config.ms = NEVER_MS;
    config.held_mib = 16;
    return 0;
}

static uint64_t number(const char *text, const char *key)
{
    for (unsigned i = 0; i < machine.count; i++) {
        uint64_t value;

        if (strstr(machine.lines[i], text) != NULL && record_u64(machine.lines[i], key, &value)) {
            return value;
        }
    }
    fail_msg("there is no line '%s' with '%s'", text, key);
    return 0;
}

static bool has_line(const char *text)
{
    for (unsigned i = 0; i < machine.count; i++) {
        if (strstr(machine.lines[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- words ---- */

static void every_word_sets_its_number(void **state)
{
    (void)state;
    assert_true(requests_word(&config, "requests=7"));
    assert_true(requests_word(&config, "ms=8"));
    assert_true(requests_word(&config, "bytes=128"));
    assert_true(requests_word(&config, "fresh=100"));
    assert_true(requests_word(&config, "held=32"));
    assert_true(requests_word(&config, "kept=2"));
    assert_true(requests_word(&config, "moves=9"));
    assert_true(requests_word(&config, "mib=10"));
    assert_int_equal(config.requests, 7);
    assert_int_equal(config.ms, 8);
    assert_int_equal(config.bytes, 128);
    assert_int_equal(config.fresh_percent, 100);
    assert_int_equal(config.held_mib, 32);
    assert_int_equal(config.kept, 2);
    assert_int_equal(config.moves, 9);
    assert_int_equal(config.mib, 10);
}

static void a_word_that_is_wrong_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "ms",
        "ms=",
        "ms=0",
        "ms=1x",
        "ms=-1",
        "ms= 1",
        "bytes=1",
        "bytes=100",
        "fresh=101",
        "held=15",
        "held=2000000000",
        "kept=1",
        "kept=4097",
        "mib=0",
        "speed=1",
        "requests=99999999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(requests_word(&config, wrong[i]));
    }
}

/* ---- the loop ---- */

static void a_request_lasts_from_the_end_of_the_one_before(void **state)
{
    (void)state;
    config.requests = 100;
    machine.slow_at = 42;
    assert_int_equal(requests_run(&config, &host), REQUESTS_OK);
    assert_int_equal(number("latency memory=all", "count"), 100);
    assert_int_equal(number("latency memory=all", "min"), STEP_NS);
    assert_int_equal(number("latency memory=all", "p90"), number("latency memory=all", "p50"));
    assert_int_equal(number("latency memory=all", "max"), 51 * STEP_NS);
}

static void the_share_of_fresh_memory_is_kept_to(void **state)
{
    (void)state;
    config.requests = 10000;
    config.fresh_percent = 20;
    config.bytes = 64;
    config.kept = 16;
    assert_int_equal(requests_run(&config, &host), REQUESTS_OK);
    assert_in_range(number("latency memory=fresh", "count"), 1800, 2200);
    assert_int_equal(
        number("latency memory=fresh", "count") + number("latency memory=held", "count"), 10000);
}

static void memory_that_no_request_works_on_has_no_line(void **state)
{
    (void)state;
    config.requests = 10;
    config.fresh_percent = 0;
    assert_int_equal(requests_run(&config, &host), REQUESTS_OK);
    assert_false(has_line("memory=fresh"));
    assert_true(has_line("memory=held"));
}

static void it_ends_when_its_time_is_over(void **state)
{
    (void)state;
    config.ms = 100;
    assert_int_equal(requests_run(&config, &host), REQUESTS_OK);
    assert_int_equal(number("state=end", "requests"), 100 * UINT64_C(1000000) / STEP_NS);
    assert_int_equal(number("state=end", "moves"), 0);
}

/* Too little is no move, and what came back in part is not over. */
static void it_ends_after_so_many_whole_moves(void **state)
{
    static const uint64_t mib[BALLOON_MAX] = { 0, 9, 0, 10, 5, 20, 1, 0, 0, 11, 0 };

    (void)state;
    for (unsigned i = 0; i < BALLOON_MAX; i++) {
        machine.balloon[i] = mib[i] * MIB;
    }
    config.moves = 2;
    config.mib = 10;
    assert_int_equal(requests_run(&config, &host), REQUESTS_OK);
    assert_int_equal(number("state=end", "moves"), 2);
    assert_int_equal(machine.looks, 11);
    assert_int_equal(number("state=taken", "bytes"), 10 * MIB);
    assert_int_equal(number("state=given", "moves"), 1);
    assert_int_equal(number("memory=all", "max"), STEP_NS); /* and not those lines, too */
}

static void memory_that_cannot_be_had_ends_it(void **state)
{
    (void)state;
    config.held_mib = 1000000000;
    assert_int_equal(requests_run(&config, &host), REQUESTS_MEMORY);
    assert_true(has_line("state=end result=memory requests=0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_word_sets_its_number, start_anew),
        cmocka_unit_test_setup(a_word_that_is_wrong_is_refused, start_anew),
        cmocka_unit_test_setup(a_request_lasts_from_the_end_of_the_one_before, start_anew),
        cmocka_unit_test_setup(the_share_of_fresh_memory_is_kept_to, start_anew),
        cmocka_unit_test_setup(memory_that_no_request_works_on_has_no_line, start_anew),
        cmocka_unit_test_setup(it_ends_when_its_time_is_over, start_anew),
        cmocka_unit_test_setup(it_ends_after_so_many_whole_moves, start_anew),
        cmocka_unit_test_setup(memory_that_cannot_be_had_ends_it, start_anew),
    };

    return cmocka_run_group_tests_name("apps/latency/requests.c", tests, NULL, NULL);
}
