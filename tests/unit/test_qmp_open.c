/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP client as an event loop uses it: nothing may wait. The loop here is poll() with a pump;
 * the server is the scripted one.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/fakes/fake_qmp_server.h"
#include "tools/qmp/qmp.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT_MS     5000

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct qmp *open_to(const struct fake_qmp_step *steps, size_t count,
                           struct fake_qmp_server **server)
{
    struct qmp *qmp = NULL;
    int fd = -1;

    *server = fake_qmp_server_start(steps, count, &fd);
    assert_non_null(*server);
    assert_int_equal(qmp_open_fd(fd, &qmp, NULL), QMP_OK);
    assert_false(qmp_greeted(qmp));
    assert_false(qmp_ready(qmp));
    return qmp;
}

/* One turn of an event loop. */
static enum qmp_status turn(struct qmp *qmp, int timeout_ms, struct qmp_error *error)
{
    struct pollfd poll_fd = { .fd = qmp_fd(qmp), .events = POLLIN };

    poll_fd.events = (short)(POLLIN | (qmp_wants_output(qmp) ? POLLOUT : 0));
    (void)poll(&poll_fd, 1, timeout_ms);
    return qmp_pump(qmp, error);
}

/* Turns until the connection is ready or broken. */
static enum qmp_status until_ready(struct qmp *qmp, struct qmp_error *error)
{
    int64_t end = now_ms() + LIMIT_MS;
    enum qmp_status status = QMP_OK;

    while (status == QMP_OK && !qmp_ready(qmp) && now_ms() < end) {
        status = turn(qmp, 50, error);
    }
    return status;
}

static json_t *until_reply(struct qmp *qmp, uint64_t id)
{
    int64_t end = now_ms() + LIMIT_MS;
    json_t *reply = NULL;

    while (qmp_take_reply(qmp, id, &reply, NULL) == QMP_TIMEOUT && now_ms() < end) {
        (void)turn(qmp, 50, NULL);
    }
    return reply;
}

static void finish(struct qmp *qmp, struct fake_qmp_server *server)
{
    qmp_close(qmp);
    assert_true(fake_qmp_server_stop(server));
}

/* The script breaks the connection before it is ready: with this status. */
static void expect_never_ready(const struct fake_qmp_step *steps, size_t count,
                               enum qmp_status expected)
{
    struct fake_qmp_server *server;
    struct qmp *qmp = open_to(steps, count, &server);
    struct qmp_error error;

    assert_int_equal(until_ready(qmp, &error), expected);
    assert_int_equal(error.status, expected);
    assert_true(error.text[0] != '\0');
    assert_false(qmp_ready(qmp));
    qmp_close(qmp);
    (void)fake_qmp_server_stop(server);
}

/* ---- start ---- */

static void a_connection_is_negotiated_by_pumping(void **state)
{
    static const struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "query-name", .send = "{\"return\": {\"name\": \"a\"}, \"id\": $ID}\r\n" },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp = open_to(steps, COUNT(steps), &server);
    uint64_t id = 0;
    json_t *reply;

    (void)state;
    assert_int_equal(until_ready(qmp, NULL), QMP_OK);
    assert_true(qmp_ready(qmp));
    assert_int_equal(qmp_send(qmp, "query-name", NULL, 0, &id, NULL), QMP_OK);
    reply = until_reply(qmp, id);
    assert_string_equal(json_string_value(json_object_get(reply, "name")), "a");
    json_decref(reply);
    finish(qmp, server);
}

