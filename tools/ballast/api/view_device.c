/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a start script asks: with or without a balloon device. The machine need not run, and mostly
 * does not; then what was saved for its name counts, or the configuration's default.
 */
#include "tools/ballast/api/api_internal.h"

#include <string.h>

#include "tools/ballast/config/device.h"

void api_get_device(struct api_call *call)
{
    struct fleet_settings settings;
    const bool mine =
        fleet_settings_of(call->api->fleet, call->name, &settings) &&
        (call->identity.role == API_OPERATOR || strcmp(call->identity.owner, settings.owner) == 0);
    if (!mine) {
        api_error(call, 404, "not_found", "There is no machine of this name: %s", call->name);
        return;
    }
    json_t *list = json_array();
    if (settings.ballooning) {
        json_array_append_new(list, json_string(DEVICE_OPTION));
        json_array_append_new(list, json_string(DEVICE_VALUE));
    }
    json_t *body = json_object();
    api_put_text(body, "name", call->name);
    json_object_set_new(body, "ballooning", json_boolean(settings.ballooning));
    json_object_set_new(body, "words", list);
    api_answer(call, 200, body);
}
