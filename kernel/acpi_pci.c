/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI where only the DSDT describes it, as on QEMU's microvm, which has no MCFG and no firmware
 * that writes interrupt line registers:
 *
 *     Method (_CBA) { Return (base) }                                          configuration space
 *     Name (_PRT, Package () { Package (4) { slot << 16 | 0xffff, pin, link, 0 }, ... })
 *     Device (link) { Name (_HID, "PNP0C0F") ... Name (_CRS, Buffer () { interrupt }) }
 *
 * the bus of a host bridge that is not the first, which nothing else tells:
 *
 *     Device (name) { ... Name (_BBN, bus) ... }
 *
 * and the place of QEMU's hot-plug registers, which every machine of its with a bus for it has, and
 * the number that each of these buses has there, inside of the bridges that lead to it:
 *
 *     Device (name) { Name (_ADR, slot << 16 | function) ... Name (BSEL, number) ... }
 *
 * A _PRT that is a method, which chooses among tables, is beyond this; there the firmware's line
 * registers serve. [PCI Firmware 3.3 §4.1.3, ACPI 6.5 §6.2.13, §20.2]
 */
#include "kernel/acpi_field.h"

#include "base/bits.h"

enum {
    AML_NAME = 0x08,
    AML_PACKAGE = 0x12,
    AML_VAR_PACKAGE = 0x13,
    AML_RETURN = 0xa4,
    NAME_BYTES = 4,
    ECAM_BUSES = 256,
};

/* A constant at `*at`, which is left behind it. [ACPI 6.5 §20.2.3] */
static bool take_integer(const struct table *part, size_t *at, uint64_t *value)
{
    /* Zero, One; a byte, a word, a double word behind a prefix. */
    static const uint8_t widths[] = { [0x0a] = 1, [0x0b] = 2, [0x0c] = 4 };
    if (*at >= part->length) {
        return false;
    }
    const uint8_t opcode = table_u8(part, (*at)++);
    if (opcode <= 1) {
        *value = opcode;
        return true;
    }
    const size_t width = opcode < ARRAY_SIZE(widths) ? widths[opcode] : 0;
    if (width == 0 || width > part->length - *at) {
        return false;
    }
    *value = table_field(part, *at, width);
    *at += width;
    return true;
}

/* Package or VarPackage at `*at`: its elements, and `*at` behind it. */
static bool take_package(const struct table *part, size_t *at, struct table *elements)
{
    if (part->length - *at < 2) {
        return false;
    }
    const uint8_t opcode = table_u8(part, *at);
    size_t own_bytes = 0;
    const size_t length = acpi_package_length(part, *at + 1, &own_bytes);
    if ((opcode != AML_PACKAGE && opcode != AML_VAR_PACKAGE) || length <= own_bytes) {
        return false;
    }
    *elements = (struct table){ part->bytes + *at + 1 + own_bytes, length - own_bytes };
    *at += 1 + length;
    /* The number of elements, a byte or a term, is not needed: the length says it. */
    size_t skipped = 1;
    uint64_t count = 0;
    if (opcode == AML_VAR_PACKAGE) {
        skipped = 0;
        if (!take_integer(elements, &skipped, &count)) {
            return false;
        }
    }
    elements->bytes += skipped;
    elements->length -= skipped;
    return true;
}

/* One entry of the _PRT: which link a pin of a slot leads to. False when it is none that we can
 * read. */
static bool read_route(const struct table *entry, uint64_t *slot, uint64_t *pin, size_t *link)
{
    size_t at = 0;
    uint64_t address = 0;
    if (!take_integer(entry, &at, &address) || !take_integer(entry, &at, pin) ||
        entry->length - at < NAME_BYTES) {
        return false;
    }
    *slot = address >> 16;
    *link = at;
    return *slot < ACPI_PCI_SLOTS && *pin < ACPI_PCI_PINS;
}

/* Looking a link up takes a pass over the whole block, and the table names few of them many times,
 * so that those found are kept. */
struct links {
    size_t count;
    struct {
        uint8_t name[NAME_BYTES];
        struct acpi_interrupt interrupt;
    } known[8];
};

static const struct acpi_interrupt *link_interrupt(const struct table *aml, struct links *links,
                                                   const uint8_t *name)
{
    for (size_t i = 0; i < links->count; i++) {
        if (memcmp(links->known[i].name, name, NAME_BYTES) == 0) {
            return &links->known[i].interrupt;
        }
    }
    if (links->count == ARRAY_SIZE(links->known)) {
        return NULL;
    }
    struct acpi_device device = { 0 };
    struct acpi_interrupt *const interrupt = &links->known[links->count].interrupt;
    memcpy(links->known[links->count].name, name, NAME_BYTES);
    /* A link that is not found is kept, too, as one that leads nowhere. */
    *interrupt = (struct acpi_interrupt){ 0 };
    if (acpi_device_find(aml, name, &device)) {
        *interrupt = device.interrupt;
    }
    links->count++;
    return interrupt;
}