static void a_late_greeting_in_single_bytes_with_events_between_is_understood(void **state)
{
    static const struct fake_qmp_step steps[] = {
        { .send = FAKE_QMP_GREETING, .piece = 1, .pause_ms = 60 },
        { .expect = "qmp_capabilities",
          .send = "{\"event\": \"RESET\"}\r\n{\"return\": {}, \"id\": $ID}\r\n",
          .piece = 3 },
        { .expect = "query-name",
          .send = "{\"event\": \"STOP\"}{\"return\": 7, \"id\": $ID}{\"event\": \"RESUME\"}",
          .piece = 2,
          .hold = true },
    };
    static const char *const names[] = { "RESET", "STOP", "RESUME" };
    struct fake_qmp_server *server;
    struct qmp *qmp = open_to(steps, COUNT(steps), &server);
    uint64_t id = 0;
    json_t *reply;

    (void)state;
    assert_int_equal(qmp_pump(qmp, NULL), QMP_OK);
    assert_false(qmp_greeted(qmp));
    assert_int_equal(until_ready(qmp, NULL), QMP_OK);
    assert_int_equal(qmp_send(qmp, "query-name", NULL, 0, &id, NULL), QMP_OK);
    reply = until_reply(qmp, id);
    assert_int_equal(json_integer_value(reply), 7);
    json_decref(reply);
    for (size_t i = 0; i < COUNT(names); i++) {
        json_t *event = NULL;

        assert_int_equal(qmp_wait_event(qmp, names[i], LIMIT_MS, &event, NULL), QMP_OK);
        json_decref(event);
    }
    finish(qmp, server);
}

static void the_end_is_found_at_every_step(void **state)
{
    static const struct fake_qmp_step nothing[] = { { .pause_ms = 1 } };
    static const struct fake_qmp_step half[] = { { .send = "{\"QMP\": {" } };
    static const struct fake_qmp_step greeting[] = { { .send = FAKE_QMP_GREETING } };
    static const struct fake_qmp_step asked[] = { { .send = FAKE_QMP_GREETING },
                                                  { .expect = "qmp_capabilities" } };

    (void)state;
    expect_never_ready(nothing, COUNT(nothing), QMP_CLOSED);
    expect_never_ready(half, COUNT(half), QMP_CLOSED);
    expect_never_ready(greeting, COUNT(greeting), QMP_CLOSED);
    expect_never_ready(asked, COUNT(asked), QMP_CLOSED);
}

static void what_is_no_monitor_is_a_protocol_error(void **state)
{
    static const struct fake_qmp_step http[] = { { .send = "HTTP/1.1 400 Bad Request\r\n",
                                                   .hold = true } };
    static const struct fake_qmp_step agent[] = { { .send = "{\"return\": {}}\r\n",
                                                    .hold = true } };
    static const struct fake_qmp_step refuses[] = {
        { .send = FAKE_QMP_GREETING },
        { .expect = "qmp_capabilities",
          .send = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": $ID}\r\n",
          .hold = true },
    };

    (void)state;
    expect_never_ready(http, COUNT(http), QMP_PROTOCOL);
    expect_never_ready(agent, COUNT(agent), QMP_PROTOCOL);
    expect_never_ready(refuses, COUNT(refuses), QMP_REFUSED);
}

static void a_monitor_that_serves_somebody_else_stays_silent(void **state)
{
    static const struct fake_qmp_step steps[] = { { .hold = true } };
    struct fake_qmp_server *server;
    struct qmp *qmp = open_to(steps, COUNT(steps), &server);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(turn(qmp, 10, NULL), QMP_OK);
    }
    assert_false(qmp_greeted(qmp));
    finish(qmp, server);
}

/* ---- sockets by path ---- */

/* Binds a socket at `path`; it listens when `backlog` is not negative. */
static int bind_at(const char *path, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    if (backlog >= 0) {
        assert_int_equal(listen(fd, backlog), 0);
    }
    return fd;
}

static void nobody_there_is_told_at_once(void **state)
{
    char folder[] = "/tmp/test_qmp_open.XXXXXX";
    char path[64];
    char long_path[200];
    struct qmp *qmp = NULL;
    struct qmp_error error;
    int64_t began = now_ms();
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a.qmp", folder);
    assert_int_equal(qmp_open(path, &qmp, &error), QMP_CLOSED);
    assert_null(qmp);
    assert_non_null(strstr(error.text, path));
    fd = bind_at(path, -1);
    assert_int_equal(qmp_open(path, &qmp, &error), QMP_CLOSED);
    close(fd);
    assert_int_equal(qmp_open(folder, &qmp, &error), QMP_CLOSED); /* a folder refuses like nobody */
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(qmp_open(long_path, &qmp, &error), QMP_SYSTEM);
    assert_true(now_ms() - began < 1000);
    unlink(path);
    rmdir(folder);
}

