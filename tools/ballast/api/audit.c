/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attempts to change something, and log-ins that failed. Whoever does it, and whatever the answer
 * is, an attempt leaves an entry of the audit log with the answer. An entry waits for the disk, in
 * the event loop that all machines use, and is kept for long: whoever holds one token, or none,
 * must be able to fill neither the disk nor the loop. What has no entry of its own is counted, and
 * the number is an entry as soon as one is paid for; so nothing is hidden by being much.
 *
 * Of each owner only a time is kept: up to when his attempts are paid for. It may be ahead of now
 * by API_CHANGES of them. Behind it nothing needs to be remembered, so a small table does for all.
 */
#include "tools/ballast/api/api_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---- how often ---- */

static int64_t cost_ms(const struct api *api, const struct api_recent *recent)
{
    return recent == &api->strangers || recent == &api->monitors ? API_STRANGER_MS : API_CHANGE_MS;
}

/* His place, or one that nobody needs any more. NULL: all are taken. */
static struct api_recent *find_owner(struct api *api, const char *who, int64_t now_ms)
{
    struct api_recent *place = NULL;
    for (size_t i = 0; i < API_RECENT_OWNERS; i++) {
        struct api_recent *each = &api->owners[i];
        if (strcmp(each->who, who) == 0) {
            return each;
        }
        if (place == NULL && each->paid_ms <= now_ms && each->unwritten == 0) {
            place = each;
        }
    }
    if (place != NULL) {
        *place = (struct api_recent){ .paid_ms = now_ms };
        snprintf(place->who, sizeof(place->who), "%s", who);
    }
    return place;
}

/* Pays for one entry, if that can be paid. */
static bool pay(const struct api *api, struct api_recent *recent, int64_t now_ms)
{
    const int64_t cost = cost_ms(api, recent);
    const int64_t ahead_ms = recent->paid_ms < now_ms ? 0 : recent->paid_ms - now_ms;
    if (ahead_ms > (API_CHANGES - 1) * cost) {
        return false;
    }
    recent->paid_ms = now_ms + ahead_ms + cost;
    return true;
}

/* ---- entries ---- */

static void add_entry(struct api *api, struct store_audit *entry)
{
    entry->time_s = api->now_s(api->context);
    if (api->store != NULL && !store_audit_add(api->store, entry)) {
        api->audit_failures++;
    }
}

bool api_is_attempt(const struct api_request *request)
{
    static const char *const reads[] = { "GET", "HEAD", "OPTIONS" };
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        if (strcmp(request->method, reads[i]) == 0) {
            return false;
        }
    }
    return true;
}

void api_attempt_begin(struct api_call *call)
{
    struct api *api = call->api;
    switch (call->identity.role) {
    case API_OPERATOR:
        call->paid = true;
        return;
    case API_OWNER:
        call->recent = find_owner(api, call->identity.who, call->now_ms);
        break;
    case API_MONITOR:
        call->recent = &api->monitors;
        break;
    case API_NOBODY:
        call->recent = &api->strangers;
        break;
    }
    call->paid = call->recent != NULL && pay(api, call->recent, call->now_ms);
}

bool api_may_change(struct api_call *call)
{
    if (!call->paid) {
        call->response->retry_s = API_CHANGE_MS / 1000;
        api_error(call, 429, "too_many", "These are too many changes: try again in a moment.");
    }
    return call->paid;
}

/* The answer, where it is a refusal, and what had no entry before. */
static void add_answer(const struct api_call *call, struct store_audit *entry)
{
    const char *between = entry->detail[0] == '\0' ? "" : "; ";
    const bool wrong = !call->identified && call->response->status == 401;
    size_t used = strlen(entry->detail);
    if (!entry->done) {
        snprintf(entry->detail + used, sizeof(entry->detail) - used, "%s%u %s%s", between,
                 call->response->status, call->code == NULL ? "" : call->code,
                 wrong ? ", a wrong token" : "");
    }
    used = strlen(entry->detail);
    if (call->recent != NULL && call->recent->unwritten != 0) {
        snprintf(entry->detail + used, sizeof(entry->detail) - used,
                 "%s%" PRIu64 " refused before it", used == 0 ? "" : "; ", call->recent->unwritten);
        call->recent->unwritten = 0;
    }
}

