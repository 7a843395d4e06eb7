/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept for machines: to forget it, and to announce that the next machine of a name takes it
 * over. The machine need not run, so the name is looked up by the fleet.
 */
#include "tools/ballast/api/api_internal.h"

void api_forget_machine(struct api_call *call)
{
    struct fleet_result result = fleet_forget(call->api->fleet, call->name, call->now_ms);
    if (api_fleet_answer(call, &result)) {
        call->response->status = 204;
    }
}

void api_expect_machine(struct api_call *call)
{
    json_t *body = api_read_body(call);
    if (body == NULL) {
        return;
    }
    const json_t *value = json_object_get(body, "seconds");
    const json_int_t seconds = json_integer_value(value);
    if (!json_is_integer(value) || seconds < 1 || seconds > FLEET_EXPECT_MAX_S ||
        json_object_size(body) != 1) {
        api_error(call, 422, "invalid",
                  "An announcement has seconds, from 1 to %u, and nothing else.",
                  FLEET_EXPECT_MAX_S);
        json_decref(body);
        return;
    }
    snprintf(call->detail, sizeof(call->detail), "seconds=%lld", (long long)seconds);
    struct fleet_result result =
        fleet_expect(call->api->fleet, call->name, (uint32_t)seconds, call->now_ms);
    if (api_fleet_answer(call, &result)) {
        json_t *answer = json_object();
        api_put_text(answer, "name", call->name);
        json_object_set_new(answer, "seconds", json_integer(seconds));
        api_answer(call, 200, answer);
    }
    json_decref(body);
}

void api_unexpect_machine(struct api_call *call)
{
    struct fleet_result result = fleet_expect(call->api->fleet, call->name, 0, call->now_ms);
    if (api_fleet_answer(call, &result)) {
        call->response->status = 204;
    }
}
