/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that only the DSDT knows, as on QEMU's microvm: virtio over memory, and the generic event
 * device that a machine without fixed hardware has its power button behind. There is no AML
 * interpreter here. A device is recognised by the encoding of
 *
 *     Device (name) { Name (_HID, "text") ... Name (_CRS, Buffer () { descriptors }) ... }
 *
 * and whatever is encoded otherwise is passed over. Every length is checked against what contains
 * it, so any bytes are survived. [ACPI 6.5 §6.4, §20.2]
 */
#include "kernel/acpi_field.h"

#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"

/* AML bytes. [ACPI 6.5 §20.2.3, §20.2.5] */
enum {
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_DWORD = 0x0c,
    AML_BUFFER = 0x11,
    AML_EXTENDED = 0x5b,
    AML_DEVICE = 0x82, /* behind AML_EXTENDED, like the next */
    AML_REGION = 0x80,
};

enum { NAME_BYTES = 4 };

/* Resource descriptors: a tag, 16 bits of length, the fields. [ACPI 6.5 §6.4.3] */
enum {
    LARGE = 0x80,
    LARGE_HEADER = 3,
    SMALL_LENGTH = 0x07,
    SMALL_END = 0x79,
    MEMORY_32_FIXED = 0x86,
    INTERRUPT = 0x89,
};

size_t acpi_package_length(const struct table *aml, size_t at, size_t *own_bytes)
{
    const uint8_t lead = table_u8(aml, at);
    /* The top two bits tell how many bytes follow, and only without any does the first use its
     * middle two. */
    const size_t follow = lead >> 6;
    size_t length = lead;
    *own_bytes = 1 + follow;
    if (follow != 0) {
        if ((lead & 0x30) != 0 || follow >= aml->length - at) {
            return 0;
        }
        length = (size_t)(table_field(aml, at + 1, follow) << 4) | (lead & 0x0f);
    }
    return length <= aml->length - at ? length : 0;
}

bool acpi_aml_matches(const struct table *part, size_t at, const void *pattern, size_t bytes)
{
    return at <= part->length && bytes <= part->length - at &&
           memcmp(part->bytes + at, pattern, bytes) == 0;
}

size_t acpi_aml_find(const struct table *part, size_t from, const void *pattern, size_t bytes,
                     size_t rare)
{
    const uint8_t wanted = ((const uint8_t *)pattern)[rare];
    for (size_t at = from + rare; at < part->length; at++) {
        const uint8_t *const found = memchr(part->bytes + at, wanted, part->length - at);
        if (found == NULL) {
            break;
        }
        at = (size_t)(found - part->bytes);
        if (acpi_aml_matches(part, at - rare, pattern, bytes)) {
            return at - rare;
        }
    }
    return part->length;
}

/* Registers and interrupt from a list of descriptors; the first of each kind counts. False without
 * an interrupt. */
static bool read_resources(const struct table *list, struct acpi_device *device)
{
    size_t at = 0;
    bool interrupt = false;
    while (at < list->length && table_u8(list, at) != SMALL_END) {
        const uint8_t tag = table_u8(list, at);
        const bool large = (tag & LARGE) != 0;
        const size_t header = large ? LARGE_HEADER : 1;
        if (header > list->length - at) {
            break;
        }
        const size_t length = large ? table_u16(list, at + 1) : (size_t)(tag & SMALL_LENGTH);
        if (length > list->length - at - header) {
            break;
        }
        const size_t body = at + header;
        if (tag == MEMORY_32_FIXED && length >= 9 && device->bytes == 0) {
            device->base = table_u32(list, body + 1);
            device->bytes = table_u32(list, body + 5);
        } else if (tag == INTERRUPT && length >= 6 && !interrupt) {
            /* Flags: bit 1 edge, bit 2 active low; then a count and so many numbers. */
            const uint8_t flags = table_u8(list, body);
            interrupt = table_u8(list, body + 1) >= 1;
            device->interrupt = (struct acpi_interrupt){
                .gsi = table_u32(list, body + 2),
                .active_low = (flags & 4) != 0,
                .level = (flags & 2) == 0,
            };
        }
        at = body + length;
    }
    return interrupt;
}

