/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Between console.c and console_port.c. */

#include "drivers/virtio/console.h"

/* Descriptors of a queue, unless the device dictates more. */
#define CONSOLE_QUEUE_SIZE 8U

/* [VIRTIO 1.4 §5.3.6.2] */
enum console_event {
    CONSOLE_EVENT_DEVICE_READY,
    CONSOLE_EVENT_PORT_ADD,
    CONSOLE_EVENT_PORT_REMOVE,
    CONSOLE_EVENT_PORT_READY,
    CONSOLE_EVENT_CONSOLE_PORT,
    CONSOLE_EVENT_RESIZE,
    CONSOLE_EVENT_PORT_OPEN,
    CONSOLE_EVENT_PORT_NAME,
};

/* Physical addresses are what the device needs; memory is mapped where it lies. */
static inline paddr_t console_address(const void *memory)
{
    return (paddr_t)(uintptr_t)memory;
}

/* What a queue says about a device that lies is for good. Returns `err`. */
err_t console_settle(struct console_dev *d, err_t err);

/* Names the fault in the log; the device is broken from now on. Returns ERR_DEVICE. */
err_t console_fault(struct console_dev *d, const char *what, uint32_t number);

/* Sends a message about a port. There must be room for it, d->control_free says. */
MUST_USE err_t console_tell(struct console_dev *d, uint32_t port, enum console_event event,
                            uint16_t value);

/* Fetches back the data that the device has read. */
MUST_USE err_t console_reap(struct console_dev *d, struct console_port *port);
