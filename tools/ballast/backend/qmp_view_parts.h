/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The parts of the view of a machine, for the files that make it up: statistics and devices. */

#include "tools/ballast/backend/qmp_view.h"

/* A member that is a string, else "". */
const char *qmp_view_string(const json_t *object, const char *name);

/* Takes a reply to "guest-stats". */
void qmp_stats_take(struct qmp_view *view, const json_t *reply, int64_t now_ms, int64_t wall_ms);

/* Looks through the children of one place of QEMU's object tree, for devices and for memory. */
void qmp_device_children(struct qmp_view *view, const char *place, const json_t *reply);
void qmp_device_objects(struct qmp_view *view, const json_t *reply);

/* Takes the device's bus, and whether it offers a feature. */
void qmp_device_bus(struct qmp_view *view, const json_t *reply);
void qmp_device_offer(struct qmp_view *view, uint64_t feature, const json_t *reply);
