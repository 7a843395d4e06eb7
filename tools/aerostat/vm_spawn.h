/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Starts the QEMU process with its descriptors in place. Part of vm.c. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tools/aerostat/vm.h"

/* A running child and our ends of its descriptors, which the caller closes. */
struct vm_process {
    pid_t pid;
    int qmp_fd;    /* socket: QEMU's end is its QMP monitor */
    int status_fd; /* socket: what the guest writes to the status port */
    int serial_fd; /* its standard output, not blocking; -1 when it has our terminal */
    int input_fd;  /* socket: its standard input; -1 likewise */
    int error_fd;  /* its standard error, likewise */
};

/* Becomes the parent of a QEMU that dies when the calling thread does. False: nothing was left
 * behind, and `reason` says why. */
bool vm_spawn(const struct vm_config *config, const struct accel *accel, struct vm_process *process,
              char *reason, size_t reason_size);
