/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of [VIRTIO 1.4 §4.2.2, §4.2.4], register by register. The memory that map()
 * hands out is only a range of pointers: every access comes through the mmio operations. */

#include "tests/fakes/fake_virtio_mmio.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"

struct fake_virtio_mmio fake_virtio_mmio;

static unsigned char registers[FAKE_VIRTIO_MMIO_BYTES];
static struct fake_virtio_mmio *const fake = &fake_virtio_mmio;

#define CONFIG 0x100U

static bool is_legacy(void)
{
    return fake->version == 1;
}

static bool queue_exists(void)
{
    return fake->queue_sel < fake->queues && fake->queue_sel < FAKE_VIRTIO_MMIO_QUEUES;
}

static uint32_t read_register(uint32_t offset)
{
    ASSERT(offset <= 8 || fake->device_id != 0); /* [VIRTIO 1.4 §4.2.3.1.1] */
    ASSERT(offset == 0 || fake->magic == 0x74726976);
    switch (offset) {
    case 0x000:
        return fake->magic;
    case 0x004:
        return fake->version;
    case 0x008:
        return fake->device_id;
    case 0x010:
        ASSERT(fake->features_selected[0]);
        return fake->features_sel < 2 ? (uint32_t)(fake->offered >> (32 * fake->features_sel)) : 0;
    case 0x034:
        /* Allowed only while the queue is not in use [VIRTIO 1.4 §4.2.4]. */
        ASSERT(!is_legacy() || !queue_exists() || fake->queue[fake->queue_sel].pfn == 0);
        return queue_exists() ? fake->queue_size_max : 0;
    case 0x040:
        ASSERT(is_legacy() && queue_exists());
        return fake->queue[fake->queue_sel].pfn;
    case 0x044:
        ASSERT(!is_legacy() && queue_exists());
        return fake->queue[fake->queue_sel].ready;
    case 0x060:
        return fake->interrupt;
    case 0x070:
        return fake->status;
    case 0x0fc:
        ASSERT(!is_legacy());
        return fake->generation;
    default:
        panic("register %03x is not for reading", (unsigned)offset);
    }
}

static void half_write(uint64_t *field, bool high, uint32_t value)
{
    unsigned shift = high ? 32 : 0;

    *field = (*field & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

static void device_reset(void)
{
    fake->accepted = 0;
    fake->interrupt = 0;
    fake->page_size = 0;
    memset(fake->queue, 0, sizeof(fake->queue));
}

static void write_queue(uint32_t offset, uint32_t value)
{
    uint32_t q = fake->queue_sel;

    ASSERT(queue_exists());
    /* Settled while the queue is in use [VIRTIO 1.4 §4.2.2.2]. */
    ASSERT(fake->queue[q].ready == 0 && fake->queue[q].pfn == 0);
    if (offset == 0x038) {
        ASSERT(is_power_of_two(value) && value <= fake->queue_size_max);
        fake->queue[q].size = value;
    } else if (is_legacy() && offset == 0x03c) {
        fake->queue[q].align = value;
    } else if (is_legacy() && offset == 0x040) {
        ASSERT(value != 0 && fake->page_size != 0 && fake->queue[q].size != 0);
        fake->queue[q].pfn = value;
    } else if (!is_legacy() && offset == 0x044) {
        ASSERT(value == 1 && fake->queue[q].size != 0);
        fake->queue[q].ready = fake->refuses_ready ? 0 : 1;
    } else {
        ASSERT(!is_legacy());
        switch (offset & ~4U) {
        case 0x080:
            half_write(&fake->queue[q].desc, (offset & 4) != 0, value);
            break;
        case 0x090:
            half_write(&fake->queue[q].driver, (offset & 4) != 0, value);
            break;
        case 0x0a0:
            half_write(&fake->queue[q].device, (offset & 4) != 0, value);
            break;
        default:
            panic("register %03x is not for writing", (unsigned)offset);
        }
    }
}

static void write_register(uint32_t offset, uint32_t value)
{
    size_t used = strlen(fake->log);

    snprintf(fake->log + used, sizeof(fake->log) - used, "%s%x=%x", used == 0 ? "" : " ",
             (unsigned)offset, (unsigned)value);
    ASSERT(fake->device_id != 0);
    switch (offset) {
    case 0x014:
        fake->features_sel = value;
        fake->features_selected[0] = true;
        break;
    case 0x020:
        ASSERT(fake->features_selected[1] && fake->driver_features_sel < 2);
        half_write(&fake->accepted, fake->driver_features_sel == 1, value);
        break;
    case 0x024:
        fake->driver_features_sel = value;
        fake->features_selected[1] = true;
        break;
    case 0x028:
        ASSERT(is_legacy() && is_power_of_two(value));
        fake->page_size = value;
        break;
    case 0x030:
        fake->queue_sel = value;
        break;
    case 0x050:
        ASSERT(value < fake->queues);
        fake->notified++;
        fake->notify_value = value;
        break;
    case 0x064:
        ASSERT((value & ~3U) == 0); /* MUST NOT set undefined bits */
        fake->interrupt &= ~value;
        fake->interrupt |= fake->next_status;
        fake->next_status = 0;
        break;
    case 0x070:
        fake->status = (uint8_t)value;
        if (value == 0) {
            device_reset();
        }
        break;
    default:
        write_queue(offset, value);
        break;
    }
}

static uint32_t offset_of(const volatile void *at, unsigned bytes)
{
    const volatile unsigned char *byte = at;

    ASSERT(byte >= registers && byte + bytes <= registers + sizeof(registers));
    ASSERT(bytes == 4 && (byte - registers) % 4 == 0);
    return (uint32_t)(byte - registers);
}

static uint32_t mmio_read(const volatile void *at, unsigned bytes)
{
    uint32_t offset = offset_of(at, bytes);
    uint32_t value;

    if (offset < CONFIG) {
        return read_register(offset);
    }
    memcpy(&value, fake->config + (offset - CONFIG), sizeof(value));
    return value;
}

static void mmio_write(volatile void *at, unsigned bytes, uint32_t value)
{
    uint32_t offset = offset_of(at, bytes);

    if (offset < CONFIG) {
        write_register(offset, value);
        return;
    }
    memcpy(fake->config + (offset - CONFIG), &value, sizeof(value));
}

static void *map(paddr_t address, size_t bytes)
{
    ASSERT(address == FAKE_VIRTIO_MMIO_BASE && bytes <= sizeof(registers));
    return fake->maps ? registers : NULL;
}

static void relax(void)
{
    fake->relaxed++;
}

static const struct mmio_ops mmio = { .read = mmio_read, .write = mmio_write };

const struct virtio_mmio_env fake_virtio_mmio_env = { .map = map, .relax = relax, .mmio = &mmio };

void fake_virtio_mmio_reset(uint32_t version)
{
    memset(fake, 0, sizeof(*fake));
    fake->magic = 0x74726976;
    fake->version = version;
    fake->device_id = VIRTIO_ID_BALLOON;
    fake->offered = version == 1 ? 0 : VIRTIO_F_VERSION_1;
    fake->queues = 3;
    fake->queue_size_max = 128;
    fake->maps = true;
}
