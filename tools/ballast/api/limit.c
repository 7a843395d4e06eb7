/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often an owner may change something. Each change is an entry of the audit log that waits for
 * the disk, in the event loop that all machines share, and is kept for years: whoever holds one
 * token must be able to fill neither the disk nor the loop. Operators are not limited.
 *
 * Of each owner only a time is kept: up to when his changes are paid for. It may be ahead of now by
 * API_CHANGES of them. Behind it nothing needs to be remembered, so a small table does for all.
 */
#include "tools/ballast/api/api_internal.h"

#include <string.h>

/* His place, or one that nobody needs any more. NULL: all are taken. */
static struct api_recent_owner *find_place(struct api *api, const char *owner, int64_t now_ms)
{
    struct api_recent_owner *place = NULL;
    for (size_t i = 0; i < API_RECENT_OWNERS; i++) {
        struct api_recent_owner *each = &api->recent[i];
        if (strcmp(each->name, owner) == 0) {
            return each;
        }
        if (place == NULL && each->paid_ms <= now_ms) {
            place = each;
        }
    }
    if (place != NULL) {
        *place = (struct api_recent_owner){ .paid_ms = now_ms };
        strcpy(place->name, owner);
    }
    return place;
}

bool api_may_change(struct api_call *call)
{
    if (call->identity.role != API_OWNER) {
        return true;
    }
    struct api_recent_owner *recent = find_place(call->api, call->identity.owner, call->now_ms);
    int64_t ahead_ms =
        recent == NULL || recent->paid_ms < call->now_ms ? 0 : recent->paid_ms - call->now_ms;
    if (recent == NULL || ahead_ms > (API_CHANGES - 1) * API_CHANGE_MS) {
        call->response->retry_s = API_CHANGE_MS / 1000;
        api_error(call, 429, "too_many", "These are too many changes: try again in a moment.");
        return false;
    }
    recent->paid_ms = call->now_ms + ahead_ms + API_CHANGE_MS;
    return true;
}
