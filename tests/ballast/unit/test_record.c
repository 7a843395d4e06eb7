/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recordings: nothing is lost between memory and file, what was decided is decided again, and a
 * file that is broken or hostile is told from one that is not.
 */

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/ballast/record/record.h"
#include "tools/ballast/record/record_fields.h"

#define GIB      ((uint64_t)1 << 30)
#define MACHINES 3U

/* ---- a recording of a small host, made as the daemon makes it ---- */

struct world {
    struct policy_settings settings;
    struct policy_host host;
    struct policy_host_memory host_memory;
    struct policy_machine machines[MACHINES];
    struct record_machine named[MACHINES];
    size_t count;
    int64_t now_ms;
    uint64_t random;
    char *text;
    size_t size;
    FILE *file;
};

static uint64_t next_random(struct world *world)
{
    world->random = world->random * 6364136223846793005U + 1442695040888963407U;
    return world->random >> 33;
}

static void sample_machine(struct world *world, struct policy_machine *machine)
{
    struct policy_sample *sample = &machine->sample;
    uint64_t target = machine->decision.target_bytes;
    uint64_t actual = target == 0 ? machine->max_bytes : target;
    sample->actual_bytes = actual;
    sample->commanded_bytes = target;
    sample->resident_bytes = actual;
    sample->overhead_bytes = 64U << 20;
    sample->stats_ms = world->now_ms - 500;
    sample->stats_actual_bytes = actual;
    sample->total_bytes = actual - (40U << 20);
    sample->available_bytes = next_random(world) % (actual / 2);
    sample->swap_in_bytes = POLICY_MISSING;
    sample->swap_out_bytes = (uint64_t)1 << 63; /* more than JSON's integers hold */
    sample->major_faults = world->random;
    sample->alloc_stalls = POLICY_MISSING;
    sample->oom_kills = 0;
    sample->driver = POLICY_DRIVER_OK;
}

static void world_setup(struct world *world, size_t count)
{
    static const char *const names[MACHINES] = { "db", "spare-1", "web" };
    memset(world, 0, sizeof(*world));
    policy_settings_default(&world->settings);
    world->host.total_bytes = 16 * GIB;
    world->host.available_bytes = 3 * GIB;
    world->random = 7;
    world->count = count;
    world->now_ms = 1000;
    for (size_t i = 0; i < MACHINES; i++) {
        struct policy_machine *machine = &world->machines[i];
        machine->id = (uint32_t)(i + 1);
        machine->class = i == 1 ? POLICY_SPARE : POLICY_BURST;
        machine->enabled = true;
        machine->weight = 1000;
        machine->min_bytes = GIB;
        machine->max_bytes = 4 * GIB;
        world->named[i] = (struct record_machine){ .name = names[i], .machine = machine };
    }
    world->file = open_memstream(&world->text, &world->size);
}

static void put(struct world *world, char *line)
{
    (void)fprintf(world->file, "%s\n", line);
    (void)fflush(world->file);
    free(line);
}

static void begin(struct world *world)
{
    put(world, record_first(&world->settings, &world->host_memory, world->named, world->count));
}

static void periods(struct world *world, unsigned count, bool record)
{
    for (unsigned i = 0; i < count; i++) {
        struct policy_plan plan;
        memset(&plan, 0, sizeof(plan));
        world->now_ms += 2000;
        world->host.available_bytes = GIB + next_random(world) % (4 * GIB);
        for (size_t k = 0; k < world->count; k++) {
            sample_machine(world, &world->machines[k]);
        }
        policy_decide(&world->settings, &world->host, &world->host_memory, world->machines,
                      world->count, world->now_ms, &plan);
        if (record) {
            put(world,
                record_period(world->now_ms, &world->host, &plan, world->named, world->count));
        }
    }
}

static void world_teardown(struct world *world)
{
    (void)fclose(world->file);
    free(world->text);
}

struct outcome {
    bool good;
    struct record_replay result;
    unsigned long line;
    char reason[160];
    char *told;
};

