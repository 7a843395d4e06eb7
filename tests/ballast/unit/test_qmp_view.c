/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies to facts: age of statistics, hostile values, and what the backend's own test does not
 * reach. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/ballast/backend/qmp_view.h"
#include "tools/qmp/qmp_text.h"

#define WALL_S  INT64_C(1795265824)
#define WALL_MS (WALL_S * 1000)
#define NOW_MS  INT64_C(100000)
#define MIB     ((int64_t)1 << 20)

/* Answers as QEMU would; `text` is an object. */
static void answer_at(struct qmp_view *view, enum qmp_question question, const char *text,
                      int64_t now_ms, int64_t wall_ms)
{
    const struct qmp_error good = { .status = QMP_OK };
    json_t *reply = qmp_text_decode(text, strlen(text));

    assert_non_null(reply);
    qmp_view_answer(view, question, reply, &good, now_ms, wall_ms);
    json_decref(reply);
}

static void answer(struct qmp_view *view, enum qmp_question question, const char *text)
{
    answer_at(view, question, text, NOW_MS, WALL_MS);
}

static void refuse(struct qmp_view *view, enum qmp_question question, const char *class)
{
    struct qmp_error error = { .status = QMP_REFUSED };

    snprintf(error.class, sizeof(error.class), "%s", class);
    qmp_view_answer(view, question, NULL, &error, NOW_MS, WALL_MS);
}

/* Statistics of that second, looked at then. */
static int64_t stats_at(struct qmp_view *view, int64_t update_s, int64_t now_ms, int64_t wall_ms)
{
    char text[160];

    snprintf(text, sizeof(text),
             "{\"stats\": {\"stat-available-memory\": 4096}, \"last-update\": %lld}",
             (long long)update_s);
    answer_at(view, QMP_ASK_STATS, text, now_ms, wall_ms);
    return view->facts.stats_ms;
}

/* ---- age ---- */

static void the_first_look_takes_the_age_from_the_clock(void **state)
{
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    assert_int_equal(stats_at(&view, WALL_S - 7, NOW_MS, WALL_MS + 300), NOW_MS - 7300);
    assert_int_equal(view.facts.available_bytes, 4096);
}

static void a_stamp_of_another_clock_is_not_believed(void **state)
{
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    assert_int_equal(stats_at(&view, WALL_S + 3600, NOW_MS, WALL_MS), 0);
    assert_true(view.facts.available_bytes == POLICY_MISSING);
    qmp_view_clear(&view);
    assert_int_equal(stats_at(&view, 5, NOW_MS, WALL_MS), 0); /* before this host started */
    /* But one that changes between two looks is new. */
    assert_in_range(stats_at(&view, 6, NOW_MS + 1000, WALL_MS + 1000), NOW_MS, NOW_MS + 1000);
}

static void a_clock_that_is_set_does_not_make_statistics_young_or_old(void **state)
{
    struct qmp_view view;
    int64_t before;

    (void)state;
    qmp_view_clear(&view);
    before = stats_at(&view, WALL_S, NOW_MS, WALL_MS);
    /* An hour back, and nothing new: they keep their time. */
    assert_int_equal(stats_at(&view, WALL_S, NOW_MS + 1000, WALL_MS - 3600000), before);
    /* New ones, stamped before a jump an hour ahead: no older than the look before. */
    assert_int_equal(stats_at(&view, WALL_S + 2, NOW_MS + 2000, WALL_MS + 3600000), NOW_MS + 1000);
    /* New ones, stamped before a jump back: not from the future. */
    assert_int_equal(stats_at(&view, WALL_S + 3, NOW_MS + 3000, WALL_MS - 3600000), NOW_MS + 3000);
}

static void statistics_that_were_never_sent_are_none(void **state)
{
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    assert_int_equal(stats_at(&view, 0, NOW_MS, WALL_MS), 0);
    assert_true(view.facts.available_bytes == POLICY_MISSING);
    answer(&view, QMP_ASK_STATS, "{\"last-update\": 18446744073709551615, \"stats\": {}}");
    assert_int_equal(view.facts.stats_ms, 0);
    answer(&view, QMP_ASK_STATS, "{\"last-update\": \"soon\"}");
    assert_int_equal(view.facts.stats_ms, 0);
}

static void missing_values_are_missing_and_large_counters_exact(void **state)
{
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    answer(&view, QMP_ASK_STATS,
           "{\"last-update\": 1795265824, \"stats\": {\"stat-total-memory\": 18446744073709551615, "
           "\"stat-available-memory\": 70368744177665, \"stat-swap-in\": 18446744073709551614, "
           "\"stat-major-faults\": -1, \"stat-oom-kills\": 2, \"stat-alloc-stalls\": 3}}");
    assert_int_equal(view.facts.stats_ms, NOW_MS);
    assert_true(view.facts.total_bytes == POLICY_MISSING);
    assert_true(view.facts.available_bytes == POLICY_MISSING); /* more than any machine has */
    assert_true(view.facts.swap_in_bytes == UINT64_MAX - 1);
    assert_true(view.facts.major_faults == POLICY_MISSING);
    assert_int_equal(view.facts.oom_kills, 2);
    assert_int_equal(view.facts.alloc_stalls, 3);
}

