/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walk RSDP -> XSDT (or RSDT) -> MADT, FADT, MCFG; kernel/acpi_s5.c,
 * kernel/acpi_devices.c and kernel/acpi_pci.c look into DSDT and SSDTs.
 * Finding the RSDP is left to the boot code, using the result to the drivers. Offsets are written
 * as numbers with the field's name beside them, as in the tables of the specification, so that
 * they can be compared with it line by line. [ACPI 6.5 §5.2.5 RSDP, §5.2.6 header, §5.2.7 RSDT,
 * §5.2.8 XSDT, §5.2.9 FADT, §5.2.11 DSDT and SSDT, §5.2.12 MADT]
 */
#include "kernel/acpi_field.h"

#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"

/* All bytes of a table, its checksum included, add up to 0 modulo 256. [ACPI 6.5 §5.2.6] */
static bool sum_is_zero(const uint8_t *bytes, size_t length)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

/* The signature of the table at `address` is copied out; false when it cannot be read. */
static bool read_signature(paddr_t address, acpi_map_fn *map, char signature[4])
{
    const void *const header = address != 0 ? map(address, HEADER_BYTES) : NULL;
    if (header != NULL) {
        memcpy(signature, header, 4);
    }
    return header != NULL;
}

static bool open_table(paddr_t address, acpi_map_fn *map, const char *signature,
                       struct table *table)
{
    char found[4];
    if (!read_signature(address, map, found) || memcmp(found, signature, sizeof found) != 0) {
        log_warn("acpi: no %s at 0x%llx, skipped", signature, (unsigned long long)address);
        return false;
    }
    const struct table header = { map(address, HEADER_BYTES), HEADER_BYTES };
    table->length = table_u32(&header, 4);
    if (table->length < HEADER_BYTES || table->length > ACPI_TABLE_BYTES_MAX) {
        log_warn("acpi: %s has a length of %zu bytes, skipped", signature, table->length);
        return false;
    }
    table->bytes = map(address, table->length);
    if (table->bytes == NULL) {
        log_warn("acpi: %s is not readable to its end, skipped", signature);
        return false;
    }
    if (!sum_is_zero(table->bytes, table->length)) {
        log_warn("acpi: the checksum of %s is wrong, skipped", signature);
        return false;
    }
    return true;
}

/* ---- MADT ----------------------------------------------------------------------------------- */

static void add_io_apic(struct acpi_info *info, uint32_t address, uint32_t gsi_base)
{
    if (info->io_apic_count == ACPI_IO_APICS_MAX) {
        log_warn("acpi: more I/O APICs than ACPI_IO_APICS_MAX, one ignored");
        return;
    }
    info->io_apics[info->io_apic_count++] = (struct acpi_io_apic){ address, gsi_base };
}

/* Flags: polarity in bits 0-1, trigger mode in bits 2-3; 0 conforms to the bus, for ISA active
 * high and edge, 1 is active high and edge, 3 is active low and level. [ACPI 6.5 §5.2.12.5] */
static void add_override(struct acpi_info *info, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    if (irq >= ACPI_ISA_IRQS) {
        log_warn("acpi: override of an ISA interrupt %u, ignored", irq);
        return;
    }
    info->isa_irqs[irq] = (struct acpi_isa_irq){
        .gsi = gsi,
        .active_low = (flags & 3) == 3,
        .level = (flags >> 2 & 3) == 3,
        .overridden = true,
    };
}

/* One structure of the MADT, `length` bytes at `at`. A known one that is too short is ignored;
 * unknown types are other platforms' and no reason to warn. [ACPI 6.5 §5.2.12.2 to .12] */
static void read_madt_entry(const struct table *madt, size_t at, size_t length,
                            struct acpi_info *info)
{
    enum { LOCAL_APIC = 0, IO_APIC = 1, OVERRIDE = 2, LOCAL_APIC_ADDRESS = 5, X2APIC = 9 };
    const uint8_t type = table_u8(madt, at);
    const uint32_t enabled = 1;
    if (type == LOCAL_APIC && length >= 8) {
        info->processors += table_u32(madt, at + 4) & enabled;
    } else if (type == X2APIC && length >= 16) {
        info->processors += table_u32(madt, at + 8) & enabled;
    } else if (type == IO_APIC && length >= 12) {
        add_io_apic(info, table_u32(madt, at + 4), table_u32(madt, at + 8));
    } else if (type == OVERRIDE && length >= 10) {
        add_override(info, table_u8(madt, at + 3), table_u32(madt, at + 4),
                     table_u16(madt, at + 8));
    } else if (type == LOCAL_APIC_ADDRESS && length >= 12) {
        info->local_apic_address = table_u64(madt, at + 4);
    }
}

static void read_madt(const struct table *madt, struct acpi_info *info)
{
    if (info->has_madt || madt->length < 44) {
        log_warn("acpi: a second MADT, or one that is too short, skipped");
        return;
    }
    info->has_madt = true;
    info->local_apic_address = table_u32(madt, 36); /* Local Interrupt Controller Address */
    size_t at = 44;
    while (madt->length - at >= 2) {
        const size_t length = table_u8(madt, at + 1);
        if (length < 2 || length > madt->length - at) {
            log_warn("acpi: the MADT is damaged at offset %zu, its rest is skipped", at);
            return;
        }
        read_madt_entry(madt, at, length, info);
        at += length;
    }
}

