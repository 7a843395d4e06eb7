/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP client against a scripted server in a thread: what a QEMU sends in any order and in any
 * pieces, and what one that is broken sends.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakes/fake_qmp_server.h"
#include "tools/qmp/qmp.h"
#include "tools/qmp/qmp_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Long for a thread on this machine, short for a person. */
#define LIMIT_MS 3000

static struct qmp *connect_to(const struct fake_qmp_step *steps, size_t count,
                              struct fake_qmp_server **server)
{
    struct qmp_error error;
    struct qmp *qmp = NULL;
    int fd = -1;

    *server = fake_qmp_server_start(steps, count, &fd);
    assert_non_null(*server);
    if (qmp_adopt(fd, LIMIT_MS, &qmp, &error) != QMP_OK) {
        fail_msg("cannot connect to the fake server: %s", error.text);
    }
    return qmp;
}

static void finish(struct qmp *qmp, struct fake_qmp_server *server)
{
    qmp_close(qmp);
    assert_true(fake_qmp_server_stop(server));
}

static void a_command_gets_its_reply(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "\"arguments\":{\"value\":268435456}",
          .send = "{\"return\": {\"done\": 7}, \"id\": $ID}\r\n" },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;
    json_t *reply = NULL;
    uint64_t done = 0;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "balloon", json_pack("{s:i}", "value", 268435456), LIMIT_MS,
                                 &reply, &error),
                     QMP_OK);
    assert_int_equal(error.status, QMP_OK);
    assert_true(qmp_get_u64(reply, "done", &done));
    assert_int_equal(done, 7);
    json_decref(reply);
    finish(qmp, server);
}

static void a_refused_command_carries_class_and_text(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "query-balloon",
          .send = "{\"error\": {\"class\": \"DeviceNotActive\", \"desc\": \"No balloon device\"}, "
                  "\"id\": $ID}\r\n" },
        { .expect = "query-name", .send = "{\"return\": {}, \"id\": $ID}\r\n" },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "query-balloon", NULL, LIMIT_MS, NULL, &error), QMP_REFUSED);
    assert_string_equal(error.class, "DeviceNotActive");
    assert_string_equal(error.text, "No balloon device");
    assert_int_equal(qmp_execute(qmp, "query-name", NULL, LIMIT_MS, NULL, &error), QMP_OK);
    finish(qmp, server);
}

static void events_before_a_reply_are_kept_in_order(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "query-name",
          .send = "{\"event\": \"STOP\"}\r\n{\"event\": \"BALLOON_CHANGE\", \"data\": {\"actual\": "
                  "5}}\r\n{\"event\": \"RESUME\"}\r\n{\"return\": {}, \"id\": $ID}\r\n" },
        { .expect = "query-name", .hold = true },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;
    uint64_t actual = 0;
    uint64_t id;
    json_t *event;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "query-name", NULL, LIMIT_MS, NULL, &error), QMP_OK);
    assert_int_equal(qmp_wait_event(qmp, "BALLOON_CHANGE", 0, &event, &error), QMP_OK);
    assert_true(qmp_get_u64(event, "data/actual", &actual));
    assert_int_equal(actual, 5);
    json_decref(event);
    event = qmp_take_event(qmp, NULL);
    assert_string_equal(json_string_value(json_object_get(event, "event")), "STOP");
    json_decref(event);
    event = qmp_take_event(qmp, NULL);
    assert_string_equal(json_string_value(json_object_get(event, "event")), "RESUME");
    json_decref(event);
    assert_null(qmp_take_event(qmp, NULL));
    assert_int_equal(qmp_send(qmp, "query-name", NULL, LIMIT_MS, &id, &error), QMP_OK);
    finish(qmp, server);
}

