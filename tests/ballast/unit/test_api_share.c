/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api/server_share.c: nobody takes the place of somebody else. What is looked at is
 * who is connected, not how long anything takes. */
#include "tests/ballast/unit/api_sockets.h"

/* ---- who is where ---- */

static unsigned counts[4]; /* connections by role */
static unsigned streams;   /* of owners and operators that are not ended */

static void count(void)
{
    memset(counts, 0, sizeof(counts));
    streams = 0;
    for (const struct server_connection *at = server->connections; at != NULL; at = at->next) {
        counts[at->role] += at->cut ? 0 : 1;
    }
    for (const struct server_stream *at = server->streams; at != NULL; at = at->next) {
        streams += at->socket->cut ? 0 : 1;
    }
}

/* Waits until a share is so full. */
static void wait_for(enum api_role role, unsigned wanted)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        on_loop(count);
        if (counts[role] == wanted) {
            return;
        }
        usleep(10000);
    }
    fail_msg("role %d has %u connections, not %u", role, counts[role], wanted);
}

static bool is_open(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

/* Sends a request of which the body never comes: it stays in work. */
static int begin_request(const char *token)
{
    char request[256];
    int fd = dial();
    snprintf(request, sizeof(request),
             "PATCH /v1/machines/web HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
             "Authorization: Bearer %s\r\n\r\n{",
             token);
    say(fd, request);
    return fd;
}

/* Sends one and reads its answer; the connection stays. */
static int keep_connection(const char *token)
{
    char request[256];
    int fd = dial();
    snprintf(request, sizeof(request),
             "GET /v1/machines HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
             token);
    say(fd, request);
    heard_size = 0;
    assert_true(hear(fd, "\"machines\":["));
    return fd;
}

static void close_all(int *fds, size_t number)
{
    for (size_t i = 0; i < number; i++) {
        close(fds[i]);
    }
}

/* ---- many owners ---- */

#define OWNERS 9U

static char owner_tokens[OWNERS][32];

/* As after SIGHUP with a file of nine owners. */
static void many_owners(void)
{
    char path[] = "/tmp/ballast-tokens-XXXXXX";
    char why[256];
    int fd = mkstemp(path);
    dprintf(fd, "operator %s\nmonitor %s\n", OPERATOR_TOKEN, MONITOR_TOKEN);
    for (unsigned i = 0; i < OWNERS; i++) {
        snprintf(owner_tokens[i], sizeof(owner_tokens[i]), "owner%u-0123456789ab", i);
        dprintf(fd, "owner owner%u %s\n", i, owner_tokens[i]);
    }
    close(fd);
    /* The table of tokens is const for the API only. */
    api_tokens_free((struct api_tokens *)(uintptr_t)world.api.tokens);
    world.api.tokens = api_tokens_read(path, why, sizeof(why));
    unlink(path);
}

/* ---- connections ---- */

static void connections_that_say_nothing_keep_nobody_out(void **state)
{
    (void)state;
    int fds[6 * SERVER_NOBODY]; /* more than the library takes at once */
    const size_t number = sizeof(fds) / sizeof(fds[0]);
    start_at("127.0.0.1:0");
    for (size_t i = 0; i < number; i++) {
        fds[i] = dial();
        say(fds[i], i % 2 == 0 ? "" : "GET /v1/host HTTP/1.1\r\nHost: loc");
    }
    assert_int_equal(http("GET", "/metrics", MONITOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/v1/host", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/v1/machines", ALICE_TOKEN, NULL, NULL), 200);
    /* They were answered beside them, and not when their time was over. */
    wait_for(API_NOBODY, SERVER_NOBODY - 1);
    for (size_t i = number - (SERVER_NOBODY - 3); i < number; i++) {
        assert_true(is_open(fds[i]));
    }
    assert_false(is_open(fds[0]));
    close_all(fds, number);
    wait_for(API_NOBODY, 0);
}

static void wrong_tokens_are_in_nobodys_share(void **state)
{
    (void)state;
    int fds[SERVER_NOBODY + 8];
    start_at("127.0.0.1:0");
    for (size_t i = 0; i < SERVER_NOBODY + 8; i++) {
        fds[i] = begin_request("a-wrong-token-0123");
    }
    wait_for(API_NOBODY, SERVER_NOBODY);
    assert_int_equal(http("GET", "/v1/host", OPERATOR_TOKEN, NULL, NULL), 200);
    close_all(fds, SERVER_NOBODY + 8);
}

static void an_owners_requests_in_work_are_limited_and_his_alone(void **state)
{
    (void)state;
    int fds[SERVER_OWNER];
    start_at("127.0.0.1:0");
    for (size_t i = 0; i < SERVER_OWNER; i++) {
        fds[i] = begin_request(ALICE_TOKEN);
    }
    wait_for(API_OWNER, SERVER_OWNER);
    assert_int_equal(http("GET", "/v1/machines", ALICE_TOKEN, NULL, NULL), 503);
    assert_non_null(strstr(reply.body, "\"busy\""));
    assert_non_null(strstr(reply.headers, "Retry-After: 5\r\n"));
    assert_int_equal(http("GET", "/v1/machines", BOB_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/v1/host", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/metrics", MONITOR_TOKEN, NULL, NULL), 200);
    close_all(fds, SERVER_OWNER);
    wait_for(API_OWNER, 0);
    assert_int_equal(http("GET", "/v1/machines", ALICE_TOKEN, NULL, NULL), 200);
}

static void all_owners_together_leave_the_operators_and_monitors_share(void **state)
{
    (void)state;
    int fds[SERVER_OWNERS];
    start_at("127.0.0.1:0");
    on_loop(many_owners);
    for (size_t i = 0; i < SERVER_OWNERS; i++) {
        fds[i] = begin_request(owner_tokens[i / SERVER_OWNER]);
    }
    wait_for(API_OWNER, SERVER_OWNERS);
    assert_int_equal(http("GET", "/v1/machines", owner_tokens[OWNERS - 1], NULL, NULL), 503);
    assert_int_equal(http("GET", "/v1/host", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/metrics", MONITOR_TOKEN, NULL, NULL), 200);
    close_all(fds, SERVER_OWNERS);
}

static void a_connection_on_which_nothing_happens_makes_room(void **state)
{
    (void)state;
    int fds[SERVER_OWNER + 1];
    start_at("127.0.0.1:0");
    for (size_t i = 0; i <= SERVER_OWNER; i++) {
        fds[i] = keep_connection(ALICE_TOKEN);
    }
    heard_size = 0;
    assert_true(ends(fds[0])); /* the one that was used longest ago */
    for (size_t i = 1; i <= SERVER_OWNER; i++) {
        assert_true(is_open(fds[i]));
    }
    close_all(fds, SERVER_OWNER + 1);
}

static void the_local_operator_has_his_share_before_he_says_anything(void **state)
{
    (void)state;
    int fds[SERVER_OPERATORS + 2];
    start_unix();
    for (size_t i = 0; i < SERVER_OPERATORS + 2; i++) {
        fds[i] = dial();
    }
    wait_for(API_OPERATOR, SERVER_OPERATORS);
    assert_int_equal(counts[API_NOBODY], 0);
    assert_int_equal(http("GET", "/v1/host", NULL, NULL, NULL), 200);
    close_all(fds, SERVER_OPERATORS + 2);
}

/* ---- streams ---- */

static void an_owner_cannot_take_all_streams(void **state)
{
    (void)state;
    start_unix();
    int fds[SERVER_STREAMS_OWNER];
    for (size_t i = 0; i < SERVER_STREAMS_OWNER; i++) {
        fds[i] = follow(ALICE_TOKEN, "");
    }
    assert_int_equal(http("GET", "/v1/events", ALICE_TOKEN, "Accept: text/event-stream", NULL),
                     503);
    assert_non_null(strstr(reply.body, "\"busy\""));
    int other = follow(BOB_TOKEN, "");
    int boss = follow(OPERATOR_TOKEN, "");
    close(other);
    close(boss);
    close_all(fds, SERVER_STREAMS_OWNER);
}

/* 503 was what the operator got. */
static void all_owners_together_leave_the_operators_streams(void **state)
{
    (void)state;
    int fds[SERVER_STREAMS_OWNERS];
    int boss[SERVER_STREAMS_OPERATORS];
    start_at("127.0.0.1:0");
    on_loop(many_owners);
    for (size_t i = 0; i < SERVER_STREAMS_OWNERS; i++) {
        fds[i] = follow(owner_tokens[i / SERVER_STREAMS_OWNER], "");
    }
    for (size_t i = 0; i < SERVER_STREAMS_OPERATORS; i++) {
        boss[i] = follow(OPERATOR_TOKEN, "");
    }
    on_loop(count);
    assert_int_equal(streams, SERVER_STREAMS_OWNERS + SERVER_STREAMS_OPERATORS);
    assert_int_equal(http("GET", "/v1/record", OPERATOR_TOKEN, NULL, NULL), 503);
    assert_int_equal(http("GET", "/v1/host", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/metrics", MONITOR_TOKEN, NULL, NULL), 200);
    close_all(fds, SERVER_STREAMS_OWNERS);
    close_all(boss, SERVER_STREAMS_OPERATORS);
}

static void an_owner_without_a_stream_gets_one_of_who_has_most(void **state)
{
    (void)state;
    int fds[SERVER_STREAMS_OWNERS];
    start_at("127.0.0.1:0");
    on_loop(many_owners);
    for (size_t i = 0; i < SERVER_STREAMS_OWNERS; i++) {
        fds[i] = follow(owner_tokens[i / SERVER_STREAMS_OWNER], "");
    }
    int late = follow(owner_tokens[OWNERS - 1], "");
    on_loop(count);
    assert_int_equal(streams, SERVER_STREAMS_OWNERS);
    /* The others have four each, and one of them three. */
    int second = follow(owner_tokens[OWNERS - 1], "");
    on_loop(count);
    assert_int_equal(streams, SERVER_STREAMS_OWNERS);
    assert_true(is_open(late));
    assert_true(is_open(second));
    close(late);
    close(second);
    close_all(fds, SERVER_STREAMS_OWNERS);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(connections_that_say_nothing_keep_nobody_out),
        TEST(wrong_tokens_are_in_nobodys_share),
        TEST(an_owners_requests_in_work_are_limited_and_his_alone),
        TEST(all_owners_together_leave_the_operators_and_monitors_share),
        TEST(a_connection_on_which_nothing_happens_makes_room),
        TEST(the_local_operator_has_his_share_before_he_says_anything),
        TEST(an_owner_cannot_take_all_streams),
        TEST(all_owners_together_leave_the_operators_streams),
        TEST(an_owner_without_a_stream_gets_one_of_who_has_most),
    };
    int failed = cmocka_run_group_tests_name("tools/ballast/api/server_share.c", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
