/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/pci/pci_msix.c: tables of vectors, inside their BAR and not, on a machine of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/pci/pci_msix.h"
#include "tests/fakes/fake_pci.h"

#define TABLE_BAR_BASE 0xfe000000U

static uint32_t table[64]; /* behind BAR 1, from offset 0x800 */
static size_t mapped_bytes;
static bool map_fails;

static void *map_table(paddr_t address, size_t bytes)
{
    assert_int_equal(address, TABLE_BAR_BASE + 0x800);
    mapped_bytes = bytes;
    return map_fails ? NULL : table;
}

static struct fake_pci_function *add_msix(unsigned vectors, uint32_t table_field)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    uint8_t body[10] = { (uint8_t)(vectors - 1), (uint8_t)((vectors - 1) >> 8) };
    uint8_t cap;

    memset(table, 0, sizeof(table));
    map_fails = false;
    memcpy(body + 2, &table_field, 4);
    cap = fake_pci_add_cap(f, PCI_CAP_MSIX, body, sizeof(body));
    f->writable[cap + 3] = 0xc0;
    fake_pci_set_bar(f, 1, TABLE_BAR_BASE, 0x1000, PCI_BAR_TYPE_32);
    return f;
}

static err_t open_msix(struct pci_msix *msix, const struct fake_pci_function *f, unsigned wanted)
{
    struct pci_bar bars[PCI_BARS];

    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    return pci_msix_open(msix, &fake_pci, &mmio_direct, f->address, bars, wanted, map_table);
}

static void msix_vectors_are_programmed_and_enabled(void **state)
{
    struct fake_pci_function *f = add_msix(3, 0x800 | 1);
    struct pci_msix msix;

    (void)state;
    assert_int_equal(open_msix(&msix, f, 2), OK);
    assert_int_equal(msix.vectors, 2);
    assert_int_equal(mapped_bytes, 32);
    assert_int_equal(f->config[0x43], 0xc0); /* on, all masked */
    assert_int_equal(table[3] & 1, 1);
    assert_int_equal(table[7] & 1, 1);
    table[7] |= 0xabcd0000; /* reserved bits are kept */
    pci_msix_program(&msix, 1, UINT64_C(0x1fee01000), 0x4041);
    assert_int_equal(table[4], 0xfee01000);
    assert_int_equal(table[5], 1);
    assert_int_equal(table[6], 0x4041);
    assert_int_equal(table[7], 0xabcd0000);
    assert_int_equal(fake_pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF, 0);
    pci_msix_enable(&msix);
    assert_int_equal(f->config[0x43], 0x80);
    assert_int_equal(fake_pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF, PCI_COMMAND_INTX_OFF);
    pci_msix_mask(&msix, 1, true);
    assert_int_equal(table[7], 0xabcd0001);
    pci_msix_close(&msix);
    assert_int_equal(f->config[0x43], 0);
    assert_int_equal(fake_pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF, 0);
}

static void virtio_4_1_5_1_2_2_any_msix_table_size_is_accepted(void **state)
{
    struct pci_msix msix;

    (void)state;
    assert_int_equal(open_msix(&msix, add_msix(1, 0x801), 2), OK);
    assert_int_equal(msix.vectors, 1);
    fake_pci_reset();
    assert_int_equal(open_msix(&msix, add_msix(128, 0x801), 2), OK);
    assert_int_equal(msix.vectors, 2);
}

static void an_msix_table_outside_its_bar_is_invalid(void **state)
{
    static const uint32_t bad[] = { 0x1001, 0xff8 | 1, 0x802, 0x806, 0x807, 0xfffffff9 };
    struct pci_msix msix;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fake_pci_reset();
        assert_int_equal(open_msix(&msix, add_msix(2, bad[i]), 2), ERR_INVALID);
    }
}

static void msix_needs_capability_and_mapping(void **state)
{
    struct pci_msix msix;
    struct fake_pci_function *f;

    (void)state;
    assert_int_equal(open_msix(&msix, fake_pci_add(0, 1, 0, 1, 1), 2), ERR_UNSUPPORTED);
    fake_pci_reset();
    f = add_msix(2, 0x801);
    map_fails = true;
    assert_int_equal(open_msix(&msix, f, 2), ERR_NOMEM);
    assert_int_equal(f->config[0x43], 0);
    /* A capability whose end lies outside the configuration space. */
    f->config[PCI_CAPABILITIES] = 0xfc;
    f->config[0xfc] = PCI_CAP_MSIX;
    assert_int_equal(open_msix(&msix, f, 2), ERR_INVALID);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fake_pci_setup, fake_pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(msix_vectors_are_programmed_and_enabled),
        CASE(virtio_4_1_5_1_2_2_any_msix_table_size_is_accepted),
        CASE(an_msix_table_outside_its_bar_is_invalid),
        CASE(msix_needs_capability_and_mapping),
    };

    return cmocka_run_group_tests_name("drivers/pci/pci_msix.c", tests, NULL, NULL);
}
