/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api/change.c: every member of a change is checked, If-Match is asked for, what the
 * fleet says becomes the right answer, hostile bodies end in 400 or 422, and all is in the audit
 * log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/ballast/unit/api_schema.h"
#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/api/api_internal.h"

static struct ask ask;

static int setup(void **state)
{
    (void)state;
    world_reset();
    ask = (struct ask){ .token = OPERATOR_TOKEN, .if_match = "\"7\"" };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_ask_end(&ask);
    world_free();
    schema_free();
    return 0;
}

static unsigned patch(const char *body)
{
    ask.body = body;
    unsigned status = world_ask(&ask, "PATCH", "/v1/machines/web");
    schema_check(schema_of_answer("/v1/machines/{name}", "PATCH", status), ask.json, body);
    return status;
}

static const struct store_audit *last_audit(void)
{
    assert_true(world.audit_count > 0);
    return &world.audits[world.audit_count - 1];
}

static void every_member_can_be_changed(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"class\":\"spare\",\"minimum_bytes\":1073741824,"
                           "\"maximum_bytes\":2147483648,\"weight\":50000,\"owner\":\"bob\","
                           "\"managed\":false,\"ballooning\":false}"),
                     200);
    const struct fleet_settings *settings = &world.change.settings;
    assert_int_equal(world.change.given, CONFIG_GIVEN_CLASS | CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX |
                                             CONFIG_GIVEN_WEIGHT | CONFIG_GIVEN_OWNER |
                                             CONFIG_GIVEN_MANAGED | CONFIG_GIVEN_BALLOONING);
    assert_int_equal(settings->class, POLICY_SPARE);
    assert_int_equal(settings->min_bytes, 1 << 30);
    assert_int_equal(settings->max_bytes, (uint64_t)2 << 30);
    assert_int_equal(settings->weight, 50000);
    assert_string_equal(settings->owner, "bob");
    assert_false(settings->managed);
    assert_false(settings->ballooning);
    assert_int_equal(world.revision, 7);
    assert_string_equal(ask.response.etag, "\"8\"");
    assert_string_equal(world_string(&ask, "class"), "spare");
}

static void only_what_is_given_counts(void **state)
{
    (void)state;
    assert_int_equal(patch("{\"weight\":1}"), 200);
    assert_int_equal(world.change.given, CONFIG_GIVEN_WEIGHT);
    assert_int_equal(patch("{}"), 412);
    ask.if_match = "\"8\"";
    assert_int_equal(patch("{}"), 200);
    assert_int_equal(world.changes, 1);
}

static void values_that_are_not_allowed_change_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"class\":\"gold\"}",
        "{\"class\":1}",
        "{\"class\":null}",
        "{\"minimum_bytes\":-1}",
        "{\"minimum_bytes\":1.5}",
        "{\"minimum_bytes\":\"1G\"}",
        "{\"minimum_bytes\":70368744177665}",
        "{\"maximum_bytes\":9223372036854775807}",
        "{\"maximum_bytes\":null}",
        "{\"weight\":0}",
        "{\"weight\":50001}",
        "{\"weight\":4294967297}",
        "{\"weight\":true}",
        "{\"owner\":\"a b\"}",
        "{\"owner\":\"../../etc\"}",
        "{\"owner\":null}",
        "{\"owner\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
        "{\"managed\":1}",
        "{\"ballooning\":\"no\"}",
        "{\"weight\":5,\"colour\":\"red\"}",
        "{\"name\":\"x\"}",
        "[]",
        "[{\"weight\":5}]",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(patch(bodies[i]), 422);
        assert_string_equal(world_string(&ask, "error.code"), "invalid");
    }
    assert_int_equal(world.changes, 0);
    for (size_t i = 0; i < world.audit_count; i++) {
        assert_false(world.audits[i].done);
    }
}

