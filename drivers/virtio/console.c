/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two queues for every port and, with MULTIPORT, two for messages about ports in general: start,
 * stop and the messages. The data are console_port.c's. What is checked is what we act upon:
 * lengths, numbers of ports, and that a name ends somewhere.
 *
 * Invariant: a message is taken from the device only when there is room for the answer to it, so a
 * device that does not take answers is not listened to, and costs nothing.
 */

#include "drivers/virtio/console.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"

#include "drivers/virtio/console_internal.h"

#define F_MULTIPORT (UINT64_C(1) << 1)

/* [VIRTIO 1.4 §5.3.4] */
#define CONFIG_MAX_NR_PORTS 4U

/* [VIRTIO 1.4 §5.3.2]: port 0 has the first two queues, then comes control, then the other ports.
 */
#define CONTROL_IN     2U
#define CONTROL_OUT    3U
#define CONTROL_QUEUES 2U

#define CONTROL_BYTES   ((size_t)128) /* a message with a name of CONSOLE_NAME_MAX */
#define CONTROL_BUFFERS 8U

/* [VIRTIO 1.4 §5.3.6.2], little-endian */
struct control {
    uint32_t id;
    uint16_t event;
    uint16_t value;
};

#define OUT_OFFSET (CONTROL_BUFFERS * CONTROL_BYTES)
#define OUT_ALL    ((1U << CONTROL_BUFFERS) - 1)

STATIC_ASSERT(OUT_OFFSET + CONTROL_BUFFERS * sizeof(struct control) <= FRAME_SIZE, "one frame");
STATIC_ASSERT(sizeof(struct control) + CONSOLE_NAME_MAX < CONTROL_BYTES, "a name fits");
STATIC_ASSERT(CONTROL_BUFFERS <= CONSOLE_QUEUE_SIZE, "they fit");

/* ---- small things ---- */

err_t console_settle(struct console_dev *d, err_t err)
{
    if (err == ERR_DEVICE) {
        d->broken = true;
    }
    return err;
}

err_t console_fault(struct console_dev *d, const char *what, uint32_t number)
{
    ASSERT(!d->broken);
    log_error("console device: fault: %s (%u)", what, (unsigned)number);
    return console_settle(d, ERR_DEVICE);
}

static uint16_t receive_queue(unsigned port)
{
    return (uint16_t)(2 * port + (port > 0 ? CONTROL_QUEUES : 0));
}

static unsigned queue_count(const struct console_dev *d)
{
    return 2 * d->port_count + (d->multiport ? CONTROL_QUEUES : 0);
}

/* ---- start and stop ---- */

static struct virtq_shape shape_of(const struct console_dev *d, uint16_t index)
{
    return virtio_queue_shape(d->dev, index, CONSOLE_QUEUE_SIZE, 1);
}

err_t console_dev_begin(struct console_dev *d, struct virtio_device *dev, uint32_t *frames)
{
    ASSERT(dev->device_id == VIRTIO_ID_CONSOLE);
    ASSERT(frames != NULL);
    *d = (struct console_dev){ .dev = dev, .port_limit = 1 };
    err_t err = virtio_begin(dev, F_MULTIPORT | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED, 0);

    if (err != OK) {
        return err;
    }
    d->multiport = (dev->features & F_MULTIPORT) != 0;
    if (d->multiport) {
        d->port_limit = dev->ops->config_read32(dev, CONFIG_MAX_NR_PORTS);
    }
    if (d->port_limit == 0) {
        return console_fault(d, "no port", 0);
    }
    d->port_count = (unsigned)min_u64(d->port_limit, CONSOLE_PORTS_MAX);
    for (unsigned i = 0; i < queue_count(d); i++) {
        const struct virtq_shape shape = shape_of(d, (uint16_t)i);

        if (shape.size != 0) {
            d->ring_bytes =
                (uint32_t)max_u64(d->ring_bytes, align_up(virtq_bytes(&shape), FRAME_SIZE));
        }
    }
    /* Rings, a frame of control messages, and two of buffers for every port. */
    *frames = queue_count(d) * (uint32_t)(d->ring_bytes / FRAME_SIZE) + 1 + 2 * d->port_count;
    return OK;
}

