/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fleet and the store as arrays: they do what the contracts say as far as the API can see it,
 * and fail when they are told to. Values differ from member to member, so that a view that mixes
 * two of them up is noticed.
 */
#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/fleet/fleet_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world world;

#define MIB ((uint64_t)1 << 20)

static const struct fleet_backend backend = { .name = "qmp" };

static int64_t clock_ms(void *context)
{
    (void)context;
    return world.now_ms;
}

static int64_t clock_s(void *context)
{
    (void)context;
    return world.now_s;
}

/* ---- making it ---- */

static void fill_facts(struct facts *facts, uint64_t base)
{
    *facts = (struct facts){
        .kind = FACTS_MACHINE,
        .ram_bytes = 4096 * MIB,
        .device = true,
        .driver = POLICY_DRIVER_OK,
        .offered_known = true,
        .offered = FACTS_REPORTING | FACTS_DEFLATE_ON_OOM | (uint64_t)1 << 32,
        .actual_bytes = base + 1,
        .resident_bytes = base + 2,
        .overhead_bytes = base + 3,
        .stats_ms = world.now_ms - 1500,
        .stats_actual_bytes = base + 1,
        .total_bytes = base + 4,
        .free_bytes = base + 5,
        .available_bytes = base + 6,
        .caches_bytes = base + 7,
        .swap_in_bytes = base + 8,
        .swap_out_bytes = base + 9,
        .major_faults = base + 10,
        .minor_faults = base + 11,
        .alloc_stalls = POLICY_MISSING,
        .oom_kills = 0,
    };
}

static void fill_policy(struct policy_machine *policy, uint64_t base)
{
    policy->enabled = true;
    policy->max_bytes = 4096 * MIB;
    policy->min_bytes = 1024 * MIB;
    policy->weight = 1000;
    policy->sample.overhead_bytes = 64 * MIB;
    policy->sample.actual_bytes = base + 1;
    policy->sample.available_bytes = base + 6;
    policy->sample.stats_ms = world.now_ms - 1500;
    policy->decision = (struct policy_decision){
        .target_bytes = base + 20,
        .reason = POLICY_KEEP_HELD,
        .hold = POLICY_HOLD_PEAK,
        .hold_until_ms = world.now_ms + 4000,
        .used_bytes = base + 21,
        .demand_bytes = base + 22,
        .want_bytes = base + 23,
        .floor_bytes = base + 24,
        .books = { .booked_bytes = base + 25,
                   .promised_bytes = base + 28,
                   .least_bytes = base + 29,
                   .least_rule = BOOKS_BALLOON_MAX,
                   .smallest_bytes = base + 31,
                   .smallest_rule = BOOKS_USE,
                   .takeable_bytes = base + 32 },
        .short_bytes = base + 26,
        .step_bytes = base + 27,
    };
}

struct fleet_machine *world_machine(const char *name, const char *owner)
{
    assert(world.count < WORLD_MACHINES);
    size_t at = world.count++;
    struct fleet_machine *machine = &world.machines[at];
    memset(machine, 0, sizeof(*machine));
    uint64_t base = (uint64_t)(at + 1) * 1024 * MIB;
    snprintf(machine->name, sizeof(machine->name), "%s", name);
    snprintf(machine->where, sizeof(machine->where), "/run/guests/%zu.qmp", at);
    snprintf(machine->identity, sizeof(machine->identity), "%s at x", name);
    snprintf(machine->settings.owner, sizeof(machine->settings.owner), "%s", owner);
    machine->backend = &backend;
    machine->found_ms = 1000;
    machine->seen_ms = world.now_ms - 700;
    machine->settings.class = POLICY_BURST;
    machine->settings.weight = 1000;
    machine->settings.min_bytes = 512 * MIB;
    machine->settings.ballooning = true;
    machine->settings.managed = true;
    machine->settings.revision = 7;
    machine->commands = 3;
    machine->ledger.lent_mib_s = 12345;
    machine->ledger.peaks_met = 5;
    machine->ledger.peaks_missed = 1;
    fill_facts(&machine->facts, base);
    fill_policy(&machine->policy, base);
    machine->policy.id = (uint32_t)at;
    world.pointers[at] = machine;
    return machine;
}

void world_unreached(struct fleet_machine *machine, const char *trouble)
{
    facts_clear(&machine->facts);
    snprintf(machine->facts.trouble, sizeof(machine->facts.trouble), "%s", trouble);
    machine->seen_ms = 0;
    machine->commanded_bytes = 0;
    machine->settings.min_bytes = 0; /* a part of its RAM */
    machine->policy = fleet_undecided(&(struct policy_memory){ 0 });
}

