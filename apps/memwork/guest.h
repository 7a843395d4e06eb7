/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The guest as memwork's machine: the only part of memwork that knows it. */

#include "aerostat.h"

#include "apps/memwork/engine.h"

/* The caches of `engine`, which is to run on it, are what the guest will ask for memory. */
const struct memwork_host *guest_host(struct engine *engine);

/* From now on the power button ends what runs instead of the machine. */
void guest_take_power_button(void);

/* From now on answers go to this port, too. They are kept until guest_flush() or until the engine
 * lets others run, because a cache answers at moments at which nobody can wait. */
void guest_answer_to(struct aerostat_port *port);
void guest_flush(void);