static err_t start_queue(struct console_dev *d, struct virtq *vq, uint16_t index, uint8_t **rings)
{
    const struct virtq_shape shape = shape_of(d, index);
    void *memory = *rings;

    *rings += d->ring_bytes;
    return virtio_queue_start(d->dev, vq, index, &shape, memory, console_address(memory));
}

err_t console_dev_start(struct console_dev *d, void *memory, paddr_t address)
{
    uint8_t *next = memory;
    err_t err = OK;

    ASSERT(d->dev != NULL && d->port_count > 0);
    ASSERT(address % FRAME_SIZE == 0 && address == console_address(memory));
    d->control = next;
    d->control_free = OUT_ALL;
    next += FRAME_SIZE;
    for (unsigned i = 0; i < d->port_count; i++) {
        d->ports[i].received = next;
        d->ports[i].sent = next + FRAME_SIZE;
        next += 2 * FRAME_SIZE;
    }
    if (d->multiport) {
        err = start_queue(d, &d->control_in, CONTROL_IN, &next);
        if (err == OK) {
            err = start_queue(d, &d->control_out, CONTROL_OUT, &next);
        }
    }
    for (unsigned i = 0; i < d->port_count && err == OK; i++) {
        err = start_queue(d, &d->ports[i].receive, receive_queue(i), &next);
        if (err == OK) {
            err = start_queue(d, &d->ports[i].send, (uint16_t)(receive_queue(i) + 1), &next);
        }
    }
    return err;
}

err_t console_dev_stop(struct console_dev *d)
{
    ASSERT(d->dev != NULL);
    for (unsigned i = 0; i < CONSOLE_PORTS_MAX; i++) {
        d->ports[i].exists = false;
        d->ports[i].connected = false;
    }
    d->broken = true; /* until it is started again */
    return virtio_stop(d->dev);
}

/* ---- messages ---- */

static err_t give_control(struct console_dev *d, uint16_t slot)
{
    const struct virtq_buffer buffer = { console_address(d->control + slot * CONTROL_BYTES),
                                         (uint32_t)CONTROL_BYTES };

    return console_settle(d, virtq_add(&d->control_in, &buffer, 0, 1, slot));
}

/* Fetches back the messages that the device has read. */
static err_t reap_control(struct console_dev *d)
{
    uint16_t slot;
    uint32_t written;
    err_t err = virtq_take(&d->control_out, &slot, &written);

    for (; err == OK; err = virtq_take(&d->control_out, &slot, &written)) {
        ASSERT(slot < CONTROL_BUFFERS && (d->control_free & 1U << slot) == 0);
        d->control_free |= 1U << slot;
    }
    return err == ERR_AGAIN ? OK : console_settle(d, err);
}

err_t console_tell(struct console_dev *d, uint32_t port, enum console_event event, uint16_t value)
{
    const struct control message = { port, (uint16_t)event, value };
    uint16_t slot = 0;

    ASSERT(d->multiport && d->control_free != 0);
    while ((d->control_free & 1U << slot) == 0) {
        slot++;
    }
    uint8_t *place = d->control + OUT_OFFSET + slot * sizeof(message);
    const struct virtq_buffer buffer = { console_address(place), sizeof(message) };

    memcpy(place, &message, sizeof(message));
    err_t err = console_settle(d, virtq_add(&d->control_out, &buffer, 1, 0, slot));

    if (err == OK) {
        d->control_free &= ~(1U << slot);
        (void)virtio_kick(d->dev, &d->control_out);
    }
    return err;
}

/* The name need not end, and QEMU counts a zero behind it. */
static void set_name(struct console_port *port, const uint8_t *name, size_t bytes)
{
    ASSERT(bytes <= CONSOLE_NAME_MAX + 1);
    bytes = (size_t)min_u64(bytes, CONSOLE_NAME_MAX);
    memcpy(port->name, name, bytes);
    port->name[bytes] = '\0';
}

static void set_connected(struct console_port *port, bool connected)
{
    if (port->connected && !connected) {
        port->hangups++;
    }
    port->connected = connected;
}

/* One that was open, left and comes again is open still. */
static err_t add_port(struct console_dev *d, uint32_t number)
{
    struct console_port *port = &d->ports[number];
    err_t err = console_tell(d, number, CONSOLE_EVENT_PORT_READY, 1);

    port->exists = true;
    return err == OK && port->filled ? console_tell(d, number, CONSOLE_EVENT_PORT_OPEN, 1) : err;
}