static void a_full_queue_does_not_block(void **state)
{
    char folder[] = "/tmp/test_qmp_open.XXXXXX";
    char path[64];
    struct qmp *held[8] = { NULL };
    struct qmp_error error;
    enum qmp_status status = QMP_OK;
    int64_t began = now_ms();
    size_t count = 0;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a.qmp", folder);
    fd = bind_at(path, 1); /* as QEMU does, and nobody accepts */
    while (status == QMP_OK && count < COUNT(held)) {
        status = qmp_open(path, &held[count], &error);
        count++;
    }
    assert_int_equal(status, QMP_BUSY);
    assert_true(now_ms() - began < 1000);
    for (size_t i = 0; i < count; i++) {
        qmp_close(held[i]);
    }
    close(fd);
    unlink(path);
    rmdir(folder);
}

/* ---- much in and out ---- */

static void a_megabyte_in_one_line_does_no_harm(void **state)
{
    static const char head[] = "{\"return\": \"";
    static const char tail[] = "\", \"id\": 2}\r\n";
    static char text[(1 << 20) + sizeof(head) + sizeof(tail)];
    struct fake_qmp_step steps[] = {
        FAKE_QMP_HELLO,
        { .expect = "query-qmp-schema",
          .send = text,
          .send_bytes = sizeof(text) - 2,
          .hold = true },
    };
    struct fake_qmp_server *server;
    struct qmp *qmp;
    uint64_t id = 0;
    json_t *reply;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + sizeof(text) - 2 - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    qmp = open_to(steps, COUNT(steps), &server);
    assert_int_equal(until_ready(qmp, NULL), QMP_OK);
    assert_int_equal(qmp_send(qmp, "query-qmp-schema", NULL, 0, &id, NULL), QMP_OK);
    reply = until_reply(qmp, id);
    assert_true(json_string_length(reply) >= (1 << 20));
    json_decref(reply);
    finish(qmp, server);
}

static void a_pump_reads_a_bounded_amount(void **state)
{
    static char flood[QMP_PUMP_MAX * 2];
    struct qmp *qmp = NULL;
    int pair[2];
    int size = (int)sizeof(flood);
    size_t sent = sizeof(FAKE_QMP_GREETING) - 1;
    ssize_t left;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    assert_int_equal(qmp_open_fd(pair[0], &qmp, NULL), QMP_OK);
    memset(flood, ' ', sizeof(flood));
    memcpy(flood, FAKE_QMP_GREETING, sent);
    left = send(pair[1], flood, sizeof(flood), MSG_NOSIGNAL);
    if (left > (ssize_t)QMP_PUMP_MAX) { /* else this system's sockets hold too little to show it */
        char rest[1];

        assert_int_equal(qmp_pump(qmp, NULL), QMP_OK);
        assert_int_equal(recv(pair[0], rest, sizeof(rest), MSG_PEEK | MSG_DONTWAIT), 1);
    }
    close(pair[1]);
    qmp_close(qmp);
}

/* A connection that is ready, whose other end is in the test's hand and reads nothing. */
static struct qmp *ready_pair(int *other)
{
    static const char hello[] = FAKE_QMP_GREETING "{\"return\": {}, \"id\": 1}\r\n";
    struct qmp *qmp = NULL;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    *other = pair[1];
    assert_int_equal(qmp_open_fd(pair[0], &qmp, NULL), QMP_OK);
    assert_int_equal(send(pair[1], hello, 60, 0), 60); /* the greeting and a part of the reply, */
    assert_int_equal(qmp_pump(qmp, NULL), QMP_OK);     /* which may come only once it was asked */
    assert_int_equal(send(pair[1], hello + 60, sizeof(hello) - 61, 0), (int)sizeof(hello) - 61);
    assert_int_equal(qmp_pump(qmp, NULL), QMP_OK);
    assert_true(qmp_ready(qmp));
    return qmp;
}

