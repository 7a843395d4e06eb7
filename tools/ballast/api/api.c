/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routing: which handler a request goes to, and whether whoever asks may. What a route answers is
 * the handlers' business. The table is the only list of routes; a test compares it to openapi.json
 * in both directions. Paths are public (the document is), so an unknown path is told to everybody,
 * while names inside of paths are looked up only behind the check of the role.
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct api_route routes[] = {
    { "GET", "/healthz", API_ACCESS_ALL, api_get_health, NULL },
    { "GET", "/openapi.json", API_ACCESS_ALL, api_get_openapi, NULL },
    { "GET", "/metrics", API_ACCESS_MONITOR, api_get_metrics, NULL },
    { "GET", "/v1/host", API_ACCESS_MONITOR, api_get_host, NULL },
    { "GET", "/v1/host/history", API_ACCESS_OPERATOR, api_get_host_history, NULL },
    { "GET", "/v1/machines", API_ACCESS_OWNER, api_get_machines, NULL },
    { "GET", "/v1/machines/{name}", API_ACCESS_OWNER, api_get_machine, NULL },
    { "PATCH", "/v1/machines/{name}", API_ACCESS_OWNER, api_patch_machine, "set" },
    { "DELETE", "/v1/machines/{name}", API_ACCESS_OPERATOR, api_forget_machine, "forget" },
    { "POST", "/v1/machines/{name}/adopt", API_ACCESS_OPERATOR, api_adopt_machine, "adopt" },
    { "GET", "/v1/machines/{name}/device", API_ACCESS_OWNER, api_get_device, NULL },
    { "GET", "/v1/machines/{name}/doctor", API_ACCESS_OWNER, api_get_doctor, NULL },
    { "POST", "/v1/machines/{name}/expect", API_ACCESS_OPERATOR, api_expect_machine, "expect" },
    { "DELETE", "/v1/machines/{name}/expect", API_ACCESS_OPERATOR, api_unexpect_machine,
      "unexpect" },
    { "GET", "/v1/machines/{name}/explain", API_ACCESS_OWNER, api_get_explain, NULL },
    { "GET", "/v1/machines/{name}/history", API_ACCESS_OWNER, api_get_machine_history, NULL },
    { "GET", "/v1/plan", API_ACCESS_OWNER, api_get_plan, NULL },
    { "GET", "/v1/reservations", API_ACCESS_OPERATOR, api_get_reservations, NULL },
    { "POST", "/v1/reservations", API_ACCESS_OPERATOR, api_post_reservation, "reserve" },
    { "DELETE", "/v1/reservations/{name}", API_ACCESS_OPERATOR, api_delete_reservation, "release" },
    { "GET", "/v1/events", API_ACCESS_OWNER, api_get_events, NULL },
    { "GET", "/v1/audit", API_ACCESS_OPERATOR, api_get_audit, NULL },
    { "GET", "/v1/record", API_ACCESS_OPERATOR, api_get_record, NULL },
};

const struct api_route *api_routes(size_t *count)
{
    *count = sizeof(routes) / sizeof(routes[0]);
    return routes;
}

/* Whether the path is one of this pattern; the part that stands for {name} is not decoded yet, so
 * that an encoded slash does not end it. */
