/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of a port: a few receive buffers that are read in the order in which the device returns
 * them, and one write at a time [VIRTIO 1.4 §5.3.6]. What is in them is somebody else's matter.
 *
 * Invariant: every receive buffer of an open port is with the device, but the one that is read.
 */

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#include "drivers/virtio/console_internal.h"

#define RECEIVE_BYTES   ((size_t)1024)
#define RECEIVE_BUFFERS 4U

STATIC_ASSERT(RECEIVE_BUFFERS *RECEIVE_BYTES <= FRAME_SIZE, "one frame");
STATIC_ASSERT(RECEIVE_BUFFERS <= CONSOLE_QUEUE_SIZE, "they fit");

err_t console_reap(struct console_dev *d, struct console_port *port)
{
    uint16_t cookie;
    uint32_t written;
    err_t err = virtq_take(&port->send, &cookie, &written);

    if (err == OK) {
        ASSERT(port->sending); /* the queue has one request at a time */
        port->sending = false;
    }
    return err == ERR_AGAIN ? OK : console_settle(d, err);
}

struct console_port *console_dev_find(struct console_dev *d, const char *name)
{
    for (unsigned i = 0; i < d->port_count; i++) {
        if (d->ports[i].exists && strcmp(d->ports[i].name, name) == 0) {
            return &d->ports[i];
        }
    }
    return NULL;
}

/* A receive buffer goes to the device. */
static err_t give_buffer(struct console_dev *d, struct console_port *port, uint16_t number)
{
    const struct virtq_buffer buffer = { console_address(port->received + number * RECEIVE_BYTES),
                                         (uint32_t)RECEIVE_BYTES };

    return console_settle(d, virtq_add(&port->receive, &buffer, 0, 1, number));
}

err_t console_port_open(struct console_dev *d, struct console_port *port)
{
    err_t err = d->broken ? ERR_DEVICE : OK;

    if (err == OK && d->multiport && d->control_free == 0) {
        return ERR_AGAIN;
    }
    for (uint16_t i = 0; i < RECEIVE_BUFFERS && err == OK && !port->filled; i++) {
        err = give_buffer(d, port, i);
    }
    if (err != OK) {
        return err;
    }
    port->filled = true;
    (void)virtio_kick(d->dev, &port->receive);
    return d->multiport ? console_tell(d, (uint32_t)(port - d->ports), CONSOLE_EVENT_PORT_OPEN, 1)
                        : OK;
}

/* The next buffer that something came in. */
static err_t take_buffer(struct console_dev *d, struct console_port *port)
{
    err_t err = console_settle(d, virtq_take(&port->receive, &port->taken, &port->length));

    if (err != OK) {
        return err;
    }
    ASSERT(port->taken < RECEIVE_BUFFERS && port->length <= RECEIVE_BYTES);
    if (port->length == 0) {
        return console_fault(d, "a buffer without a byte", port->taken);
    }
    port->at = 0;
    port->reading = true;
    return OK;
}

err_t console_port_read(struct console_dev *d, struct console_port *port, void *out, size_t *bytes)
{
    err_t err = d->broken ? ERR_DEVICE : OK;

    ASSERT(*bytes > 0);
    ASSERT(port->filled);
    if (err == OK && !port->reading) {
        err = take_buffer(d, port);
    }
    if (err != OK) {
        return err;
    }
    *bytes = (size_t)min_u64(*bytes, port->length - port->at);
    memcpy(out, port->received + port->taken * RECEIVE_BYTES + port->at, *bytes);
    port->at += (uint32_t)*bytes;
    if (port->at == port->length) {
        port->reading = false;
        if (give_buffer(d, port, port->taken) == OK) {
            (void)virtio_kick(d->dev, &port->receive);
        }
    }
    return OK;
}

err_t console_port_write(struct console_dev *d, struct console_port *port, const void *from,
                         size_t *bytes)
{
    err_t err = d->broken ? ERR_DEVICE : console_reap(d, port);

    ASSERT(*bytes > 0);
    if (err != OK || port->sending) {
        return err != OK ? err : ERR_AGAIN;
    }
    size_t count = (size_t)min_u64(*bytes, CONSOLE_WRITE_MAX);
    const struct virtq_buffer buffer = { console_address(port->sent), (uint32_t)count };

    memcpy(port->sent, from, count);
    err = console_settle(d, virtq_add(&port->send, &buffer, 1, 0, 0));
    if (err == OK) {
        port->sending = true;
        (void)virtio_kick(d->dev, &port->send);
        *bytes = count;
    }
    return err;
}
