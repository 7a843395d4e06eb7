/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: their names, and how one is put together. Whoever raises one sees to it that a change is
 * told once; here nothing is remembered.
 */

#include <stdarg.h>
#include <stdio.h>

#include "tools/ballast/fleet/fleet_internal.h"

const char *fleet_event_name(enum fleet_event_kind kind)
{
    static const char *const names[] = {
        [FLEET_EVENT_FOUND] = "found",   [FLEET_EVENT_GONE] = "gone",
        [FLEET_EVENT_TARGET] = "target", [FLEET_EVENT_REFUSED] = "refused",
        [FLEET_EVENT_HOLD] = "hold",     [FLEET_EVENT_DRIFT] = "drift",
        [FLEET_EVENT_RESET] = "reset",   [FLEET_EVENT_STATE] = "state",
        [FLEET_EVENT_ZONE] = "zone",     [FLEET_EVENT_SETTINGS] = "settings",
        [FLEET_EVENT_SWITCH] = "switch", [FLEET_EVENT_RESERVATION] = "reservation",
        [FLEET_EVENT_SHORT] = "short",   [FLEET_EVENT_TROUBLE] = "trouble",
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
}

const char *fleet_switch_name(enum fleet_switch state)
{
    static const char *const names[] = {
        [FLEET_SWITCH_ENABLED] = "enabled",
        [FLEET_SWITCH_DISABLED] = "disabled",
        [FLEET_SWITCH_PENDING_RESTART] = "pending-restart",
        [FLEET_SWITCH_REFUSED] = "refused",
        [FLEET_SWITCH_UNSUPPORTED] = "unsupported",
    };
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : NULL;
}

void fleet_raise(const struct fleet *fleet, enum fleet_event_kind kind,
                 const struct fleet_machine *machine, uint64_t bytes, const char *code,
                 int64_t now_ms, const char *format, ...)
{
    if (fleet->ops.event == NULL) {
        return;
    }
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct fleet_event event = {
        .kind = kind,
        .at_ms = now_ms,
        .machine = machine == NULL ? NULL : machine->name,
        /* Until it is known who a machine is, it is nobody's. */
        .owner = machine == NULL || machine->identity[0] == '\0' ? "" : machine->settings.owner,
        .bytes = bytes,
        .code = code,
        .text = text,
    };
    fleet->ops.event(fleet->ops.context, &event);
}