/* ---- FADT ----------------------------------------------------------------------------------- */

/* A generic address structure; none (all zero) when the table ends before it. [§5.2.3.2] */
static struct acpi_register fadt_register(const struct table *fadt, size_t offset)
{
    struct acpi_register result = { 0, 0 };
    if (fadt->length >= offset + 12) {
        result.space = table_u8(fadt, offset);
        result.address = table_u64(fadt, offset + 4);
    }
    return result;
}

/* The port of a register block. The 64-bit field wins where it is there and not zero ("if this
 * field contains a nonzero value, then the 32-bit field must be ignored"). [ACPI 6.5 §5.2.9] */
static uint16_t fadt_port(const struct table *fadt, size_t offset, size_t extended_offset)
{
    const struct acpi_register extended = fadt_register(fadt, extended_offset);
    uint64_t port = table_u32(fadt, offset);
    if (extended.address != 0 && extended.space == ACPI_SPACE_IO) {
        port = extended.address;
    }
    if (port > UINT16_MAX) {
        log_warn("acpi: register block of the FADT at 0x%llx is no port, ignored",
                 (unsigned long long)port);
        return 0;
    }
    return (uint16_t)port;
}

/* SCI_INT has 16 bits. Where there is no 8259 it would be a global system interrupt [ACPI 6.5
 * §5.2.9]; a machine with fixed hardware and without an 8259 was never met. */
static uint8_t fadt_sci_line(const struct table *fadt)
{
    const uint16_t interrupt = table_u16(fadt, 46);
    if (interrupt >= ACPI_ISA_IRQS) {
        log_warn("acpi: SCI %u is none of the %u lines, ignored", (unsigned)interrupt,
                 (unsigned)ACPI_ISA_IRQS);
        return ACPI_LINE_NONE;
    }
    return (uint8_t)interrupt;
}

static void read_fadt(const struct table *fadt, struct acpi_info *info)
{
    enum { TIMER_32BIT = 1U << 8, RESET_SUPPORTED = 1U << 10, HARDWARE_REDUCED = 1U << 20 };
    /* 116 is the size of revision 1; later fields are looked for one by one. */
    if (info->has_fadt || fadt->length < 116) {
        log_warn("acpi: a second FADT, or one that is too short, skipped");
        return;
    }
    info->has_fadt = true;
    const uint32_t flags = table_u32(fadt, 112);
    const uint64_t extended_dsdt = fadt->length >= 148 ? table_u64(fadt, 140) : 0; /* X_DSDT */
    info->dsdt_address = extended_dsdt != 0 ? extended_dsdt : table_u32(fadt, 40);
    if ((flags & RESET_SUPPORTED) != 0 && fadt->length >= 129) {
        info->reset = fadt_register(fadt, 116);  /* RESET_REG */
        info->reset_value = table_u8(fadt, 128); /* RESET_VALUE */
    }
    info->sleep_control = fadt_register(fadt, 244); /* SLEEP_CONTROL_REG */
    info->sleep_status = fadt_register(fadt, 256);  /* SLEEP_STATUS_REG */
    info->century_register = table_u8(fadt, 108);   /* CENTURY */
    info->hardware_reduced = (flags & HARDWARE_REDUCED) != 0;
    if (info->hardware_reduced) {
        /* The fixed hardware is absent and its fields mean nothing. [ACPI 6.5 §4.1] */
        return;
    }
    info->sci_line = fadt_sci_line(fadt);
    const uint32_t smi_command = table_u32(fadt, 48);
    info->smi_command_port = smi_command <= UINT16_MAX ? (uint16_t)smi_command : 0;
    info->acpi_enable = table_u8(fadt, 52);
    info->pm1a_event_port = fadt_port(fadt, 56, 148);
    info->pm1b_event_port = fadt_port(fadt, 60, 160);
    info->pm1_event_bytes = table_u8(fadt, 88);
    info->pm1a_control_port = fadt_port(fadt, 64, 172);
    info->pm1b_control_port = fadt_port(fadt, 68, 184);
    info->pm_timer_port = fadt_port(fadt, 76, 208);
    info->gpe0_port = fadt_port(fadt, 80, 220);
    info->gpe0_bytes = table_u8(fadt, 92);
    info->pm_timer_32bit = (flags & TIMER_32BIT) != 0;
}

/* ---- MCFG ----------------------------------------------------------------------------------- */

