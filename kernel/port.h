/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Ports: streams of bytes to programs of the host, over the first virtio console device of the
 * machine (drivers/virtio/console.h). The device is set up at the first port_open(), and needs
 * 64 KiB then.
 *
 * Called from tasks, unless it says otherwise. A device that broke its contract is reset and left
 * alone, and every call says ERR_DEVICE from then on.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct port;

/*
 * Opens the port of this name; "" is the only one of a device whose ports have no names. Waits for
 * it until the time on clock_now_ns(). ERR_UNSUPPORTED: there is no device, or it cannot be used.
 * ERR_NOMEM: for it. ERR_TIMEOUT: it has no such port. ERR_BUSY: the port is open already.
 * ERR_AGAIN: port_interrupt() came.
 */
MUST_USE err_t port_open(const char *name, uint64_t until_ns, struct port **port);

/* Waits until somebody is at the host's end. ERR_AGAIN: port_interrupt() came. */
MUST_USE err_t port_wait(struct port *port);

/* Waits until something came, and reads at most *bytes (1 and more) of it. 0: whoever was at the
 * host's end has left it; the next read waits for the next one. ERR_AGAIN: port_interrupt() came.
 */
MUST_USE err_t port_read(struct port *port, void *out, size_t *bytes);

/* Sends all of it, and returns when the device has it. ERR_BUSY: nobody is at the host's end, or
 * not any more, and what was sent may be lost. ERR_AGAIN: port_interrupt() came first. */
MUST_USE err_t port_write(struct port *port, const void *from, size_t bytes);

/* Ends the calls that wait. Callable from everywhere. */
void port_interrupt(void);
