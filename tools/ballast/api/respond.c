/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers: a JSON value, a text, or an error with a code for programs and a sentence for people.
 * An error for lack of memory is a constant text, so that there is always an answer to give.
 */
#include "tools/ballast/api/api_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"

/* Without any memory left the body stays empty: status 500 says enough. */
static void answer_no_memory(struct api_call *call)
{
    static const char text[] =
        "{\"error\":{\"code\":\"internal\",\"text\":\"The daemon is out of memory.\"}}\n";
    free(call->response->body);
    call->code = "internal";
    call->response->status = 500;
    call->response->body = strdup(text);
    call->response->type = call->response->body == NULL ? NULL : JSON_TYPE;
    call->response->size = call->response->body == NULL ? 0 : sizeof(text) - 1;
    call->response->etag[0] = '\0';
}

void api_answer(struct api_call *call, unsigned status, json_t *body)
{
    assert(call->response->status == 0);
    /* Programs read one line, people pipe it through a formatter. */
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL) {
        answer_no_memory(call);
        return;
    }
    call->response->status = status;
    call->response->type = JSON_TYPE;
    call->response->body = text;
    call->response->size = strlen(text);
}

void api_answer_text(struct api_call *call, const char *type, char *text, size_t size)
{
    assert(call->response->status == 0);
    if (text == NULL) {
        answer_no_memory(call);
        return;
    }
    call->response->status = 200;
    call->response->type = type;
    call->response->body = text;
    call->response->size = size;
}

static void answer_error(struct api_call *call, unsigned status, const char *code, const char *text,
                         uint64_t missing_bytes)
{
    json_t *error = json_object();
    call->code = code;
    api_put_word(error, "code", code);
    api_put_text(error, "text", text);
    if (missing_bytes != POLICY_MISSING) {
        api_put_number(error, "missing_bytes", missing_bytes);
    }
    json_t *body = json_object();
    json_object_set_new(body, "error", error);
    api_answer(call, status, body);
}

void api_error(struct api_call *call, unsigned status, const char *code, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    answer_error(call, status, code, text, POLICY_MISSING);
}

/* With what is wrong with the daemon, so that whoever asked knows where to look. */
static void answer_not_kept(struct api_call *call, const struct fleet_result *result)
{
    const char *texts[API_PROBLEMS];
    if (api_problems(call->api, texts) == 0) {
        api_error(call, 500, "internal", "%s", result->text);
    } else {
        api_error(call, 500, "internal", "%s The reason: %s.", result->text, texts[0]);
    }
}

bool api_fleet_answer(struct api_call *call, const struct fleet_result *result)
{
    uint64_t missing_bytes = POLICY_MISSING;
    unsigned status = 500;
    const char *code = "internal";
    switch (result->status) {
    case FLEET_OK:
        return true;
    case FLEET_NOT_FOUND:
        status = 404;
        code = "not_found";
        break;
    case FLEET_INVALID:
        status = 422;
        code = "invalid";
        break;
    case FLEET_CHANGED:
        status = 412;
        code = "changed";
        break;
    case FLEET_REFUSED:
        status = 409;
        code = "refused";
        missing_bytes = result->missing_bytes;
        break;
    case FLEET_UNSUPPORTED:
        status = 409;
        code = "unsupported";
        break;
    case FLEET_NOT_KEPT:
        answer_not_kept(call, result);
        return false;
    }
    /* Amounts of the host are for operators. */
    if (result->status == FLEET_REFUSED && result->missing_bytes != 0 &&
        call->identity.role != API_OPERATOR) {
        answer_error(call, status, code,
                     "The host cannot keep this promise beside those that were made.",
                     POLICY_MISSING);
        return false;
    }
    answer_error(call, status, code, result->text, missing_bytes);
    return false;
}
