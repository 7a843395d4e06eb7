/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ballooning switch as people see it. What is saved is one bit; the state follows from it and
 * from what runs, so it is right after any restart of machine or daemon. A device comes and goes
 * only with a new process of the machine, not with a guest's reboot: until then the policy holds
 * the machine at its maximum, which is what the switch promises.
 */

#include <stddef.h>

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

/* A driver that has emptied its balloon has all, to the page. */
#define LACK_LEAST ((uint64_t)1 << 20)

const char *fleet_unsupported(const struct facts *facts)
{
    if (facts->kind == FACTS_CONTAINER) {
        return "A container shares the host's kernel: its limit is a value of its cgroup, and "
               "memory that it frees comes back by itself, so there is nothing to balloon.";
    }
    if (facts->locked) {
        return "Its memory is locked in the host: what its guest gave back would not come free. "
               "Start it without mem-lock.";
    }
    if (facts->huge_pages) {
        return "Its memory is huge pages, which come free only as a whole: what its guest gave "
               "back in single pages would be lost for it and for the host.";
    }
    if (facts->pinned) {
        return "A device of the host is assigned to it and may write to all its memory, so none "
               "can come free.";
    }
    return NULL;
}

static const char no_device[] =
    "It runs without a balloon device, and gets one at its next start only (virtio-balloon).";

/* True for a change that is to be shown as one to come. */
static enum fleet_switch state_of(const struct fleet_entry *entry, const char **unsupported)
{
    const struct fleet_machine *machine = &entry->shown;
    const struct facts *facts = &machine->facts;
    *unsupported = fleet_unsupported(facts);
    if (*unsupported != NULL) {
        return FLEET_SWITCH_UNSUPPORTED;
    }
    if (!machine->settings.ballooning) {
        return facts->device ? FLEET_SWITCH_PENDING_RESTART : FLEET_SWITCH_DISABLED;
    }
    if (!facts->device) {
        if (entry->device_awaited) {
            return FLEET_SWITCH_PENDING_RESTART;
        }
        *unsupported = no_device;
        return FLEET_SWITCH_UNSUPPORTED;
    }
    return machine->refused_missing_bytes != 0 ? FLEET_SWITCH_REFUSED : FLEET_SWITCH_ENABLED;
}

uint64_t fleet_switch_lacks(const struct fleet_machine *machine)
{
    const struct facts *facts = &machine->facts;
    const bool known = facts->actual_bytes != POLICY_MISSING && facts->ram_bytes != POLICY_MISSING;
    if (machine->settings.ballooning || !facts->device || !known ||
        facts->actual_bytes + LACK_LEAST > facts->ram_bytes) {
        return 0;
    }
    return facts->ram_bytes - facts->actual_bytes;
}

/* Switched off, and the device is there until the next start: what it has by then. */
static void off_tell(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms)
{
    const char *code = fleet_switch_name(machine->switch_state);
    char has[POLICY_SIZE_TEXT];
    char lacks[POLICY_SIZE_TEXT];
    if (machine->facts.actual_bytes == POLICY_MISSING) {
        fleet_raise(fleet, FLEET_EVENT_SWITCH, machine, POLICY_MISSING, code, now_ms,
                    "%s: ballooning is off, and its device goes at its next start; what it has "
                    "now is not known.",
                    machine->name);
    } else if (machine->lacking_bytes != 0) {
        fleet_raise(fleet, FLEET_EVENT_SWITCH, machine, machine->lacking_bytes, code, now_ms,
                    "%s: ballooning is off: it has %s, and %s are still missing to its maximum; "
                    "its device goes at its next start.",
                    machine->name, policy_size_text(machine->facts.actual_bytes, has),
                    policy_size_text(machine->lacking_bytes, lacks));
    } else {
        fleet_raise(fleet, FLEET_EVENT_SWITCH, machine, POLICY_MISSING, code, now_ms,
                    "%s: ballooning is off: it is held at its maximum, and its device goes at its "
                    "next start.",
                    machine->name);
    }
}

static void state_tell(const struct fleet *fleet, const struct fleet_machine *machine,
                       int64_t now_ms)
{
    const bool off = !machine->settings.ballooning;
    const char *code = fleet_switch_name(machine->switch_state);
    uint64_t bytes = POLICY_MISSING;
    const char *text = "";
    switch (machine->switch_state) {
    case FLEET_SWITCH_ENABLED:
        text = "ballooning is on.";
        break;
    case FLEET_SWITCH_DISABLED:
        text = "ballooning is off: it has no device, and all its RAM.";
        break;
    case FLEET_SWITCH_PENDING_RESTART:
        if (off) {
            off_tell(fleet, machine, now_ms);
            return;
        }
        text = "ballooning is on, and its device comes at its next start.";
        break;
    case FLEET_SWITCH_REFUSED:
        /* The machine's owner reads it: how much the host lacks is in the bytes only. */
        bytes = machine->refused_missing_bytes;
        text = "ballooning stays on: the host lacks memory to hold it at its maximum.";
        break;
    case FLEET_SWITCH_UNSUPPORTED:
        text = machine->unsupported;
        break;
    }
    fleet_raise(fleet, FLEET_EVENT_SWITCH, machine, bytes, code, now_ms, "%s: %s", machine->name,
                text);
}

void fleet_switch_update(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    const char *unsupported;
    if (!entry->told) {
        return; /* nothing is known of its device */
    }
    const enum fleet_switch before = machine->switch_state;
    const char *reason_before = machine->unsupported;
    machine->switch_state = state_of(entry, &unsupported);
    machine->unsupported = unsupported;
    if (machine->switch_state != FLEET_SWITCH_REFUSED) {
        machine->refused_missing_bytes = 0;
    }
    machine->lacking_bytes = fleet_switch_lacks(machine);
    if (machine->lacking_bytes == 0) {
        machine->lacking_ms = 0;
    } else if (machine->lacking_ms == 0) {
        machine->lacking_ms = now_ms;
    }
    const bool held = machine->switch_state == FLEET_SWITCH_PENDING_RESTART &&
                      !machine->settings.ballooning && machine->lacking_bytes == 0 &&
                      machine->facts.actual_bytes != POLICY_MISSING;
    const bool other = machine->switch_state != before || unsupported != reason_before;
    if (other || (held != entry->held && machine->facts.actual_bytes != POLICY_MISSING)) {
        state_tell(fleet, machine, now_ms);
    }
    entry->held = held;
}

void fleet_switch_arrange(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    const bool present = machine->settings.ballooning;
    const bool arranged = machine->backend->set_device != NULL &&
                          machine->backend->set_device(machine->handle, present);
    /* Where the device is as it should be, the next start changes nothing. */
    if (!arranged && entry->told && machine->facts.device != present) {
        fleet_raise(fleet, FLEET_EVENT_SWITCH, machine, POLICY_MISSING, "device-by-hand", now_ms,
                    "%s: whoever starts it next must %s its balloon device.", machine->name,
                    present ? "add" : "leave out");
    }
}
