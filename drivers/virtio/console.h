/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The console device [VIRTIO 1.4 §5.3]: ports, each a stream of bytes in either direction, that a
 * program of the host has the other end of. With MULTIPORT they are found by their names and say
 * whether somebody is at the other end; without it there is one, which has no name and always has.
 * Pure code: no clock, no waiting.
 *
 *   console_dev_begin()   negotiates; tells how much memory it needs
 *   console_dev_start()   starts the queues; now its interrupts may be routed
 *   console_dev_ready()   the device is live, and tells about its ports from now on
 *   console_dev_step()    takes in what it told; before everything else, and after every interrupt
 *   console_dev_arm()     before waiting
 *   console_dev_stop()    afterwards the device uses no memory of ours; it may be started again
 *
 * A device that breaks its contract is named in the log once and gets ERR_DEVICE from every call
 * until it is started again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/virtq.h"

/* Ports with larger numbers are refused: the transports drive 8 queues, 2 of them for control. */
#define CONSOLE_PORTS_MAX 3U
/* Bytes of a name that are kept; longer names are cut. */
#define CONSOLE_NAME_MAX 119U
/* Most bytes of one write. */
#define CONSOLE_WRITE_MAX FRAME_SIZE

struct console_port {
    bool exists;
    bool connected;   /* somebody is at the host's end */
    uint32_t hangups; /* how often somebody left it */
    char name[CONSOLE_NAME_MAX + 1];
    /* private */
    struct virtq receive;
    struct virtq send;
    uint8_t *received; /* a frame of receive buffers */
    uint8_t *sent;     /* a frame, the device's while `sending` */
    bool filled;       /* the receive buffers are with the device, but the one that is read */
    bool sending;
    bool reading;    /* buffer `taken` is ours */
    uint16_t taken;  /* and was read */
    uint32_t at;     /* from 0 */
    uint32_t length; /* up to here */
};

struct console_dev {
    struct virtio_device *dev;
    bool multiport;
    bool broken;
    unsigned port_count; /* that are driven */
    uint32_t port_limit; /* numbers of the device's ports are below */
    struct console_port ports[CONSOLE_PORTS_MAX];
    /* private */
    uint32_t ring_bytes;
    struct virtq control_in;
    struct virtq control_out;
    uint8_t *control;      /* a frame: messages that come, and behind them those that go */
    unsigned control_free; /* a bit for each outgoing message that is ours */
};

/* Negotiates with the device. *frames is what console_dev_start() needs. ERR_DEVICE: it has no
 * port; else what virtio_begin() returns. */
MUST_USE err_t console_dev_begin(struct console_dev *d, struct virtio_device *dev,
                                 uint32_t *frames);

/* `memory` is so many frames, zeroed, at physical `address`, and the device's until
 * console_dev_stop(). Returns what virtio_queue_start() does. */
MUST_USE err_t console_dev_start(struct console_dev *d, void *memory, paddr_t address);

MUST_USE err_t console_dev_ready(struct console_dev *d);

/* Takes in what the device told about its ports, and what it has sent. ERR_DEVICE. */
MUST_USE err_t console_dev_step(struct console_dev *d);

/* Asks for an interrupt when there is more to step, and when `reading` (which may be null) has got
 * something. True when that is so already. False for a broken device. */
bool console_dev_arm(struct console_dev *d, struct console_port *reading);

/* Resets the device. ERR_TIMEOUT: it does not answer, and the memory must never be used again. */
MUST_USE err_t console_dev_stop(struct console_dev *d);

/* The port of this name, or null. */
struct console_port *console_dev_find(struct console_dev *d, const char *name);

/* Tells the host that somebody is at our end of the port, and takes what it sends from now on.
 * ERR_AGAIN: the device has not taken what was told it last. ERR_DEVICE. */
MUST_USE err_t console_port_open(struct console_dev *d, struct console_port *port);

/* Copies at most *bytes (1 and more) of what came to an open port. ERR_AGAIN: nothing is there.
 * ERR_DEVICE. */
MUST_USE err_t console_port_read(struct console_dev *d, struct console_port *port, void *out,
                                 size_t *bytes);

/* Sends at most *bytes (1 and more) and CONSOLE_WRITE_MAX, and tells how many. ERR_AGAIN: the
 * device has not taken the last ones, see port->sending. ERR_DEVICE. */
MUST_USE err_t console_port_write(struct console_dev *d, struct console_port *port,
                                  const void *from, size_t *bytes);