static void hostile_bodies_are_malformed(void **state)
{
    (void)state;
    static char deep[60000];
    memset(deep, '[', sizeof(deep) - 1);
    static const char *const bodies[] = {
        "",
        "{",
        "null x",
        "{\"weight\":5}x",
        "{\"weight\":5,\"weight\":6}",
        "{weight:5}",
        "{\"weight\":99999999999999999999999}",
        "{\"weight\":1e999}",
        "{\"owner\":\"\\u0000\"}",
        "{\"owner\":\"\xff\"}",
        "{\"owner\":\"\\ud800\"}",
        "{\"owner\":\"a\nb\"}",
        deep,
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(patch(bodies[i]), 400);
        assert_string_equal(world_string(&ask, "error.code"), "malformed");
    }
    ask.body_size = 15;
    assert_int_equal(patch("{\"weight\":5}\0{}"), 400); /* a NUL within */
    assert_int_equal(world.changes, 0);
}

static void a_body_that_is_too_large_is_refused(void **state)
{
    (void)state;
    static char large[API_BODY_MAX + 2];
    memset(large, ' ', sizeof(large) - 1);
    memcpy(large, "{}", 2);
    assert_int_equal(patch(large), 413);
    large[API_BODY_MAX] = '\0';
    assert_int_equal(patch(large), 200);
}

