/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The guest as memwork's machine: the only part of memwork that knows the kernel. */

#include "apps/memwork/engine.h"

/* The caches of `engine`, which is to run on it, are what the guest will ask for memory. */
const struct memwork_host *guest_host(struct engine *engine);

/* From now on the power button ends what runs instead of the machine. */
void guest_take_power_button(void);
