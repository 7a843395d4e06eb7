/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the files of the API share: one request on its way, the table of routes, and how answers
 * are made. Handlers answer exactly once. Whatever comes from outside ends in an answer, never in
 * an assertion; where memory ends, the answer is 500.
 */

#include <jansson.h>
#include <stdio.h>

#include "tools/ballast/api/api.h"

struct api_call {
    struct api *api;
    const struct api_request *request;
    struct api_response *response;
    struct api_identity identity;
    bool identified;            /* there was no wrong token */
    char name[CONFIG_NAME_MAX]; /* {name} of the path, decoded: UTF-8, not more is known of it */
    int64_t now_ms;
    const char *code; /* of the error that was answered; NULL: none */
    /* What the audit log will say of an attempt to change something. Handlers fill it in. */
    const char *action;
    char target[64];
    char detail[256];
    bool paid; /* the attempt has an entry of its own */
    struct api_recent *recent;
};

enum api_access {
    API_ACCESS_ALL,      /* without a token */
    API_ACCESS_OWNER,    /* owners and operators; the handler leaves out what is not the owner's */
    API_ACCESS_MONITOR,  /* monitors and operators */
    API_ACCESS_OPERATOR, /* operators only */
};

struct api_route {
    const char *method;
    const char *path; /* as in openapi.json: "/v1/machines/{name}" */
    enum api_access access;
    void (*handle)(struct api_call *call);
    const char *action; /* in the audit log; NULL: it only reads */
};

const struct api_route *api_routes(size_t *count);

/* ---- who asks ---- */

/* Fills in the identity. False: there was a token, and it is a wrong one. */
bool api_identify(const struct api *api, const struct api_request *request,
                  struct api_identity *identity);

bool api_sees_machine(const struct api_identity *identity, const struct fleet_machine *machine);

/* Whether an event is one that this identity may see, and of this machine ("": of any). */
bool api_sees_event(const struct api_identity *identity, const char *machine,
                    const struct store_event *event);

/* The same for the database. It points into the identity and the name. */
struct store_event_filter api_event_filter(const struct api_identity *identity,
                                           const char *machine);

/* ---- attempts and log-ins (audit.c) ---- */

/* Every attempt to change something leaves an entry, whatever its answer is. Entries wait for the
 * disk and are kept for long: an owner has API_CHANGES of them at once and one more every
 * API_CHANGE_MS, monitors and strangers all together one more every API_STRANGER_MS. Attempts
 * beyond are refused, and told by their number. Operators are not limited. */
#define API_CHANGES     20
#define API_CHANGE_MS   3000
#define API_STRANGER_MS 60000

/* Whether the request would change something. */
bool api_is_attempt(const struct api_request *request);

/* Around whatever answers an attempt. */
void api_attempt_begin(struct api_call *call);
void api_attempt_end(struct api_call *call, const struct api_route *route);

/* False after an answer: these are too many. */
bool api_may_change(struct api_call *call);

/* A token that is not known: tells the log, or counts it for the next line. */
#define API_LOGINS_MS 10000
void api_login_failed(struct api_call *call);

/* Tells what was held back, when it is time. */
void api_attempts_tell(struct api *api);

/* The machine of the path, or NULL after an answer: one of somebody else is not found. */
const struct fleet_machine *api_machine(struct api_call *call);

/* ---- answers ---- */

/* Takes the reference to `body`. NULL, for lack of memory, is answered by 500. */
void api_answer(struct api_call *call, unsigned status, json_t *body);

/* Takes a text from malloc(). */
void api_answer_text(struct api_call *call, const char *type, char *text, size_t size);

