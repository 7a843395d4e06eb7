/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile firmware: the input is a list of table bodies. The harness supplies what a mutation can
 * hardly hit, signatures, lengths and checksums, so that the readers behind them are reached; the
 * first byte switches each of these helps off. Properties: no read behind what was mapped (every
 * mapping is an exact heap copy), counts and values inside their limits, and the same answer twice.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "kernel/acpi_tables.h"

#define BASE         0x10003U
#define MEMORY_BYTES 0x4000U
#define TABLES_MAX   70U
#define XSDT_AT      64U

enum { KEEP_SUMS = 1, KEEP_LENGTHS = 2, USE_RSDT = 4 };

static uint8_t memory[MEMORY_BYTES];
static void *copies[1024];
static size_t copy_count;

static const void *map(paddr_t address, size_t bytes)
{
    const uint64_t offset = address - BASE;
    if (address < BASE || offset > sizeof memory || bytes > sizeof memory - offset) {
        return NULL;
    }
    ASSERT(copy_count < ARRAY_SIZE(copies)); /* the parser's work is bounded */
    copies[copy_count] = malloc(bytes);
    ASSERT(copies[copy_count] != NULL);
    memcpy(copies[copy_count], memory + offset, bytes);
    return copies[copy_count++];
}

static void put_sum(size_t at, size_t length, size_t sum_at)
{
    memory[sum_at] = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + memory[at + i]);
    }
    memory[sum_at] = (uint8_t)-sum;
}

static void put(size_t at, uint64_t value, size_t bytes)
{
    ASSERT(at + bytes <= sizeof memory);
    memcpy(memory + at, &value, bytes);
}

static void close_table(size_t at, const char *signature, size_t length, unsigned helps)
{
    memcpy(memory + at, signature, 4);
    if ((helps & KEEP_LENGTHS) == 0) {
        put(at + 4, length, 4);
    }
    if ((helps & KEEP_SUMS) == 0) {
        put_sum(at, length, at + 9);
    }
}

/* What mutations hardly spell, at the beginning of a block that has room for it. The lengths remain
 * the input's. */
static void spell_names(size_t at, size_t bytes)
{
    static const struct {
        size_t first; /* where the name goes; what lies before it is the input's */
        size_t bytes;
        const char *text;
    } names[] = {
        { 0, 6, "\010_S5_\022" },  { 0, 2, "\x5b\x82" },     { 7, 15, "\010_HID\015LNRO0005" },
        { 22, 6, "\010_CRS\021" }, { 0, 2, "\x5b\x82" },     { 7, 15, "\010_HID\015ACPI0013" },
        { 22, 6, "\010_CRS\021" }, { 0, 6, "\010_PRT\022" }, { 0, 6, "_CBA\0\xa4" },
    };
    static const struct {
        unsigned from, to;
    } choices[] = { { 0, 1 }, { 1, 4 }, { 4, 7 }, { 7, 8 }, { 8, 9 } };
    unsigned choice = bytes > 0 ? memory[at + bytes - 1] % ARRAY_SIZE(choices) : 0;

    for (unsigned i = choices[choice].from; i < choices[choice].to; i++) {
        if (names[i].first + names[i].bytes < bytes) {
            memcpy(memory + at + names[i].first, names[i].text, names[i].bytes);
        }
    }
}

/* Each table of the input: a byte that chooses its kind, a byte for its length, its bytes. */
static size_t make_tables(const uint8_t *data, size_t size, unsigned helps, size_t entry_bytes)
{
    static const char *const kinds[] = { "APIC", "FACP", "MCFG", "SSDT", "DSDT", "????" };
    size_t next = 0x400;
    size_t count = 0;
    while (size >= 2 && count < TABLES_MAX && next + 36 + 511 < sizeof memory) {
        const char *const kind = kinds[data[0] % ARRAY_SIZE(kinds)];
        const size_t wanted = (size_t)data[1] * 2 + 1;
        const size_t body = wanted < size - 2 ? wanted : size - 2;
        memcpy(memory + next + 36, data + 2, body);
        if (kind[1] == 'S') {
            spell_names(next + 36, body);
        }
        if (strcmp(kind, "FACP") == 0) {
            put(next + 40, BASE + 0x400, 4); /* the first table may be a DSDT */
        }
        close_table(next, kind, 36 + body, helps);
        put(XSDT_AT + 36 + entry_bytes * count++, BASE + next, entry_bytes);
        next += 36 + body + 1;
        data += 2 + body;
        size -= 2 + body;
    }
    return count;
}

static void make_memory(const uint8_t *data, size_t size)
{
    memset(memory, 0, sizeof memory);
    const unsigned helps = size > 0 ? data[0] : 0;
    const size_t entry_bytes = (helps & USE_RSDT) != 0 ? 4 : 8;
    const size_t count = size > 0 ? make_tables(data + 1, size - 1, helps, entry_bytes) : 0;
    memcpy(memory, "RSD PTR \0FUZZED", 15);
    memory[15] = entry_bytes == 8 ? 2 : 0;
    put(16, BASE + XSDT_AT, 4);
    put(20, 36, 4);
    put(24, BASE + XSDT_AT, 8);
    put_sum(0, 20, 8);
    put_sum(0, 36, 32);
    close_table(XSDT_AT, entry_bytes == 8 ? "XSDT" : "RSDT", 36 + entry_bytes * count, 0);
}

static void parse(struct acpi_info *info)
{
    const err_t err = acpi_parse(BASE, map, info);
    ASSERT(err == OK); /* the root is always good */
    while (copy_count > 0) {
        free(copies[--copy_count]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_memory(data, size);
    struct acpi_info info;
    struct acpi_info again;
    memset(&info, 0xa5, sizeof info);
    memset(&again, 0x5a, sizeof again);
    parse(&info);
    parse(&again);
    ASSERT(memcmp(&info, &again, offsetof(struct acpi_info, io_apics)) == 0);
    ASSERT(info.s5_type_a == again.s5_type_a && info.dsdt_address == again.dsdt_address);

    ASSERT(strcmp(info.oem_id, "FUZZED") == 0);
    ASSERT(info.io_apic_count <= ACPI_IO_APICS_MAX);
    ASSERT(info.processors <= MEMORY_BYTES / 8);
    ASSERT(info.has_madt || (info.processors == 0 && info.io_apic_count == 0));
    ASSERT(info.has_fadt || (info.dsdt_address == 0 && info.pm1a_control_port == 0));
    ASSERT(info.sci_line < ACPI_ISA_IRQS || info.sci_line == ACPI_LINE_NONE);
    ASSERT(!info.hardware_reduced || info.pm1a_control_port == 0);
    ASSERT(!info.has_ecam || (info.ecam_base != 0 && info.ecam_bus_first <= info.ecam_bus_last));
    ASSERT(info.s5_type_a < 8 && info.s5_type_b < 8);
    ASSERT(info.has_s5 || info.s5_type_a == 0);
    ASSERT(info.virtio_mmio_count <= ACPI_VIRTIO_MMIO_MAX);
    for (unsigned i = 0; i < info.virtio_mmio_count; i++) {
        ASSERT(info.virtio_mmio[i].bytes != 0);
    }
    ASSERT(info.event_device.bytes == 0 || info.event_device.bytes == 4);
    for (uint32_t irq = 0; irq < ACPI_ISA_IRQS; irq++) {
        ASSERT(info.isa_irqs[irq].overridden || info.isa_irqs[irq].gsi == irq);
    }
    return 0;
}