static struct outcome replay_text(const char *text, size_t size)
{
    struct outcome outcome = { .good = false };
    size_t told_size = 0;
    FILE *in = size == 0 ? fopen("/dev/null", "re") : fmemopen((void *)(uintptr_t)text, size, "r");
    FILE *told = open_memstream(&outcome.told, &told_size);
    assert_non_null(in);
    outcome.good = record_replay(in, told, &outcome.result, &outcome.line, outcome.reason,
                                 sizeof(outcome.reason));
    (void)fclose(in);
    (void)fclose(told);
    return outcome;
}

/* The text with the first `from` replaced by `to`; to be given to free(). */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *result = NULL;
    assert_non_null(at);
    assert_true(asprintf(&result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return result;
}

/* ---- tables ---- */

static const struct record_table *const tables[] = {
    &record_table_settings, &record_table_host,     &record_table_host_memory, &record_table_sample,
    &record_table_memory,   &record_table_decision, &record_table_plan,
};

static size_t bytes_of(enum record_kind kind)
{
    if (kind == RECORD_U64 || kind == RECORD_TIME) {
        return 8;
    }
    return kind == RECORD_BOOL ? 1 : 4;
}

/* What a table leaves out may only be what the compiler put between members to align them: less
 * than 8 bytes in a row, and behind a member that is smaller than 8. */
static void every_member_of_every_structure_is_recorded(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        const struct record_table *table = tables[t];
        size_t end = 0;
        for (size_t i = 0; i < table->count; i++) {
            const struct record_field *field = &table->fields[i];
            size_t size = bytes_of(field->kind);
            size_t aligned = (end + size - 1) / size * size;
            if (field->offset != aligned) {
                fail_msg("a member before \"%s\" of \"%s\" is not recorded", field->name,
                         table->what);
            }
            end = field->offset + field->count * size;
        }
        assert_int_equal((end + 7) / 8 * 8, (table->size + 7) / 8 * 8);
    }
}

static void fill_field(const struct record_field *field, char *at, uint64_t value)
{
    uint32_t u32 = (uint32_t)value;
    int64_t time = (int64_t)(value & ((uint64_t)RECORD_TIME_MAX - 1));
    int32_t sign = (int32_t)(value % 3) - 1;
    switch (field->kind) {
    case RECORD_U64:
        memcpy(at, &value, sizeof(value));
        break;
    case RECORD_TIME:
        memcpy(at, &time, sizeof(time));
        break;
    case RECORD_U32:
        memcpy(at, &u32, sizeof(u32));
        break;
    case RECORD_SIGN:
        memcpy(at, &sign, sizeof(sign));
        break;
    case RECORD_BOOL:
        *(bool *)(void *)at = (value & 1) != 0;
        break;
    case RECORD_NAMED:
        u32 = 0;
        while (field->word(u32 + 1) != NULL && u32 < value % 7) {
            u32++;
        }
        memcpy(at, &u32, sizeof(u32));
        break;
    }
}

static void round_trip(const struct record_table *table, const char *object)
{
    char other[1024] = { 0 };
    char reason[160] = "";
    json_t *json = json_object();
    record_write(table, object, json);
    char *text = json_dumps(json, JSON_COMPACT);
    json_t *again = json_loads(text, 0, NULL);
    if (!record_read(table, again, other, reason, sizeof(reason))) {
        fail_msg("%s: %s", reason, text);
    }
    assert_null(record_difference(table, object, other));
    json_decref(json);
    json_decref(again);
    free(text);
}

static void every_value_of_64_bits_survives_the_file(void **state)
{
    static const uint64_t values[] = {
        0,
        1,
        ((uint64_t)1 << 53) + 1,
        INT64_MAX - 1,
        INT64_MAX,
        (uint64_t)1 << 63,
        UINT64_MAX - 1,
        UINT64_MAX,
        0x123456789abcdef1U,
    };
    (void)state;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        assert_true(tables[t]->size <= 1024);
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
            char object[1024] = { 0 };
            for (size_t i = 0; i < tables[t]->count; i++) {
                const struct record_field *field = &tables[t]->fields[i];
                for (size_t k = 0; k < field->count; k++) {
                    fill_field(field, object + field->offset + k * bytes_of(field->kind),
                               values[(v + i + k) % (sizeof(values) / sizeof(values[0]))]);
                }
            }
            round_trip(tables[t], object);
        }
    }
}

