/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a machine is made of: where in QEMU's object tree its balloon is, what kind of memory it
 * has, and what driver and features the device has. A search goes over several replies, so what it
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

/* "VIRTIO_BALLOON_F_STATS_VQ: Guest memory ..." in a list of such texts. */
static bool list_names(const json_t *list, const char *name)
{
    size_t index;
    json_t *entry;

    json_array_foreach(list, index, entry)
    {
        const char *text = json_string_value(entry);
        size_t length = strlen(name);

        if (text != NULL && strncmp(text, name, length) == 0 &&
            (text[length] == ':' || text[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* observed: QEMU 7.2. Without a driver both lists are empty. */
void qmp_device_virtio(struct qmp_view *view, const json_t *reply)
{
    static const struct {
        const char *name;
        uint64_t bit;
    } features[] = {
        { "VIRTIO_BALLOON_F_MUST_TELL_HOST", (uint64_t)1 << 0 },
        { "VIRTIO_BALLOON_F_STATS_VQ", (uint64_t)1 << 1 },
        { "VIRTIO_BALLOON_F_DEFLATE_ON_OOM", FACTS_DEFLATE_ON_OOM },
        { "VIRTIO_BALLOON_F_FREE_PAGE_HINT", (uint64_t)1 << 3 },
        { "VIRTIO_BALLOON_F_PAGE_POISON", (uint64_t)1 << 4 },
        { "VIRTIO_BALLOON_F_REPORTING", FACTS_REPORTING },
    };
    const json_t *status = json_object_get(json_object_get(reply, "status"), "statuses");
    const json_t *names = json_object_get(json_object_get(reply, "guest-features"), "dev-features");
    bool ready = list_names(status, "VIRTIO_CONFIG_S_DRIVER_OK");

    if (!json_is_array(status) || !json_is_array(names)) {
        return;
    }
    view->facts.driver = ready ? POLICY_DRIVER_OK : POLICY_DRIVER_NONE;
    view->facts.features_known = ready;
    view->facts.features = 0;
    for (size_t i = 0; ready && i < sizeof(features) / sizeof(features[0]); i++) {
        view->facts.features |= list_names(names, features[i].name) ? features[i].bit : 0;
    }
}

static void forget_device(struct qmp_view *view)
{
    view->facts.removable = false;
    view->facts.driver = POLICY_DRIVER_UNKNOWN;
    view->facts.features_known = false;
    view->facts.features = 0;
    qmp_stats_forget(view);
    view->last_update_s = 0;
    view->looked_ms = 0;
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
    view->facts.pinned = view->vfio;
    if (changed) {
        forget_device(view);
        memcpy(view->device, view->found, sizeof(view->device));
        view->device_is_proxy = view->found_proxy;
    }
    return changed;
}