const struct store_event *world_event(const char *machine, const char *owner, const char *text)
{
    assert(world.event_count < WORLD_LOG);
    struct store_event *event = &world.events[world.event_count++];
    *event = (struct store_event){ .time_s = world.now_s,
                                   .number = (int64_t)world.event_count,
                                   .bytes = POLICY_MISSING };
    strcpy(event->kind, "target");
    strcpy(event->code, "grow-peak");
    snprintf(event->machine, sizeof(event->machine), "%s", machine);
    snprintf(event->owner, sizeof(event->owner), "%s", owner);
    snprintf(event->text, sizeof(event->text), "%s", text);
    return event;
}

static const struct api_tokens *make_tokens(void)
{
    char path[] = "/tmp/ballast-tokens-XXXXXX";
    int fd = mkstemp(path);
    assert(fd >= 0);
    dprintf(fd, "operator %s\nowner alice %s\nowner bob %s\nmonitor %s\n", OPERATOR_TOKEN,
            ALICE_TOKEN, BOB_TOKEN, MONITOR_TOKEN);
    close(fd);
    char reason[256];
    const struct api_tokens *tokens = api_tokens_read(path, reason, sizeof(reason));
    unlink(path);
    assert(tokens != NULL);
    return tokens;
}

void world_reset(void)
{
    const struct api_tokens *tokens = world.api.tokens;
    memset(&world, 0, sizeof(world));
    world.now_ms = 1000000;
    world.now_s = 1700000000;
    world.api = (struct api){
        .fleet = (struct fleet *)&world,
        .host = &world.memory,
        .store = (struct store *)&world,
        .tokens = tokens == NULL ? make_tokens() : tokens,
        .now_ms = clock_ms,
        .now_s = clock_s,
        .started_s = world.now_s - 60,
        .version = "1.0",
    };
    world.plan = (struct policy_plan){ .zone = POLICY_SOFT,
                                       .books = { .own_bytes = 131,
                                                  .resident_bytes = 132,
                                                  .overhead_bytes = 133,
                                                  .reserved_arrived_bytes = 134,
                                                  .could_promise_bytes = 135,
                                                  .promised_bytes = 136,
                                                  .missing_bytes = 137,
                                                  .reserve_bytes = 101,
                                                  .slush_bytes = 102,
                                                  .slush_left_bytes = 103,
                                                  .ceiling_bytes = 104,
                                                  .booked_bytes = 105,
                                                  .arrived_bytes = 106 },
                                       .asked_bytes = 107,
                                       .short_bytes = 108,
                                       .granted_bytes = 109,
                                       .coming_bytes = 110,
                                       .taken_bytes = 111,
                                       .admit = true };
    world.host = (struct policy_host){ 64 * 1024 * MIB, 20 * 1024 * MIB, 113, 1250, 310 };
    world.host_memory.now_ms = world.now_ms - 800;
    world.memory = (struct host_memory){ .total_bytes = 64 * 1024 * MIB,
                                         .swap_total_bytes = 121,
                                         .swap_free_bytes = 122,
                                         .ksm_saved_bytes = 123,
                                         .psi = true };
    world_machine("db", "bob")->settings.class = POLICY_GUARANTEED;
    world_machine("mail", "");
    world_machine("web", "alice");
    world_machine("web2", "alice");
    world.reservations[0] = (struct books_reservation){ "job", 2048 * MIB, 512 * MIB, 900000 };
    world.reservation_count = 1;
}

void world_free(void)
{
    /* The table of tokens is const for the API only. */
    api_tokens_free((struct api_tokens *)(uintptr_t)world.api.tokens);
    world.api.tokens = NULL;
}

/* ---- asking ---- */

void world_ask_end(struct ask *ask)
{
    api_response_free(&ask->response);
    json_decref(ask->json);
    ask->json = NULL;
}

