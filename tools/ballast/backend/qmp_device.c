/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a machine is made of: where in QEMU's object tree its balloon is, what features the device
 * offers, and what kind of memory the machine has. A search goes over several replies, so what it
 * finds is kept apart until it is complete.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/backend/qmp_view_parts.h"

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Looks through the children of one place of QEMU's object tree. */
void qmp_device_children(struct qmp_view *view, const char *place, const json_t *reply)
{
    size_t index;
    json_t *child;

    json_array_foreach(reply, index, child)
    {
        const char *type = qmp_view_string(child, "type");
        const char *name = qmp_view_string(child, "name");

        if (starts_with(type, "child<vfio-")) {
            view->found_vfio = true;
        }
        if (starts_with(type, "child<virtio-balloon") && view->found[0] == '\0') {
            int length = snprintf(view->found, sizeof(view->found), "%s/%s", place, name);

            if (name[0] == '\0' || length >= (int)sizeof(view->found)) {
                view->found[0] = '\0';
            }
            view->found_proxy = strcmp(type, "child<virtio-balloon-device>") != 0;
        }
    }
}

/* A memfd says itself whether it is huge. (Pages of a file on hugetlbfs show in /proc.) */
void qmp_device_objects(struct qmp_view *view, const json_t *reply)
{
    size_t index;
    json_t *child;

    view->memfd[0] = '\0';
    json_array_foreach(reply, index, child)
    {
        const char *name = qmp_view_string(child, "name");

        if (strcmp(qmp_view_string(child, "type"), "child<memory-backend-memfd>") == 0 &&
            name[0] != '\0' && strlen(name) + sizeof("/objects/") <= sizeof(view->memfd)) {
            snprintf(view->memfd, sizeof(view->memfd), "/objects/%s", name);
        }
    }
}

/* The root complex of a q35 takes and gives devices at the start only. */
void qmp_device_bus(struct qmp_view *view, const json_t *reply)
{
    const char *bus = json_string_value(reply);
    const char *last = bus == NULL ? NULL : strrchr(bus, '/');

    view->facts.removable = view->facts.removable && last != NULL && strcmp(last, "/pcie.0") != 0;
}

void qmp_device_offer(struct qmp_view *view, uint64_t feature, const json_t *reply)
{
    uint64_t *offered = &view->facts.offered;

    *offered = json_is_true(reply) ? *offered | feature : *offered & ~feature;
    /* QEMU's device always has a queue for statistics. */
    *offered |= FACTS_STATISTICS;
    view->facts.offered_known = true;
}

static void forget_device(struct qmp_view *view)
{
    view->facts.removable = false;
    view->facts.offered_known = false;
    view->facts.offered = 0;
    reading_anew(&view->reading, &view->facts);
}

void qmp_view_search_begin(struct qmp_view *view)
{
    view->found[0] = '\0';
    view->found_proxy = false;
    view->found_vfio = false;
}

bool qmp_view_search_end(struct qmp_view *view)
{
    bool changed = strcmp(view->device, view->found) != 0;

    view->vfio = view->found_vfio;
    view->facts.pinned = view->vfio || view->process.pinned;
    if (changed) {
        forget_device(view);
        memcpy(view->device, view->found, sizeof(view->device));
        view->device_is_proxy = view->found_proxy;
    }
    return changed;
}
