/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/pci/pci_caps.c: lists of capabilities, whole and broken, on a machine made of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fakes/fake_pci.h"

static void capabilities_come_in_list_order(void **state)
{
    static const uint8_t body[10];
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_address at = f->address;
    struct pci_cap caps[PCI_CAPS_MAX];

    (void)state;
    assert_int_equal(pci_caps_list(&fake_pci, at, caps), 0);
    fake_pci_add_cap(f, 9, body, 10);
    fake_pci_add_cap(f, 5, body, 2);
    fake_pci_add_cap(f, 9, body, 10);
    assert_int_equal(pci_caps_list(&fake_pci, at, caps), 3);
    assert_int_equal(caps[0].id, 9);
    assert_int_equal(caps[0].offset, 0x40);
    assert_int_equal(caps[1].id, 5);
    assert_int_equal(caps[1].offset, 0x4c);
    assert_int_equal(caps[2].offset, 0x50);
    assert_int_equal(pci_cap_find(&fake_pci, at, 9), 0x40);
    assert_int_equal(pci_cap_find(&fake_pci, at, 5), 0x4c);
    assert_int_equal(pci_cap_find(&fake_pci, at, 0x11), 0);
    /* The status bit rules, whatever the pointer says. */
    f->config[PCI_STATUS] = 0;
    assert_int_equal(pci_caps_list(&fake_pci, at, caps), 0);
}

static void reserved_bits_of_a_capability_pointer_are_masked(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_cap caps[PCI_CAPS_MAX];

    (void)state;
    fake_pci_add_cap(f, 9, "", 1);
    f->config[PCI_CAPABILITIES] |= 3;
    assert_int_equal(pci_caps_list(&fake_pci, f->address, caps), 1);
    assert_int_equal(caps[0].offset, 0x40);
}

static void capability_loops_end(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_cap caps[PCI_CAPS_MAX];

    (void)state;
    fake_pci_add_cap(f, 1, "", 1);
    fake_pci_add_cap(f, 2, "", 1);
    f->config[0x45] = 0x40;
    assert_int_equal(pci_caps_list(&fake_pci, f->address, caps), 2);
    f->config[0x41] = 0x40; /* points to itself */
    assert_int_equal(pci_caps_list(&fake_pci, f->address, caps), 1);
    f->config[0x41] = 0x10; /* into the header */
    assert_int_equal(pci_caps_list(&fake_pci, f->address, caps), 1);
}

static void the_longest_list_fits(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_cap caps[PCI_CAPS_MAX];

    (void)state;
    for (unsigned i = 0; i < PCI_CAPS_MAX; i++) {
        fake_pci_add_cap(f, 7, "", 1);
    }
    assert_int_equal(pci_caps_list(&fake_pci, f->address, caps), PCI_CAPS_MAX);
    f->config[0xfd] = 0x40;
    assert_int_equal(pci_caps_list(&fake_pci, f->address, caps), PCI_CAPS_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fake_pci_setup, fake_pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(capabilities_come_in_list_order),
        CASE(reserved_bits_of_a_capability_pointer_are_masked),
        CASE(capability_loops_end),
        CASE(the_longest_list_fits),
    };

    return cmocka_run_group_tests_name("drivers/pci/pci_caps.c", tests, NULL, NULL);
}
