/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api/audit.c: every attempt to change something leaves an entry whatever its answer
 * is, and failed log-ins leave a line; nobody can fill the disk with either, and what is not told
 * singly is told by its number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/api/api_internal.h"

static struct ask ask;

static struct {
    char last[1024];
    unsigned count;
} warned;

static void warn(void *context, const char *text)
{
    (void)context;
    warned.count++;
    snprintf(warned.last, sizeof(warned.last), "%s", text);
}

static int setup(void **state)
{
    (void)state;
    world_reset();
    world.api.warn = warn;
    memset(&warned, 0, sizeof(warned));
    ask = (struct ask){ .token = OPERATOR_TOKEN };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_ask_end(&ask);
    world_free();
    return 0;
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, text);
    }
}

/* ---- every answer ---- */

#define WEB    "/v1/machines/web"
#define ANY    "*"
#define SWITCH "{\"ballooning\":false}"
#define WRONG  "a-wrong-token-0123456"

/* Each answer that the API has to a request that would change something. */
static const struct attempt {
    const char *token, *method, *path, *if_match, *body;
    enum fleet_status fleet;
    unsigned status;
    const char *who, *action, *target, *detail;
} attempts[] = {
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, SWITCH, FLEET_OK, 200, "operator", "disable", "web",
      "ballooning=false" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, "{}", FLEET_OK, 200, "operator", "set", "web", "" },
    { OPERATOR_TOKEN, "POST", "/v1/reservations", NULL, "{\"name\":\"new\",\"bytes\":7}", FLEET_OK,
      201, "operator", "reserve", "new", "bytes=7" },
    { OPERATOR_TOKEN, "DELETE", "/v1/reservations/job", NULL, NULL, FLEET_OK, 204, "operator",
      "release", "job", "" },
    { OPERATOR_TOKEN, "POST", WEB "/adopt", NULL, NULL, FLEET_OK, 200, "operator", "adopt", "web",
      "" },
    { OPERATOR_TOKEN, "DELETE", WEB, NULL, NULL, FLEET_OK, 204, "operator", "forget", "web", "" },
    { OPERATOR_TOKEN, "DELETE", WEB, NULL, NULL, FLEET_UNSUPPORTED, 409, "operator", "forget",
      "web", "409 unsupported" },
    { OPERATOR_TOKEN, "POST", WEB "/expect", NULL, "{\"seconds\":60}", FLEET_OK, 200, "operator",
      "expect", "web", "seconds=60" },
    { OPERATOR_TOKEN, "DELETE", WEB "/expect", NULL, NULL, FLEET_NOT_FOUND, 404, "operator",
      "unexpect", "web", "404 not_found" },
    { ALICE_TOKEN, "POST", WEB "/expect", NULL, "{\"seconds\":60}", FLEET_OK, 403, "owner:alice",
      "expect", "web", "403 forbidden" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, "{", FLEET_OK, 400, "operator", "set", "web",
      "400 malformed" },
    { OPERATOR_TOKEN, "PATCH", WEB, "x", SWITCH, FLEET_OK, 400, "operator", "disable", "web",
      "ballooning=false; 400 malformed" },
    { OPERATOR_TOKEN, "PATCH", "/v1/machines/%zz", ANY, SWITCH, FLEET_OK, 400, "operator", "PATCH",
      "/v1/machines/%zz", "400 malformed" },
    { NULL, "PATCH", WEB, ANY, SWITCH, FLEET_OK, 401, "nobody:127.0.0.1", "set", "web",
      "401 unauthorized" },
    { WRONG, "PATCH", WEB, ANY, SWITCH, FLEET_OK, 401, "nobody:127.0.0.1", "set", "web",
      "401 unauthorized, a wrong token" },
    { WRONG, "DELETE", "/v1/reservations/job", NULL, NULL, FLEET_OK, 401, "nobody:127.0.0.1",
      "release", "job", "401 unauthorized, a wrong token" },
    { ALICE_TOKEN, "POST", "/v1/reservations", NULL, "{\"name\":\"new\",\"bytes\":7}", FLEET_OK,
      403, "owner:alice", "reserve", "/v1/reservations", "403 forbidden" },
    { ALICE_TOKEN, "POST", WEB "/adopt", NULL, NULL, FLEET_OK, 403, "owner:alice", "adopt", "web",
      "403 forbidden" },
    { ALICE_TOKEN, "PATCH", WEB, ANY, "{\"weight\":2}", FLEET_OK, 403, "owner:alice", "set", "web",
      "weight=2; 403 forbidden" },
    { MONITOR_TOKEN, "PATCH", WEB, ANY, SWITCH, FLEET_OK, 403, "monitor", "set", "web",
      "403 forbidden" },
    { ALICE_TOKEN, "PATCH", "/v1/machines/db", ANY, SWITCH, FLEET_OK, 404, "owner:alice", "set",
      "db", "404 not_found" },
    { OPERATOR_TOKEN, "POST", "/v1/machines/none/adopt", NULL, NULL, FLEET_OK, 404, "operator",
      "adopt", "none", "404 not_found" },
    { OPERATOR_TOKEN, "POST", "/v1/nothing", NULL, NULL, FLEET_OK, 404, "operator", "POST",
      "/v1/nothing", "404 not_found" },
    { OPERATOR_TOKEN, "DELETE", "/v1/reservations/other", NULL, NULL, FLEET_OK, 404, "operator",
      "release", "other", "404 not_found" },
    { OPERATOR_TOKEN, "PUT", WEB, ANY, SWITCH, FLEET_OK, 405, "operator", "PUT", WEB,
      "405 method" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, SWITCH, FLEET_REFUSED, 409, "operator", "disable", "web",
      "ballooning=false; 409 refused" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, SWITCH, FLEET_UNSUPPORTED, 409, "operator", "disable",
      "web", "ballooning=false; 409 unsupported" },
    { ALICE_TOKEN, "PATCH", WEB, "\"1\"", SWITCH, FLEET_OK, 412, "owner:alice", "disable", "web",
      "ballooning=false; 412 changed" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, SWITCH, FLEET_CHANGED, 412, "operator", "disable", "web",
      "ballooning=false; 412 changed" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, "{\"weight\":0}", FLEET_OK, 422, "operator", "set", "web",
      "422 invalid" },
    { ALICE_TOKEN, "PATCH", WEB, NULL, SWITCH, FLEET_OK, 428, "owner:alice", "disable", "web",
      "ballooning=false; 428 precondition_required" },
    { OPERATOR_TOKEN, "PATCH", WEB, ANY, SWITCH, FLEET_NOT_KEPT, 500, "operator", "disable", "web",
      "ballooning=false; 500 internal" },
};

