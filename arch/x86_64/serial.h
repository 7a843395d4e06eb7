/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The first serial port, a 16550. Output is polled and callable from everywhere; input is by
 * interrupt, for one user (kernel/console_input.c), who calls with interrupts off. */

#include <stdbool.h>
#include <stddef.h>

#define SERIAL_IRQ 4U /* of the ISA bus */

/* 115200 baud, 8 data bits, no parity, FIFOs on. Notices when there is no port. */
void serial_init(void);

/* Writes bytes; '\n' becomes "\r\n" so that a raw terminal shows lines. Gives up on a byte when the
 * port does not drain, so that a missing reader cannot stop the guest. */
void serial_write(const char *text, size_t bytes);

/* Lets bytes that arrive interrupt, from now on; interrupts must be routed. False: there is no
 * port. */
bool serial_input_start(void);

/* Whether bytes that wait interrupt. While they do not, they stay where they are: in the FIFO of 16
 * bytes, and behind it with whoever sends, if the wire or the hypervisor can make him wait. */
void serial_input_interrupts(bool on);

/* Takes a byte that waits. */
bool serial_read(char *byte);

/* How often bytes were lost, so far, because nobody took the ones before. */
unsigned serial_overruns(void);