static void size_is(struct qmp_view *view, int64_t mib)
{
    char text[64];

    snprintf(text, sizeof(text), "{\"actual\": %lld}", (long long)(mib * MIB));
    answer(view, QMP_ASK_BALLOON, text);
}

/* Nobody can tell which of them it had when it sent them; a smaller one would make it a liar. */
static void statistics_belong_to_the_largest_size_since_the_look_before(void **state)
{
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    (void)stats_at(&view, WALL_S - 1, NOW_MS, WALL_MS);
    assert_true(view.facts.stats_actual_bytes == POLICY_MISSING);
    size_is(&view, 4000);
    assert_int_equal(view.facts.stats_actual_bytes, 4000 * MIB);
    qmp_view_end(&view);
    /* It grows: the size read behind the statistics is the first that was not less. */
    (void)stats_at(&view, WALL_S, NOW_MS + 1000, WALL_MS + 1000);
    assert_int_equal(view.facts.stats_actual_bytes, 4000 * MIB);
    size_is(&view, 5200);
    assert_int_equal(view.facts.stats_actual_bytes, 5200 * MIB);
    qmp_view_end(&view);
    size_is(&view, 6000); /* an event, later */
    assert_int_equal(view.facts.stats_actual_bytes, 5200 * MIB);
    /* It shrinks. */
    (void)stats_at(&view, WALL_S + 1, NOW_MS + 2000, WALL_MS + 2000);
    size_is(&view, 3000);
    assert_int_equal(view.facts.actual_bytes, 3000 * MIB);
    assert_int_equal(view.facts.stats_actual_bytes, 6000 * MIB);
    qmp_view_end(&view);
    /* No new ones: they stay what they are. */
    (void)stats_at(&view, WALL_S + 1, NOW_MS + 3000, WALL_MS + 3000);
    size_is(&view, 7000);
    assert_int_equal(view.facts.stats_actual_bytes, 6000 * MIB);
}

/* ---- hostile and old ---- */

static void sizes_that_cannot_be_are_not_taken(void **state)
{
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    answer(&view, QMP_ASK_MEMORY, "{\"base-memory\": 18446744073709551615, \"plugged-memory\": 5}");
    assert_true(view.facts.ram_bytes == POLICY_MISSING);
    answer(&view, QMP_ASK_MEMORY, "{\"base-memory\": 1048576, \"plugged-memory\": 1048576}");
    assert_int_equal(view.facts.ram_bytes, 2 * MIB);
    answer(&view, QMP_ASK_BALLOON, "{\"actual\": 18446744073709551615}");
    assert_true(view.facts.actual_bytes == POLICY_MISSING);
    answer(&view, QMP_ASK_BALLOON, "{\"actual\": 4194304}"); /* more than its RAM */
    assert_int_equal(view.facts.actual_bytes, 2 * MIB);
    answer(&view, QMP_ASK_BALLOON, "{\"actual\": [1]}");
    assert_int_equal(view.facts.actual_bytes, 2 * MIB);
}

static void what_a_device_offers_is_forgotten_with_it(void **state)
{
    const struct qmp_error good = { .status = QMP_OK };
    struct qmp_view view;
    json_t *yes = json_true();
    json_t *no = json_false();

    (void)state;
    qmp_view_clear(&view);
    assert_false(view.facts.offered_known);
    qmp_view_answer(&view, QMP_ASK_DEFLATE, yes, &good, NOW_MS, WALL_MS);
    qmp_view_answer(&view, QMP_ASK_REPORTING, no, &good, NOW_MS, WALL_MS);
    refuse(&view, QMP_ASK_HINTING, "GenericError"); /* a QEMU without that property */
    assert_true(view.facts.offered_known);
    assert_int_equal(view.facts.offered, FACTS_DEFLATE_ON_OOM | FACTS_STATISTICS);
    qmp_view_answer(&view, QMP_ASK_DEFLATE, no, &good, NOW_MS, WALL_MS);
    assert_int_equal(view.facts.offered, FACTS_STATISTICS);
    memcpy(view.device, "/machine/peripheral/gone", sizeof("/machine/peripheral/gone"));
    qmp_view_search_begin(&view);
    assert_true(qmp_view_search_end(&view));
    assert_false(view.facts.offered_known);
    assert_int_equal(view.facts.offered, 0);
}

