/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api/api_server.c and its parts, over real sockets. */
#include "tests/ballast/unit/api_sockets.h"

static void refuse(const char *address, const char *words)
{
    snprintf(where, sizeof(where), "%s", address);
    on_loop(start);
    assert_null(server);
    if (strstr(reason, words) == NULL) {
        fail_msg("%s: %s", address, reason);
    }
}

static struct store_event happening;

static void happen_on_loop(void)
{
    api_server_event(server, &happening);
}

static void happen(const char *machine, const char *owner, const char *text)
{
    happening = *world_event(machine, owner, text);
    on_loop(happen_on_loop);
}

/* ---- requests ---- */

static void requests_over_tcp_are_answered(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    assert_true(api_server_port(server) > 0);
    assert_int_equal(http("GET", "/healthz", NULL, NULL, NULL), 200);
    assert_int_equal(http("GET", "/v1/machines/web", ALICE_TOKEN, NULL, NULL), 200);
    assert_non_null(strstr(reply.headers, "ETag: \"7\"\r\n"));
    assert_non_null(strstr(reply.headers, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(reply.headers, "Cache-Control: no-store\r\n"));
    assert_int_equal(http("GET", "/v1/host", NULL, NULL, NULL), 401);
    assert_non_null(strstr(reply.headers, "WWW-Authenticate: Bearer"));
    assert_int_equal(http("PUT", "/v1/host", OPERATOR_TOKEN, NULL, "{}"), 405);
    assert_non_null(strstr(reply.headers, "Allow: GET, HEAD\r\n"));
    assert_int_equal(http("HEAD", "/v1/host", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(reply.size, 0);
    assert_int_equal(http("DELETE", "/v1/reservations/job", OPERATOR_TOKEN, NULL, NULL), 204);
    assert_int_equal(
        http("PATCH", "/v1/machines/web", ALICE_TOKEN, "If-Match: \"7\"", "{\"ballooning\":false}"),
        200);
    assert_int_equal(world.change.given, CONFIG_GIVEN_BALLOONING);
}

static void paths_and_queries_arrive_as_they_were_sent(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    assert_int_equal(http("GET", "/v1/machines/%77eb", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(http("GET", "/v1/machines/%2577eb", OPERATOR_TOKEN, NULL, NULL), 404);
    assert_non_null(strstr(reply.body, "%77eb"));
    assert_int_equal(http("GET", "/v1/machines/web%2Fdoctor", OPERATOR_TOKEN, NULL, NULL), 404);
    assert_int_equal(http("GET", "/v1/machines/a%00b", OPERATOR_TOKEN, NULL, NULL), 400);
    assert_int_equal(http("GET", "/v1/host/history?from=5&to=9", OPERATOR_TOKEN, NULL, NULL), 200);
    assert_int_equal(world.from_s, 5);
    assert_int_equal(world.to_s, 9);
}

static void the_local_user_needs_no_token_over_the_unix_socket(void **state)
{
    (void)state;
    start_unix();
    assert_int_equal(api_server_port(server), 0);
    assert_int_equal(http("GET", "/v1/host", NULL, NULL, NULL), 200);
    assert_int_equal(http("GET", "/v1/host", ALICE_TOKEN, NULL, NULL), 403);
    assert_int_equal(http("POST", "/v1/machines/web/adopt", NULL, NULL, NULL), 200);
    char who[64];
    snprintf(who, sizeof(who), "local:uid %u", getuid());
    assert_string_equal(world.audits[0].who, who);
}

static void the_local_user_needs_one_over_tcp(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    assert_int_equal(http("GET", "/v1/host", NULL, NULL, NULL), 401);
    assert_int_equal(http("POST", "/v1/machines/web/adopt", NULL, NULL, NULL), 401);
    assert_string_equal(world.audits[0].who, "nobody:127.0.0.1");
}

static void where_a_wrong_token_comes_from_is_known(void **state)
{
    (void)state;
    char from[32];
    start_unix();
    assert_int_equal(http("GET", "/v1/host", "a-wrong-token-0123", NULL, NULL), 401);
    snprintf(from, sizeof(from), "uid %u", getuid());
    /* It was told at once, and is not counted any more. */
    assert_string_equal(world.api.logins.sources[0].from, from);
    assert_int_equal(world.api.logins.total, 1);
}

/* ---- listening ---- */

static void only_loopback_is_listened_at(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "0.0.0.0:0",
        "192.0.2.1:80",
        "[::]:0",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:99999",
        "127.0.0.1:-1",
        "example.org:80",
        "",
        "[::ffff:1.2.3.4]:80",
        ":80",
    };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        refuse(addresses[i], "loopback");
    }
    refuse("unix:", "characters");
    refuse("unix:/nowhere/at/all", "cannot listen");
}

static void the_unix_socket_is_closed_to_others_and_removed_at_the_end(void **state)
{
    (void)state;
    mode_t before = umask(0);
    start_unix();
    struct stat status;
    assert_int_equal(stat(socket_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    on_loop(stop);
    assert_int_not_equal(stat(socket_path, &status), 0);
    umask(0777); /* the mode is the same whatever the mask is */
    start_unix();
    assert_int_equal(stat(socket_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    umask(before);
}

static void a_dead_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    char at[80];
    snprintf(at, sizeof(at), "unix:%s", socket_path);
    refuse(at, "already");
    close(fd);
    start_unix();
    assert_int_equal(http("GET", "/healthz", NULL, NULL, NULL), 200);
    on_loop(stop);
    fclose(fopen(socket_path, "w"));
    refuse(at, "no socket");
}

static void a_socket_of_somebody_else_is_not_removed(void **state)
{
    (void)state;
    start_unix();
    unlink(socket_path);
    fclose(fopen(socket_path, "w"));
    on_loop(stop);
    assert_int_equal(access(socket_path, F_OK), 0);
}

static void a_host_header_must_name_this_server(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    char port[64];
    snprintf(port, sizeof(port), "Host: 127.0.0.1:%u", api_server_port(server));
    assert_int_equal(http("GET", "/healthz", NULL, port, NULL), 200);
    snprintf(port, sizeof(port), "Host: [::1]:%u", api_server_port(server));
    assert_int_equal(http("GET", "/healthz", NULL, port, NULL), 200);
    assert_int_equal(http("GET", "/healthz", NULL, "Host: LocalHost", NULL), 200);
    static const char *const others[] = { "Host: evil.example",
                                          "Host: localhost.evil.example",
                                          "Host: localhost:1",
                                          "Host: 192.0.2.1",
                                          "Host;",
                                          "Host: 127.0.0.1.evil.example" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(http("GET", "/v1/host", OPERATOR_TOKEN, others[i], NULL), 403);
    }
    int fd = dial();
    say(fd, "GET /healthz HTTP/1.0\r\n\r\n");
    heard_size = 0;
    assert_true(hear(fd, " 403 "));
    close(fd);
}

/* ---- limits ---- */

static void a_body_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    start_unix();
    static char large[API_BODY_MAX + 2];
    memset(large, ' ', API_BODY_MAX + 1);
    assert_int_equal(http("POST", "/v1/reservations", NULL, NULL, large), 413);
    assert_int_equal(http("POST", "/v1/reservations", NULL, "Transfer-Encoding: chunked", large),
                     413);
    assert_int_equal(world.audit_count, 2);
    assert_string_equal(world.audits[1].action, "POST");
    assert_string_equal(world.audits[1].target, "/v1/reservations");
    assert_string_equal(world.audits[1].detail, "413 too_large");
    memcpy(large, "{\"name\":\"a\",\"bytes\":1}", 22);
    large[API_BODY_MAX] = '\0';
    assert_int_equal(http("POST", "/v1/reservations", NULL, NULL, large), 201);
}

static void half_requests_harm_nobody(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    static const char *const halves[] = {
        "",
        "G",
        "GET /v1/host HTTP/1.1\r\nHost: loc",
        "PATCH /v1/machines/web HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{\"wei",
        "PATCH /v1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff",
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    };
    for (int turn = 0; turn < 2; turn++) {
        int fds[11];
        for (size_t i = 0; i < 11; i++) {
            fds[i] = dial();
            say(fds[i], halves[i]);
        }
        assert_int_equal(http("GET", "/healthz", NULL, NULL, NULL), 200);
        for (size_t i = 0; i < 11; i++) {
            close(fds[i]);
        }
    }
    assert_int_equal(http("GET", "/healthz", NULL, NULL, NULL), 200);
    assert_int_equal(world.changes, 0);
}

static void a_header_without_end_is_refused(void **state)
{
    (void)state;
    start_unix();
    int fd = dial();
    say(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ");
    char block[4096];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 64; i++) {
        if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    heard_size = 0;
    assert_true(ends(fd));
    close(fd);
    assert_int_equal(http("GET", "/healthz", NULL, NULL, NULL), 200);
}

static void shorten_times(void)
{
    server->request_ms = 500;
    server->keep_alive_ms = 500;
}

/* The library's own limit counts silence, and would never end this. */
static void a_client_that_dribbles_is_cut_off(void **state)
{
    (void)state;
    start_unix();
    assert_int_equal(server->request_ms, 10000);
    on_loop(shorten_times);
    int fd = dial();
    say(fd, "GET /healthz HTTP/1.1\r\nX-Slow: ");
    int turns = 0;
    while (turns < PATIENCE_MS / 100 && send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
        turns++;
        usleep(100000);
    }
    close(fd);
    assert_in_range(turns, 4, PATIENCE_MS / 100 - 1);
}

static void many_requests_one_after_the_other_are_answered(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    int fd = dial();
    heard_size = 0;
    for (int i = 0; i < 300; i++) {
        heard_size = 0;
        say(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_true(hear(fd, "\"machines\":4}"));
    }
    close(fd);
}

/* ---- streams ---- */

static void events_reach_those_who_may_see_them(void **state)
{
    (void)state;
    start_at("127.0.0.1:0");
    int alice = follow(ALICE_TOKEN, "");
    int everybody = follow(OPERATOR_TOKEN, "");
    happen("db", "bob", "For bob.");
    happen("", "", "For the operator.");
    happen("web", "alice", "For alice.");
    heard_size = 0;
    assert_true(hear(alice, "For alice."));
    assert_null(strstr(heard, "For bob."));
    assert_null(strstr(heard, "For the operator."));
    assert_non_null(strstr(heard, "id: 3\nevent: target\ndata: {\"number\":3,"));
    heard_size = 0;
    assert_true(hear(everybody, "For alice."));
    assert_non_null(strstr(heard, "For bob."));
    assert_non_null(strstr(heard, "For the operator."));
    close(alice);
    close(everybody);
}

static void a_stream_goes_on_where_it_was(void **state)
{
    (void)state;
    start_unix();
    /* More than one page of the database. */
    for (int i = 0; i < 700; i++) {
        char text[32];
        snprintf(text, sizeof(text), "Event %d.", i + 1);
        world_event("web", i % 2 == 0 ? "alice" : "bob", text);
    }
    int fd = follow(ALICE_TOKEN, "Last-Event-ID: 100\r\n");
    assert_true(hear(fd, "Event 699."));
    happen("web", "alice", "And now.");
    assert_true(hear(fd, "And now."));
    long expected = 101;
    unsigned count = 0;
    for (const char *at = heard; (at = strstr(at, "\nid: ")) != NULL; at++, count++) {
        assert_int_equal(strtol(at + 5, NULL, 10), expected);
        expected += 2;
    }
    assert_int_equal(count, 301);
    close(fd);
}

/* What happened before, and what happens while it is read. */
static void a_stream_of_one_machine_has_no_others(void **state)
{
    (void)state;
    start_unix();
    for (int i = 0; i < 600; i++) {
        world_event(i % 3 == 0 ? "web" : "web2", "alice", i % 3 == 0 ? "Of web." : "Of another.");
    }
    int fd = follow_at("/v1/events?machine=we%62", OPERATOR_TOKEN, "Last-Event-ID: 0\r\n");
    assert_true(hear(fd, "\"number\":598,"));
    happen("web2", "alice", "Of another.");
    happen("", "", "Of the host.");
    happen("web", "alice", "Now of web.");
    assert_true(hear(fd, "Now of web."));
    assert_null(strstr(heard, "Of another."));
    assert_null(strstr(heard, "Of the host."));
    close(fd);
}

static void events_without_numbers_are_followed_too(void **state)
{
    (void)state;
    world.api.store = NULL;
    start_unix();
    int fd = follow(OPERATOR_TOKEN, "Last-Event-ID: 100\r\n");
    happening = *world_event("web", "alice", "One.");
    happening.number = 0;
    on_loop(happen_on_loop);
    strcpy(happening.text, "Two.");
    on_loop(happen_on_loop);
    assert_true(hear(fd, "Two."));
    assert_non_null(strstr(heard, "One."));
    close(fd);
}

static void an_event_from_inside_of_a_request_is_sent(void **state)
{
    (void)state;
    start_unix();
    int fd = follow(OPERATOR_TOKEN, "");
    happening = *world_event("web", "alice", "It was switched.");
    world.on_change = happen_on_loop;
    heard_size = 0;
    assert_int_equal(
        http("PATCH", "/v1/machines/web", NULL, "If-Match: *", "{\"ballooning\":false}"), 200);
    assert_true(hear(fd, "It was switched."));
    close(fd);
}

static void a_silent_stream_is_kept_alive(void **state)
{
    (void)state;
    start_unix();
    assert_int_equal(server->keep_alive_ms, 15000);
    on_loop(shorten_times);
    int fd = follow(OPERATOR_TOKEN, "");
    assert_true(hear(fd, ": still here"));
    close(fd);
}

static char line[65536];

static bool again;

static void record_line(void)
{
    api_server_period(server, "{\"first\":1}", line, again);
}

static bool recording;

static void ask_recording(void)
{
    recording = api_server_recording(server);
}

static int record(void)
{
    int fd = dial();
    say(fd, "GET /v1/record HTTP/1.1\r\nHost: localhost\r\n\r\n");
    heard_size = 0;
    assert_true(hear(fd, "application/x-ndjson"));
    return fd;
}

static void a_recording_begins_with_its_first_line(void **state)
{
    (void)state;
    start_unix();
    on_loop(ask_recording);
    assert_false(recording);
    int fd = record();
    on_loop(ask_recording);
    assert_true(recording);
    strcpy(line, "{\"period\":1}");
    on_loop(record_line);
    strcpy(line, "{\"period\":2}");
    on_loop(record_line);
    assert_true(hear(fd, "{\"period\":2}"));
    assert_non_null(strstr(heard, "{\"first\":1}\n"));
    assert_null(strstr(strstr(heard, "{\"first\":1}\n") + 1, "{\"first\":1}\n"));
    strcpy(line, "{\"period\":3}");
    again = true;
    on_loop(record_line);
    again = false;
    assert_true(hear(fd, "{\"period\":3}"));
    assert_non_null(strstr(heard, "{\"first\":1}\n{\"period\":3}\n"));
    close(fd);
    for (int i = 0; i < 50 && recording; i++) {
        on_loop(record_line);
        usleep(20000);
        on_loop(ask_recording);
    }
    assert_false(recording);
}

static char *large;

static void large_period(void)
{
    api_server_period(server, large, large, false);
}

/* A period of some thousand machines is larger than what may wait of all that came before. */
static void a_recording_of_many_machines_is_whole(void **state)
{
    (void)state;
    const size_t size = 4 * SERVER_QUEUE_MAX;
    start_unix();
    large = malloc(size + 1);
    assert_non_null(large);
    memset(large, 'x', size);
    large[size] = '\0';
    int fd = record();
    on_loop(large_period);
    size_t got = 0;
    char bytes[65536];
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    while (got < 2 * size && poll(&wait, 1, 3000) > 0) {
        ssize_t count = read(fd, bytes, sizeof(bytes));
        if (count <= 0) {
            break;
        }
        got += (size_t)count;
    }
    assert_true(got >= 2 * size);
    on_loop(ask_recording);
    assert_true(recording);
    free(large);
    close(fd);
}

/* As on SIGHUP: Alice's token is withdrawn, and Bob's is Carol's now. */
static void other_tokens(void)
{
    char path[] = "/tmp/ballast-tokens-XXXXXX";
    int fd = mkstemp(path);
    char why[256];
    dprintf(fd, "operator %s\nowner carol %s\n", OPERATOR_TOKEN, BOB_TOKEN);
    close(fd);
    struct api_tokens *tokens = api_tokens_read(path, why, sizeof(why));
    unlink(path);
    /* The table of tokens is const for the API only. */
    api_tokens_free((struct api_tokens *)(uintptr_t)world.api.tokens);
    world.api.tokens = tokens;
    api_server_tokens_changed(server);
}

static void streams_of_withdrawn_tokens_end_and_others_go_on(void **state)
{
    (void)state;
    start_unix();
    int local = record();
    int alice = follow(ALICE_TOKEN, "");
    int bob = follow(BOB_TOKEN, "");
    int boss = follow(OPERATOR_TOKEN, "");
    on_loop(other_tokens);
    happen("web", "alice", "It got more.");
    assert_true(hear(boss, "It got more."));
    heard_size = 0;
    assert_true(ends(alice));
    assert_null(strstr(heard, "It got more."));
    heard_size = 0;
    assert_true(ends(bob));
    heard_size = 0;
    strcpy(line, "{\"period\":1}");
    on_loop(record_line);
    assert_true(hear(local, "{\"period\":1}"));
    close(local);
    close(alice);
    close(bob);
    close(boss);
    assert_int_equal(http("GET", "/v1/machines", ALICE_TOKEN, NULL, NULL), 401);
}

static void a_reader_who_is_too_slow_is_dropped_and_others_are_not(void **state)
{
    (void)state;
    start_unix();
    int slow = record();
    int other = follow(OPERATOR_TOKEN, "");
    memset(line, 'x', sizeof(line) - 1);
    recording = true;
    int lines = 0;
    while (recording && lines < 200) {
        on_loop(record_line);
        usleep(1000);
        on_loop(ask_recording);
        lines++;
    }
    /* What the socket takes, and what may wait. */
    assert_in_range(lines, SERVER_QUEUE_MAX / sizeof(line), 60);
    happen("", "", "Still there.");
    assert_true(hear(other, "Still there."));
    close(slow);
    close(other);
}

static void stopping_ends_open_streams_and_requests(void **state)
{
    (void)state;
    start_unix();
    int stream = follow(OPERATOR_TOKEN, "");
    int recorder = record();
    int half = dial();
    say(half, "GET /v1/ho");
    on_loop(stop);
    assert_true(ends(stream));
    assert_true(ends(recorder));
    assert_true(ends(half));
    close(stream);
    close(recorder);
    close(half);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(requests_over_tcp_are_answered),
        TEST(paths_and_queries_arrive_as_they_were_sent),
        TEST(the_local_user_needs_no_token_over_the_unix_socket),
        TEST(the_local_user_needs_one_over_tcp),
        TEST(where_a_wrong_token_comes_from_is_known),
        TEST(only_loopback_is_listened_at),
        TEST(the_unix_socket_is_closed_to_others_and_removed_at_the_end),
        TEST(a_dead_socket_is_replaced_and_a_live_one_is_not),
        TEST(a_socket_of_somebody_else_is_not_removed),
        TEST(a_host_header_must_name_this_server),
        TEST(a_body_beyond_the_limit_is_refused),
        TEST(half_requests_harm_nobody),
        TEST(a_header_without_end_is_refused),
        TEST(a_client_that_dribbles_is_cut_off),
        TEST(many_requests_one_after_the_other_are_answered),
        TEST(events_reach_those_who_may_see_them),
        TEST(a_stream_goes_on_where_it_was),
        TEST(a_stream_of_one_machine_has_no_others),
        TEST(events_without_numbers_are_followed_too),
        TEST(an_event_from_inside_of_a_request_is_sent),
        TEST(streams_of_withdrawn_tokens_end_and_others_go_on),
        TEST(a_silent_stream_is_kept_alive),
        TEST(a_recording_begins_with_its_first_line),
        TEST(a_recording_of_many_machines_is_whole),
        TEST(a_reader_who_is_too_slow_is_dropped_and_others_are_not),
        TEST(stopping_ends_open_streams_and_requests),
    };
    int failed = cmocka_run_group_tests_name("tools/ballast/api/api_server.c", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