static void the_oldest_event_is_dropped_and_counted(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "query-name", .send = "{\"event\": \"FIRST\"}\r\n" },
        { .send = "{\"event\": \"NEXT\"}\r\n", .repeat = QMP_EVENTS_MAX - 1 },
        { .send = "{\"return\": {}, \"id\": $ID}\r\n" },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);

    (void)state;
    assert_int_equal(qmp_execute(qmp, "query-name", NULL, LIMIT_MS, NULL, NULL), QMP_OK);
    assert_int_equal(qmp_events_dropped(qmp), 1);
    assert_null(qmp_take_event(qmp, "FIRST"));
    for (unsigned i = 0; i < QMP_EVENTS_MAX; i++) {
        json_t *event = qmp_take_event(qmp, "NEXT");

        assert_non_null(event);
        json_decref(event);
    }
    assert_null(qmp_take_event(qmp, NULL));
    finish(qmp, server);
}

static void a_reply_in_single_bytes_is_put_together(void **state)
{
    static const struct fake_qmp_step steps[] = {
        { .send = FAKE_QMP_GREETING, .piece = 1 },
        { .expect = "qmp_capabilities", .send = "{\"return\": {}, \"id\": $ID}\r\n", .piece = 1 },
        { .expect = "query-name",
          .send = "{\"return\": {\"name\": \"a } \\\" { b\", \"deep\": [[{}]]}, \"id\": $ID}\r\n",
          .piece = 1 },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    json_t *reply = NULL;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "query-name", NULL, LIMIT_MS, &reply, NULL), QMP_OK);
    assert_string_equal(json_string_value(json_object_get(reply, "name")), "a } \" { b");
    json_decref(reply);
    finish(qmp, server);
}

static void replies_out_of_order_find_their_commands(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "first" },
        { .expect = "second",
          .send = "{\"return\": 22, \"id\": 3}\r\n{\"return\": 11, \"id\": 2}\r\n",
          .hold = true },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;
    uint64_t ids[2];
    json_t *reply = NULL;

    (void)state;
    assert_int_equal(qmp_send(qmp, "first", NULL, LIMIT_MS, &ids[0], &error), QMP_OK);
    assert_int_equal(qmp_send(qmp, "second", NULL, LIMIT_MS, &ids[1], &error), QMP_OK);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 3);
    while (qmp_take_reply(qmp, ids[0], &reply, &error) == QMP_TIMEOUT) {
        assert_int_equal(qmp_wait(qmp, LIMIT_MS, &error), QMP_OK);
    }
    assert_int_equal(json_integer_value(reply), 11);
    json_decref(reply);
    assert_int_equal(qmp_take_reply(qmp, ids[1], &reply, &error), QMP_OK);
    assert_int_equal(json_integer_value(reply), 22);
    json_decref(reply);
    finish(qmp, server);
}

static void a_late_reply_is_dropped_and_does_no_harm(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "slow" },
        { .expect = "quick",
          .send = "{\"return\": \"late\", \"id\": 2}\r\n{\"return\": \"now\", \"id\": $ID}\r\n" },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;
    json_t *reply = NULL;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "slow", NULL, 30, &reply, &error), QMP_TIMEOUT);
    assert_null(reply);
    assert_int_equal(qmp_execute(qmp, "quick", NULL, LIMIT_MS, &reply, &error), QMP_OK);
    assert_string_equal(json_string_value(reply), "now");
    json_decref(reply);
    finish(qmp, server);
}

static void too_many_commands_at_once_are_refused(void **state)
{
    static const struct fake_qmp_step steps[] = { FAKE_QMP_HELLO, { .hold = true } };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;
    uint64_t id = 0;

    (void)state;
    for (unsigned i = 0; i < QMP_PENDING_MAX; i++) {
        assert_int_equal(qmp_send(qmp, "query-name", NULL, LIMIT_MS, &id, &error), QMP_OK);
    }
    assert_int_equal(qmp_send(qmp, "query-name", json_object(), LIMIT_MS, &id, &error), QMP_BUSY);
    qmp_close(qmp);
    (void)fake_qmp_server_stop(server);
}