static void every_attempt_leaves_an_entry_whatever_its_answer_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        const struct attempt *at = &attempts[i];
        teardown(NULL);
        setup(NULL);
        world.next.status = at->fleet;
        ask.token = at->token;
        ask.if_match = at->if_match;
        ask.body = at->body;
        ask.from = "127.0.0.1";
        assert_int_equal(world_ask(&ask, at->method, at->path), at->status);
        assert_int_equal(world.audit_count, 1);
        const struct store_audit *entry = &world.audits[0];
        assert_string_equal(entry->who, at->who);
        assert_string_equal(entry->action, at->action);
        assert_string_equal(entry->target, at->target);
        assert_string_equal(entry->detail, at->detail);
        assert_int_equal(entry->done, at->status < 300);
        assert_int_equal(entry->time_s, world.now_s);
    }
}

/* A route that is added later, too. */
static void every_route_that_changes_anything_has_a_word_for_it(void **state)
{
    (void)state;
    size_t count;
    const struct api_route *routes = api_routes(&count);
    ask.token = NULL;
    for (size_t i = 0; i < count; i++) {
        const bool reads = strcmp(routes[i].method, "GET") == 0;
        assert_int_equal(routes[i].action == NULL, reads);
        size_t before = world.audit_count;
        assert_int_equal(world_ask(&ask, routes[i].method, routes[i].path),
                         routes[i].access == API_ACCESS_ALL ? 200 : 401);
        assert_int_equal(world.audit_count, before + (reads ? 0 : 1));
        if (!reads) {
            assert_string_equal(world.audits[before].action, routes[i].action);
        }
    }
}