/* Sends commands of 16 KiB until the socket is full. */
static enum qmp_status send_until_full(struct qmp *qmp, unsigned *sent)
{
    static char word[16384];
    enum qmp_status status = QMP_OK;
    uint64_t id = 0;

    memset(word, 'w', sizeof(word) - 1);
    *sent = 0;
    while (status == QMP_OK && !qmp_wants_output(qmp) && *sent < QMP_PENDING_MAX) {
        status = qmp_send(qmp, "query-name", json_pack("{s:s}", "w", word), 0, &id, NULL);
        *sent += 1;
    }
    return status;
}

static void what_the_socket_does_not_take_goes_out_later(void **state)
{
    static char sink[1 << 20];
    unsigned sent;
    int other;
    struct qmp *qmp = ready_pair(&other);
    size_t got = 0;
    size_t commands = 0;

    (void)state;
    assert_int_equal(send_until_full(qmp, &sent), QMP_OK);
    assert_true(qmp_wants_output(qmp));
    while (commands < sent + 1) {
        ssize_t count = recv(other, sink, sizeof(sink), MSG_DONTWAIT);

        for (ssize_t i = 0; i + 1 < count; i++) {
            commands += memcmp(sink + i, "}{", 2) == 0 ? 1 : 0;
        }
        if (count > 0) {
            got += (size_t)count;
        } else if (!qmp_wants_output(qmp)) {
            break;
        }
        assert_int_equal(qmp_pump(qmp, NULL), QMP_OK);
    }
    assert_false(qmp_wants_output(qmp));
    assert_true(got > (size_t)sent * 16384);
    close(other);
    qmp_close(qmp);
}

static void a_peer_that_never_reads_ends_the_connection(void **state)
{
    unsigned sent;
    int other;
    struct qmp *qmp = ready_pair(&other);
    struct qmp_error error;
    enum qmp_status status = send_until_full(qmp, &sent);
    int64_t began = now_ms();
    uint64_t id = 0;
    char *word = malloc(QMP_OUTPUT_MAX + 1);

    (void)state;
    assert_int_equal(status, QMP_OK);
    assert_non_null(word);
    memset(word, 'w', QMP_OUTPUT_MAX);
    word[QMP_OUTPUT_MAX] = '\0';
    status = qmp_send(qmp, "query-name", json_pack("{s:s}", "w", word), 0, &id, &error);
    free(word);
    assert_int_equal(status, QMP_PROTOCOL);
    assert_string_equal(error.text, "QEMU does not read the commands it is sent");
    assert_int_equal(qmp_pump(qmp, NULL), QMP_PROTOCOL);
    assert_false(qmp_wants_output(qmp));
    assert_true(now_ms() - began < 1000);
    close(other);
    qmp_close(qmp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_negotiated_by_pumping),
        cmocka_unit_test(a_late_greeting_in_single_bytes_with_events_between_is_understood),
        cmocka_unit_test(the_end_is_found_at_every_step),
        cmocka_unit_test(what_is_no_monitor_is_a_protocol_error),
        cmocka_unit_test(a_monitor_that_serves_somebody_else_stays_silent),
        cmocka_unit_test(nobody_there_is_told_at_once),
        cmocka_unit_test(a_full_queue_does_not_block),
        cmocka_unit_test(a_megabyte_in_one_line_does_no_harm),
        cmocka_unit_test(a_pump_reads_a_bounded_amount),
        cmocka_unit_test(what_the_socket_does_not_take_goes_out_later),
        cmocka_unit_test(a_peer_that_never_reads_ends_the_connection),
    };

    return cmocka_run_group_tests_name("tools/qmp/qmp_output.c", tests, NULL, NULL);
}
