/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* QEMU's command line, made from a description. Pure: starts nothing, opens nothing. */

#include <stdbool.h>
#include <stddef.h>

#include "tools/aerostat/vm.h"

#define VM_ARGS_MAX 96U

/* A NULL-terminated argument vector; the texts are the structure's own. */
struct vm_args {
    size_t count;
    char *words[VM_ARGS_MAX + 1];
};

/* Builds the words. `qmp_fd` and `status_fd` are the numbers of inherited
 * sockets, for QMP and for the status port. False when memory runs out
 * or there are more than VM_ARGS_MAX words; the caller frees in both cases. */
bool vm_args_build(struct vm_args *args, const struct vm_config *config, const struct accel *accel,
                   int qmp_fd, int status_fd);

void vm_args_free(struct vm_args *args);
