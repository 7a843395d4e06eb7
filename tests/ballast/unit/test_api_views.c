/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api, what is read: the routes and openapi.json are the same in both directions, and
 * every answer has exactly the members that the document says; owners see what is theirs. */
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
    ask = (struct ask){ .token = OPERATOR_TOKEN };
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

/* Asks, and holds the answer against the document. */
static unsigned ask_checked(const char *method, const char *route, const char *target)
{
    unsigned status = world_ask(&ask, method, target);
    if (ask.json != NULL) {
        schema_check(schema_of_answer(route, method, status), ask.json, target);
    }
    return status;
}

static void every_route_is_in_the_document_and_the_other_way_round(void **state)
{
    (void)state;
    size_t count;
    const struct api_route *routes = api_routes(&count);
    size_t documented = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *operation = schema_operation(routes[i].path, routes[i].method);
        if (operation == NULL) {
            fail_msg("%s %s is not in the document", routes[i].method, routes[i].path);
        }
        /* An empty list of securities is how the document says that none is needed. */
        json_t *security = json_object_get(operation, "security");
        assert_int_equal(security != NULL, routes[i].access == API_ACCESS_ALL);
        assert_int_equal(
            strstr(routes[i].path, "{name}") != NULL,
            json_object_get(
                json_object_get(json_object_get(schema_document(), "paths"), routes[i].path),
                "parameters") != NULL);
    }
    const char *path;
    json_t *operations;
    json_object_foreach(json_object_get(schema_document(), "paths"), path, operations)
    {
        documented += json_object_size(operations) -
                      (json_object_get(operations, "parameters") == NULL ? 0 : 1);
    }
    assert_int_equal(documented, count);
}

static void every_word_of_the_program_is_in_the_document(void **state)
{
    (void)state;
    struct fleet_machine *machine = &world.machines[2];
    for (unsigned i = 0; i < API_REASONS; i++) {
        machine->policy.decision.reason = (enum policy_reason)i;
        ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web");
    }
    for (unsigned i = 0; i <= POLICY_HOLD_FLOOR; i++) {
        machine->policy.decision.hold = (enum policy_hold)i;
        ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web");
    }
    for (unsigned i = 0; i < FACTS_STATES; i++) {
        machine->facts.state = (enum facts_state)i;
        machine->switch_state = (enum fleet_switch)(i % 5);
        machine->facts.driver = (enum policy_driver)(i % 2);
        machine->policy.memory.mode = (enum policy_mode)(i % 3);
        machine->policy.memory.drift = (enum policy_drift)(i % 4);
        machine->settings.class = (enum policy_class)(i % 3);
        machine->facts.kind = (enum facts_kind)(i % 2);
        world.plan.zone = (enum policy_zone)(i % 4);
        ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web");
        ask_checked("GET", "/v1/host", "/v1/host");
    }
}

static void every_answer_has_exactly_the_members_of_its_schema(void **state)
{
    (void)state;
    world_event("web", "alice", "It got more.");
    world_event("", "", "The zone is soft.");
    world.audits[world.audit_count++] =
        (struct store_audit){ 5, "operator", "set", "web", "x", true };
    world.points[world.point_count++] =
        (struct store_point){ 1700000000, 1, 2, POLICY_MISSING, 4, 5, 6, 7, POLICY_HARD };
    static const struct {
        const char *route;
        const char *target;
    } cases[] = {
        { "/healthz", "/healthz" },
        { "/openapi.json", "/openapi.json" },
        { "/v1/host", "/v1/host" },
        { "/v1/host/history", "/v1/host/history" },
        { "/v1/machines", "/v1/machines" },
        { "/v1/machines/{name}", "/v1/machines/web" },
        { "/v1/machines/{name}/device", "/v1/machines/web/device" },
        { "/v1/machines/{name}/doctor", "/v1/machines/web/doctor" },
        { "/v1/machines/{name}/explain", "/v1/machines/web/explain" },
        { "/v1/machines/{name}/history", "/v1/machines/web/history" },
        { "/v1/plan", "/v1/plan" },
        { "/v1/reservations", "/v1/reservations" },
        { "/v1/events", "/v1/events" },
        { "/v1/audit", "/v1/audit" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ask_checked("GET", cases[i].route, cases[i].target), 200);
        assert_non_null(ask.json);
    }
    /* Each list had something in it to check. */
    assert_int_equal(json_array_size(world_value(ask.json, "entries")), 1);
}