/* What the server refuses before the API sees it whole. */
static void what_the_transport_refuses_leaves_an_entry_too(void **state)
{
    (void)state;
    struct api_request request = { .method = "PATCH",
                                   .path = WEB,
                                   .query = "",
                                   .body = "",
                                   .authorization = "Bearer " ALICE_TOKEN };
    struct api_response response;
    api_refuse(&world.api, &request, 413, "too_large", "It is large.", 0, &response);
    assert_int_equal(response.status, 413);
    api_response_free(&response);
    assert_string_equal(world.audits[0].who, "owner:alice");
    assert_string_equal(world.audits[0].action, "PATCH");
    assert_string_equal(world.audits[0].detail, "413 too_large");
    request.method = "GET";
    api_refuse(&world.api, &request, 503, "busy", "It is busy.", 5, &response);
    assert_int_equal(response.retry_s, 5);
    api_response_free(&response);
    assert_int_equal(world.audit_count, 1);
}

static void reading_leaves_no_entry(void **state)
{
    static const char *const tokens[] = { NULL, WRONG, OPERATOR_TOKEN, ALICE_TOKEN, MONITOR_TOKEN };
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS" };
    (void)state;
    for (size_t i = 0; i < 15; i++) {
        ask.token = tokens[i / 3];
        world_ask(&ask, methods[i % 3], "/v1/host");
        world_ask(&ask, methods[i % 3], WEB);
    }
    assert_int_equal(world.audit_count, 0);
}

static void a_long_change_does_not_push_its_answer_out(void **state)
{
    char body[400];
    (void)state;
    snprintf(body, sizeof(body),
             "{\"class\":\"spare\",\"minimum_bytes\":1073741824,\"maximum_bytes\":2147483648,"
             "\"weight\":50000,\"owner\":\"%063d\",\"managed\":false,\"ballooning\":false}",
             0);
    ask.body = body;
    ask.if_match = "\"1\"";
    assert_int_equal(world_ask(&ask, "PATCH", WEB), 412);
    says(world.audits[0].detail, "; 412 changed");
}

/* ---- too many of them ---- */

static void refused_attempts_of_an_owner_cannot_fill_the_log_and_are_counted(void **state)
{
    (void)state;
    ask.token = ALICE_TOKEN;
    for (int i = 0; i < 300; i++) {
        /* In turns, of each kind that is refused early. */
        world_ask(&ask, i % 3 == 0 ? "PATCH" : "POST",
                  i % 3 == 0   ? "/v1/machines/db"
                  : i % 3 == 1 ? "/v1/reservations"
                               : "/v1/nothing");
    }
    assert_int_equal(world.audit_count, API_CHANGES);
    world.now_ms += API_CHANGE_MS;
    world_ask(&ask, "POST", "/v1/nothing");
    assert_int_equal(world.audit_count, API_CHANGES + 1);
    says(world.audits[API_CHANGES].detail, "404 not_found; 280 refused before it");
    /* And they are told when nothing follows. */
    world_ask(&ask, "POST", "/v1/nothing");
    api_period(&world.api);
    assert_int_equal(world.audit_count, API_CHANGES + 1);
    world.now_ms += API_CHANGE_MS;
    api_period(&world.api);
    api_period(&world.api);
    assert_int_equal(world.audit_count, API_CHANGES + 2);
    assert_string_equal(world.audits[API_CHANGES + 1].who, "owner:alice");
    assert_string_equal(world.audits[API_CHANGES + 1].action, "attempts");
    says(world.audits[API_CHANGES + 1].detail, "1 refused");
}