static bool path_matches(const char *pattern, const char *path, const char **name, size_t *length)
{
    *name = "";
    *length = 0;
    while (*pattern != '\0') {
        if (*pattern == '{') {
            *name = path;
            *length = strcspn(path, "/");
            if (*length == 0) {
                return false;
            }
            path += *length;
            pattern = strchr(pattern, '}') + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

/* 405 names what there is instead. */
static void allow_add(struct api_response *response, const char *method)
{
    const char *head = strcmp(method, "GET") == 0 ? ", HEAD" : "";
    size_t used = strlen(response->allow);
    snprintf(response->allow + used, sizeof(response->allow) - used, "%s%s%s",
             used == 0 ? "" : ", ", method, head);
}

/* NULL after an answer. */
static const struct api_route *find_route(struct api_call *call)
{
    const char *method = call->request->method;
    if (strcmp(method, "HEAD") == 0) {
        method = "GET";
    }
    const char *name;
    size_t length;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!path_matches(routes[i].path, call->request->path, &name, &length)) {
            continue;
        }
        if (strcmp(routes[i].method, method) != 0) {
            allow_add(call->response, routes[i].method);
            continue;
        }
        call->response->allow[0] = '\0';
        if (!api_decode(name, length, call->name, sizeof(call->name))) {
            api_error(call, 400, "malformed",
                      "The name in the path is not UTF-8 in percent-encoding.");
            return NULL;
        }
        return &routes[i];
    }
    if (call->response->allow[0] != '\0') {
        api_error(call, 405, "method", "This path answers to %s only.", call->response->allow);
    } else {
        api_error(call, 404, "not_found", "There is no such path; see /openapi.json.");
    }
    return NULL;
}

/* False after an answer. */
static bool may(struct api_call *call, const struct api_route *route)
{
    if (route->access == API_ACCESS_ALL) {
        return true;
    }
    if (!call->identified) {
        api_login_failed(call);
        api_error(call, 401, "unauthorized", "This token is not known.");
        return false;
    }
    if (call->identity.role == API_NOBODY) {
        api_error(call, 401, "unauthorized",
                  "A token is needed: send the header \"Authorization: Bearer TOKEN\".");
        return false;
    }
    const enum api_role role = call->identity.role;
    if (role == API_MONITOR && route->access != API_ACCESS_MONITOR) {
        api_error(call, 403, "forbidden", "A monitor may read /metrics and /v1/host only.");
        return false;
    }
    if (role == API_OWNER && route->access != API_ACCESS_OWNER) {
        api_error(call, 403, "forbidden", "Only an operator may do this.");
        return false;
    }
    return true;
}

static struct api_call begin(struct api *api, const struct api_request *request,
                             struct api_response *response)
{
    memset(response, 0, sizeof(*response));
    api->requests++;
    struct api_call call = {
        .api = api,
        .request = request,
        .response = response,
        .now_ms = api->now_ms(api->context),
    };
    call.identified = api_identify(api, request, &call.identity);
    return call;
}

void api_handle(struct api *api, const struct api_request *request, struct api_response *response)
{
    struct api_call call = begin(api, request, response);
    const bool attempt = api_is_attempt(request);
    if (attempt) {
        api_attempt_begin(&call);
    }
    const struct api_route *route = find_route(&call);
    if (route != NULL && may(&call, route) && (!attempt || api_may_change(&call))) {
        route->handle(&call);
    }
    if (attempt) {
        api_attempt_end(&call, route);
    }
    response->identity = call.identity;
    if (strcmp(request->method, "HEAD") == 0) {
        response->stream = API_STREAM_NONE;
    }
}

void api_refuse(struct api *api, const struct api_request *request, unsigned status,
                const char *code, const char *text, unsigned retry_s, struct api_response *response)
{
    struct api_call call = begin(api, request, response);
    if (api_is_attempt(request)) {
        api_attempt_begin(&call);
        api_error(&call, status, code, "%s", text);
        api_attempt_end(&call, NULL);
    } else {
        api_error(&call, status, code, "%s", text);
    }
    response->retry_s = retry_s;
    response->identity = call.identity;
}

void api_response_free(struct api_response *response)
{
    free(response->body);
    response->body = NULL;
    response->size = 0;
}

void api_period(struct api *api)
{
    api->periods++;
    api_attempts_tell(api);
    size_t count;
    struct fleet_machine *const *machines = fleet_machines(api->fleet, &count);
    for (size_t i = 0; i < count; i++) {
        size_t reason = (size_t)machines[i]->policy.decision.reason;
        if (fleet_decided(&machines[i]->policy) && reason < API_REASONS) {
            api->decisions[reason]++;
        }
    }
}