static void a_closed_connection_is_reported_for_ever_after(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "quit",
          .send = "{\"return\": {}, \"id\": $ID}\r\n{\"event\": \"SHUTDOWN\"}\r\n" },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;
    json_t *event = NULL;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "quit", NULL, LIMIT_MS, NULL, &error), QMP_OK);
    assert_int_equal(qmp_wait_event(qmp, "RESET", LIMIT_MS, &event, &error), QMP_CLOSED);
    assert_null(event);
    assert_int_equal(qmp_execute(qmp, "query-name", NULL, LIMIT_MS, NULL, &error), QMP_CLOSED);
    assert_string_equal(error.text, "QEMU closed the QMP connection");
    assert_int_equal(qmp_wait_event(qmp, "SHUTDOWN", 0, &event, &error), QMP_OK);
    json_decref(event);
    finish(qmp, server);
}

/* Sends `text` after the handshake; the next command must fail with `wanted`. */
static void expect_broken(const char *text, size_t bytes, unsigned repeat, enum qmp_status wanted)
{
    struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "query-name", .send = text, .send_bytes = bytes, .repeat = repeat },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    struct qmp_error error;

    assert_int_equal(qmp_execute(qmp, "query-name", NULL, LIMIT_MS, NULL, &error), wanted);
    assert_true(strlen(error.text) > 0);
    finish(qmp, server);
}

static void garbage_is_a_protocol_error(void **state)
{
    static const char *const texts[] = {
        "hello\r\n",
        "[1, 2]\r\n",
        "{\"return\": }\r\n",
        "{\"return\": [}]}\r\n",
        "{\"what\": 1}\r\n",
        "{\"event\": 5}\r\n",
        "{\"return\": {}, \"id\": 999}\r\n",
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no id\"}}\r\n",
        "{\"return\": {}, \"id\": \"2\"}\r\n",
        "{\"return\": {}, \"return\": {}, \"id\": 2}\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        expect_broken(texts[i], 0, 0, QMP_PROTOCOL);
    }
    expect_broken("{\"return\": \"\0\"}\r\n", 16, 0, QMP_PROTOCOL);
    expect_broken("\0\0\0\0", 4, 0, QMP_PROTOCOL);
    expect_broken("{\"return\": {", 0, 0, QMP_CLOSED);
}

static void an_endless_object_is_a_protocol_error(void **state)
{
    static char chunk[1 << 20];

    (void)state;
    memset(chunk, '{', sizeof(chunk));
    expect_broken(chunk, sizeof(chunk), 9, QMP_PROTOCOL);
}

static void a_server_that_says_nothing_times_out(void **state)
{
    static const struct fake_qmp_step steps[] = { { .hold = true } };
    struct qmp_error error;
    struct qmp *qmp = NULL;
    int fd = -1;
    struct fake_qmp_server *server = fake_qmp_server_start(steps, COUNT(steps), &fd);

    (void)state;
    assert_non_null(server);
    assert_int_equal(qmp_adopt(fd, 30, &qmp, &error), QMP_TIMEOUT);
    assert_null(qmp);
    assert_true(fake_qmp_server_stop(server));
}

static void a_socket_that_appears_late_is_waited_for(void **state)
{
    static const struct fake_qmp_step steps[] = { FAKE_QMP_HELLO };
    struct qmp_error error;
    struct qmp *qmp = NULL;
    char folder[] = "/tmp/test_qmp.XXXXXX";
    char path[64];
    struct fake_qmp_server *server;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/qmp", folder);
    assert_int_equal(qmp_connect(path, 20, &qmp, &error), QMP_TIMEOUT);
    server = fake_qmp_server_listen(steps, COUNT(steps), path, 50);
    assert_int_equal(qmp_connect(path, LIMIT_MS, &qmp, &error), QMP_OK);
    finish(qmp, server);
    unlink(path);
    rmdir(folder);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct qmp_error error;
    struct qmp *qmp = NULL;
    char path[200];

    (void)state;
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(qmp_connect(path, LIMIT_MS, &qmp, &error), QMP_SYSTEM);
    assert_null(qmp);
}

