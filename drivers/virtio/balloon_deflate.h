/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The way out of the balloon. Used by balloon_move.c and balloon_dev.c only; ERR_DEVICE from any of
 * them means that the device must be reset. */

#include "base/err.h"
#include "drivers/virtio/balloon_dev.h"

/* The tag of a request whose frames belong to no batch. */
#define BALLOON_NO_BATCH 2U

/* Takes up to `wanted` pages out of the balloon because the host wishes it, with one notification.
 * Nothing may be leaving. */
MUST_USE err_t balloon_deflate(struct balloon_dev *d, uint64_t wanted);

/* The device has read an announcement that belongs to `batch`. */
void balloon_deflate_told(struct balloon_dev *d, unsigned batch);

/* Announces what allocations have taken, as far as there are buffers, with one notification. */
MUST_USE err_t balloon_deflate_announce(struct balloon_dev *d);

/* Takes `pages`, rounded up to whole blocks, out of the balloon, or what is in it. They are free
 * when it returns; with MUST_TELL_HOST, if the device has read by then that they left. */
MUST_USE err_t balloon_deflate_on_oom(struct balloon_dev *d, uint64_t pages);
