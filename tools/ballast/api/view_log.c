/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was: history, events, the audit log, all from the database; and the beginning of the two
 * streams. The server goes on with a stream by api_events_page() until it has caught up, then by
 * what happens.
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

#define PAGE_EVENTS 256U

static void answer_store_error(struct api_call *call)
{
    api_error(call, 500, "internal", "The database failed: %s", store_error(call->api->store));
}

/* False after an answer. */
static bool needs_store(struct api_call *call)
{
    if (call->api->store == NULL) {
        api_error(call, 409, "unsupported", "This daemon keeps no history.");
        return false;
    }
    return true;
}

/* ---- history ---- */

static const struct {
    const char *name;
    enum store_step step;
    int64_t span_s; /* what is shown when no begin is given */
} steps[] = {
    { "raw", STORE_RAW, 3600 },
    { "minute", STORE_MINUTE, 24 * 3600 },
    { "quarter", STORE_QUARTER, 30 * 24 * 3600 },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

static size_t find_step(const struct api_request *request)
{
    size_t length;
    const char *word = api_query_word(request, "step", &length);
    if (word == NULL) {
        return 0;
    }
    size_t step = 0;
    while (step < STEPS &&
           (strlen(steps[step].name) != length || memcmp(steps[step].name, word, length) != 0)) {
        step++;
    }
    return step;
}

static json_t *view_point(const struct store_point *point, bool is_host)
{
    json_t *view = json_object();
    json_object_set_new(view, "time_s", json_integer(point->time_s));
    api_put_number(view, "size_bytes", point->size_bytes);
    api_put_number(view, "target_bytes", point->target_bytes);
    api_put_number(view, "used_bytes", point->used_bytes);
    api_put_number(view, "available_bytes", point->available_bytes);
    api_put_number(view, "resident_bytes", point->resident_bytes);
    api_put_number(view, "demand_bytes", point->demand_bytes);
    api_put_number(view, "short_bytes", point->short_bytes);
    if (is_host) {
        api_put_word(view, "zone", policy_zone_name((enum policy_zone)point->zone));
    }
    return view;
}

/* Of an identity, or of all machines of a name; the identity "" is the host. */
static void answer_history(struct api_call *call, const char *whose, bool is_name)
{
    size_t step = find_step(call->request);
    if (step == STEPS) {
        api_error(call, 422, "invalid", "step must be raw, minute or quarter.");
        return;
    }
    int64_t to_s = call->api->now_s(call->api->context) + 1;
    int64_t from_s = -1;
    int64_t limit = 1000;
    if (!needs_store(call) || !api_query_number(call, "to", 0, INT64_MAX, &to_s) ||
        !api_query_number(call, "from", 0, INT64_MAX, &from_s) ||
        !api_query_number(call, "limit", 1, 10000, &limit)) {
        return;
    }
    if (from_s < 0) {
        from_s = to_s > steps[step].span_s ? to_s - steps[step].span_s : 0;
    }
    struct store_point *points = NULL;
    size_t count = 0;
    const bool read = is_name ? store_history_of_name(call->api->store, whose, steps[step].step,
                                                      from_s, to_s, (size_t)limit, &points, &count)
                              : store_history(call->api->store, whose, steps[step].step, from_s,
                                              to_s, (size_t)limit, &points, &count);
    if (!read) {
        answer_store_error(call);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, view_point(&points[i], whose[0] == '\0'));
    }
    free(points);
    json_t *body = json_object();
    api_put_word(body, "step", steps[step].name);
    json_object_set_new(body, "points", list);
    api_answer(call, 200, body);
}

void api_get_machine_history(struct api_call *call)
{
    /* An operator may ask for one that is gone, too: its points are there until they are too old.
     * Of a machine that is there everybody sees its own points, and none of an earlier machine of
     * the same name, which may have been somebody else's. */
    const struct fleet_machine *machine = fleet_find(call->api->fleet, call->name);
    const bool is_gone = machine == NULL || machine->identity[0] == '\0';
    if (is_gone && call->identity.role == API_OPERATOR && config_name_valid(call->name)) {
        answer_history(call, call->name, true);
    } else if (api_machine(call) != NULL) {
        answer_history(call, machine->identity, false);
    }
}

void api_get_host_history(struct api_call *call)
{
    answer_history(call, "", false);
}

/* ---- events ---- */

/* Whether its number is an amount that is missing in the host. */
static bool tells_of_host(const struct store_event *event)
{
    return event->machine[0] != '\0' && event->bytes != POLICY_MISSING && event->bytes != 0 &&
           strcmp(event->code, "refused") == 0 &&
           (strcmp(event->kind, "switch") == 0 || strcmp(event->kind, "settings") == 0);
}

const char *api_event_sentence(const struct store_event *event, char text[API_SENTENCE])
{
    char size[POLICY_SIZE_TEXT];
    if (tells_of_host(event)) {
        snprintf(text, API_SENTENCE, "%s %s are missing.", event->text,
                 policy_size_text(event->bytes, size));
    } else {
        snprintf(text, API_SENTENCE, "%s", event->text);
    }
    return text;
}

static json_t *view_event(const struct store_event *event, bool is_operator)
{
    char text[API_SENTENCE];
    bool hidden = !is_operator && tells_of_host(event);
    json_t *view = json_object();
    json_object_set_new(view, "number", json_integer(event->number));
    json_object_set_new(view, "time_s", json_integer(event->time_s));
    api_put_text(view, "kind", event->kind);
    api_put_word(view, "machine", event->machine[0] == '\0' ? NULL : event->machine);
    api_put_text(view, "code", event->code);
    api_put_number(view, "bytes", hidden ? POLICY_MISSING : event->bytes);
    if (hidden) {
        /* Events that an earlier version kept have the amount in their sentence. */
        snprintf(text, sizeof(text), "%s: this was refused: the host could not keep the promise.",
                 event->machine);
    } else {
        (void)api_event_sentence(event, text);
    }
    api_put_text(view, "text", text);
    return view;
}

