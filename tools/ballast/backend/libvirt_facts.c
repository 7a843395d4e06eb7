/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what was read of a domain to the facts of a machine.
 *
 * The age of statistics is what protects a guest, so it is never taken for less than it is: a
 * sample is new when its time stamp differs from the last one's, whatever the clocks say, and it is
 * then at most one period old. The first stamp proves nothing by itself: on this host it is
 * compared with the clock that made it; of another host, whose clock may be any, the sample has no
 * age until the stamp was seen to move.
 */

#include "tools/ballast/backend/libvirt_backend_internal.h"

#include <assert.h>
#include <stdio.h>

/* libvirt's size follows QEMU's events, which come once in a second (observed: QEMU 7.2, libvirt
 * 9.0), and may be so much older than what the guest tells. */
#define LAG_MS 2000

/* The size that the guest had when it told what is available. That was between the reading before
 * and this one, and of the sizes that it may have had the largest counts: a guest is then taken for
 * using too much for a moment, and never for using too little, or for a liar. */
static uint64_t sample_size(const struct libvirt_machine *machine, int64_t now_ms)
{
    uint64_t bytes = machine->facts.actual_bytes;
    if (bytes != POLICY_MISSING && bytes < machine->largest_bytes) {
        bytes = machine->largest_bytes;
    }
    bool lags = machine->target_ms != 0 && now_ms - machine->target_ms < LAG_MS;
    return lags && bytes < machine->target_bytes ? machine->target_bytes : bytes;
}

/* When the sample was true, on the monotonic clock; 0: cannot be told. */
static int64_t sample_time(const struct libvirt_machine *machine, uint64_t last_update_s,
                           int64_t now_ms)
{
    if (machine->last_update_s != POLICY_MISSING) {
        return now_ms;
    }
    const struct libvirt_backend_clock *clock = &machine->uri->backend->clock;
    int64_t wall_ms = clock->wall_ms(clock->context);
    if (!machine->uri->local || wall_ms < 0 || last_update_s > (uint64_t)wall_ms / 1000U) {
        return 0;
    }
    int64_t age_ms = wall_ms - (int64_t)(last_update_s * 1000U);
    return age_ms < now_ms ? now_ms - age_ms : 0;
}

static void take_statistics(struct libvirt_machine *machine, const struct libvirt_reading *reading,
                            int64_t now_ms)
{
    struct facts *facts = &machine->facts;
    uint64_t stamp = reading->last_update_s;
    if (stamp == POLICY_MISSING || stamp == machine->last_update_s) {
        return; /* the domain was busy, or nothing new: the old ones keep their age */
    }
    if (stamp != 0) {
        facts->stats_ms = sample_time(machine, stamp, now_ms);
        facts->stats_actual_bytes = sample_size(machine, now_ms);
        facts->total_bytes = reading->total_bytes;
        facts->free_bytes = reading->free_bytes;
        facts->available_bytes = reading->available_bytes;
        facts->caches_bytes = reading->caches_bytes;
        facts->swap_in_bytes = reading->swap_in_bytes;
        facts->swap_out_bytes = reading->swap_out_bytes;
        facts->major_faults = reading->major_faults;
        facts->minor_faults = reading->minor_faults;
    }
    machine->last_update_s = stamp;
}

static void take_description(struct libvirt_machine *machine, const struct libvirt_domain *domain)
{
    const struct libvirt_description *description = &domain->description;
    struct facts *facts = &machine->facts;
    machine->persistent = domain->persistent;
    facts->kind = description->kind;
    facts->device = description->device && !machine->device_removed;
    facts->offered_known = true;
    facts->offered = description->features;
    facts->locked = description->locked || domain->locked;
    facts->huge_pages = description->huge_pages || domain->huge_bytes > 0;
    facts->pinned = description->pinned || domain->pinned;
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
    /* Without a description the old one stays; at first there is none, and so no device. */
    if (domain->described) {
        take_description(machine, domain);
    }
    if (reading->maximum_bytes != POLICY_MISSING) {
        facts->ram_bytes = reading->maximum_bytes;
    }
    if (!late) {
        facts->state = reading->state;
        facts->actual_bytes = reading->actual_bytes;
    }
    facts->pid = domain->pid;
    facts->resident_bytes = domain->resident_bytes;
    facts->overhead_bytes = domain->overhead_bytes;
    facts->swapped_bytes = domain->swapped_bytes;
    take_statistics(machine, reading, now_ms);
    machine->largest_bytes = facts->actual_bytes == POLICY_MISSING ? 0 : facts->actual_bytes;
    libvirt_facts_trouble(machine, domain->trouble);
}
