/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api: amounts of the whole host are for operators. Every route is asked in every
 * role, on a host whose amounts are numbers that stand nowhere else. */
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
#include "tools/ballast/policy/policy_text.h"

#define GIB ((uint64_t)1 << 30)

/* What is missing in the host, what it has to give, what its fund has. */
static const uint64_t amounts[] = { 37 * GIB, 41 * GIB, 43 * GIB };
#define AMOUNTS (sizeof(amounts) / sizeof(amounts[0]))

static struct ask ask;
static unsigned found; /* of amounts, in answers of this role, as bits */

static void decide(struct fleet_machine *machine, enum policy_reason reason)
{
    machine->policy.decision.reason = reason;
    machine->policy.decision.hold = POLICY_HOLD_NONE;
    machine->policy.decision.target_bytes = 2 * GIB;
}

static int setup(void **state)
{
    (void)state;
    world_reset();
    found = 0;
    world.plan.books.arrived_bytes = amounts[1];
    world.plan.books.slush_left_bytes = amounts[2];
    for (size_t i = 0; i < world.count; i++) {
        struct fleet_machine *machine = &world.machines[i];
        machine->switch_state = FLEET_SWITCH_REFUSED;
        machine->refused_missing_bytes = amounts[0];
        decide(machine, i % 2 == 0 ? POLICY_KEEP_NO_MEMORY : POLICY_GROW_PEAK);
    }
    world.next = (struct fleet_result){ .status = FLEET_REFUSED,
                                        .missing_bytes = amounts[0],
                                        .text = "37 GiB are missing in the host." };
    /* As it is kept now, and as an earlier version kept it. */
    static const char *const texts[] = { "It stays.", "37 GiB are missing in the host." };
    for (size_t i = 0; i < 2; i++) {
        struct store_event *event;
        (void)world_event("web", "alice", texts[i]);
        event = &world.events[world.event_count - 1];
        strcpy(event->kind, i == 0 ? "switch" : "settings");
        strcpy(event->code, "refused");
        event->bytes = amounts[0];
    }
    ask = (struct ask){ .if_match = "*", .body = "{\"ballooning\":false}" };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_ask_end(&ask);
    world_free();
    return 0;
}

/* Which amounts this text tells, as a number or as people read it. */
static unsigned told(const char *text)
{
    unsigned bits = 0;
    for (size_t i = 0; i < AMOUNTS; i++) {
        char number[32];
        char size[POLICY_SIZE_TEXT];
        snprintf(number, sizeof(number), "%llu", (unsigned long long)amounts[i]);
        policy_size_text(amounts[i], size);
        bits |= strstr(text, number) != NULL || strstr(text, size) != NULL ? 1U << i : 0;
    }
    return bits;
}

static void ask_all(const char *token)
{
    size_t count;
    const struct api_route *routes = api_routes(&count);
    ask.token = token;
    for (size_t i = 0; i < count; i++) {
        char target[128];
        const char *name = strchr(routes[i].path, '{');
        snprintf(target, sizeof(target), "%.*s%s%s",
                 (int)(name == NULL ? strlen(routes[i].path) : (size_t)(name - routes[i].path)),
                 routes[i].path, name == NULL ? "" : "web",
                 name == NULL ? "" : strchr(name, '}') + 1);
        if (world_ask(&ask, routes[i].method, target) == 401 || ask.response.body == NULL) {
            continue;
        }
        char *body = strndup(ask.response.body, ask.response.size);
        unsigned bits = told(body);
        if (token != NULL && strcmp(token, ALICE_TOKEN) == 0 && bits != 0) {
            fail_msg("%s %s: %s", routes[i].method, target, body);
        }
        found |= bits;
        free(body);
    }
}

static void owners_are_told_no_amount_of_the_host(void **state)
{
    (void)state;
    ask_all(ALICE_TOKEN);
    assert_int_equal(found, 0);
    ask.body = "{\"ballooning\":false}";
    assert_int_equal(world_ask(&ask, "PATCH", "/v1/machines/web"), 409);
    assert_string_equal(world_string(&ask, "error.text"),
                        "The host cannot keep this promise beside those that were made.");
    assert_null(world_value(ask.json, "error.missing_bytes"));
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web"), 200);
    assert_true(json_is_null(world_value(ask.json, "ballooning.missing_bytes")));
    assert_string_equal(
        world_string(&ask, "ballooning.text"),
        "Ballooning cannot be switched off now: the host misses the memory for it.");
}

static void operators_are_told_every_amount(void **state)
{
    (void)state;
    ask_all(OPERATOR_TOKEN);
    assert_int_equal(found, 7);
    assert_int_equal(world_ask(&ask, "PATCH", "/v1/machines/web"), 409);
    assert_int_equal(told(ask.response.body), 1);
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web"), 200);
    assert_int_equal(told(ask.response.body) & 1, 1);
    for (size_t i = 2; i < 4; i++) { /* web and web2 */
        char path[64];
        snprintf(path, sizeof(path), "/v1/machines/%s/explain", world.machines[i].name);
        assert_int_equal(world_ask(&ask, "GET", path), 200);
        assert_int_equal(told(world_string(&ask, "text")), i == 2 ? 2 : 4);
    }
}

static void sentences_of_events_have_the_amount_for_operators_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *owners = api_event_text(&world.events[i], false);
        char *operators = api_event_text(&world.events[i], true);
        assert_int_equal(told(owners), 0);
        assert_non_null(strstr(owners, "\"bytes\":null"));
        assert_int_equal(told(operators), 1);
        free(owners);
        free(operators);
    }
    /* The machine's own numbers are its owner's. */
    world.events[0].bytes = amounts[0];
    strcpy(world.events[0].kind, "target");
    strcpy(world.events[0].code, "grow-demand");
    char *own = api_event_text(&world.events[0], false);
    assert_int_equal(told(own), 1);
    free(own);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(owners_are_told_no_amount_of_the_host),
        TEST(operators_are_told_every_amount),
        TEST(sentences_of_events_have_the_amount_for_operators_only),
    };
    return cmocka_run_group_tests_name("tools/ballast/api amounts", tests, NULL, NULL);
}
