/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A machine's ACPI tables, made by hand in a small memory, for the tests of their readers. Every
 * map call hands out an exact copy on the heap, so that a read behind the asked-for bytes is an
 * ASan error.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/log.h"
#include "kernel/acpi_tables.h"
#include "tests/fakes/fake_seams.h"

/* Odd addresses: nothing promises alignment. */
#define BASE    0x7f000001U
#define RSDP_AT 0x000U
#define RSDT_AT 0x100U
#define XSDT_AT 0x301U
#define MADT_AT 0x803U
#define FADT_AT 0xa05U
#define MCFG_AT 0xc07U
#define DSDT_AT 0xd09U
#define SSDT_AT 0xe0bU

static uint8_t memory[0x1000];
static void *copies[512];
static size_t copy_count;
static struct acpi_info info;

static inline const void *map(paddr_t address, size_t bytes)
{
    if (address < BASE || address - BASE > sizeof memory ||
        bytes > sizeof memory - (address - BASE)) {
        return NULL;
    }
    assert_true(copy_count < ARRAY_SIZE(copies));
    void *const copy = malloc(bytes);
    assert_non_null(copy);
    copies[copy_count++] = memcpy(copy, memory + (address - BASE), bytes);
    return copy;
}

static inline err_t parse(void)
{
    fake_seams.log_lines[LOG_WARN] = 0;
    memset(&info, 0xa5, sizeof info);
    const err_t err = acpi_parse(BASE + RSDP_AT, map, &info);
    while (copy_count > 0) {
        free(copies[--copy_count]);
    }
    return err;
}

static inline unsigned warnings(void)
{
    return fake_seams.log_lines[LOG_WARN];
}

static inline void put(size_t at, uint64_t value, size_t bytes)
{
    assert_true(at + bytes <= sizeof memory);
    memcpy(memory + at, &value, bytes);
}

static inline void put_sum(size_t at, size_t length, size_t sum_at)
{
    memory[sum_at] = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + memory[at + i]);
    }
    memory[sum_at] = (uint8_t)-sum;
}

static inline size_t length_of(size_t at)
{
    uint32_t length = 0;
    memcpy(&length, memory + at + 4, sizeof length);
    return length;
}

/* Give the table its length and its checksum. */
static inline void close_table(size_t at, const char *signature, size_t length)
{
    memcpy(memory + at, signature, 4);
    put(at + 4, length, 4);
    put_sum(at, length, at + 9);
}

static inline void close_rsdp(void)
{
    put_sum(RSDP_AT, 20, RSDP_AT + 8);
    put_sum(RSDP_AT, 36, RSDP_AT + 32);
}

static inline void put_bytes(size_t at, const uint8_t *bytes, size_t count)
{
    assert_true(at + count <= sizeof memory);
    memcpy(memory + at, bytes, count);
}

static inline void make_madt(void)
{
    static const uint8_t entries[] = {
        0, 8,  0,    0,  1,  0,    0,    0, /* enabled */
        0, 8,  1,    1,  1,  0,    0,    0, /* enabled */
        0, 8,  2,    2,  2,  0,    0,    0, /* may be switched on later */
        9, 16, 0,    0,  9,  0,    0,    0,    1,    0, 0, 0, 9, 0, 0, 0, /* x2APIC, enabled */
        1, 12, 0,    0,  0,  0,    0xc0, 0xfe, 0,    0, 0, 0, /* I/O APIC at 0xfec00000 */
        2, 10, 0,    0,  2,  0,    0,    0,    0,    0,       /* IRQ 0 is GSI 2, bus defaults */
        2, 10, 0,    9,  9,  0,    0,    0,    0x0d, 0,       /* IRQ 9 level, active high */
        2, 10, 0,    11, 21, 0,    0,    0,    0x0f, 0,       /* IRQ 11 is GSI 21, level, low */
        4, 6,  0xff, 0,  0,  1,                               /* NMI: of no use here */
        1, 12, 1,    0,  0,  0x10, 0xc0, 0xfe, 24,   0, 0, 0, /* second I/O APIC */
    };
    put(MADT_AT + 36, 0xfee00000, 4);
    put_bytes(MADT_AT + 44, entries, sizeof entries);
    close_table(MADT_AT, "APIC", 44 + sizeof entries);
}

static inline void make_fadt(void)
{
    put(FADT_AT + 40, BASE + DSDT_AT, 4);
    put(FADT_AT + 46, 9, 2);
    put(FADT_AT + 108, 0x32, 1);
    put(FADT_AT + 48, 0xb2, 4);
    put(FADT_AT + 52, 2, 1);
    put(FADT_AT + 56, 0x600, 4);
    put(FADT_AT + 64, 0x604, 4);
    put(FADT_AT + 76, 0x608, 4);
    put(FADT_AT + 80, 0x620, 4);
    put(FADT_AT + 88, 4, 1);
    put(FADT_AT + 92, 16, 1);
    put(FADT_AT + 112, 1U << 8 | 1U << 10, 4);
    put(FADT_AT + 116, 1, 1); /* RESET_REG: I/O, 8 bits, port 0xcf9 */
    put(FADT_AT + 120, 0xcf9, 8);
    put(FADT_AT + 128, 0x0f, 1);
    close_table(FADT_AT, "FACP", 276);
}

static const uint8_t s5_name[] = { 0x08, '_',  'S',  '5',  '_',  0x12, 0x07,
                                   0x04, 0x0a, 0x05, 0x01, 0x00, 0x00 };

static inline void make_aml(size_t at, const char *signature, const uint8_t *aml, size_t bytes)
{
    memset(memory + at + 36, 0xff, 0xb0);
    put_bytes(at + 36 + 20, aml, bytes);
    close_table(at, signature, 36 + 20 + bytes + 20);
}

static inline void make_roots(void)
{
    memcpy(memory + RSDP_AT, "RSD PTR \0BOCHS \2", 16);
    put(RSDP_AT + 16, BASE + RSDT_AT, 4);
    put(RSDP_AT + 20, 36, 4);
    put(RSDP_AT + 24, BASE + XSDT_AT, 8);
    close_rsdp();
    const uint32_t tables[] = { MADT_AT, FADT_AT, MCFG_AT };
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        put(XSDT_AT + 36 + 8 * i, BASE + tables[i], 8);
        put(RSDT_AT + 36 + 4 * i, BASE + tables[i], 4);
    }
    close_table(XSDT_AT, "XSDT", 36 + 8 * ARRAY_SIZE(tables));
    close_table(RSDT_AT, "RSDT", 36 + 4 * ARRAY_SIZE(tables));
}

static inline int make_machine(void **state)
{
    (void)state;
    memset(memory, 0, sizeof memory);
    make_roots();
    make_madt();
    make_fadt();
    put(MCFG_AT + 44, 0xb0000000, 8);
    put(MCFG_AT + 55, 255, 1);
    close_table(MCFG_AT, "MCFG", 60);
    make_aml(DSDT_AT, "DSDT", s5_name, sizeof s5_name);
    return 0;
}
