/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The archive that the loader passed (QEMU's -initrd): the files a program finds. */

#include "kernel/cpio.h"

/* The tree in it, which is empty where none was passed. One that cannot be used is reported in the
 * log, once, and counts as none. Called from tasks. Never fails; what it returns stays. */
const struct cpio *initrd_tree(void);
