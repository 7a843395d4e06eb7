/* SPDX-License-Identifier: BSD-2-Clause */
/* `aerostat run`: one guest, its serial port on ours, its status as our exit code. */

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "tools/aerostat/commands.h"

#define MEMORY_DEFAULT_MIB 256U
/* Waiting without a limit is waiting for a day, again and again. */
#define DAY_MS (24 * 3600 * 1000)

static int code_of(const struct vm_exit *result)
{
    switch (result->end) {
    case VM_END_STATUS:
        return (int)result->status;
    case VM_END_POWEROFF:
    case VM_END_HOST:
        return AEROSTAT_GOOD;
    case VM_END_RESET:
        return AEROSTAT_RESET;
    case VM_END_QEMU:
    case VM_END_STOPPED:
        break;
    }
    return AEROSTAT_QEMU;
}

int aerostat_run(const struct aerostat_options *options)
{
    struct vm_config config = options->vm;
    char reason[256];
    struct vm_exit result;
    enum vm_wait waited;
    struct vm *vm;

    if (config.memory_mib == 0) {
        config.memory_mib = MEMORY_DEFAULT_MIB;
    }
    if (config.terminal == VM_TERMINAL_NONE) {
        config.terminal = VM_TERMINAL_SERIAL;
    }
    /* A monitor or a debugger, which comes by a word for QEMU, may pause the guest. */
    config.may_pause = config.terminal == VM_TERMINAL_MONITOR || config.extra[0] != NULL;
    vm = vm_start(&config, reason, sizeof(reason));
    if (vm == NULL) {
        fprintf(stderr, "aerostat: %s\n", reason);
        return AEROSTAT_QEMU;
    }
    fprintf(stderr, "aerostat: accelerator %s, because %s\n", vm_accel(vm)->name,
            vm_accel(vm)->reason);
    /* A Ctrl-C reaches QEMU as well, ends it, and we tell how. */
    signal(SIGINT, SIG_IGN);
    do {
        waited =
            vm_wait_exit(vm, options->timeout_s > 0 ? options->timeout_s * 1000 : DAY_MS, &result);
    } while (waited != VM_WAIT_OK && options->timeout_s == 0);
    vm_end(vm);
    if (waited != VM_WAIT_OK) {
        fprintf(stderr, "aerostat: the guest still ran after %d s\n", options->timeout_s);
        return AEROSTAT_TIMEOUT;
    }
    if (code_of(&result) != AEROSTAT_GOOD) {
        fprintf(stderr, "aerostat: %s\n", result.text);
    }
    return code_of(&result);
}
