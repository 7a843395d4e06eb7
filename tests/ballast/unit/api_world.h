/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the API's tests and fuzzer stand on: a fleet and a store made of arrays, in the places of
 * the real ones (link-time seam), with a host, four machines and tokens. What they are told to
 * answer next, and what they were asked, is in `world`.
 */

#include <jansson.h>

#include "tools/ballast/api/api.h"

#define WORLD_MACHINES 64
#define WORLD_LOG      2048

#define OPERATOR_TOKEN "operator-0123456789"
#define ALICE_TOKEN    "alice-0123456789abc"
#define BOB_TOKEN      "bobby-0123456789abc"
#define MONITOR_TOKEN  "monitor-0123456789a"

struct world {
    struct api api;
    int64_t now_ms;
    int64_t now_s;
    struct fleet_machine machines[WORLD_MACHINES]; /* sorted by name */
    struct fleet_machine *pointers[WORLD_MACHINES];
    size_t count;
    struct policy_plan plan;
    struct policy_host host;
    struct policy_host_memory host_memory;
    struct host_memory memory; /* as it was read */
    struct policy_settings settings;
    struct fleet_settings absent; /* of machines that do not run */
    struct books_reservation reservations[8];
    size_t reservation_count;
    struct fleet_result next; /* what the fleet answers to every change; FLEET_OK: does it */
    bool dry_run_fails;
    bool store_fails;
    unsigned changes; /* of any kind, that the fleet was asked for */
    struct fleet_change change;
    uint64_t revision;
    struct store_audit audits[WORLD_LOG];
    size_t audit_count;
    struct store_event events[WORLD_LOG];
    size_t event_count;
    struct store_point points[WORLD_LOG];
    size_t point_count;
    char history_of[64];
    char forgotten[CONFIG_NAME_MAX];
    char expected[CONFIG_NAME_MAX];
    uint32_t expected_s;
    int64_t from_s;
    int64_t to_s;
    size_t limit;
    enum store_step step;
    void (*on_change)(void); /* called from inside of a change */
};

extern struct world world;

/* Machines db (bob's, guaranteed), mail (nobody's), web (alice's), web2 (alice's). */
void world_reset(void);
void world_free(void);

struct fleet_machine *world_machine(const char *name, const char *owner);

/* Makes it one that nobody has reached, for this reason. */
void world_unreached(struct fleet_machine *machine, const char *trouble);

/* An event, numbered; returns it as the server is told. */
const struct store_event *world_event(const char *machine, const char *owner, const char *text);

/* ---- asking without a network ---- */

/* What is sent beside the path, and what came back. */
struct ask {
    const char *token; /* NULL: none */
    const char *if_match;
    const char *accept;
    const char *last_event_id;
    const char *body;
    size_t body_size; /* 0: strlen(body) */
    bool local;
    uint32_t uid;
    const char *from; /* NULL: not known */
    struct api_response response;
    json_t *json; /* of the body, when it is JSON */
};

/* Returns the status. `target` is the path with its query. What the ask held from before is
 * released. */
unsigned world_ask(struct ask *ask, const char *method, const char *target);
void world_ask_end(struct ask *ask);

/* A string of the answer: "error.code", "decision.reason". "" when it is not there. */
const char *world_string(const struct ask *ask, const char *path);
json_t *world_value(const json_t *json, const char *path);