/* QEMU 11.1.3 aborts on x-query-virtio-status, and the machine with it. */
static void no_command_is_unstable_or_for_people(void **state)
{
    size_t count = 0;

    (void)state;
    for (const char *command; (command = qmp_command_sent(count)) != NULL; count++) {
        assert_int_not_equal(strncmp(command, "x-", 2), 0);
        assert_string_not_equal(command, "human-monitor-command");
        assert_string_not_equal(command, "qtest");
    }
    assert_int_equal(count, QMP_QUESTIONS + 2U);
}

static void names_that_are_too_long_are_no_device(void **state)
{
    struct qmp_view view;
    char text[512];
    char name[300];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    qmp_view_clear(&view);
    snprintf(text, sizeof(text),
             "{\"a\": [{\"name\": \"%s\", \"type\": \"child<virtio-balloon-pci>\"}]}", name);
    for (unsigned i = 0; i < 2; i++) {
        const struct qmp_error good = { .status = QMP_OK };
        json_t *reply = qmp_text_decode(text, strlen(text));

        qmp_view_search_begin(&view);
        qmp_view_answer(&view, QMP_ASK_PERIPHERAL, json_object_get(reply, "a"), &good, NOW_MS,
                        WALL_MS);
        assert_int_equal(qmp_view_search_end(&view), i == 1);
        json_decref(reply);
        snprintf(text, sizeof(text),
                 "{\"a\": [{\"name\": \"b\", \"type\": \"child<virtio-balloon-device>\"}]}");
    }
    assert_string_equal(view.device, "/machine/peripheral/b");
    assert_false(view.device_is_proxy);
}

static void without_a_summary_the_backends_tell_the_ram(void **state)
{
    const struct qmp_error good = { .status = QMP_OK };
    struct qmp_view view;
    json_t *list = json_pack("[{s:I}, {s:I, s:b}]", "size", (json_int_t)(64 * MIB), "size",
                             (json_int_t)(32 * MIB), "prealloc", 1);

    (void)state;
    qmp_view_clear(&view);
    refuse(&view, QMP_ASK_MEMORY, "CommandNotFound");
    assert_int_equal(qmp_view_possible(&view, QMP_SET_STATE) & QMP_BIT(QMP_ASK_MEMORY), 0);
    qmp_view_answer(&view, QMP_ASK_MEMDEV, list, &good, NOW_MS, WALL_MS);
    json_decref(list);
    assert_int_equal(view.facts.ram_bytes, 96 * MIB);
    assert_true(view.facts.prealloc);
}

/* QEMU without -uuid answers zeros: that is no UUID. */
static void a_uuid_of_zeros_or_of_nonsense_is_none(void **state)
{
    static const char *const none[] = { "00000000-0000-0000-0000-000000000000", "web", "" };
    const struct qmp_error good = { .status = QMP_OK };
    struct qmp_view view;

    (void)state;
    qmp_view_clear(&view);
    assert_string_equal(qmp_question_command(QMP_ASK_UUID), "query-uuid");
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        json_t *reply = json_pack("{s:s}", "UUID", "ABCDEF01-2345-6789-abcd-ef0123456789");

        qmp_view_answer(&view, QMP_ASK_UUID, reply, &good, NOW_MS, WALL_MS);
        assert_string_equal(view.facts.uuid, "abcdef01-2345-6789-abcd-ef0123456789");
        json_object_set_new(reply, "UUID", json_string(none[i]));
        qmp_view_answer(&view, QMP_ASK_UUID, reply, &good, NOW_MS, WALL_MS);
        assert_string_equal(view.facts.uuid, "");
        json_decref(reply);
    }
    refuse(&view, QMP_ASK_UUID, "CommandNotFound");
    assert_string_equal(view.facts.uuid, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_look_takes_the_age_from_the_clock),
        cmocka_unit_test(a_stamp_of_another_clock_is_not_believed),
        cmocka_unit_test(a_clock_that_is_set_does_not_make_statistics_young_or_old),
        cmocka_unit_test(statistics_that_were_never_sent_are_none),
        cmocka_unit_test(missing_values_are_missing_and_large_counters_exact),
        cmocka_unit_test(statistics_belong_to_the_largest_size_since_the_look_before),
        cmocka_unit_test(sizes_that_cannot_be_are_not_taken),
        cmocka_unit_test(what_a_device_offers_is_forgotten_with_it),
        cmocka_unit_test(no_command_is_unstable_or_for_people),
        cmocka_unit_test(names_that_are_too_long_are_no_device),
        cmocka_unit_test(without_a_summary_the_backends_tell_the_ram),
        cmocka_unit_test(a_uuid_of_zeros_or_of_nonsense_is_none),
    };

    return cmocka_run_group_tests_name("tools/ballast/backend/qmp_view.c", tests, NULL, NULL);
}