unsigned world_ask(struct ask *ask, const char *method, const char *target)
{
    world_ask_end(ask);
    char path[1024];
    snprintf(path, sizeof(path), "%s", target);
    char *query = strchr(path, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    char authorization[512];
    snprintf(authorization, sizeof(authorization), "Bearer %s",
             ask->token == NULL ? "" : ask->token);
    struct api_request request = {
        .method = method,
        .path = path,
        .query = query == NULL ? "" : query,
        .authorization = ask->token == NULL ? NULL : authorization,
        .if_match = ask->if_match,
        .accept = ask->accept,
        .last_event_id = ask->last_event_id,
        .body = ask->body == NULL ? "" : ask->body,
        .body_size =
            ask->body_size != 0 ? ask->body_size : strlen(ask->body == NULL ? "" : ask->body),
        .local = ask->local,
        .uid = ask->uid,
        .from = ask->from,
    };
    api_handle(&world.api, &request, &ask->response);
    if (ask->response.type != NULL && strcmp(ask->response.type, "application/json") == 0) {
        ask->json = json_loadb(ask->response.body, ask->response.size, 0, NULL);
        assert(ask->json != NULL);
    }
    return ask->response.status;
}

json_t *world_value(const json_t *json, const char *path)
{
    char parts[128];
    snprintf(parts, sizeof(parts), "%s", path);
    char *rest = parts;
    json_t *value = json_object_get(json, strsep(&rest, "."));
    while (rest != NULL) {
        value = json_object_get(value, strsep(&rest, "."));
    }
    return value;
}

const char *world_string(const struct ask *ask, const char *path)
{
    const char *text = json_string_value(world_value(ask->json, path));
    return text == NULL ? "" : text;
}

/* ---- the fleet ---- */

struct fleet_machine *const *fleet_machines(const struct fleet *fleet, size_t *count)
{
    (void)fleet;
    *count = world.count;
    return world.pointers;
}

struct fleet_machine *fleet_find(const struct fleet *fleet, const char *name)
{
    (void)fleet;
    for (size_t i = 0; i < world.count; i++) {
        if (strcmp(world.machines[i].name, name) == 0) {
            return &world.machines[i];
        }
    }
    return NULL;
}

bool fleet_settings_of(struct fleet *fleet, const char *name, struct fleet_settings *settings)
{
    const struct fleet_machine *machine = fleet_find(fleet, name);
    *settings = machine != NULL ? machine->settings : world.absent;
    return config_name_valid(name);
}

const struct policy_plan *fleet_plan(const struct fleet *fleet)
{
    (void)fleet;
    return &world.plan;
}

const struct policy_host *fleet_host(const struct fleet *fleet)
{
    (void)fleet;
    return &world.host;
}

const struct policy_host_memory *fleet_host_memory(const struct fleet *fleet)
{
    (void)fleet;
    return &world.host_memory;
}

bool fleet_promise(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms,
                   struct books_machine *entry)
{
    (void)fleet;
    (void)now_ms;
    *entry = machine->policy.decision.books;
    entry->least_bytes++; /* of the settings as they are now */
    return fleet_decided(&machine->policy) && entry->least_rule != BOOKS_CONTAINER;
}

const struct policy_settings *fleet_policy(const struct fleet *fleet)
{
    (void)fleet;
    return &world.settings;
}

struct policy_machine *fleet_dry_run(struct fleet *fleet, const struct policy_host *host,
                                     int64_t now_ms, struct policy_plan *plan, size_t *count)
{
    (void)fleet;
    (void)host;
    (void)now_ms;
    *count = 0;
    if (world.dry_run_fails) {
        return NULL;
    }
    struct policy_machine *copies = calloc(world.count + 1, sizeof(*copies));
    for (size_t i = 0; i < world.count; i++) {
        copies[i] = world.machines[i].policy;
        if (fleet_decided(&copies[i])) {
            copies[i].decision.target_bytes += 1000;
        }
    }
    *plan = world.plan;
    *count = world.count;
    return copies;
}

static struct fleet_result asked(void)
{
    world.changes++;
    return world.next;
}

struct fleet_result fleet_change(struct fleet *fleet, const char *machine,
                                 const struct fleet_change *change, uint64_t revision,
                                 int64_t now_ms)
{
    (void)now_ms;
    struct fleet_machine *found = fleet_find(fleet, machine);
    struct fleet_result result = asked();
    world.change = *change;
    world.revision = revision;
    assert(found != NULL);
    if (revision != FLEET_ANY_REVISION && revision != found->settings.revision) {
        result.status = FLEET_CHANGED;
    }
    if (result.status == FLEET_OK) {
        uint64_t next = found->settings.revision + 1;
        found->settings = change->settings;
        found->settings.revision = next;
        if (world.on_change != NULL) {
            world.on_change();
        }
    }
    return result;
}

struct fleet_result fleet_adopt(struct fleet *fleet, const char *machine, int64_t now_ms)
{
    (void)now_ms;
    assert(fleet_find(fleet, machine) != NULL);
    return asked();
}

struct fleet_result fleet_forget(struct fleet *fleet, const char *name, int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    snprintf(world.forgotten, sizeof(world.forgotten), "%s", name);
    return asked();
}

struct fleet_result fleet_expect(struct fleet *fleet, const char *name, uint32_t seconds,
                                 int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    snprintf(world.expected, sizeof(world.expected), "%s", name);
    world.expected_s = seconds;
    return asked();
}

struct fleet_result fleet_reserve(struct fleet *fleet, const char *name, uint64_t bytes,
                                  int64_t now_ms)
{
    (void)fleet;
    struct fleet_result result = asked();
    if (result.status == FLEET_OK) {
        struct books_reservation *made = &world.reservations[world.reservation_count++ % 8];
        *made = (struct books_reservation){ .bytes = bytes, .since_ms = now_ms };
        snprintf(made->name, sizeof(made->name), "%s", name);
        world.reservation_count = world.reservation_count > 8 ? 8 : world.reservation_count;
    }
    return result;
}

struct fleet_result fleet_release(struct fleet *fleet, const char *name, int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    struct fleet_result result = asked();
    if (result.status == FLEET_OK && strcmp(name, "job") != 0) {
        result.status = FLEET_NOT_FOUND;
        strcpy(result.text, "There is no reservation of this name.");
    }
    return result;
}

const struct books_reservation *fleet_reservations(const struct fleet *fleet, size_t *count)
{
    (void)fleet;
    *count = world.reservation_count;
    return world.reservations;
}

void fleet_doctor(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms,
                  struct fleet_diagnosis *diagnosis)
{
    (void)fleet;
    (void)machine;
    (void)now_ms;
    memset(diagnosis, 0, sizeof(*diagnosis));
    diagnosis->verdict = FLEET_NOTE;
    strcpy(diagnosis->text, "It works.");
    diagnosis->count = 2;
    diagnosis->checks[0] = (struct fleet_check){ "device", FLEET_GOOD, "There is one." };
    diagnosis->checks[1] = (struct fleet_check){ "features", FLEET_NOTE, "No \xff reporting." };
}

const char *fleet_switch_name(enum fleet_switch state)
{
    static const char *const names[] = { "enabled", "disabled", "pending-restart", "refused",
                                         "unsupported" };
    return names[state];
}

/* ---- the store ---- */

bool store_history(struct store *store, const char *identity, enum store_step step, int64_t from_s,
                   int64_t to_s, size_t limit, struct store_point **points, size_t *count)
{
    (void)store;
    snprintf(world.history_of, sizeof(world.history_of), "%s", identity);
    world.step = step;
    world.from_s = from_s;
    world.to_s = to_s;
    world.limit = limit;
    *count = world.point_count < limit ? world.point_count : limit;
    *points = calloc(*count + 1, sizeof(**points));
    memcpy(*points, world.points, *count * sizeof(**points));
    if (world.store_fails) {
        free(*points);
    }
    return !world.store_fails;
}

bool store_history_of_name(struct store *store, const char *name, enum store_step step,
                           int64_t from_s, int64_t to_s, size_t limit, struct store_point **points,
                           size_t *count)
{
    bool good = store_history(store, name, step, from_s, to_s, limit, points, count);
    snprintf(world.history_of, sizeof(world.history_of), "all of %s", name);
    return good;
}

bool store_audit_add(struct store *store, const struct store_audit *entry)
{
    (void)store;
    world.audits[world.audit_count++ % WORLD_LOG] = *entry;
    return !world.store_fails;
}

bool store_audit_read(struct store *store, int64_t from_s, size_t limit,
                      struct store_audit **entries, size_t *count)
{
    (void)store;
    world.from_s = from_s;
    if (world.store_fails) {
        return false;
    }
    *count = world.audit_count < limit ? world.audit_count : limit;
    *entries = calloc(*count + 1, sizeof(**entries));
    memcpy(*entries, world.audits, *count * sizeof(**entries));
    return true;
}

static bool event_fits(const struct store_event *event, const struct store_event_filter *filter)
{
    return (filter->owner == NULL ||
            (event->machine[0] != '\0' && strcmp(event->owner, filter->owner) == 0)) &&
           (filter->machine == NULL || strcmp(event->machine, filter->machine) == 0);
}

bool store_event_read(struct store *store, const struct store_event_filter *filter,
                      int64_t after_number, size_t limit, struct store_event **events,
                      size_t *count)
{
    (void)store;
    if (world.store_fails) {
        return false;
    }
    size_t fit = 0;
    for (size_t i = 0; i < world.event_count; i++) {
        fit += event_fits(&world.events[i], filter) && world.events[i].number > after_number;
    }
    size_t skip = after_number == STORE_LATEST && fit > limit ? fit - limit : 0;
    *events = calloc(limit + 1, sizeof(**events));
    *count = 0;
    for (size_t i = 0; i < world.event_count && *count < limit; i++) {
        if (event_fits(&world.events[i], filter) && world.events[i].number > after_number &&
            (skip == 0 || skip-- == 0)) {
            (*events)[(*count)++] = world.events[i];
        }
    }
    return true;
}

const char *store_error(const struct store *store)
{
    (void)store;
    return world.store_fails ? "disk I/O error" : "";
}
