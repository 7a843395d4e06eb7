/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes: settings of a machine, the ballooning switch, taking over, reservations. Every value is
 * checked here for what it is, and by the fleet for whether the host and the machine can have it.
 * What it would change is told to the audit log, which has every attempt (audit.c).
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

/* ---- the members of a change ---- */

static bool read_bytes(const json_t *value, uint64_t *bytes)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > POLICY_BYTES_MAX) {
        return false;
    }
    *bytes = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_bool(const json_t *value, bool *is_true)
{
    *is_true = json_is_true(value);
    return json_is_boolean(value);
}

static bool read_class(const json_t *value, struct fleet_settings *settings)
{
    return json_is_string(value) && policy_class_parse(json_string_value(value), &settings->class);
}

static bool read_minimum(const json_t *value, struct fleet_settings *settings)
{
    return read_bytes(value, &settings->min_bytes);
}

static bool read_maximum(const json_t *value, struct fleet_settings *settings)
{
    return read_bytes(value, &settings->max_bytes);
}

static bool read_weight(const json_t *value, struct fleet_settings *settings)
{
    json_int_t weight = json_integer_value(value);
    settings->weight = (uint32_t)weight;
    return json_is_integer(value) && weight >= 1 && weight <= POLICY_WEIGHT_MAX;
}

/* A name as in the file of tokens, or "" for nobody. */
static bool read_owner(const json_t *value, struct fleet_settings *settings)
{
    const char *owner = json_string_value(value);
    if (owner == NULL || strlen(owner) >= sizeof(settings->owner) ||
        (owner[0] != '\0' && !config_name_valid(owner))) {
        return false;
    }
    strcpy(settings->owner, owner);
    return true;
}

static bool read_managed(const json_t *value, struct fleet_settings *settings)
{
    return read_bool(value, &settings->managed);
}

static bool read_ballooning(const json_t *value, struct fleet_settings *settings)
{
    return read_bool(value, &settings->ballooning);
}

static const struct member {
    const char *name;
    enum config_given given;
    bool (*read)(const json_t *value, struct fleet_settings *settings);
    const char *rule;
} members[] = {
    { "class", CONFIG_GIVEN_CLASS, read_class, "guaranteed, burst or spare" },
    { "minimum_bytes", CONFIG_GIVEN_MIN, read_minimum, "a size in bytes up to 64 TiB" },
    { "maximum_bytes", CONFIG_GIVEN_MAX, read_maximum,
      "a size in bytes up to 64 TiB, or 0 for all its RAM" },
    { "weight", CONFIG_GIVEN_WEIGHT, read_weight, "a whole number from 1 to 50000" },
    { "owner", CONFIG_GIVEN_OWNER, read_owner,
      "a name of up to 63 letters, digits and \"-_.@\", or empty" },
    { "managed", CONFIG_GIVEN_MANAGED, read_managed, "true or false" },
    { "ballooning", CONFIG_GIVEN_BALLOONING, read_ballooning, "true or false" },
};

