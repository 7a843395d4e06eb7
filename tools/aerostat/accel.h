/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Which accelerator QEMU gets. KVM is taken only where the processor itself offers virtualisation
 * and /dev/kvm opens: some machines have the device file over a software emulation that is slower
 * than QEMU's own translator and cannot run every guest.
 */

#include <stdbool.h>
#include <stdio.h>

enum accel_kind { ACCEL_TCG, ACCEL_KVM };

struct accel {
    enum accel_kind kind;
    const char *name; /* for -accel: "tcg" or "kvm" */
    const char *cpu;  /* the processor model to ask for when nobody said another */
    char reason[128]; /* why, in words that follow "because" */
};

/* Chooses. `forced` is "kvm" or "tcg", or NULL for a free choice. False for any other word. */
bool accel_choose(const char *forced, struct accel *accel);

/* Whether a /proc/cpuinfo says vmx (Intel) or svm (AMD) among the flags of a processor. */
bool accel_cpuinfo_has_virtualization(FILE *cpuinfo);
