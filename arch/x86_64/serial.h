/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The first serial port, a 16550, polled. Output only. Callable from everywhere. */

#include <stddef.h>

/* 115200 baud, 8 data bits, no parity, FIFOs on. Notices when there is no port. */
void serial_init(void);

/* Writes bytes; '\n' becomes "\r\n" so that a raw terminal shows lines. Gives up on a byte when the
 * port does not drain, so that a missing reader cannot stop the guest. */
void serial_write(const char *text, size_t bytes);
