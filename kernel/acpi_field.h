/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Inside the ACPI parser; for kernel/acpi_*.c only. A struct table was checked (signature, length,
 * sum) before anybody reads its fields. A field outside the table panics, so the code must compare
 * with `length` first, whatever the firmware wrote.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/string.h"

#include "kernel/acpi_tables.h"

#define HEADER_BYTES 36 /* signature, length, revision, checksum, OEM and creator fields */

struct table {
    const uint8_t *bytes;
    size_t length;
};

/* Fields are little endian and need not be aligned; the processor is little endian, too. */
static inline uint64_t table_field(const struct table *table, size_t offset, size_t bytes)
{
    ASSERT(bytes <= sizeof(uint64_t));
    ASSERT(offset <= table->length && bytes <= table->length - offset);
    uint64_t value = 0;
    memcpy(&value, table->bytes + offset, bytes);
    return value;
}

static inline uint8_t table_u8(const struct table *table, size_t offset)
{
    return (uint8_t)table_field(table, offset, 1);
}

static inline uint16_t table_u16(const struct table *table, size_t offset)
{
    return (uint16_t)table_field(table, offset, 2);
}

static inline uint32_t table_u32(const struct table *table, size_t offset)
{
    return (uint32_t)table_field(table, offset, 4);
}

static inline uint64_t table_u64(const struct table *table, size_t offset)
{
    return table_field(table, offset, 8);
}

/* AML's PkgLength at `at`, inside the table: how many bytes it spans, its own included, all of
 * which are in the table; 0 when malformed. `own_bytes` is how many of them it takes itself.
 * [ACPI 6.5 §20.2.4] */
size_t acpi_package_length(const struct table *aml, size_t at, size_t *own_bytes);

/* Where `pattern` is in `part` first, at `from` or behind it; the length of `part` if nowhere.
 * Looks for its byte number `rare`: the less of those there are in AML, the quicker. */
size_t acpi_aml_find(const struct table *part, size_t from, const void *pattern, size_t bytes,
                     size_t rare);

/* The bytes of `part` from `at` on are those of `pattern`. */
bool acpi_aml_matches(const struct table *part, size_t at, const void *pattern, size_t bytes);

/* The next Device (name) from `*at` on: its name and its body, and `*at` behind its opcode, because
 * devices are nested. False when there is none. */
bool acpi_next_device(const struct table *aml, size_t *at, const uint8_t **name,
                      struct table *body);

/* The resources of the first device with this name that have an interrupt. */
bool acpi_device_find(const struct table *aml, const uint8_t wanted[4], struct acpi_device *device);

/* Looks for PCI's configuration space, unless the MCFG told, and its interrupt routes. */
void acpi_pci_find(const struct table *aml, struct acpi_info *info);

/* Looks for the devices that struct acpi_info has room for in a definition block. */
void acpi_devices_find(const struct table *aml, struct acpi_info *info);

/* Looks for `\_S5_` in a definition block (the DSDT or an SSDT) unless it was found before. */
void acpi_s5_find(const struct table *aml, struct acpi_info *info);