static void a_change_names_what_it_is_based_on(void **state)
{
    (void)state;
    static const struct {
        const char *if_match;
        unsigned status;
    } cases[] = {
        { NULL, 428 },      { "\"6\"", 412 },         { "W/\"7\"", 412 }, { "", 412 },
        { "7", 400 },       { "\"7", 400 },           { "\"\"", 412 },    { "\"07\"", 412 },
        { "\"1\" x", 400 }, { "\"1\", \"2\"", 412 },  { "*", 200 },       { "\"8\"", 200 },
        { " \"9\" ", 200 }, { "\"x\", \"10\"", 200 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask.if_match = cases[i].if_match;
        unsigned before = world.changes;
        assert_int_equal(patch("{\"weight\":5}"), cases[i].status);
        assert_int_equal(world.changes, before + (cases[i].status == 200));
    }
    assert_int_equal(world.revision, 10);
}

static void what_the_fleet_says_is_answered(void **state)
{
    (void)state;
    static const struct {
        enum fleet_status status;
        unsigned http;
        const char *code;
    } cases[] = {
        { FLEET_NOT_FOUND, 404, "not_found" },     { FLEET_INVALID, 422, "invalid" },
        { FLEET_CHANGED, 412, "changed" },         { FLEET_REFUSED, 409, "refused" },
        { FLEET_UNSUPPORTED, 409, "unsupported" }, { FLEET_NOT_KEPT, 500, "internal" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world.next = (struct fleet_result){ cases[i].status, 12345, "So it is." };
        assert_int_equal(patch("{\"ballooning\":false}"), cases[i].http);
        assert_string_equal(world_string(&ask, "error.code"), cases[i].code);
        assert_string_equal(world_string(&ask, "error.text"), "So it is.");
        bool told = world_value(ask.json, "error.missing_bytes") != NULL;
        assert_int_equal(told, cases[i].status == FLEET_REFUSED);
        assert_string_equal(last_audit()->action, "disable");
        assert_false(last_audit()->done);
    }
}

static void an_owner_switches_ballooning_and_nothing_else(void **state)
{
    (void)state;
    ask.token = ALICE_TOKEN;
    assert_int_equal(patch("{\"ballooning\":false}"), 200);
    assert_string_equal(last_audit()->who, "owner:alice");
    assert_true(last_audit()->done);
    ask.if_match = "*";
    static const char *const bodies[] = {
        "{\"class\":\"guaranteed\"}",
        "{\"owner\":\"alice\"}",
        "{\"minimum_bytes\":1}",
        "{\"maximum_bytes\":0}",
        "{\"weight\":2}",
        "{\"managed\":false}",
        "{\"ballooning\":true,\"weight\":2}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(patch(bodies[i]), 403);
        assert_false(last_audit()->done);
    }
    assert_int_equal(world.changes, 1);
    assert_int_equal(world_ask(&ask, "PATCH", "/v1/machines/db"), 404);
}

static void an_owner_cannot_fill_the_audit_log(void **state)
{
    (void)state;
    ask.token = ALICE_TOKEN;
    size_t before = world.audit_count;
    for (int i = 0; i < API_CHANGES; i++) {
        ask.if_match = "*";
        assert_int_equal(patch("{\"ballooning\":false}"), 200);
    }
    ask.if_match = "*";
    assert_int_equal(patch("{\"ballooning\":false}"), 429);
    assert_string_equal(world_string(&ask, "error.code"), "too_many");
    assert_int_equal(ask.response.retry_s, 3);
    assert_int_equal(patch("{\"weight\":2}"), 429); /* what is forbidden is in the log, too */
    assert_int_equal(world.audit_count, before + API_CHANGES);
    /* Others may, and after a while so may this one: once. */
    ask.token = OPERATOR_TOKEN;
    for (int i = 0; i < 2 * API_CHANGES; i++) {
        ask.if_match = "*";
        assert_int_equal(patch("{\"ballooning\":false}"), 200);
    }
    ask.token = BOB_TOKEN;
    ask.body = "{\"ballooning\":true}";
    assert_int_equal(world_ask(&ask, "PATCH", "/v1/machines/db"), 200);
    ask.token = ALICE_TOKEN;
    world.now_ms += API_CHANGE_MS;
    assert_int_equal(patch("{\"ballooning\":false}"), 200);
    assert_int_equal(patch("{\"ballooning\":false}"), 429);
    world.now_ms += 100 * API_CHANGE_MS;
    for (int i = 0; i < API_CHANGES; i++) {
        assert_int_equal(patch("{\"ballooning\":false}"), 200);
    }
    assert_int_equal(patch("{\"ballooning\":false}"), 429);
}

static void a_change_is_in_the_audit_log(void **state)
{
    (void)state;
    patch("{\"class\":\"spare\",\"weight\":5}");
    const struct store_audit *entry = last_audit();
    assert_int_equal(entry->time_s, world.now_s);
    assert_string_equal(entry->who, "operator");
    assert_string_equal(entry->action, "set");
    assert_string_equal(entry->target, "web");
    assert_string_equal(entry->detail, "class=\"spare\" weight=5");
    assert_true(entry->done);
    ask.if_match = "*";
    patch("{\"ballooning\":true}");
    assert_string_equal(last_audit()->action, "enable");
    assert_int_equal(world.audit_count, 2);
}

static void a_log_that_fails_is_counted(void **state)
{
    (void)state;
    world.store_fails = true;
    assert_int_equal(patch("{\"weight\":5}"), 200);
    assert_int_equal(world.api.audit_failures, 1);
    ask.if_match = "*";
    world.api.store = NULL;
    assert_int_equal(patch("{\"weight\":5}"), 200);
    assert_int_equal(world.api.audit_failures, 1);
}

static void a_machine_is_forgotten_and_expected_by_operators(void **state)
{
    (void)state;
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/machines/gone"), 204); /* it need not run */
    assert_string_equal(world.forgotten, "gone");
    assert_string_equal(last_audit()->action, "forget");
    assert_true(last_audit()->done);
    world.next = (struct fleet_result){ .status = FLEET_UNSUPPORTED, .text = "It runs." };
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/machines/web"), 409);
    assert_string_equal(world_string(&ask, "error.text"), "It runs.");
    world.next = (struct fleet_result){ .status = FLEET_OK };
    ask.body = "{\"seconds\": 900}";
    assert_int_equal(world_ask(&ask, "POST", "/v1/machines/gone/expect"), 200);
    assert_string_equal(world.expected, "gone");
    assert_int_equal(world.expected_s, 900);
    assert_string_equal(last_audit()->detail, "seconds=900");
    static const char *const bad[] = { "{}", "{\"seconds\": 0}", "{\"seconds\": 86401}",
                                       "{\"seconds\": \"9\"}", "{\"seconds\": 9, \"x\": 1}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ask.body = bad[i];
        assert_int_equal(world_ask(&ask, "POST", "/v1/machines/gone/expect"), 422);
    }
    assert_int_equal(world.expected_s, 900);
    ask.body = NULL;
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/machines/gone/expect"), 204);
    assert_int_equal(world.expected_s, 0);
    assert_string_equal(last_audit()->action, "unexpect");
    unsigned changes = world.changes;
    ask.token = ALICE_TOKEN;
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/machines/web"), 403);
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/machines/web/expect"), 403);
    assert_int_equal(world_ask(&ask, "POST", "/v1/machines/web/expect"), 403);
    assert_int_equal(world.changes, changes);
}

static void a_machine_is_adopted(void **state)
{
    (void)state;
    assert_int_equal(world_ask(&ask, "POST", "/v1/machines/web/adopt"), 200);
    assert_string_equal(world_string(&ask, "name"), "web");
    assert_string_equal(last_audit()->action, "adopt");
    world.next = (struct fleet_result){ .status = FLEET_INVALID, .text = "Nobody has it." };
    assert_int_equal(world_ask(&ask, "POST", "/v1/machines/web/adopt"), 422);
    assert_int_equal(world_ask(&ask, "POST", "/v1/machines/none/adopt"), 404);
    assert_int_equal(world.changes, 2);
}

static unsigned reserve(const char *body)
{
    ask.body = body;
    unsigned status = world_ask(&ask, "POST", "/v1/reservations");
    schema_check(schema_of_answer("/v1/reservations", "POST", status), ask.json, body);
    return status;
}

static void memory_is_reserved_and_released(void **state)
{
    (void)state;
    assert_int_equal(reserve("{\"name\":\"new\",\"bytes\":4294967296}"), 201);
    assert_string_equal(world_string(&ask, "name"), "new");
    assert_int_equal(json_integer_value(world_value(ask.json, "bytes")), (json_int_t)4 << 30);
    assert_string_equal(last_audit()->action, "reserve");
    assert_string_equal(last_audit()->detail, "bytes=4294967296");
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/reservations/job"), 204);
    assert_null(ask.response.body);
    assert_int_equal(world_ask(&ask, "DELETE", "/v1/reservations/none"), 404);
    world.next = (struct fleet_result){ FLEET_REFUSED, 777, "There is not so much." };
    assert_int_equal(reserve("{\"name\":\"big\",\"bytes\":1}"), 409);
    assert_int_equal(json_integer_value(world_value(ask.json, "error.missing_bytes")), 777);
}

static void reservations_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "{\"name\":\"a\"}",
        "{\"bytes\":1}",
        "{\"name\":\"\",\"bytes\":1}",
        "{\"name\":\"a/b\",\"bytes\":1}",
        "{\"name\":\"a\",\"bytes\":0}",
        "{\"name\":\"a\",\"bytes\":-1}",
        "{\"name\":\"a\",\"bytes\":\"1\"}",
        "{\"name\":\"a\",\"bytes\":70368744177665}",
        "{\"name\":\"a\",\"bytes\":1,\"for\":\"b\"}",
        "{\"name\":[],\"bytes\":{}}",
        "[1]",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(reserve(bodies[i]), 422);
    }
    assert_int_equal(world.changes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_member_can_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_is_given_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(values_that_are_not_allowed_change_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hostile_bodies_are_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_that_is_too_large_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_names_what_it_is_based_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_fleet_says_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(an_owner_switches_ballooning_and_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_owner_cannot_fill_the_audit_log, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_is_in_the_audit_log, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_that_fails_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_is_adopted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_is_forgotten_and_expected_by_operators, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(memory_is_reserved_and_released, setup, teardown),
        cmocka_unit_test_setup_teardown(reservations_that_are_none_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("tools/ballast/api/change.c", tests, NULL, NULL);
}