static void a_value_that_is_missing_is_null_and_no_number(void **state)
{
    (void)state;
    json_t *missing = record_bytes(POLICY_MISSING);
    json_t *zero = record_bytes(0);
    json_t *impossible = record_bytes((uint64_t)1 << 63);
    assert_true(json_is_null(missing));
    assert_true(json_is_null(impossible));
    assert_int_equal(json_integer_value(zero), 0);
    assert_true(json_is_integer(zero));
    json_decref(missing);
    json_decref(zero);
    json_decref(impossible);
}

/* ---- replay ---- */

static void a_recording_decides_the_same_again(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 200, true);
    struct outcome outcome = replay_text(world.text, world.size);
    assert_string_equal(outcome.reason, "");
    assert_true(outcome.good);
    assert_string_equal(outcome.told, "");
    assert_int_equal(outcome.result.periods, 200);
    assert_int_equal(outcome.result.decisions, 200 * MACHINES);
    assert_int_equal(outcome.result.different, 0);
    assert_int_equal(outcome.result.different_plans, 0);
    assert_int_equal(outcome.result.first_ms, 3000);
    assert_int_equal(outcome.result.last_ms, world.now_ms);
    free(outcome.told);
    world_teardown(&world);
}

static void a_recording_may_begin_at_any_period(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    periods(&world, 150, false);
    begin(&world);
    periods(&world, 100, true);
    struct outcome outcome = replay_text(world.text, world.size);
    assert_true(outcome.good);
    assert_int_equal(outcome.result.periods, 100);
    assert_int_equal(outcome.result.different, 0);
    free(outcome.told);
    world_teardown(&world);
}

static void machines_may_come_and_go(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, 1);
    begin(&world);
    periods(&world, 20, true);
    world.count = MACHINES;
    periods(&world, 20, true);
    world.count = 2;
    periods(&world, 20, true);
    world.count = MACHINES; /* the third comes again, and nothing of it is remembered */
    memset(&world.machines[2].memory, 0, sizeof(world.machines[2].memory));
    periods(&world, 20, true);
    struct outcome outcome = replay_text(world.text, world.size);
    assert_string_equal(outcome.reason, "");
    assert_true(outcome.good);
    assert_int_equal(outcome.result.different, 0);
    assert_int_equal(outcome.result.decisions, 20 * (1 + 3 + 2 + 3));
    free(outcome.told);
    world_teardown(&world);
}

static void a_further_first_line_begins_with_other_settings(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 30, true);
    world.settings.buffer_percent += 20;
    world.settings.deadband_bytes = 1;
    begin(&world);
    periods(&world, 30, true);
    struct outcome outcome = replay_text(world.text, world.size);
    assert_true(outcome.good);
    assert_int_equal(outcome.result.periods, 60);
    assert_int_equal(outcome.result.different, 0);
    free(outcome.told);
    world_teardown(&world);
}

/* Made before the policy knew machines that are not managed. */
static void a_recording_without_a_later_member_is_read_as_if_it_were_zero(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, 1);
    begin(&world);
    periods(&world, 1, true);
    char *text = replaced(world.text, ",\"unmanaged\":false", "");
    struct outcome outcome = replay_text(text, strlen(text));
    assert_string_equal(outcome.reason, "");
    assert_true(outcome.good);
    assert_int_equal(outcome.result.periods, 1);
    assert_int_equal(outcome.result.different, 0);
    free(outcome.told);
    free(text);
    world_teardown(&world);
}

static void a_decision_that_differs_is_counted_and_named(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 3, true);
    char *text = replaced(world.text, "\"demand_bytes\":", "\"demand_bytes\":9");
    struct outcome outcome = replay_text(text, strlen(text));
    assert_true(outcome.good);
    assert_int_equal(outcome.result.different, 1);
    assert_int_equal(outcome.result.different_plans, 0);
    assert_non_null(strstr(outcome.told, "3000 ms: db: recorded "));
    assert_non_null(strstr(outcome.told, "first in demand_bytes"));
    free(outcome.told);
    free(text);
    world_teardown(&world);
}

