/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The moving part of the balloon driver: frames to buffers to queues and back. Used by the other
 * parts of the driver only; ERR_DEVICE from any of them means that the device must be reset. */

#include "base/err.h"
#include "drivers/virtio/balloon_dev.h"

/* Tells the state machine; says what it wants said. */
struct balloon_actions balloon_move_step(struct balloon_dev *d, enum balloon_event_kind kind,
                                         uint64_t pages);

/* Takes what the device has finished on the inflate and deflate queues. */
MUST_USE err_t balloon_move_harvest(struct balloon_dev *d);

/* For balloon_deflate.c: writes a run into as many requests as it needs, which must have room;
 * sends the open one; notifies. */
MUST_USE err_t balloon_move_send(struct balloon_dev *d, struct virtq *vq, pfn_t first, pfn_t count);
MUST_USE err_t balloon_move_submit(struct balloon_dev *d, struct virtq *vq);
void balloon_move_kick(struct balloon_dev *d, struct virtq *vq);

/* Moves at most d->slice_pages towards the target, with at most one notification; d->moved has how
 * many. */
MUST_USE err_t balloon_move_slice(struct balloon_dev *d);

/* After SLICE_END said there is more to do (`again`) or not: true when the next slice can begin at
 * once. False: then completions, if any are due, will interrupt. */
bool balloon_move_ready(struct balloon_dev *d, bool again);