char *api_event_text(const struct store_event *event, bool is_operator)
{
    /* No line end may come into the fields of the stream: the data is JSON, which escapes it, and
     * a kind is a word. */
    int kind_length = (int)strspn(event->kind, "abcdefghijklmnopqrstuvwxyz-");
    json_t *view = view_event(event, is_operator);
    char *data = view == NULL ? NULL : json_dumps(view, JSON_COMPACT);
    json_decref(view);
    char *text = NULL;
    if (data != NULL && asprintf(&text, "id: %lld\nevent: %.*s\ndata: %s\n\n",
                                 (long long)event->number, kind_length, event->kind, data) < 0) {
        text = NULL;
    }
    free(data);
    return text;
}

char *api_events_page(struct api *api, const struct api_identity *identity, const char *machine,
                      int64_t *after, bool *more)
{
    struct store_event *events = NULL;
    size_t count = 0;
    char *page = NULL;
    size_t size = 0;
    const struct store_event_filter filter = api_event_filter(identity, machine);
    if (!store_event_read(api->store, &filter, *after, PAGE_EVENTS, &events, &count)) {
        return NULL;
    }
    FILE *out = open_memstream(&page, &size);
    if (out == NULL) {
        free(events);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char *text = api_event_text(&events[i], identity->role == API_OPERATOR);
        fputs(text == NULL ? "" : text, out);
        free(text);
        *after = events[i].number;
    }
    *more = count == PAGE_EVENTS;
    free(events);
    if (fclose(out) != 0) {
        free(page);
        return NULL;
    }
    return page;
}

/* Without a number to go on from only what happens from now on is told. */
static void answer_event_stream(struct api_call *call, int64_t after)
{
    call->response->stream = API_STREAM_EVENTS;
    call->response->stream_after = after;
    strcpy(call->response->stream_machine, call->name);
    /* Something at once, so that whoever waits for the begin of the answer has it. */
    static const char hello[] = ": ballast events\n\n";
    api_answer_text(call, "text/event-stream", strdup(hello), sizeof(hello) - 1);
}

/* The machine that the query names into call->name, "" when it names none. False after an answer.
 */
static bool find_machine(struct api_call *call)
{
    size_t length = 0;
    const char *machine = api_query_word(call->request, "machine", &length);
    call->name[0] = '\0';
    if (machine == NULL) {
        return true;
    }
    if (!api_decode(machine, length, call->name, sizeof(call->name)) || call->name[0] == '\0') {
        api_error(call, 422, "invalid", "machine must be the name of a machine.");
        return false;
    }
    return true;
}

/* A browser's reader says where it was in a header, and nothing else can change its address. */
static bool find_after(struct api_call *call, int64_t *after)
{
    if (!api_query_number(call, "after", 0, INT64_MAX, after)) {
        return false;
    }
    const char *last = call->request->last_event_id;
    size_t digits = last == NULL ? 0 : strspn(last, "0123456789");
    if (digits > 0 && digits <= 18 && last[digits] == '\0') {
        *after = strtoll(last, NULL, 10);
    }
    return true;
}

void api_get_events(struct api_call *call)
{
    const char *accept = call->request->accept;
    bool streams = accept != NULL && strstr(accept, "text/event-stream") != NULL;
    int64_t after = -1;
    int64_t limit = 100;
    if (!find_after(call, &after) || !api_query_number(call, "limit", 1, 1000, &limit) ||
        !find_machine(call)) {
        return;
    }
    if (streams) {
        answer_event_stream(call, call->api->store == NULL ? -1 : after);
        return;
    }
    if (!needs_store(call)) {
        return;
    }
    const struct store_event_filter filter = api_event_filter(&call->identity, call->name);
    struct store_event *events = NULL;
    size_t count = 0;
    if (!store_event_read(call->api->store, &filter, after < 0 ? STORE_LATEST : after,
                          (size_t)limit, &events, &count)) {
        answer_store_error(call);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, view_event(&events[i], call->identity.role == API_OPERATOR));
    }
    free(events);
    json_t *body = json_object();
    json_object_set_new(body, "events", list);
    api_answer(call, 200, body);
}

/* ---- audit and recording ---- */

void api_get_audit(struct api_call *call)
{
    int64_t from_s = 0;
    int64_t limit = 100;
    if (!needs_store(call) || !api_query_number(call, "from", 0, INT64_MAX, &from_s) ||
        !api_query_number(call, "limit", 1, 1000, &limit)) {
        return;
    }
    struct store_audit *entries = NULL;
    size_t count = 0;
    if (!store_audit_read(call->api->store, from_s, (size_t)limit, &entries, &count)) {
        answer_store_error(call);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *view = json_object();
        json_object_set_new(view, "time_s", json_integer(entries[i].time_s));
        api_put_text(view, "who", entries[i].who);
        api_put_text(view, "action", entries[i].action);
        api_put_text(view, "target", entries[i].target);
        api_put_text(view, "detail", entries[i].detail);
        json_object_set_new(view, "done", json_boolean(entries[i].done));
        json_array_append_new(list, view);
    }
    free(entries);
    json_t *body = json_object();
    json_object_set_new(body, "entries", list);
    api_answer(call, 200, body);
}

void api_get_record(struct api_call *call)
{
    call->response->stream = API_STREAM_RECORD;
    api_answer_text(call, "application/x-ndjson", strdup(""), 0);
}
