/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtio_pci_caps.c: which capability is used for what, and which are passed over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtio_pci.h"
#include "tests/fakes/fake_virtio_pci.h"

static struct pci_bar bars[PCI_BARS] = {
    [0] = { .base = 0xc000, .size = 0x40, .io = true },
    [2] = { .base = 0xfd000000, .size = 0x2000 },
    [4] = { .base = 0xfe000000, .size = 0x4000, .is_64 = true },
};

static struct virtio_pci_layout layout;

/* An empty function for capabilities of the test's own. */
static struct fake_pci_function *empty(void)
{
    fake_pci_reset();
    return fake_pci_add(0, 3, 0, VIRTIO_PCI_VENDOR, 0x1045);
}

static void add_isr_and_notify(struct fake_pci_function *f)
{
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_ISR, 4, 0x1000, 1, 0);
    fake_virtio_pci_add_cap(f, 20, VIRTIO_PCI_CAP_NOTIFY, 4, 0x3000, 0x1000, 4);
}

static err_t read_layout(const struct fake_pci_function *f)
{
    return virtio_pci_layout_read(&fake_pci, f->address, bars, &layout);
}

static void virtio_4_1_4_1_the_first_usable_instance_is_used(void **state)
{
    struct fake_pci_function *f = empty();

    (void)state;
    add_isr_and_notify(f);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 0, 0, 0x38, 0); /* I/O space */
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 2, 0x100, 0x38, 0);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x1000, 0);
    assert_int_equal(read_layout(f), OK);
    assert_int_equal(layout.common.bar, 2);
    assert_int_equal(layout.common.offset, 0x100);
    assert_int_equal(layout.common.bytes, 0x38);
    assert_int_equal(layout.notify.offset, 0x3000);
    assert_int_equal(layout.notify_multiplier, 4);
    assert_int_equal(layout.isr.bytes, 1);
    assert_false(layout.device.present);
}

static void virtio_4_1_4_1_reserved_types_and_bars_are_ignored(void **state)
{
    struct fake_pci_function *f = empty();

    (void)state;
    add_isr_and_notify(f);
    fake_virtio_pci_add_cap(f, 16, 0, 4, 0, 0x1000, 0);
    fake_virtio_pci_add_cap(f, 16, 77, 4, 0, 0x1000, 0);
    fake_virtio_pci_add_cap(f, 16, 5, 4, 0, 0, 0);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 6, 0, 0x1000, 0);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 255, 0, 0x1000, 0);
    assert_int_equal(read_layout(f), ERR_INVALID);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x1000, 0);
    assert_int_equal(read_layout(f), OK);
}

static void virtio_4_1_4_1_longer_capabilities_are_accepted(void **state)
{
    struct fake_pci_function *f = empty();

    (void)state;
    add_isr_and_notify(f);
    fake_virtio_pci_add_cap(f, 200, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x4000, 0);
    assert_int_equal(read_layout(f), OK);
}

/* Each line is one way to be unusable. */
static void capabilities_that_cannot_be_right_are_passed_over(void **state)
{
    static const struct {
        uint8_t cap_len, type, bar;
        uint32_t offset, bytes, multiplier;
    } bad[] = {
        { 15, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x38, 0 }, /* short */
        { 0, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x38, 0 },
        { 16, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x37, 0 },          /* too small a structure */
        { 16, VIRTIO_PCI_CAP_COMMON, 4, 2, 0x38, 0 },          /* not aligned */
        { 16, VIRTIO_PCI_CAP_COMMON, 4, 0x3fcc, 0x38, 0 },     /* leaves the BAR */
        { 16, VIRTIO_PCI_CAP_COMMON, 4, 0xfffffffc, 0x38, 0 }, /* wraps in 32 bits */
        { 16, VIRTIO_PCI_CAP_COMMON, 4, 0x38, 0xfffffff0, 0 },
        { 16, VIRTIO_PCI_CAP_COMMON, 1, 0, 0x38, 0 }, /* no such BAR */
        { 16, VIRTIO_PCI_CAP_COMMON, 5, 0, 0x38, 0 }, /* half of a BAR */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct fake_pci_function *f = empty();

        add_isr_and_notify(f);
        fake_virtio_pci_add_cap(f, bad[i].cap_len, bad[i].type, bad[i].bar, bad[i].offset,
                                bad[i].bytes, bad[i].multiplier);
        assert_int_equal(read_layout(f), ERR_INVALID);
        assert_false(layout.common.present);
    }
}

static void a_notify_capability_needs_its_multiplier(void **state)
{
    struct fake_pci_function *f = empty();

    (void)state;
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x1000, 0);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_ISR, 4, 0x1000, 1, 0);
    fake_virtio_pci_add_cap(f, 16, VIRTIO_PCI_CAP_NOTIFY, 4, 0x3000, 0x1000, 4); /* short */
    fake_virtio_pci_add_cap(f, 20, VIRTIO_PCI_CAP_NOTIFY, 4, 0x3000, 0x1000, 3); /* odd */
    assert_int_equal(read_layout(f), ERR_INVALID);
    fake_virtio_pci_add_cap(f, 20, VIRTIO_PCI_CAP_NOTIFY, 4, 0x3000, 2, 0);
    assert_int_equal(read_layout(f), OK);
    assert_int_equal(layout.notify_multiplier, 0);
}

static void a_capability_at_the_end_of_the_space_is_not_read_past_it(void **state)
{
    struct fake_pci_function *f = empty();

    (void)state;
    add_isr_and_notify(f);
    f->config[f->cap_last] = 0xf4; /* 12 bytes are left */
    f->config[0xf4] = PCI_CAP_VENDOR;
    f->config[0xf6] = 16;
    f->config[0xf7] = VIRTIO_PCI_CAP_COMMON;
    assert_int_equal(read_layout(f), ERR_INVALID); /* the fake asserts on reads past 256 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtio_4_1_4_1_the_first_usable_instance_is_used),
        cmocka_unit_test(virtio_4_1_4_1_reserved_types_and_bars_are_ignored),
        cmocka_unit_test(virtio_4_1_4_1_longer_capabilities_are_accepted),
        cmocka_unit_test(capabilities_that_cannot_be_right_are_passed_over),
        cmocka_unit_test(a_notify_capability_needs_its_multiplier),
        cmocka_unit_test(a_capability_at_the_end_of_the_space_is_not_read_past_it),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio_pci_caps.c", tests, NULL, NULL);
}
