/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host as JSON, its health, and the reservations: what an operator looks at.
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

/* Before the first period nothing is known. A number that follows from another is as well known as
 * that: so each is told through this. */
static uint64_t known(const struct policy_host *host, uint64_t bytes)
{
    return host->total_bytes == 0 ? POLICY_MISSING : bytes;
}

static void put_host_memory(json_t *view, const struct policy_host *host,
                            const struct host_memory *memory)
{
    bool read = memory != NULL && memory->total_bytes != 0;
    bool pressed = host->total_bytes != 0 && read && memory->psi;
    api_put_number(view, "total_bytes", known(host, host->total_bytes));
    api_put_number(view, "available_bytes", known(host, host->available_bytes));
    api_put_number(view, "swap_total_bytes", read ? memory->swap_total_bytes : POLICY_MISSING);
    api_put_number(view, "swap_free_bytes", read ? memory->swap_free_bytes : POLICY_MISSING);
    api_put_number(view, "ksm_saved_bytes", read ? memory->ksm_saved_bytes : POLICY_MISSING);
    json_object_set_new(view, "psi_some_percent",
                        pressed ? json_real(host->psi_some_centi / 100.0) : json_null());
    json_object_set_new(view, "psi_full_percent",
                        pressed ? json_real(host->psi_full_centi / 100.0) : json_null());
}

static void put_plan(json_t *view, const struct policy_host *host, const struct policy_plan *plan)
{
    api_put_number(view, "reserve_bytes", known(host, plan->books.reserve_bytes));
    api_put_number(view, "slush_bytes", known(host, plan->books.slush_bytes));
    api_put_number(view, "slush_left_bytes", known(host, plan->books.slush_left_bytes));
    api_put_number(view, "ceiling_bytes", known(host, plan->books.ceiling_bytes));
    api_put_number(view, "booked_bytes", known(host, plan->books.booked_bytes));
    api_put_number(view, "arrived_bytes", known(host, plan->books.arrived_bytes));
    api_put_number(view, "asked_bytes", known(host, plan->asked_bytes));
    api_put_number(view, "short_bytes", known(host, plan->short_bytes));
    api_put_number(view, "granted_bytes", known(host, plan->granted_bytes));
    api_put_number(view, "coming_bytes", known(host, plan->coming_bytes));
    api_put_number(view, "taken_bytes", known(host, plan->taken_bytes));
    api_put_number(view, "reserved_bytes", known(host, host->reserved_bytes));
    api_put_number(view, "promised_bytes", known(host, plan->books.promised_bytes));
    api_put_number(view, "missing_for_promises_bytes", known(host, plan->books.missing_bytes));
}

/* What the books have beside. */
static void put_books(json_t *view, const struct policy_host *host, const struct books_host *books)
{
    api_put_number(view, "own_bytes", known(host, books->own_bytes));
    api_put_number(view, "resident_bytes", known(host, books->resident_bytes));
    api_put_number(view, "overhead_bytes", known(host, books->overhead_bytes));
    api_put_number(view, "reserved_arrived_bytes", known(host, books->reserved_arrived_bytes));
    api_put_number(view, "budget_bytes", known(host, books->budget_bytes));
    api_put_number(view, "tied_bytes", known(host, books->tied_bytes));
    api_put_number(view, "excess_bytes", known(host, books->excess_bytes));
    api_put_number(view, "could_promise_bytes", known(host, books->could_promise_bytes));
}

json_t *api_view_host(const struct api_call *call, const struct policy_plan *plan)
{
    const struct api *api = call->api;
    const struct policy_host *host = fleet_host(api->fleet);
    int64_t decided_ms = fleet_host_memory(api->fleet)->now_ms;
    bool decided = host->total_bytes != 0;
    size_t count;
    fleet_machines(api->fleet, &count);
    json_t *view = json_object();
    api_put_word(view, "zone", decided ? policy_zone_name(plan->zone) : NULL);
    put_host_memory(view, host, api->host);
    put_plan(view, host, plan);
    put_books(view, host, &plan->books);
    json_object_set_new(view, "admit", decided ? json_boolean(plan->admit) : json_null());
    api_put_number(view, "machines", count);
    json_object_set_new(view, "decided_age_ms", api_age(call, decided_ms));
    return view;
}

void api_get_host(struct api_call *call)
{
    api_answer(call, 200, api_view_host(call, fleet_plan(call->api->fleet)));
}

size_t api_problems(const struct api *api, const char *texts[API_PROBLEMS])
{
    return api->problems == NULL ? 0 : api->problems(api->context, texts);
}

void api_get_health(struct api_call *call)
{
    const char *texts[API_PROBLEMS];
    const size_t problems = api_problems(call->api, texts);
    json_t *list = json_array();
    for (size_t i = 0; i < problems; i++) {
        json_array_append_new(list, api_text(texts[i]));
    }
    size_t count;
    fleet_machines(call->api->fleet, &count);
    int64_t uptime_s = call->api->now_s(call->api->context) - call->api->started_s;
    json_t *body = json_object();
    api_put_word(body, "status", problems == 0 ? "ok" : "unwell");
    json_object_set_new(body, "problems", list);
    api_put_text(body, "version", call->api->version);
    json_object_set_new(body, "uptime_s", json_integer(uptime_s > 0 ? uptime_s : 0));
    api_put_number(body, "machines", count);
    api_answer(call, problems == 0 ? 200 : 503, body);
}

void api_get_openapi(struct api_call *call)
{
    size_t size;
    const char *document = api_openapi(&size);
    char *copy = malloc(size);
    if (copy != NULL) {
        memcpy(copy, document, size);
    }
    api_answer_text(call, "application/json", copy, size);
}

void api_get_metrics(struct api_call *call)
{
    size_t size = 0;
    char *text = api_metrics(call->api, call->now_ms, &size);
    api_answer_text(call, "text/plain; version=0.0.4; charset=utf-8", text, size);
}

void api_get_reservations(struct api_call *call)
{
    size_t count;
    const struct books_reservation *reservations = fleet_reservations(call->api->fleet, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        int64_t age_ms = call->now_ms - reservations[i].since_ms;
        json_t *view = json_object();
        api_put_text(view, "name", reservations[i].name);
        api_put_number(view, "bytes", reservations[i].bytes);
        api_put_number(view, "arrived_bytes", reservations[i].arrived_bytes);
        json_object_set_new(view, "age_ms", json_integer(age_ms > 0 ? age_ms : 0));
        json_array_append_new(list, view);
    }
    json_t *body = json_object();
    json_object_set_new(body, "reservations", list);
    api_answer(call, 200, body);
}
