/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drivers/virtio/virtio_pci.c: which functions are virtio devices, how one is attached, and when it
 * is gone. Its capabilities are in test_virtio_pci_caps.c, its registers in test_virtio_pci_ops.c.
 */
#include <string.h>

#include "base/log.h"
#include "tests/fakes/fake_seams.h"
#include "tests/unit/virtio_pci_fixture.h"

static struct fake_virtio_pci *const fake = &fake_virtio_pci;

/* ---- who is a virtio device ---- */

static void virtio_4_1_2_2_modern_and_transitional_ids_match(void **state)
{
    (void)state;
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1045), VIRTIO_ID_BALLOON);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1002), VIRTIO_ID_BALLOON);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1044), VIRTIO_ID_ENTROPY);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1005), VIRTIO_ID_ENTROPY);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1003), VIRTIO_ID_CONSOLE);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x107f), 0x3f);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1080), 0);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1001), 0);
    assert_int_equal(virtio_pci_device_id(0x1af5, 0x1045), 0);
}

static void virtio_4_1_2_2_any_revision_attaches(void **state)
{
    static const uint8_t revisions[] = { 0, 1, 255 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(revisions); i++) {
        fake_virtio_pci_reset(BALLOON_MODERN, true, false);
        fake->function->config[PCI_CLASS] = revisions[i];
        assert_int_equal(attach(), OK);
    }
}

static void a_transitional_device_is_used_through_its_capabilities(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, true, false);
    assert_int_equal(attach(), OK);
    assert_int_equal(vp.dev.device_id, VIRTIO_ID_BALLOON);
    assert_int_equal(fake_pci_get(fake->function, PCI_COMMAND, 2),
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void virtio_4_1_5_1_1_1_a_legacy_only_device_fails_gracefully(void **state)
{
    unsigned logged = fake_seams.log_lines[LOG_ERROR];

    (void)state;
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, false);
    assert_int_equal(attach(), ERR_UNSUPPORTED);
    assert_int_equal(fake_seams.log_lines[LOG_ERROR], logged + 1);
    assert_non_null(strstr(fake_seams.last_log, "legacy"));
    assert_int_equal(fake->maps, 0);
}

static void other_functions_are_left_alone(void **state)
{
    (void)state;
    fake_virtio_pci_reset(0x1000, true, false);
    assert_int_equal(attach(), ERR_UNSUPPORTED);
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    fake_pci_make_bridge(fake->function, 1);
    assert_int_equal(attach(), ERR_UNSUPPORTED);
    assert_int_equal(fake->maps, 0);
}

/* ---- attaching ---- */

static void bars_the_firmware_left_out_are_placed(void **state)
{
    struct pci_window window = { .next = 0xd0000001, .end = 0xd0100000 };

    (void)state;
    fake_pci_set_bar(fake->function, 4, 0, FAKE_VIRTIO_PCI_BAR_BYTES, PCI_BAR_TYPE_64 | 8);
    assert_int_equal(attach(), ERR_NOMEM);
    env.window = &window;
    fake->bar_base = 0xd0004000;
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vp.dev, 0, 0), OK);
    assert_int_equal(fake_pci_get(fake->function, PCI_BAR(4), 4), 0xd000400c);
    assert_int_equal(fake_pci_get(fake->function, PCI_COMMAND, 2),
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void a_mapping_that_fails_is_reported(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        fake_virtio_pci_reset(BALLOON_MODERN, true, false);
        fake->map_fails_at = n;
        assert_int_equal(attach(), ERR_NOMEM);
    }
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    fake->map_fails_at = 5;
    assert_int_equal(attach(), OK);
}

/* ---- unplugged ---- */

static void a_function_that_left_is_gone_and_so_is_one_that_was_replaced(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vp.dev, 0, 0), OK);
    assert_false(vp.dev.ops->gone(&vp.dev));
    /* Another one has its address, with a command register as after power on. */
    fake_pci_set(fake->function, PCI_COMMAND, 2, 0);
    assert_true(vp.dev.ops->gone(&vp.dev));
    fake_pci_reset();
    assert_true(vp.dev.ops->gone(&vp.dev));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pci_setup, pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_4_1_2_2_modern_and_transitional_ids_match),
        CASE(virtio_4_1_2_2_any_revision_attaches),
        CASE(a_transitional_device_is_used_through_its_capabilities),
        CASE(virtio_4_1_5_1_1_1_a_legacy_only_device_fails_gracefully),
        CASE(other_functions_are_left_alone),
        CASE(bars_the_firmware_left_out_are_placed),
        CASE(a_mapping_that_fails_is_reported),
        CASE(a_function_that_left_is_gone_and_so_is_one_that_was_replaced),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio_pci.c", tests, NULL, NULL);
}
