/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Random bytes that nobody can guess. */

#include <stddef.h>

#include "base/err.h"

/*
 * Fills `bytes` bytes from the host's entropy device and from the processor's RDRAND, combined so
 * that one of them that is good suffices. A source that the machine lacks or that fails is left
 * out; the device is set up at the first call. Waits for the device: in a task it lets the others
 * run, during the start it spins. ERR_UNSUPPORTED: there is no source, and the bytes mean
 * nothing. Not callable from interrupts or work.
 */
MUST_USE err_t entropy_fill(void *out, size_t bytes);