/* There is room for the longest answer, two messages. */
static bool can_answer(const struct console_dev *d)
{
    return (d->control_free & (d->control_free - 1)) != 0;
}

/* What a message means. One about a port that was not added is about nothing of ours. */
static err_t obey(struct console_dev *d, const struct control *message, const uint8_t *rest,
                  size_t rest_bytes)
{
    if (message->id >= d->port_limit) {
        return console_fault(d, "a message about a port it cannot have", message->id);
    }
    if (message->id >= d->port_count) {
        /* Ready means that we could use it [VIRTIO 1.4 §5.3.6.2]. */
        return message->event == CONSOLE_EVENT_PORT_ADD
                   ? console_tell(d, message->id, CONSOLE_EVENT_PORT_READY, 0)
                   : OK;
    }
    struct console_port *port = &d->ports[message->id];

    switch (message->event) {
    case CONSOLE_EVENT_PORT_ADD:
        return add_port(d, message->id);
    case CONSOLE_EVENT_PORT_REMOVE:
        set_connected(port, false);
        port->exists = false;
        port->name[0] = '\0';
        return OK;
    case CONSOLE_EVENT_PORT_OPEN:
        set_connected(port, port->exists && message->value != 0);
        return OK;
    case CONSOLE_EVENT_PORT_NAME:
        if (port->exists) {
            set_name(port, rest, rest_bytes);
        }
        return OK;
    default: /* which port is the console, and how large the host's window is: nobody asks */
        return OK;
    }
}

/* Takes the next message: it is copied once, then used. */
static err_t next_message(struct console_dev *d)
{
    uint8_t copy[CONTROL_BYTES];
    struct control message;
    uint16_t slot;
    uint32_t written;
    err_t err = virtq_take(&d->control_in, &slot, &written);

    if (err != OK) {
        return console_settle(d, err);
    }
    ASSERT(slot < CONTROL_BUFFERS && written <= CONTROL_BYTES);
    if (written < sizeof(message)) {
        return console_fault(d, "a message that is too short", written);
    }
    memcpy(copy, d->control + slot * CONTROL_BYTES, written);
    memcpy(&message, copy, sizeof(message));
    err = give_control(d, slot);
    if (err == OK) {
        err = obey(d, &message, copy + sizeof(message), written - sizeof(message));
    }
    return err;
}

err_t console_dev_ready(struct console_dev *d)
{
    err_t err = OK;

    virtio_ready(d->dev);
    if (!d->multiport) {
        d->ports[0].exists = true;
        d->ports[0].connected = true;
        return OK;
    }
    for (uint16_t i = 0; i < CONTROL_BUFFERS && err == OK; i++) {
        err = give_control(d, i);
    }
    if (err != OK) {
        return err;
    }
    (void)virtio_kick(d->dev, &d->control_in);
    return console_tell(d, 0, CONSOLE_EVENT_DEVICE_READY, 1);
}

err_t console_dev_step(struct console_dev *d)
{
    err_t err = d->broken ? ERR_DEVICE : OK;
    bool some = false;

    for (unsigned i = 0; i < d->port_count && err == OK; i++) {
        err = console_reap(d, &d->ports[i]);
    }
    if (err != OK || !d->multiport) {
        return err;
    }
    err = reap_control(d);
    while (err == OK && can_answer(d)) {
        err = next_message(d);
        some = some || err == OK;
    }
    if (some && !d->broken) {
        (void)virtio_kick(d->dev, &d->control_in);
    }
    return err == ERR_AGAIN ? OK : err;
}

bool console_dev_arm(struct console_dev *d, struct console_port *reading)
{
    bool some = false;

    if (!d->broken && virtio_needs_reset(d->dev)) {
        (void)console_fault(d, "it wants to be reset", 0);
    }
    if (d->broken) {
        return false;
    }
    for (unsigned i = 0; i < d->port_count; i++) {
        some = virtq_interrupts_on(&d->ports[i].send, 1) || some;
    }
    if (d->multiport) {
        some = virtq_interrupts_on(&d->control_out, 1) || some;
        /* What cannot be answered yet waits for the answers before. */
        some = (virtq_interrupts_on(&d->control_in, 1) && can_answer(d)) || some;
    }
    return (reading != NULL && virtq_interrupts_on(&reading->receive, 1)) || some;
}