static void read_mcfg(const struct table *mcfg, struct acpi_info *info)
{
    const size_t first = 44; /* the header and eight reserved bytes */
    const size_t entry = 16;
    for (size_t at = first; at + entry <= mcfg->length && !info->has_ecam; at += entry) {
        const uint16_t segment = table_u16(mcfg, at + 8);
        const uint8_t bus_first = table_u8(mcfg, at + 10);
        const uint8_t bus_last = table_u8(mcfg, at + 11);
        if (segment == 0 && bus_first <= bus_last && table_u64(mcfg, at) != 0) {
            info->has_ecam = true;
            info->ecam_base = table_u64(mcfg, at);
            info->ecam_bus_first = bus_first;
            info->ecam_bus_last = bus_last;
        }
    }
    if (!info->has_ecam) {
        log_warn("acpi: the MCFG describes no bus of segment 0");
    }
}

/* ---- RSDP and root table ----------------------------------------------------------------------
 */

struct root {
    struct table table;
    size_t entry_bytes; /* 8 in an XSDT, 4 in an RSDT */
};

static bool open_root(const struct table *rsdp, acpi_map_fn *map, struct root *root)
{
    if (rsdp->length >= HEADER_BYTES) {
        root->entry_bytes = 8;
        if (open_table(table_u64(rsdp, 24), map, "XSDT", &root->table)) {
            return true;
        }
    }
    root->entry_bytes = 4;
    return open_table(table_u32(rsdp, 16), map, "RSDT", &root->table);
}

/* The 20 bytes of ACPI 1.0 come first; from revision 2 on a longer structure with a second
 * checksum. If only the second part is damaged the first still leads to an RSDT. [§5.2.5.3] */
static bool open_rsdp(paddr_t address, acpi_map_fn *map, struct table *rsdp)
{
    enum { OLD_BYTES = 20, NEW_BYTES = 36, SANE_BYTES = 4096 };
    rsdp->length = OLD_BYTES;
    rsdp->bytes = address != 0 ? map(address, OLD_BYTES) : NULL;
    if (rsdp->bytes == NULL || memcmp(rsdp->bytes, "RSD PTR ", 8) != 0 ||
        !sum_is_zero(rsdp->bytes, OLD_BYTES)) {
        log_warn("acpi: no RSDP at 0x%llx", (unsigned long long)address);
        return false;
    }
    if (table_u8(rsdp, 15) < 2) { /* Revision */
        return true;
    }
    const struct table longer = { map(address, NEW_BYTES), NEW_BYTES };
    const size_t length = longer.bytes != NULL ? table_u32(&longer, 20) : 0;
    const uint8_t *const whole =
        length >= NEW_BYTES && length <= SANE_BYTES ? map(address, length) : NULL;
    if (whole == NULL || !sum_is_zero(whole, length)) {
        log_warn("acpi: the extended part of the RSDP is damaged, the RSDT is used");
        return true;
    }
    *rsdp = (struct table){ whole, length };
    return true;
}

/* Tables of other kinds are of no use here. The readers take the first MADT, FADT and MCFG, for
 * only an SSDT may come more than once. [ACPI 6.5 §5.2.6] */
static void read_entry(paddr_t address, acpi_map_fn *map, struct acpi_info *info)
{
    static const struct {
        const char *signature;
        void (*read)(const struct table *table, struct acpi_info *info);
    } readers[] = { { "APIC", read_madt },
                    { "FACP", read_fadt },
                    { "MCFG", read_mcfg },
                    { "SSDT", acpi_s5_find } };
    char signature[4];
    if (!read_signature(address, map, signature)) {
        log_warn("acpi: the table at 0x%llx is not readable", (unsigned long long)address);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
        struct table table;
        if (memcmp(signature, readers[i].signature, sizeof signature) == 0 &&
            open_table(address, map, readers[i].signature, &table)) {
            readers[i].read(&table, info);
        }
    }
}

static void set_defaults(struct acpi_info *info)
{
    memset(info, 0, sizeof *info);
    info->sci_line = ACPI_LINE_NONE;
    for (uint32_t irq = 0; irq < ACPI_ISA_IRQS; irq++) {
        info->isa_irqs[irq].gsi = irq;
    }
}

err_t acpi_parse(paddr_t rsdp_address, acpi_map_fn *map, struct acpi_info *info)
{
    ASSERT(map != NULL);
    ASSERT(info != NULL);
    set_defaults(info);
    struct table rsdp;
    if (!open_rsdp(rsdp_address, map, &rsdp)) {
        return ERR_INVALID;
    }
    memcpy(info->oem_id, rsdp.bytes + 9, 6);
    struct root root;
    if (!open_root(&rsdp, map, &root)) {
        return ERR_INVALID;
    }
    size_t count = (root.table.length - HEADER_BYTES) / root.entry_bytes;
    if (count > ACPI_TABLES_MAX) {
        log_warn("acpi: %zu tables, only ACPI_TABLES_MAX are read", count);
        count = ACPI_TABLES_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t at = HEADER_BYTES + i * root.entry_bytes;
        read_entry(table_field(&root.table, at, root.entry_bytes), map, info);
    }
    struct table dsdt;
    if (info->dsdt_address != 0 && open_table(info->dsdt_address, map, "DSDT", &dsdt)) {
        acpi_s5_find(&dsdt, info);
        acpi_devices_find(&dsdt, info);
        acpi_pci_find(&dsdt, info);
    }
    return OK;
}
