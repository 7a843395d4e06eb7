/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Admission: "what if" with the books' sums of promises. Nothing that raises a promise is done
 * before it was asked here, so that whoever was promised memory can claim it.
 */

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

struct books_host fleet_ask(struct fleet *fleet, const struct fleet_machine *machine,
                            const struct fleet_settings *settings, uint64_t reserved_bytes,
                            int64_t now_ms)
{
    struct policy_host host = fleet->host;
    host.reserved_bytes = reserved_bytes;
    const size_t count = fleet_gather(fleet, now_ms);
    for (size_t i = 0; i < count; i++) {
        struct policy_machine *input = &fleet->round[i];
        if (machine != NULL && fleet->machines[input->id] == machine) {
            const uint32_t id = input->id;
            (void)fleet_input(machine, settings, now_ms, input);
            input->id = id;
            input->memory = machine->policy.memory;
        }
    }
    return books_ask(&fleet->policy, &host, fleet->round, count, now_ms);
}

uint64_t fleet_missing_more(struct fleet *fleet, const struct fleet_machine *machine,
                            const struct fleet_settings *settings, int64_t now_ms)
{
    const uint64_t reserved = fleet_reserved(fleet);
    const uint64_t after = fleet_ask(fleet, machine, settings, reserved, now_ms).excess_bytes;
    const uint64_t before =
        after == 0 ? 0 : fleet_ask(fleet, NULL, NULL, reserved, now_ms).excess_bytes;
    return after > before ? after : 0;
}

bool fleet_promise(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms,
                   struct books_machine *entry)
{
    struct policy_machine input;
    if (!fleet_input(machine, &machine->settings, now_ms, &input)) {
        return false;
    }
    input.memory = machine->policy.memory;
    *entry = books_promise(&fleet->policy, &input, now_ms);
    return entry->least_rule != BOOKS_CONTAINER;
}

/* Switching off was refused; when the host could honour it now, whoever asked is told. One machine
 * in each period, for sums over many machines take their time. */
static void refusals_revisit(struct fleet *fleet, int64_t now_ms)
{
    for (size_t tried = 0; tried < fleet->count; tried++) {
        const size_t i = fleet->refused_next++ % fleet->count;
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        struct fleet_machine *machine = &entry->shown;
        if (machine->switch_state != FLEET_SWITCH_REFUSED) {
            continue;
        }
        struct fleet_settings off = machine->settings;
        off.ballooning = false;
        machine->refused_missing_bytes = fleet_missing_more(fleet, machine, &off, now_ms);
        fleet_switch_update(fleet, entry, now_ms);
        return;
    }
}

void fleet_watch_promises(struct fleet *fleet, int64_t now_ms)
{
    const uint64_t missing = fleet->plan.books.missing_bytes;
    if ((missing != 0) != fleet->promises_missing) {
        char size[POLICY_SIZE_TEXT];
        fleet->promises_missing = missing != 0;
        if (missing != 0) {
            fleet_raise(fleet, FLEET_EVENT_SHORT, NULL, missing, "promises", now_ms,
                        "What is promised together is %s more than the host has.",
                        policy_size_text(missing, size));
        } else {
            fleet_raise(fleet, FLEET_EVENT_SHORT, NULL, 0, "promises-kept", now_ms,
                        "The host can keep all promises again.");
        }
    }
    refusals_revisit(fleet, now_ms);
}