static void assert_nulls(const char *route, const char *target, const char *const *names,
                         size_t count)
{
    assert_int_equal(ask_checked("GET", route, target), 200);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_null(world_value(ask.json, names[i]))) {
            fail_msg("%s: %s is not null", target, names[i]);
        }
    }
}

#define ASSERT_NULLS(route, target, names)                                                         \
    assert_nulls(route, target, names, sizeof(names) / sizeof((names)[0]))

static const char no_answer[] = "another client has its socket";

static void of_a_machine_that_nobody_reached_all_is_null_and_the_reason_is_told(void **state)
{
    (void)state;
    world_unreached(&world.machines[2], no_answer);
    static const char *const nulls[] = {
        "size_bytes",
        "target_bytes",
        "minimum_bytes",
        "maximum_bytes",
        "ram_bytes",
        "used_bytes",
        "available_bytes",
        "demand_bytes",
        "want_bytes",
        "floor_bytes",
        "booked_bytes",
        "short_bytes",
        "behind_bytes",
        "behind_ms",
        "below_promise_bytes",
        "below_promise_ms",
        "resident_bytes",
        "overhead_bytes",
        "guest.available_bytes",
        "guest.age_ms",
        "guest.oom_kills",
        "device",
        "features",
        "drift",
        "decision.reason",
        "decision.hold",
        "decision.hold_ms",
        "ballooning.state",
        "promised_bytes",
        "least_bytes",
        "least_rule",
        "smallest_bytes",
        "smallest_rule",
        "takeable_bytes",
        "seen_age_ms",
        "guest.swap_in_bytes",
    };
    ASSERT_NULLS("/v1/machines/{name}", "/v1/machines/web", nulls);
    assert_string_equal(world_string(&ask, "trouble"), no_answer);
    assert_non_null(strstr(world_string(&ask, "decision.reason_text"), no_answer));
    assert_string_equal(world_string(&ask, "ballooning.text"),
                        "Ballooning shall be on; whether it is, is not known.");
    static const char *const numbers[] = {
        "reason",
        "hold",
        "numbers.used_bytes",
        "numbers.demand_bytes",
        "numbers.want_bytes",
        "numbers.floor_bytes",
        "numbers.size_bytes",
        "numbers.target_bytes",
        "numbers.booked_bytes",
        "numbers.step_bytes",
    };
    ASSERT_NULLS("/v1/machines/{name}/explain", "/v1/machines/web/explain", numbers);
    assert_non_null(strstr(world_string(&ask, "text"), no_answer));
    assert_int_equal(ask_checked("GET", "/v1/plan", "/v1/plan"), 200);
    const json_t *move = json_array_get(world_value(ask.json, "moves"), 2);
    assert_true(json_is_null(json_object_get(move, "reason")));
    assert_true(json_is_null(json_object_get(move, "new_target_bytes")));
    assert_non_null(strstr(json_string_value(json_object_get(move, "text")), no_answer));
}

/* It may be switched off and hold its RAM: nothing is guessed from zeros. */
static void of_a_machine_that_is_shut_down_nothing_is_made_up(void **state)
{
    (void)state;
    struct fleet_machine *machine = &world.machines[2];
    world_unreached(machine, "");
    machine->facts.state = FACTS_STOPPED;
    machine->facts.ram_bytes = (uint64_t)4 << 30;
    static const char *const nulls[] = { "used_bytes",   "demand_bytes", "booked_bytes",
                                         "target_bytes", "short_bytes",  "decision.reason",
                                         "trouble" };
    ASSERT_NULLS("/v1/machines/{name}", "/v1/machines/web", nulls);
    assert_non_null(strstr(world_string(&ask, "decision.reason_text"), "it is shut down"));
    assert_int_equal(json_integer_value(world_value(ask.json, "ram_bytes")), (json_int_t)4 << 30);
}

/* Without statistics the policy goes on with the target; that is no demand. */
static void without_statistics_neither_use_nor_demand_is_known(void **state)
{
    (void)state;
    world.machines[2].policy.decision.used_bytes = POLICY_MISSING;
    static const char *const nulls[] = { "used_bytes", "demand_bytes", "short_bytes" };
    ASSERT_NULLS("/v1/machines/{name}", "/v1/machines/web", nulls);
    assert_false(json_is_null(world_value(ask.json, "booked_bytes")));
}

