/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What libvirt tells of one domain, in ballast's words: from its XML description, and from the
 * records of virConnectGetAllDomainStats(). Pure functions; whatever comes in may be wrong, and is
 * then missing.
 */

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/ballast/backend/reading.h"
#include "tools/ballast/fleet/facts.h"

/* From the XML of a running domain: what stays as it is while the domain runs. */
struct libvirt_description {
    enum facts_kind kind;
    bool device;
    uint64_t features;       /* that the device offers; what the driver took is not told */
    unsigned stats_period_s; /* 0: the guest is not asked for statistics */
    bool locked;
    bool huge_pages;
    bool pinned;
    bool prealloc;
    uint64_t ram_bytes;
};

/* False when this is no XML of a domain. */
bool libvirt_description_read(const char *xml, struct libvirt_description *description);

/* The XML with a memory balloon of model virtio (`present`), or without one; everything else stays.
 * A model of virtio that is there already stays, too. NULL when it is no XML of a domain or memory
 * ran out; to be given to free(). *changed tells whether it had to be changed. */
char *libvirt_description_edit(const char *xml, bool present, bool *changed);

/* From one record: everything that changes. Sizes in bytes, POLICY_MISSING where not told. */
struct libvirt_reading {
    enum facts_state state;
    uint64_t actual_bytes;
    uint64_t maximum_bytes;
    uint64_t process_bytes; /* resident, of the whole process */
    /* The guest's. The stamp is by that host's clock; it is missing when there is no device or the
     * domain is busy. */
    struct reading_statistics statistics;
};

void libvirt_reading_take(const virTypedParameter *params, int count,
                          struct libvirt_reading *reading);

/* The state that virDomainState and its reason stand for. */
enum facts_state libvirt_state(int state, int reason);
