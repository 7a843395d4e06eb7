/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The statistics queue: one buffer, refilled whenever the host has asked [VIRTIO 1.4 §5.5.6.3].
 * Used by balloon_life.c and balloon_dev.c only. */

#include "base/err.h"
#include "drivers/virtio/balloon_dev.h"

/* Queues the first buffer, before DRIVER_OK; *notify: the device wants to be notified after it. */
MUST_USE err_t balloon_statsq_begin(struct balloon_dev *d, bool *notify);

/* Refills the buffer if the device has returned it. ERR_DEVICE. */
MUST_USE err_t balloon_statsq_serve(struct balloon_dev *d);
