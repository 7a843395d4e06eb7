/* SPDX-License-Identifier: BSD-2-Clause */
/* From what was read of a domain to the facts of a machine. */

#include "tools/ballast/backend/libvirt_backend_internal.h"

#include <assert.h>
#include <stdio.h>

static void take_description(struct libvirt_machine *machine, const struct libvirt_domain *domain)
{
    const struct libvirt_description *description = &domain->description;
    struct facts *facts = &machine->facts;
    machine->persistent = domain->persistent;
    facts->kind = description->kind;
    facts->device = description->device && !machine->device_removed;
    facts->offered_known = true;
    facts->offered = description->features;
    facts->locked = description->locked || domain->process.locked;
    facts->huge_pages = description->huge_pages || domain->process.huge_pages;
    facts->pinned = description->pinned || domain->process.pinned;
    facts->prealloc = description->prealloc;
    facts->ram_bytes = description->ram_bytes;
}

void libvirt_facts_trouble(struct libvirt_machine *machine, const char *own)
{
    const char *text = machine->uri->trouble;
    if (text[0] == '\0') {
        text = own;
    }
    if (text[0] == '\0') {
        text = machine->switch_trouble;
    }
    snprintf(machine->facts.trouble, sizeof machine->facts.trouble, "%s", text);
}

void libvirt_facts_take(struct libvirt_machine *machine, const struct libvirt_domain *domain,
                        bool late, int64_t now_ms)
{
    assert(machine != NULL);
    assert(domain != NULL);
    struct facts *facts = &machine->facts;
    const struct libvirt_reading *reading = &domain->reading;
    const struct libvirt_backend_clock *clock = &machine->uri->backend->clock;
    const struct reading_time time = { .now_ms = now_ms,
                                       .wall_ms = clock->wall_ms(clock->context),
                                       .same_clock = machine->uri->local };
    /* Without a description the old one stays; at first there is none, and so no device. */
    if (domain->described) {
        take_description(machine, domain);
    }
    if (reading->maximum_bytes != POLICY_MISSING) {
        facts->ram_bytes = reading->maximum_bytes;
    }
    if (!late) {
        facts->state = reading->state;
        reading_size(&machine->reading, facts, reading->actual_bytes);
    }
    facts->pid = domain->pid;
    facts->resident_bytes = domain->process.resident_bytes;
    facts->overhead_bytes = domain->process.overhead_bytes;
    facts->swapped_bytes = domain->process.swapped_bytes;
    reading_statistics(&machine->reading, facts, &reading->statistics, &time);
    reading_end(&machine->reading);
    libvirt_facts_trouble(machine, domain->trouble);
}