static void of_a_machine_that_is_not_managed_no_target_is_told(void **state)
{
    (void)state;
    world.machines[2].settings.managed = false;
    world.machines[2].policy.decision.hold = POLICY_HOLD_UNMANAGED;
    static const char *const nulls[] = { "target_bytes" };
    ASSERT_NULLS("/v1/machines/{name}", "/v1/machines/web", nulls);
    assert_string_equal(world_string(&ask, "decision.hold"), "unmanaged");
    assert_null(strstr(world_string(&ask, "decision.hold_text"), "switched"));
}

static void before_the_first_period_nothing_is_known_of_the_host(void **state)
{
    (void)state;
    const struct policy_plan nothing = { .zone = POLICY_GREEN };
    world.host = (struct policy_host){ 0 };
    world.host_memory = (struct policy_host_memory){ 0 };
    world.memory = (struct host_memory){ 0 };
    world.plan = nothing;
    assert_int_equal(ask_checked("GET", "/v1/host", "/v1/host"), 200);
    const char *key;
    json_t *value;
    json_object_foreach(ask.json, key, value)
    {
        if (!json_is_null(value) && strcmp(key, "machines") != 0) {
            fail_msg("%s is not null", key);
        }
    }
}

/* It counts as the host's own use: 0 would be a machine that was promised nothing. */
static void of_a_container_the_books_have_nothing(void **state)
{
    (void)state;
    struct books_machine *entry = &world.machines[2].policy.decision.books;
    *entry =
        (struct books_machine){ .least_rule = BOOKS_CONTAINER, .smallest_rule = BOOKS_CONTAINER };
    static const char *const nulls[] = { "promised_bytes", "booked_bytes",   "least_bytes",
                                         "least_rule",     "smallest_bytes", "smallest_rule",
                                         "takeable_bytes" };
    ASSERT_NULLS("/v1/machines/{name}", "/v1/machines/web", nulls);
}

static void the_books_of_the_host_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        json_int_t value;
    } numbers[] = {
        { "own_bytes", 131 },
        { "resident_bytes", 132 },
        { "overhead_bytes", 133 },
        { "reserved_arrived_bytes", 134 },
        { "could_promise_bytes", 135 },
        { "promised_bytes", 136 },
        { "missing_for_promises_bytes", 137 },
        { "reserve_bytes", 101 },
        { "booked_bytes", 105 },
    };
    assert_int_equal(ask_checked("GET", "/v1/host", "/v1/host"), 200);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(json_integer_value(world_value(ask.json, numbers[i].name)),
                         numbers[i].value);
    }
}

static void what_was_read_of_the_host_is_told(void **state)
{
    (void)state;
    assert_int_equal(ask_checked("GET", "/v1/host", "/v1/host"), 200);
    assert_int_equal(json_integer_value(world_value(ask.json, "swap_total_bytes")), 121);
    assert_int_equal(json_integer_value(world_value(ask.json, "swap_free_bytes")), 122);
    assert_int_equal(json_integer_value(world_value(ask.json, "ksm_saved_bytes")), 123);
    assert_int_equal(json_integer_value(world_value(ask.json, "decided_age_ms")), 800);
    assert_true(json_real_value(world_value(ask.json, "psi_some_percent")) > 12);
    world.memory.psi = false; /* a kernel without: no pressure is not none */
    assert_int_equal(ask_checked("GET", "/v1/host", "/v1/host"), 200);
    assert_true(json_is_null(world_value(ask.json, "psi_some_percent")));
    assert_true(json_is_null(world_value(ask.json, "psi_full_percent")));
}