static void read_routes(const struct table *aml, struct acpi_info *info)
{
    static const char name[] = { AML_NAME, '_', 'P', 'R', 'T' };
    struct links links = { 0 };
    struct table routes;
    struct table entry;
    size_t at = acpi_aml_find(aml, 0, name, sizeof name, sizeof name - 1) + sizeof name;
    if (at >= aml->length || !take_package(aml, &at, &routes)) {
        return;
    }
    at = 0;
    while (take_package(&routes, &at, &entry)) {
        uint64_t slot = 0;
        uint64_t pin = 0;
        size_t link = 0;
        if (!read_route(&entry, &slot, &pin, &link)) {
            continue;
        }
        const struct acpi_interrupt *const interrupt =
            link_interrupt(aml, &links, entry.bytes + link);
        if (interrupt != NULL) {
            info->pci_routes[slot][pin] = *interrupt;
        }
    }
}

static void read_ecam(const struct table *aml, struct acpi_info *info)
{
    static const char method[] = { '_', 'C', 'B', 'A', 0, (char)AML_RETURN };
    size_t at = acpi_aml_find(aml, 0, method, sizeof method, sizeof method - 1) + sizeof method;
    uint64_t base = 0;
    if (take_integer(aml, &at, &base) && base != 0 && base % (ECAM_BUSES * MIB) == 0) {
        info->has_ecam = true;
        info->ecam_base = base;
        info->ecam_bus_first = 0;
        info->ecam_bus_last = ECAM_BUSES - 1;
    }
}

/* The devices around `position` lead to the bus; none, and it is bus 0. */
static void read_path(const struct table *aml, size_t position, struct pci_path *path)
{
    static const char name[] = { AML_NAME, '_', 'A', 'D', 'R' };
    const uint8_t *device = NULL;
    struct table body;
    size_t at = HEADER_BYTES;
    uint8_t length = 0;
    while (acpi_next_device(aml, &at, &device, &body) && at <= position) {
        size_t in = sizeof name;
        uint64_t address = 0;
        if ((size_t)(body.bytes - aml->bytes) + body.length <= position) {
            continue;
        }
        if (length == PCI_PATH_MAX || !acpi_aml_matches(&body, 0, name, sizeof name) ||
            !take_integer(&body, &in, &address)) {
            return;
        }
        path->bridge[length++] = (uint8_t)(address >> 13 | (address & 7));
    }
    path->length = length;
    path->known = true;
}

/* Name (text, number) at `at`. */
static bool read_name(const struct table *aml, size_t at, const char *name, uint64_t *number)
{
    size_t behind = at + 1 + NAME_BYTES;
    return aml->bytes[at] == AML_NAME && acpi_aml_matches(aml, at + 1, name, NAME_BYTES) &&
           take_integer(aml, &behind, number);
}

/* One pass for both numbers that a bus may have: both names have a B, which is rare in AML. Where
 * _BBN is a method only an interpreter for AML would know the number; none of QEMU's is. */
static void read_buses(const struct table *aml, struct acpi_info *info)
{
    for (size_t at = HEADER_BYTES + 2; at < aml->length; at++) {
        uint64_t number = 0;
        at = acpi_aml_find(aml, at, "B", 1, 0);
        if (read_name(aml, at - 2, "_BBN", &number) && number < PCI_BUSES) {
            pci_buses_add(&info->pci_roots, (unsigned)number);
        } else if (read_name(aml, at - 1, "BSEL", &number) && number < ACPI_HOTPLUG_BUSES) {
            read_path(aml, at, &info->hotplug_buses[number]);
        }
    }
}

/* OperationRegion (PCST, SystemIO, port, 8) holds the bits of slots that changed
 * (observed: QEMU 2.0 to 7.2). */
static void read_hotplug(const struct table *aml, struct acpi_info *info)
{
    static const char region[] = { 0x5b, (char)0x80, 'P', 'C', 'S', 'T', 0x01 };
    size_t at = acpi_aml_find(aml, 0, region, sizeof region, 1) + sizeof region;
    uint64_t port = 0;
    if (take_integer(aml, &at, &port) && port <= UINT16_MAX) {
        info->pci_hotplug_port = (uint16_t)port;
    }
}

void acpi_pci_find(const struct table *aml, struct acpi_info *info)
{
    if (!info->has_ecam) {
        read_ecam(aml, info);
    }
    read_routes(aml, info);
    read_buses(aml, info);
    read_hotplug(aml, info);
}