/* Name (_CRS, Buffer (size) { ... }): 08 "_CRS" 11 PkgLength 0A size bytes. A list of more than 255
 * bytes is no device of ours. */
static bool read_crs(const struct table *body, struct acpi_device *device)
{
    static const char name[] = { AML_NAME, '_', 'C', 'R', 'S', AML_BUFFER };
    const size_t at = acpi_aml_find(body, 0, name, sizeof name, sizeof name - 1) + sizeof name;
    size_t own_bytes = 0;
    if (at >= body->length) {
        return false;
    }
    const size_t length = acpi_package_length(body, at, &own_bytes);
    if (length < own_bytes + 2 || table_u8(body, at + own_bytes) != AML_BYTE) {
        return false;
    }
    const struct table list = { body->bytes + at + own_bytes + 2, length - own_bytes - 2 };
    return read_resources(&list, device);
}

static void add_virtio(const struct table *body, struct acpi_info *info)
{
    struct acpi_device device = { 0 };
    if (!read_crs(body, &device) || device.bytes == 0) {
        log_warn("acpi: a virtio device without registers or interrupt, ignored");
    } else if (info->virtio_mmio_count == ACPI_VIRTIO_MMIO_MAX) {
        log_warn("acpi: more virtio devices than ACPI_VIRTIO_MMIO_MAX, one ignored");
    } else {
        info->virtio_mmio[info->virtio_mmio_count++] = device;
    }
}

/* Its resources are the interrupt alone. The register is behind OperationRegion (name,
 * SystemMemory, address, 4), that is 5B 80 name 00 0C address 0A 04. */
static void add_event_device(const struct table *body, struct acpi_info *info)
{
    static const uint8_t opcode[] = { AML_EXTENDED, AML_REGION };
    static const uint8_t memory[] = { 0x00, AML_DWORD };
    static const uint8_t four[] = { AML_BYTE, 4 };
    struct acpi_device device = { 0 };
    const size_t at = acpi_aml_find(body, 0, opcode, sizeof opcode, 1) + sizeof opcode + NAME_BYTES;
    if (read_crs(body, &device) && acpi_aml_matches(body, at, memory, sizeof memory) &&
        acpi_aml_matches(body, at + 6, four, sizeof four)) {
        device.base = table_u32(body, at + 2);
        device.bytes = 4;
        info->event_device = device;
    }
}

bool acpi_next_device(const struct table *aml, size_t *at, const uint8_t **name, struct table *body)
{
    static const uint8_t opcode[] = { AML_EXTENDED, AML_DEVICE };
    for (;;) {
        size_t own_bytes = 0;
        *at = acpi_aml_find(aml, *at, opcode, sizeof opcode, 1) + sizeof opcode;
        if (*at >= aml->length) {
            return false;
        }
        const size_t length = acpi_package_length(aml, *at, &own_bytes);
        if (length >= own_bytes + NAME_BYTES) {
            *name = aml->bytes + *at + own_bytes;
            *body = (struct table){ *name + NAME_BYTES, length - own_bytes - NAME_BYTES };
            return true;
        }
    }
}

bool acpi_device_find(const struct table *aml, const uint8_t wanted[4], struct acpi_device *device)
{
    const uint8_t *name = NULL;
    struct table body;
    size_t at = HEADER_BYTES;
    while (acpi_next_device(aml, &at, &name, &body)) {
        if (memcmp(name, wanted, NAME_BYTES) == 0) {
            return read_crs(&body, device);
        }
    }
    return false;
}

void acpi_devices_find(const struct table *aml, struct acpi_info *info)
{
    static const char virtio[] = "\010_HID\015LNRO0005";
    static const char event[] = "\010_HID\015ACPI0013";
    const uint8_t *name = NULL;
    struct table body;
    size_t at = HEADER_BYTES;
    while (acpi_next_device(aml, &at, &name, &body)) {
        if (acpi_aml_matches(&body, 0, virtio, sizeof virtio)) {
            add_virtio(&body, info);
        } else if (acpi_aml_matches(&body, 0, event, sizeof event)) {
            add_event_device(&body, info);
        }
    }
}