/* {"error": ...}; the text is a sentence. */
void api_error(struct api_call *call, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What the fleet said; true, without an answer, for FLEET_OK. */
bool api_fleet_answer(struct api_call *call, const struct fleet_result *result);

/* The body, an object, to be given back. NULL after an answer. */
json_t *api_read_body(struct api_call *call);

/* What is wrong with the daemon; returns how many. */
size_t api_problems(const struct api *api, const char *texts[API_PROBLEMS]);

/* ---- text and numbers ---- */

/* Bytes of the UTF-8 character that begins here, 0 when none does. */
size_t api_utf8(const char *text);

/* A string of whatever bytes: what is no UTF-8 becomes U+FFFD. */
json_t *api_text(const char *text);

/* A size or counter; null for POLICY_MISSING. */
json_t *api_number(uint64_t value);

/* The same as members of an object. */
void api_put_text(json_t *object, const char *key, const char *text);
void api_put_number(json_t *object, const char *key, uint64_t value);
void api_put_word(json_t *object, const char *key, const char *word); /* null for NULL */

/* Undoes percent-encoding. False: it is damaged, has a NUL or is no UTF-8. What does not fit makes
 * an empty name, which nothing has. */
bool api_decode(const char *text, size_t length, char *name, size_t size);

/* A number of the query; `value` stays where it is not given. False after an answer. */
bool api_query_number(struct api_call *call, const char *key, int64_t least, int64_t most,
                      int64_t *value);

/* A word of the query: its begin and length, or NULL. */
const char *api_query_word(const struct api_request *request, const char *key, size_t *length);

/* ---- views ---- */

json_t *api_view_machine(const struct api_call *call, const struct fleet_machine *machine);
json_t *api_view_decision(const struct api_call *call, const struct fleet_machine *machine);
json_t *api_view_host(const struct api_call *call, const struct policy_plan *plan);

/* How long ago a moment of the fleet's clock was; null when there was none. */
json_t *api_age(const struct api_call *call, int64_t then_ms);

/* Sizes of a machine as people and programs are told them; POLICY_MISSING for what is not known:
 * what it was asked for, what it is guaranteed, what it may have at most. */
uint64_t api_target(const struct fleet_machine *machine);
uint64_t api_minimum(const struct fleet_machine *machine);
uint64_t api_maximum(const struct fleet_machine *machine);

/* Whether it has an entry in the books: not without a decision, and not as a container, which
 * counts as the host's own use. */
bool api_in_books(const struct fleet_machine *machine);

const char *api_state_name(enum facts_state state);

/* An event as server-sent event, to be given to free(). NULL: no memory. */
char *api_event_text(const struct store_event *event, bool is_operator);

/* The next events behind *after that api_sees_event() is true for, as server-sent events; *after
 * moves on.
 * *more: there is a next page. NULL: an error of memory or database. */
char *api_events_page(struct api *api, const struct api_identity *identity, const char *machine,
                      int64_t *after, bool *more);

/* Metrics of which there is one number for each machine. */
struct api_metric {
    const char *name;
    const char *type;
    const char *help;
    uint64_t (*value)(const struct fleet_machine *machine);
};
extern const struct api_metric api_metrics_of_machines[];
extern const size_t api_metric_count;

/* The whole of /metrics. NULL: no memory. */
char *api_metrics(const struct api *api, int64_t now_ms, size_t *size);

/* openapi.json, without a final 0. */
const char *api_openapi(size_t *size);

/* ---- handlers ---- */

void api_get_health(struct api_call *call);
void api_get_openapi(struct api_call *call);
void api_get_host(struct api_call *call);
void api_get_machines(struct api_call *call);
void api_get_machine(struct api_call *call);
void api_patch_machine(struct api_call *call);
void api_adopt_machine(struct api_call *call);
void api_forget_machine(struct api_call *call);
void api_expect_machine(struct api_call *call);
void api_unexpect_machine(struct api_call *call);
void api_get_device(struct api_call *call);
void api_get_doctor(struct api_call *call);
void api_get_explain(struct api_call *call);
void api_get_machine_history(struct api_call *call);
void api_get_host_history(struct api_call *call);
void api_get_plan(struct api_call *call);
void api_get_reservations(struct api_call *call);
void api_post_reservation(struct api_call *call);
void api_delete_reservation(struct api_call *call);
void api_get_events(struct api_call *call);
void api_get_audit(struct api_call *call);
void api_get_record(struct api_call *call);
void api_get_metrics(struct api_call *call);
