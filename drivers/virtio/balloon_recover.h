/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Recovery of the balloon device. Used by balloon_dev.c only. */

#include "drivers/virtio/balloon_dev.h"

/* The device failed, which is said with `what`: it will be restarted, or given up. */
void balloon_recover_fault(struct balloon_dev *d, const char *what);

/* The time for another attempt has come. */
void balloon_recover_restart(struct balloon_dev *d);

/* The allocator calls nobody any more. */
void balloon_recover_watches_off(struct balloon_dev *d);