static const struct member *find_member(const char *name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strcmp(members[i].name, name) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

/* ---- bodies and headers ---- */

/* The body as an object; NULL after an answer. */
json_t *api_read_body(struct api_call *call)
{
    if (call->request->body_size > API_BODY_MAX) {
        api_error(call, 413, "too_large", "The body is larger than %zu KiB.", API_BODY_MAX >> 10);
        return NULL;
    }
    json_error_t error;
    json_t *body = json_loadb(call->request->body_size == 0 ? "" : call->request->body,
                              call->request->body_size, JSON_REJECT_DUPLICATES, &error);
    if (body == NULL) {
        /* The library's words may hold a part of the body; its position is enough. */
        api_error(call, 400, "malformed", "The body is no JSON: line %d, column %d.", error.line,
                  error.column);
        return NULL;
    }
    if (!json_is_object(body)) {
        api_error(call, 422, "invalid", "The body must be an object.");
        json_decref(body);
        return NULL;
    }
    return body;
}

/* One entity tag of a list, moving on behind it. */
enum tag { TAG_NONE, TAG_OTHER, TAG_EQUAL, TAG_MALFORMED };

static enum tag next_tag(const char **list, const char *current)
{
    const char *text = *list + strspn(*list, " \t,");
    if (*text == '\0') {
        return TAG_NONE;
    }
    /* If-Match compares strongly: a weak tag never matches. */
    bool weak = strncmp(text, "W/", 2) == 0;
    text += weak ? 2 : 0;
    const char *end = *text == '"' ? strchr(text + 1, '"') : NULL;
    if (end == NULL) {
        return TAG_MALFORMED;
    }
    size_t length = (size_t)(end + 1 - text);
    *list = end + 1;
    return !weak && strlen(current) == length && memcmp(current, text, length) == 0 ? TAG_EQUAL
                                                                                    : TAG_OTHER;
}

/* The revision that must still be there. False after an answer. */
static bool read_if_match(struct api_call *call, const struct fleet_machine *machine,
                          uint64_t *revision)
{
    const char *list = call->request->if_match;
    if (list == NULL) {
        api_error(call, 428, "precondition_required",
                  "Send the ETag that the change is based on as If-Match, or \"*\" for any.");
        return false;
    }
    if (strcmp(list, "*") == 0) {
        *revision = FLEET_ANY_REVISION;
        return true;
    }
    char current[32];
    snprintf(current, sizeof(current), "\"%llu\"", (unsigned long long)machine->settings.revision);
    enum tag tag;
    do {
        tag = next_tag(&list, current);
    } while (tag == TAG_OTHER);
    if (tag == TAG_MALFORMED) {
        api_error(call, 400, "malformed", "If-Match must be an entity tag in quotes.");
    } else if (tag == TAG_NONE) {
        api_error(call, 412, "changed", "%s was changed meanwhile: read it again.", machine->name);
    }
    *revision = machine->settings.revision;
    return tag == TAG_EQUAL;
}

/* ---- PATCH ---- */

/* Fills in the change and what the audit log says of it. False after an answer. */
static bool read_change(struct api_call *call, json_t *body, struct fleet_change *change,
                        FILE *detail)
{
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
    {
        const struct member *member = find_member(name);
        if (member == NULL) {
            api_error(call, 422, "invalid", "There is no setting of this name: %.100s", name);
            return false;
        }
        if (!member->read(value, &change->settings)) {
            api_error(call, 422, "invalid", "%s must be %s.", member->name, member->rule);
            return false;
        }
        change->given |= (uint32_t)member->given;
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        fprintf(detail, "%s%s=%s", change->given == (uint32_t)member->given ? "" : " ", name,
                text == NULL ? "?" : text);
        free(text);
    }
    return true;
}

static const char *action_of(const struct fleet_change *change)
{
    if (change->given != CONFIG_GIVEN_BALLOONING) {
        return "set";
    }
    return change->settings.ballooning ? "enable" : "disable";
}

static void answer_machine(struct api_call *call)
{
    const struct fleet_machine *machine = fleet_find(call->api->fleet, call->name);
    if (machine == NULL) {
        api_error(call, 404, "not_found", "The machine is gone: %s", call->name);
        return;
    }
    api_get_machine(call);
}

static void carry_out(struct api_call *call, const struct fleet_change *change, uint64_t revision)
{
    bool allowed = call->identity.role == API_OPERATOR ||
                   (change->given & ~(uint32_t)CONFIG_GIVEN_BALLOONING) == 0;
    if (!allowed) {
        api_error(call, 403, "forbidden", "An owner may only switch ballooning.");
        return;
    }
    struct fleet_result result =
        fleet_change(call->api->fleet, call->name, change, revision, call->now_ms);
    if (api_fleet_answer(call, &result)) {
        answer_machine(call);
    }
}

/* The change that the body asks for, and what the audit log says of it. False after an answer. */
static bool take_change(struct api_call *call, json_t *body, struct fleet_change *change)
{
    FILE *out = fmemopen(call->detail, sizeof(call->detail), "w");
    if (out == NULL) {
        api_error(call, 500, "internal", "The daemon is out of memory.");
        return false;
    }
    bool good = read_change(call, body, change, out);
    fclose(out);
    call->detail[sizeof(call->detail) - 1] = '\0';
    call->action = action_of(change);
    return good;
}

void api_patch_machine(struct api_call *call)
{
    const struct fleet_machine *machine = api_machine(call);
    json_t *body = machine == NULL ? NULL : api_read_body(call);
    if (body == NULL) {
        return;
    }
    uint64_t revision;
    struct fleet_change change = { .settings = machine->settings };
    if (take_change(call, body, &change) && read_if_match(call, machine, &revision)) {
        if (change.given == 0) {
            answer_machine(call);
        } else {
            carry_out(call, &change, revision);
        }
    }
    json_decref(body);
}

void api_adopt_machine(struct api_call *call)
{
    if (api_machine(call) == NULL) {
        return;
    }
    struct fleet_result result = fleet_adopt(call->api->fleet, call->name, call->now_ms);
    if (api_fleet_answer(call, &result)) {
        answer_machine(call);
    }
}

/* ---- reservations ---- */

static void answer_reservation(struct api_call *call, const char *name)
{
    size_t count;
    const struct books_reservation *all = fleet_reservations(call->api->fleet, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].name, name) == 0) {
            json_t *body = json_object();
            api_put_text(body, "name", all[i].name);
            api_put_number(body, "bytes", all[i].bytes);
            api_put_number(body, "arrived_bytes", all[i].arrived_bytes);
            json_object_set_new(body, "age_ms", json_integer(call->now_ms - all[i].since_ms));
            api_answer(call, 201, body);
            return;
        }
    }
    api_error(call, 500, "internal", "The reservation was made and is not there.");
}

void api_post_reservation(struct api_call *call)
{
    json_t *body = api_read_body(call);
    if (body == NULL) {
        return;
    }
    const char *name = json_string_value(json_object_get(body, "name"));
    uint64_t bytes = 0;
    if (name == NULL || !config_name_valid(name) || strlen(name) >= CONFIG_NAME_MAX) {
        api_error(call, 422, "invalid",
                  "name must be a name of up to 63 letters, digits and "
                  "\"-_.@\".");
    } else if (!read_bytes(json_object_get(body, "bytes"), &bytes) || bytes == 0) {
        api_error(call, 422, "invalid", "bytes must be a size in bytes up to 64 TiB, not 0.");
    } else if (json_object_size(body) != 2) {
        api_error(call, 422, "invalid", "A reservation has a name and bytes, and nothing else.");
    } else {
        snprintf(call->target, sizeof(call->target), "%s", name);
        snprintf(call->detail, sizeof(call->detail), "bytes=%llu", (unsigned long long)bytes);
        struct fleet_result result = fleet_reserve(call->api->fleet, name, bytes, call->now_ms);
        if (api_fleet_answer(call, &result)) {
            answer_reservation(call, name);
        }
    }
    json_decref(body);
}

void api_delete_reservation(struct api_call *call)
{
    struct fleet_result result = fleet_release(call->api->fleet, call->name, call->now_ms);
    if (api_fleet_answer(call, &result)) {
        call->response->status = 204;
    }
}
