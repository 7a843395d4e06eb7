/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * QEMU's words for a balloon device. The daemon tells them in its API, and `ballast device` prints
 * its own copy of them, which nobody on the way can change.
 */

/* The driver may take memory back before the guest kills a program: a guest without that panics
 * although its host has memory to give (observed: QEMU 7.2 with Linux 6.1). Statistics need no
 * word: the daemon asks for them. */
#define DEVICE_OPTION "-device"
#define DEVICE_VALUE  "virtio-balloon-pci,deflate-on-oom=on,free-page-reporting=on"