static void a_sum_of_the_host_that_differs_is_counted(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 2, true);
    char *text = replaced(world.text, "\"ceiling_bytes\":", "\"ceiling_bytes\":9");
    struct outcome outcome = replay_text(text, strlen(text));
    assert_true(outcome.good);
    assert_int_equal(outcome.result.different, 0);
    assert_int_equal(outcome.result.different_plans, 1);
    assert_non_null(strstr(outcome.told, "the host's ceiling_bytes is another"));
    free(outcome.told);
    free(text);
    world_teardown(&world);
}

/* ---- broken files ---- */

static void a_last_line_that_was_cut_off_is_left_out(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 2, true);
    size_t whole = world.size;
    periods(&world, 1, true);
    for (size_t size = whole + 1; size < world.size; size += 97) {
        struct outcome outcome = replay_text(world.text, size);
        assert_true(outcome.good);
        assert_int_equal(outcome.result.periods, 2);
        free(outcome.told);
    }
    struct outcome outcome = replay_text(world.text, world.size - 1); /* only its end is missing */
    assert_true(outcome.good);
    assert_int_equal(outcome.result.periods, 3);
    free(outcome.told);
    world_teardown(&world);
}

static void a_file_that_is_no_recording_is_told_from_one(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
        unsigned long line;
    } cases[] = {
        { "", "the recording is empty", 1 },
        { "\n", "the line is empty", 1 },
        { "hello\n", "'[' or '{' expected near 'hello'", 1 },
        { "{\"ballast\":", "expected", 1 },
        { "[]\n", "this is no recording of ballast", 1 },
        { "{\"now_ms\":1}\n", "this is no recording of ballast", 1 },
        { "{\"ballast\":\"recording\",\"version\":2}\n", "another version", 1 },
        { "{\"ballast\":\"recording\",\"version\":1}\n", "\"machines\" is no list", 1 },
        { "{\"ballast\":\"recording\",\"version\":1,\"machines\":[]}\n", "\"settings\" is missing",
          1 },
        { "{\"ballast\":1,\"ballast\":2}\n", "duplicate", 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome outcome = replay_text(cases[i].text, strlen(cases[i].text));
        assert_false(outcome.good);
        if (strstr(outcome.reason, cases[i].reason) == NULL) {
            fail_msg("case %zu: %s", i, outcome.reason);
        }
        assert_int_equal(outcome.line, cases[i].line);
        free(outcome.told);
    }
}

/* Versions before told of a driver that is not there. */
static void a_driver_that_a_recording_calls_none_is_unknown(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 2, true);
    char *text = replaced(world.text, "\"driver\":\"ok\"", "\"driver\":\"none\"");
    struct outcome outcome = replay_text(text, strlen(text));
    assert_string_equal(outcome.reason, "");
    assert_true(outcome.good);
    free(outcome.told);
    free(text);
    world_teardown(&world);
}

