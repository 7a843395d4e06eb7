/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Between vm.c and vm_exit.c. */

#include <stdbool.h>

#include "tools/aerostat/vm.h"

/* Why QEMU is gone; `status` is what waitpid() told. */
void vm_exit_decode(struct vm *vm, int status, struct vm_exit *result);

/* The last byte that the guest wrote to the status port, -1: none. In vm.c. */
int vm_status_port(struct vm *vm);

/* Whether QEMU, still there, stopped the guest for good: it failed or, unless `may_pause`, somebody
 * paused it. Cheap while nothing happens. *result (NULL: not wanted) then says so. */
bool vm_exit_is_stopped(struct vm *vm, bool may_pause, struct vm_exit *result);
