/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The life of the balloon device, from the first reset to the last. Used by the other parts of the
 * driver only. */

#include "base/err.h"
#include "drivers/virtio/balloon_dev.h"

/* Gets what lasts from start to stop. On an error nothing is held. */
MUST_USE err_t balloon_life_hold(struct balloon_dev *d);

/* From reset to DRIVER_OK. On an error d->owned tells whether queues were enabled already. */
MUST_USE err_t balloon_life_begin(struct balloon_dev *d);

/* Resets the device if it may use our memory, and gives every frame back to the guest. An error:
 * the reset did not finish, and every frame stays where it is. */
MUST_USE err_t balloon_life_take_back(struct balloon_dev *d);

/* Frames, or whole blocks, whose content the host may have changed become free: filled, if freed
 * memory is filled. */
void balloon_life_give(struct balloon_dev *d, pfn_t first, pfn_t count);
void balloon_life_give_blocks(struct balloon_dev *d, pfn_t first, pfn_t count, bool backed);

/* Frames that are neither free nor in use: in the balloon, on the way, reported or hinted. */
uint64_t balloon_life_out(const struct balloon_dev *d);

/* Gives back all memory, the rings too. The device must not own any of it. */
void balloon_life_release(struct balloon_dev *d);