static void strangers_and_monitors_cannot_fill_the_log(void **state)
{
    static const char *const tokens[] = { NULL, WRONG, MONITOR_TOKEN };
    (void)state;
    for (int i = 0; i < 600; i++) {
        ask.token = tokens[i % 3];
        ask.from = i % 2 == 0 ? "uid 1000" : "127.0.0.1";
        world_ask(&ask, "PATCH", WEB);
    }
    assert_int_equal(world.audit_count, 2 * API_CHANGES);
    /* An hour of it is an entry a minute. */
    for (int i = 0; i < 3600; i++) {
        world.now_ms += 1000;
        world_ask(&ask, "PATCH", WEB);
        api_period(&world.api);
    }
    assert_in_range(world.audit_count, 2 * API_CHANGES + 60, 2 * API_CHANGES + 122);
    /* Nobody else is kept from changing anything. */
    ask.token = ALICE_TOKEN;
    ask.if_match = ANY;
    ask.body = SWITCH;
    assert_int_equal(world_ask(&ask, "PATCH", WEB), 200);
}

/* ---- log-ins ---- */

static void failed_logins_are_told_with_where_they_come_from(void **state)
{
    (void)state;
    ask.token = WRONG;
    ask.from = "uid 1000";
    assert_int_equal(world_ask(&ask, "GET", "/v1/host"), 401);
    assert_int_equal(warned.count, 1); /* the first at once */
    assert_string_equal(warned.last,
                        "refused, because the token is wrong: 1 request from uid 1000");
    for (int i = 0; i < 500; i++) {
        ask.from = i < 300 ? "uid 1000" : "127.0.0.1";
        world_ask(&ask, i % 2 == 0 ? "GET" : "PATCH", "/v1/machines/web");
        world.now_ms += 10;
        api_period(&world.api);
    }
    assert_int_equal(warned.count, 1);
    world.now_ms += API_LOGINS_MS;
    api_period(&world.api);
    assert_int_equal(warned.count, 2);
    assert_string_equal(warned.last, "refused, because the token is wrong: 300 requests from "
                                     "uid 1000, 200 requests from 127.0.0.1");
    api_period(&world.api);
    assert_int_equal(warned.count, 2);
    assert_int_equal(world.api.logins.total, 501);
}

static void failed_logins_from_many_places_are_all_counted(void **state)
{
    (void)state;
    char from[32];
    ask.token = WRONG;
    ask.from = from;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(from, sizeof(from), "uid %u", i);
        world_ask(&ask, "GET", "/v1/host");
    }
    world.now_ms += API_LOGINS_MS;
    api_period(&world.api);
    assert_int_equal(warned.count, 2);
    says(warned.last, "1 request from uid 8, 91 from elsewhere");
}

static void no_part_of_a_token_is_told(void **state)
{
    (void)state;
    ask.from = "127.0.0.1";
    ask.token = WRONG;
    world_ask(&ask, "PATCH", WEB);
    assert_null(strstr(warned.last, "a-wrong"));
    assert_null(strstr(world.audits[0].detail, "a-wrong"));
    /* Who has none is asked for one: that is no failed log-in. */
    ask.token = NULL;
    world_ask(&ask, "GET", "/v1/host");
    assert_int_equal(world.api.logins.total, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_attempt_leaves_an_entry_whatever_its_answer_is),
        TEST(every_route_that_changes_anything_has_a_word_for_it),
        TEST(what_the_transport_refuses_leaves_an_entry_too),
        TEST(reading_leaves_no_entry),
        TEST(a_long_change_does_not_push_its_answer_out),
        TEST(refused_attempts_of_an_owner_cannot_fill_the_log_and_are_counted),
        TEST(strangers_and_monitors_cannot_fill_the_log),
        TEST(failed_logins_are_told_with_where_they_come_from),
        TEST(failed_logins_from_many_places_are_all_counted),
        TEST(no_part_of_a_token_is_told),
    };
    return cmocka_run_group_tests_name("tools/ballast/api/audit.c", tests, NULL, NULL);
}