/* Everything that policy_decide() asserts, and what would lead it out of its arrays. */
static void what_the_policy_could_not_stand_is_refused(void **state)
{
    static const struct {
        const char *from, *to, *reason;
        unsigned long line;
    } cases[] = {
        { "\"slot\":", "\"slot\":1", "\"slot\" in \"memory\"", 1 },
        { "\"stale_ms\":", "\"stale_ms\":-", "\"stale_ms\" in \"settings\"", 1 },
        { "\"balloon_max_percent\":", "\"balloon_max_percent\":9", "", 1 },
        { "\"now_ms\":5000", "\"now_ms\":-5000", "\"now_ms\"", 3 },
        { "\"now_ms\":5000", "\"now_ms\":0", "\"now_ms\"", 3 },
        { "\"now_ms\":5000", "\"now_ms\":9223372036854775807", "\"now_ms\"", 3 },
        { "\"weight\":1000", "\"weight\":0", "weight", 2 },
        { "\"weight\":1000", "\"weight\":50001", "weight", 2 },
        { "\"max_bytes\":4294967296", "\"max_bytes\":1", "minimum and maximum", 2 },
        { "\"max_bytes\":4294967296", "\"max_bytes\":null", "minimum and maximum", 2 },
        { "\"max_bytes\":4294967296", "\"max_bytes\":70368744177665", "minimum and maximum", 2 },
        { "\"id\":1", "\"id\":3", "order of their ids", 2 },
        { "\"class\":\"burst\"", "\"class\":\"best\"", "\"class\" in \"machine\"", 2 },
        { "\"class\":\"burst\"", "\"class\":1", "\"class\" in \"machine\"", 2 },
        { "\"new\":true", "\"new\":0", "\"name\" or \"new\"", 2 },
        { "\"name\":\"db\",\"id\":1", "\"id\":1", "\"name\" or \"new\"", 2 },
        { "\"total_bytes\":17179869184", "\"total_bytes\":null", "\"total_bytes\" in \"host\"", 2 },
        { "\"driver\":\"ok\"", "\"driver\":\"good\"", "\"driver\" in \"sample\"", 2 },
        { "\"swap_out_bytes\":\"9223372036854775808\"", "\"swap_out_bytes\":\"-1\"",
          "\"swap_out_bytes\"", 2 },
        { "\"swap_out_bytes\":\"9223372036854775808\"",
          "\"swap_out_bytes\":\"99999999999999999999\"", "\"swap_out_bytes\"", 2 },
        { "\"paused\":false", "\"paused\":null", "\"paused\" in \"sample\"", 2 },
        { "\"sample\":{", "\"sample\":[],\"rest\":{", "\"sample\" is missing", 2 },
    };
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 2, true);
    char *known = strdup(world.text);
    /* The first line's memories are empty; those of a second one are not. */
    begin(&world);
    const char *last = strstr(world.text, "\n{\"now_ms\":5000");
    assert_non_null(last);
    const char *again = strstr(last + 1, "\n") + 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = replaced(i == 0 ? again : known, cases[i].from, cases[i].to);
        struct outcome outcome = replay_text(text, strlen(text));
        if (outcome.good || strstr(outcome.reason, cases[i].reason) == NULL) {
            fail_msg("case %zu: \"%s\"", i, outcome.reason);
        }
        assert_int_equal(outcome.line, cases[i].line);
        free(outcome.told);
        free(text);
    }
    free(known);
    world_teardown(&world);
}

static void a_machine_that_was_not_there_before_must_be_new(void **state)
{
    struct world world;
    (void)state;
    world_setup(&world, MACHINES);
    begin(&world);
    periods(&world, 1, true);
    char *text = replaced(world.text, "\"new\":true", "\"new\":false");
    /* It is in the first line; so it is taken out there. */
    char *other = replaced(text, "\"name\":\"db\"", "\"name\":\"gone\"");
    struct outcome outcome = replay_text(other, strlen(other));
    assert_false(outcome.good);
    assert_string_equal(outcome.reason, "a machine that is not new was not there before");
    assert_int_equal(outcome.line, 2);
    free(outcome.told);
    free(text);
    free(other);
    world_teardown(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_of_every_structure_is_recorded),
        cmocka_unit_test(every_value_of_64_bits_survives_the_file),
        cmocka_unit_test(a_value_that_is_missing_is_null_and_no_number),
        cmocka_unit_test(a_recording_decides_the_same_again),
        cmocka_unit_test(a_recording_may_begin_at_any_period),
        cmocka_unit_test(machines_may_come_and_go),
        cmocka_unit_test(a_further_first_line_begins_with_other_settings),
        cmocka_unit_test(a_recording_without_a_later_member_is_read_as_if_it_were_zero),
        cmocka_unit_test(a_decision_that_differs_is_counted_and_named),
        cmocka_unit_test(a_sum_of_the_host_that_differs_is_counted),
        cmocka_unit_test(a_last_line_that_was_cut_off_is_left_out),
        cmocka_unit_test(a_file_that_is_no_recording_is_told_from_one),
        cmocka_unit_test(a_driver_that_a_recording_calls_none_is_unknown),
        cmocka_unit_test(what_the_policy_could_not_stand_is_refused),
        cmocka_unit_test(a_machine_that_was_not_there_before_must_be_new),
    };
    return cmocka_run_group_tests_name("tools/ballast/record/record.c", tests, NULL, NULL);
}