static void name_nobody(const struct api_call *call, char who[64])
{
    snprintf(who, 64, "nobody:%.50s", call->request->from == NULL ? "?" : call->request->from);
}

void api_attempt_end(struct api_call *call, const struct api_route *route)
{
    struct store_audit entry = { .done = call->response->status / 100 == 2 };
    const char *action = call->action;
    const char *target = call->target;
    if (!call->paid) {
        /* An owner beyond the table is as many as the strangers. */
        (call->recent == NULL ? &call->api->strangers : call->recent)->unwritten++;
        return;
    }
    if (action == NULL) {
        action = route == NULL ? call->request->method : route->action;
    }
    if (target[0] == '\0') {
        target = route == NULL || call->name[0] == '\0' ? call->request->path : call->name;
    }
    if (call->identity.role == API_NOBODY) {
        name_nobody(call, entry.who);
    } else {
        snprintf(entry.who, sizeof(entry.who), "%s", call->identity.who);
    }
    snprintf(entry.action, sizeof(entry.action), "%s", action);
    snprintf(entry.target, sizeof(entry.target), "%s", target);
    /* What the change says may be long, its end is not lost: the answer has its place behind. */
    snprintf(entry.detail, sizeof(entry.detail), "%.190s", call->detail);
    add_answer(call, &entry);
    add_entry(call->api, &entry);
}

/* ---- log-ins ---- */

static void count_login(struct api_logins *logins, const char *from)
{
    logins->total++;
    for (size_t i = 0; i < API_LOGIN_SOURCES; i++) {
        if (logins->sources[i].count == 0) {
            snprintf(logins->sources[i].from, sizeof(logins->sources[i].from), "%s", from);
        }
        if (strcmp(logins->sources[i].from, from) == 0) {
            logins->sources[i].count++;
            return;
        }
    }
    logins->elsewhere++;
}

/* One line for all that were counted, when it is time for one. */
static void tell_logins(struct api *api, int64_t now_ms)
{
    struct api_logins *logins = &api->logins;
    char text[768] = "refused, because the token is wrong:";
    if (logins->sources[0].count == 0 ||
        (logins->told && now_ms - logins->told_ms < API_LOGINS_MS)) {
        return;
    }
    for (size_t i = 0; i < API_LOGIN_SOURCES && logins->sources[i].count != 0; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s %" PRIu64 " request%s from %s",
                 i == 0 ? "" : ",", logins->sources[i].count,
                 logins->sources[i].count == 1 ? "" : "s", logins->sources[i].from);
        logins->sources[i].count = 0;
    }
    if (logins->elsewhere != 0) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, ", %" PRIu64 " from elsewhere",
                 logins->elsewhere);
        logins->elsewhere = 0;
    }
    logins->told = true;
    logins->told_ms = now_ms;
    if (api->warn != NULL) {
        api->warn(api->context, text);
    }
}

void api_login_failed(struct api_call *call)
{
    const char *from = call->request->from;
    count_login(&call->api->logins, from == NULL ? "an unknown place" : from);
    tell_logins(call->api, call->now_ms);
}

/* ---- what was held back ---- */

static void tell_unwritten(struct api *api, struct api_recent *recent, const char *who,
                           int64_t now_ms)
{
    if (recent->unwritten == 0 || !pay(api, recent, now_ms)) {
        return;
    }
    struct store_audit entry = { .done = false };
    snprintf(entry.who, sizeof(entry.who), "%s", who);
    snprintf(entry.action, sizeof(entry.action), "attempts");
    snprintf(entry.detail, sizeof(entry.detail), "%" PRIu64 " refused, too many to write each",
             recent->unwritten);
    recent->unwritten = 0;
    add_entry(api, &entry);
}

void api_attempts_tell(struct api *api)
{
    const int64_t now_ms = api->now_ms(api->context);
    for (size_t i = 0; i < API_RECENT_OWNERS; i++) {
        tell_unwritten(api, &api->owners[i], api->owners[i].who, now_ms);
    }
    tell_unwritten(api, &api->monitors, "monitor", now_ms);
    tell_unwritten(api, &api->strangers, "nobody", now_ms);
    tell_logins(api, now_ms);
}