static void a_machine_is_shown_with_its_own_numbers(void **state)
{
    (void)state;
    assert_int_equal(ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web"), 200);
    const json_int_t base = (json_int_t)3 << 30;
    static const struct {
        const char *name;
        json_int_t offset;
    } numbers[] = {
        { "size_bytes", 1 },
        { "resident_bytes", 2 },
        { "overhead_bytes", 3 },
        { "guest.total_bytes", 4 },
        { "guest.free_bytes", 5 },
        { "available_bytes", 6 },
        { "guest.available_bytes", 6 },
        { "guest.caches_bytes", 7 },
        { "guest.swap_in_bytes", 8 },
        { "guest.swap_out_bytes", 9 },
        { "guest.major_faults", 10 },
        { "guest.minor_faults", 11 },
        { "target_bytes", 20 },
        { "used_bytes", 21 },
        { "demand_bytes", 22 },
        { "want_bytes", 23 },
        { "floor_bytes", 24 },
        { "booked_bytes", 25 },
        { "short_bytes", 26 },
        { "promised_bytes", 28 },
        { "least_bytes", 30 }, /* not of the last period */
        { "smallest_bytes", 31 },
        { "takeable_bytes", 32 },
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(json_integer_value(world_value(ask.json, numbers[i].name)),
                         base + numbers[i].offset);
    }
    assert_string_equal(world_string(&ask, "least_rule"), "balloon-max");
    assert_string_equal(world_string(&ask, "smallest_rule"), "use");
    assert_int_equal(json_integer_value(world_value(ask.json, "minimum_bytes")), 512 << 20);
    assert_int_equal(json_integer_value(world_value(ask.json, "maximum_bytes")),
                     (json_int_t)4 << 30);
    assert_int_equal(json_integer_value(world_value(ask.json, "guest.age_ms")), 1500);
    assert_int_equal(json_integer_value(world_value(ask.json, "decision.hold_ms")), 4000);
    assert_int_equal(json_integer_value(world_value(ask.json, "seen_age_ms")), 700);
    assert_int_equal(json_integer_value(world_value(ask.json, "ledger.lent_mib_s")), 12345);
    assert_int_equal(json_integer_value(world_value(ask.json, "ledger.peaks_met")), 5);
    assert_int_equal(json_integer_value(world_value(ask.json, "ledger.peaks_missed")), 1);
    assert_int_equal(json_array_size(world_value(ask.json, "offered_features")), 3);
    assert_string_equal(ask.response.etag, "\"7\"");
}

static void the_switch_tells_its_state_in_words(void **state)
{
    (void)state;
    struct fleet_machine *machine = &world.machines[2];
    machine->switch_state = FLEET_SWITCH_REFUSED;
    machine->refused_missing_bytes = (uint64_t)1 << 30;
    world_ask(&ask, "GET", "/v1/machines/web");
    assert_string_equal(world_string(&ask, "ballooning.state"), "refused");
    assert_int_equal(json_integer_value(world_value(ask.json, "ballooning.missing_bytes")),
                     1 << 30);
    machine->switch_state = FLEET_SWITCH_UNSUPPORTED;
    machine->unsupported = "Its memory is locked.";
    world_ask(&ask, "GET", "/v1/machines/web");
    assert_string_equal(world_string(&ask, "ballooning.text"), "Its memory is locked.");
}

/* The names of machines in an answer's text, wherever. */
static bool mentions(const char *word)
{
    return memmem(ask.response.body, ask.response.size, word, strlen(word)) != NULL;
}

static void an_owner_sees_his_own_machines_only(void **state)
{
    (void)state;
    ask.token = ALICE_TOKEN;
    world_event("db", "bob", "db got more.");
    world_event("web", "alice", "web got more.");
    world_event("", "", "The zone is soft.");
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines"), 200);
    assert_int_equal(json_array_size(world_value(ask.json, "machines")), 2);
    assert_false(mentions("\"db\""));
    assert_false(mentions("/run/guests"));
    assert_int_equal(world_ask(&ask, "GET", "/v1/plan"), 200);
    assert_int_equal(json_array_size(world_value(ask.json, "moves")), 2);
    assert_true(json_is_null(world_value(ask.json, "now")));
    assert_false(mentions("\"db\""));
    assert_int_equal(world_ask(&ask, "GET", "/v1/events"), 200);
    assert_int_equal(json_array_size(world_value(ask.json, "events")), 1);
    static const char *const hidden[] = { "db", "mail", "no-such" };
    static const char *const parts[] = { "", "/doctor", "/explain", "/history" };
    for (size_t i = 0; i < 3 * 4; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/v1/machines/%s%s", hidden[i % 3], parts[i / 3]);
        assert_int_equal(world_ask(&ask, "GET", path), 404);
        assert_string_equal(world_string(&ask, "error.code"), "not_found");
    }
}

static void a_machine_of_nobody_is_no_owners(void **state)
{
    (void)state;
    struct api_identity nobody = { .role = API_OWNER };
    assert_true(
        api_sees_machine(&(struct api_identity){ .role = API_OPERATOR }, &world.machines[1]));
    strcpy(nobody.owner, "alice");
    assert_false(api_sees_machine(&nobody, &world.machines[1]));
    assert_false(
        api_sees_machine(&(struct api_identity){ .role = API_NOBODY }, &world.machines[1]));
}

static void the_plan_is_of_the_next_decision(void **state)
{
    (void)state;
    world_ask(&ask, "GET", "/v1/plan");
    json_t *move = json_array_get(world_value(ask.json, "moves"), 0);
    assert_string_equal(json_string_value(json_object_get(move, "name")), "db");
    json_int_t before = json_integer_value(json_object_get(move, "target_bytes"));
    assert_int_equal(json_integer_value(json_object_get(move, "new_target_bytes")), before + 1000);
    world.dry_run_fails = true;
    assert_int_equal(world_ask(&ask, "GET", "/v1/plan"), 500);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    strcpy(world.machines[2].where, "a\xff\xc0\xaf\xed\xa0\x80z");
    strcpy(world.machines[2].last_error, "half \xe2\x82");
    assert_int_equal(ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web"), 200);
    assert_string_equal(world_string(&ask, "last_error"), "half \xef\xbf\xbd\xef\xbf\xbd");
    assert_memory_equal(world_string(&ask, "where"), "a\xef\xbf\xbd", 4);
}

static void who_a_machine_is_and_how_else_it_is_seen_is_shown(void **state)
{
    (void)state;
    struct fleet_machine *web = &world.machines[2];
    strcpy(web->facts.uuid, "aaaaaaaa-0000-4000-8000-000000000001");
    web->follower = &world.machines[1];
    web->copy = true;
    assert_int_equal(ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web"), 200);
    assert_string_equal(world_string(&ask, "uuid"), "aaaaaaaa-0000-4000-8000-000000000001");
    assert_true(json_is_true(world_value(ask.json, "copy")));
    assert_string_equal(world_string(&ask, "also.backend"), "qmp");
    assert_string_equal(world_string(&ask, "also.where"), "/run/guests/1.qmp");
    ask.token = ALICE_TOKEN;
    assert_int_equal(ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web"), 200);
    assert_string_equal(world_string(&ask, "also.where"), "");
    ask.token = OPERATOR_TOKEN;
    web->follower = NULL;
    assert_int_equal(ask_checked("GET", "/v1/machines/{name}", "/v1/machines/web"), 200);
    assert_true(json_is_null(world_value(ask.json, "also")));
}

static void history_passes_its_query_on(void **state)
{
    (void)state;
    assert_int_equal(
        world_ask(&ask, "GET", "/v1/machines/web/history?step=minute&from=10&to=20&limit=5"), 200);
    assert_string_equal(world.history_of, "web at x");
    assert_int_equal(world.step, STORE_MINUTE);
    assert_int_equal(world.from_s, 10);
    assert_int_equal(world.to_s, 20);
    assert_int_equal(world.limit, 5);
    assert_int_equal(world_ask(&ask, "GET", "/v1/host/history"), 200);
    assert_string_equal(world.history_of, "");
    assert_int_equal(world.from_s, world.now_s + 1 - 3600);
    static const char *const bad[] = {
        "step=hour", "step=",   "from=-1",     "from=1e3",
        "to=",       "limit=0", "limit=10001", "limit=99999999999999999999",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char target[96];
        snprintf(target, sizeof(target), "/v1/host/history?%s", bad[i]);
        assert_int_equal(ask_checked("GET", "/v1/host/history", target), 422);
    }
}

static void a_machine_that_is_gone_keeps_its_history_for_operators(void **state)
{
    (void)state;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/gone/history"), 200);
    ask.token = ALICE_TOKEN;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/gone/history"), 404);
}

static void without_a_store_there_is_no_history(void **state)
{
    (void)state;
    world.api.store = NULL;
    static const char *const targets[] = { "/v1/host/history", "/v1/events", "/v1/audit" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask_checked("GET", targets[i], targets[i]), 409);
        assert_string_equal(world_string(&ask, "error.code"), "unsupported");
    }
}

static void a_database_that_fails_is_told(void **state)
{
    (void)state;
    world.store_fails = true;
    static const char *const targets[] = { "/v1/host/history", "/v1/events", "/v1/audit" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask_checked("GET", targets[i], targets[i]), 500);
    }
}

static int64_t number_of(size_t index)
{
    const json_t *events = world_value(ask.json, "events");
    return json_integer_value(json_object_get(json_array_get(events, index), "number"));
}

static size_t count_of_events(void)
{
    return json_array_size(world_value(ask.json, "events"));
}

static void events_without_a_number_are_the_newest(void **state)
{
    (void)state;
    /* Alice's are rare: the newest ones of all are none of hers. */
    for (int i = 0; i < 1200; i++) {
        world_event("db", i % 400 == 399 ? "alice" : "bob", "Something.");
    }
    ask.token = ALICE_TOKEN;
    world_event("db", "bob", "Something.");
    world_ask(&ask, "GET", "/v1/events?limit=2");
    assert_int_equal(count_of_events(), 2);
    assert_int_equal(number_of(0), 800);
    assert_int_equal(number_of(1), 1200);
    world_ask(&ask, "GET", "/v1/events?after=400&limit=1");
    assert_int_equal(count_of_events(), 1);
    assert_int_equal(number_of(0), 800);
    ask.token = OPERATOR_TOKEN;
    world_ask(&ask, "GET", "/v1/events");
    assert_int_equal(count_of_events(), 100);
    assert_int_equal(number_of(99), 1201);
    world_ask(&ask, "GET", "/v1/events?after=0&limit=1000");
    assert_int_equal(count_of_events(), 1000);
    assert_int_equal(number_of(0), 1);
}

static void events_of_one_machine_are_asked_for_by_its_name(void **state)
{
    (void)state;
    world_event("web", "alice", "One.");
    world_event("db", "bob", "Two.");
    world_event("", "", "The host.");
    world_event("web", "bob", "Another's, from before.");
    ask.token = OPERATOR_TOKEN;
    world_ask(&ask, "GET", "/v1/events?machine=web&limit=10");
    assert_int_equal(count_of_events(), 2);
    ask.token = ALICE_TOKEN;
    world_ask(&ask, "GET", "/v1/events?machine=we%62");
    assert_int_equal(count_of_events(), 1);
    world_ask(&ask, "GET", "/v1/events?machine=db");
    assert_int_equal(count_of_events(), 0);
    assert_int_equal(world_ask(&ask, "GET", "/v1/events?machine="), 422);
    assert_int_equal(world_ask(&ask, "GET", "/v1/events?machine=%ff"), 422);
}

static void streams_are_asked_for_by_accept(void **state)
{
    (void)state;
    ask.accept = "text/event-stream";
    assert_int_equal(world_ask(&ask, "GET", "/v1/events"), 200);
    assert_int_equal(ask.response.stream, API_STREAM_EVENTS);
    assert_int_equal(ask.response.stream_after, -1);
    world_ask(&ask, "GET", "/v1/events?after=3");
    assert_int_equal(ask.response.stream_after, 3);
    assert_string_equal(ask.response.stream_machine, "");
    world_ask(&ask, "GET", "/v1/events?machine=we%62");
    assert_string_equal(ask.response.stream_machine, "web");
    assert_int_equal(world_ask(&ask, "GET", "/v1/events?machine=%ff"), 422);
    ask.last_event_id = "17";
    world_ask(&ask, "GET", "/v1/events?after=3");
    assert_int_equal(ask.response.stream_after, 17);
    ask.last_event_id = "17; drop";
    world_ask(&ask, "GET", "/v1/events?after=3");
    assert_int_equal(ask.response.stream_after, 3);
    world_ask(&ask, "HEAD", "/v1/events");
    assert_int_equal(ask.response.stream, API_STREAM_NONE);
    world_ask(&ask, "GET", "/v1/record");
    assert_int_equal(ask.response.stream, API_STREAM_RECORD);
    assert_string_equal(ask.response.type, "application/x-ndjson");
}

static void an_event_cannot_forge_a_field_of_the_stream(void **state)
{
    (void)state;
    struct store_event event = *world_event("web", "alice", "one\n\ndata: {}\n\nid: 99");
    strcpy(event.kind, "a\nid: 7");
    char *text = api_event_text(&event, true);
    assert_non_null(text);
    assert_null(strstr(text, "\nid: 99"));
    assert_null(strstr(text, "\nid: 7"));
    assert_memory_equal(text, "id: 1\nevent: a\ndata: {", 22);
    assert_string_equal(strstr(text, "\n\n"), "\n\n");
    free(text);
}

static void a_machine_that_does_not_run_has_its_saved_device(void **state)
{
    (void)state;
    static const char route[] = "/v1/machines/{name}/device";
    ask.token = OPERATOR_TOKEN;
    world.machines[2].settings.ballooning = false;
    assert_int_equal(ask_checked("GET", route, "/v1/machines/web/device"), 200);
    assert_int_equal(json_array_size(world_value(ask.json, "words")), 0);
    world.absent.ballooning = true;
    strcpy(world.absent.owner, "alice");
    assert_int_equal(ask_checked("GET", route, "/v1/machines/new/device"), 200);
    assert_string_equal(world_string(&ask, "name"), "new");
    assert_true(json_is_true(world_value(ask.json, "ballooning")));
    assert_int_equal(json_array_size(world_value(ask.json, "words")), 2);
    world.absent.ballooning = false;
    assert_int_equal(ask_checked("GET", route, "/v1/machines/new/device"), 200);
    assert_int_equal(json_array_size(world_value(ask.json, "words")), 0);
    assert_int_equal(ask_checked("GET", route, "/v1/machines/no%20name/device"), 404);
    ask.token = ALICE_TOKEN;
    assert_int_equal(ask_checked("GET", route, "/v1/machines/new/device"), 200);
    ask.token = BOB_TOKEN;
    assert_int_equal(ask_checked("GET", route, "/v1/machines/new/device"), 404);
    assert_int_equal(ask_checked("GET", route, "/v1/machines/web/device"), 404);
}

static size_t two_problems(void *context, const char *texts[API_PROBLEMS])
{
    (void)context;
    texts[0] = "the disk is full";
    texts[1] = "it is late";
    return 2;
}

static void an_unwell_daemon_says_why(void **state)
{
    (void)state;
    ask.token = NULL;
    assert_int_equal(ask_checked("GET", "/healthz", "/healthz"), 200);
    assert_string_equal(world_string(&ask, "status"), "ok");
    assert_int_equal(json_array_size(world_value(ask.json, "problems")), 0);
    world.api.problems = two_problems;
    assert_int_equal(ask_checked("GET", "/healthz", "/healthz"), 503);
    assert_string_equal(world_string(&ask, "status"), "unwell");
    assert_int_equal(json_array_size(world_value(ask.json, "problems")), 2);
    /* A change that could not be kept is refused with it. */
    ask.token = OPERATOR_TOKEN;
    ask.if_match = "*";
    ask.body = "{\"weight\":2}";
    world.next = (struct fleet_result){ .status = FLEET_NOT_KEPT, .text = "It was not made." };
    assert_int_equal(ask_checked("PATCH", "/v1/machines/{name}", "/v1/machines/web"), 500);
    assert_string_equal(world_string(&ask, "error.text"),
                        "It was not made. The reason: the disk is full.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_route_is_in_the_document_and_the_other_way_round,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(every_word_of_the_program_is_in_the_document, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_answer_has_exactly_the_members_of_its_schema, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            of_a_machine_that_nobody_reached_all_is_null_and_the_reason_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_machine_that_is_shut_down_nothing_is_made_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_statistics_neither_use_nor_demand_is_known, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_a_machine_that_is_not_managed_no_target_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(before_the_first_period_nothing_is_known_of_the_host, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_a_container_the_books_have_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_books_of_the_host_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_of_the_host_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_is_shown_with_its_own_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(the_switch_tells_its_state_in_words, setup, teardown),
        cmocka_unit_test_setup_teardown(an_owner_sees_his_own_machines_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_of_nobody_is_no_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(the_plan_is_of_the_next_decision, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(who_a_machine_is_and_how_else_it_is_seen_is_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(history_passes_its_query_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_that_is_gone_keeps_its_history_for_operators,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_store_there_is_no_history, setup, teardown),
        cmocka_unit_test_setup_teardown(a_database_that_fails_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_that_does_not_run_has_its_saved_device, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(events_without_a_number_are_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(events_of_one_machine_are_asked_for_by_its_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(streams_are_asked_for_by_accept, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unwell_daemon_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_cannot_forge_a_field_of_the_stream, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("tools/ballast/api views", tests, NULL, NULL);
}
