/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the command line of `aerostat` asks for, and the two things it can do. */

#include <stdbool.h>

#include "tools/aerostat/vm.h"

/* Exit codes. 0 to 255 are the guest's own statuses (run; standard error tells whose 123 to 126
 * is), 0 and 1 good and bad (demo). */
enum aerostat_code {
    AEROSTAT_GOOD = 0,
    AEROSTAT_STEP_FAILED = 1,
    AEROSTAT_RESET = 123,   /* the guest reset itself, as a triple fault does */
    AEROSTAT_TIMEOUT = 124, /* the time limit, as timeout(1) has it */
    AEROSTAT_USAGE = 125,   /* wrong command line */
    AEROSTAT_QEMU = 126,    /* QEMU could not be started, failed, or stopped the guest */
};

struct aerostat_options {
    struct vm_config vm; /* vm.memory_mib is 0 when nobody said */
    int timeout_s;       /* 0: none */
    bool plain;          /* demo: lines even on a terminal */
};

/* Boots an image with its serial port on standard output. Returns an exit code. */
int aerostat_run(const struct aerostat_options *options);

/* Shows the main job. Returns an exit code. */
int aerostat_demo(const struct aerostat_options *options);