/* Decodes {"n": NUMBER} and reads it back. */
static bool read_number(const char *number, uint64_t *value)
{
    char text[128];
    json_t *object;
    bool found;

    snprintf(text, sizeof(text), "{\"s\": \"a\\\\\\\"9\", \"n\": %s}", number);
    object = qmp_text_decode(text, strlen(text));
    assert_non_null(object);
    found = qmp_get_u64(object, "n", value);
    json_decref(object);
    return found;
}

static void integers_up_to_two_to_the_64_are_exact(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = { { "0", 0 },
                 { "9007199254740993", UINT64_C(9007199254740993) },
                 { "9223372036854775807", INT64_MAX },
                 { "9223372036854775808", UINT64_C(9223372036854775808) },
                 { "18446744073709551614", UINT64_MAX - 1 },
                 { "18446744073709551615", UINT64_MAX } };
    static const char *const bad[] = { "-1",
                                       "-9223372036854775809",
                                       "18446744073709551616",
                                       "99999999999999999999999999999",
                                       "1.5",
                                       "1e3",
                                       "true",
                                       "\"17\"",
                                       "\"18446744073709551615x\"" };
    uint64_t value = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(read_number(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(read_number(bad[i], &value));
    }
    assert_null(qmp_text_decode("{\"n\": 18446744073709551615-}", 28));
    assert_null(qmp_text_decode("{\"n\": 00000000000000000000001}", 30));
    assert_null(qmp_text_decode("[18446744073709551615]", 22));
}

static void large_integers_survive_in_a_real_reply(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "qom-get",
          .send = "{\"return\": {\"stats\": {\"stat-swap-in\": 18446744073709551615, "
                  "\"stat-free-memory\": 4096}, \"last-update\": 3}, \"id\": $ID}\r\n",
          .piece = 7 },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = connect_to(steps, COUNT(steps), &server);
    uint64_t value = 0;
    json_t *reply = NULL;

    (void)state;
    assert_int_equal(qmp_execute(qmp, "qom-get", NULL, LIMIT_MS, &reply, NULL), QMP_OK);
    assert_true(qmp_get_u64(reply, "stats/stat-swap-in", &value));
    assert_true(value == UINT64_MAX);
    assert_true(qmp_get_u64(reply, "stats/stat-free-memory", &value));
    assert_int_equal(value, 4096);
    assert_false(qmp_get_u64(reply, "stats/absent", &value));
    assert_false(qmp_get_u64(reply, "last-update/deeper", &value));
    json_decref(reply);
    finish(qmp, server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_gets_its_reply),
        cmocka_unit_test(a_refused_command_carries_class_and_text),
        cmocka_unit_test(events_before_a_reply_are_kept_in_order),
        cmocka_unit_test(the_oldest_event_is_dropped_and_counted),
        cmocka_unit_test(a_reply_in_single_bytes_is_put_together),
        cmocka_unit_test(replies_out_of_order_find_their_commands),
        cmocka_unit_test(a_late_reply_is_dropped_and_does_no_harm),
        cmocka_unit_test(too_many_commands_at_once_are_refused),
        cmocka_unit_test(a_closed_connection_is_reported_for_ever_after),
        cmocka_unit_test(garbage_is_a_protocol_error),
        cmocka_unit_test(an_endless_object_is_a_protocol_error),
        cmocka_unit_test(a_server_that_says_nothing_times_out),
        cmocka_unit_test(a_socket_that_appears_late_is_waited_for),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
        cmocka_unit_test(integers_up_to_two_to_the_64_are_exact),
        cmocka_unit_test(large_integers_survive_in_a_real_reply),
    };

    return cmocka_run_group_tests_name("tools/qmp/qmp.c", tests, NULL, NULL);
}
