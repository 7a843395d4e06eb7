/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtio_pci_legacy.c: which interface is chosen, and the legacy one's ports. */
#include <string.h>

#include "base/log.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtio_legacy.h"
#include "tests/unit/virtio_pci_fixture.h"

static struct fake_virtio_legacy *const fake = &fake_virtio_legacy;

static int setup(void **state)
{
    int result = pci_setup(state);

    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, false);
    fake_virtio_legacy_reset();
    env.ports = &fake_virtio_legacy_ports;
    return result;
}

static void begin(void)
{
    assert_int_equal(attach(), OK);
    assert_true(vp.dev.legacy);
    assert_int_equal(virtio_begin(&vp.dev, VIRTIO_F_EVENT_IDX, 0), OK);
    fake->log[0] = '\0';
}

static err_t start(uint16_t index)
{
    return queue_start_at(&vp.dev, index, 128, QUEUE_ADDRESS);
}

static void attach_with_vectors(unsigned vectors)
{
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, true);
    fake_virtio_legacy_reset();
    env.msix_vector = msix_vector;
    vectors_left = vectors;
    begin();
}

/* ---- which interface ---- */

static void virtio_4_1_5_1_1_1_without_capabilities_the_legacy_interface_is_used(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    assert_true(vp.dev.legacy);
    assert_int_equal(vp.dev.device_id, VIRTIO_ID_BALLOON);
    assert_int_equal(fake_pci_get(fake_virtio_pci.function, PCI_COMMAND, 2),
                     PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(fake_virtio_pci.maps, 0);
}

static void virtio_4_1_2_2_usable_capabilities_are_preferred(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, true, false);
    assert_int_equal(attach(), OK);
    assert_false(vp.dev.legacy);
}

static void capabilities_that_lead_nowhere_leave_the_legacy_interface(void **state)
{
    (void)state;
    /* In an I/O BAR; without a mapping; without a place. */
    fake_virtio_pci_add_cap(fake_virtio_pci.function, 16, VIRTIO_PCI_CAP_COMMON, 0, 0, 0x38, 0);
    assert_int_equal(attach(), OK);
    assert_true(vp.dev.legacy);
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, true, false);
    fake_virtio_pci.map_fails_at = 2;
    assert_int_equal(attach(), OK);
    assert_true(vp.dev.legacy);
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, true, false);
    fake_pci_set_bar(fake_virtio_pci.function, 4, 0, FAKE_VIRTIO_PCI_BAR_BYTES,
                     PCI_BAR_TYPE_64 | 8);
    assert_int_equal(attach(), OK);
    assert_true(vp.dev.legacy);
    assert_int_equal(virtio_begin(&vp.dev, 0, 0), OK);
}

static void a_modern_id_has_no_legacy_interface(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_MODERN, false, false);
    assert_int_equal(attach(), ERR_UNSUPPORTED);
}

static void ports_that_are_missing_or_impossible_are_not_used(void **state)
{
    static const struct {
        uint32_t base, size, flags;
    } bad[] = {
        { 0, 0x40, PCI_BAR_IO },
        { 0xc000, 0x10, PCI_BAR_IO },
        { 0x20000, 0x40, PCI_BAR_IO },
        { 0xfd000000, 0x40, 0 },
    };
    unsigned logged = fake_seams.log_lines[LOG_ERROR];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, false);
        fake_pci_set_bar(fake_virtio_pci.function, 0, bad[i].base, bad[i].size, bad[i].flags);
        assert_int_equal(attach(), ERR_UNSUPPORTED);
    }
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, false);
    env.ports = NULL;
    assert_int_equal(attach(), ERR_UNSUPPORTED);
    assert_int_equal(fake_seams.log_lines[LOG_ERROR], logged + ARRAY_SIZE(bad) + 1);
}

/* ---- the ports ---- */

static void virtio_3_1_2_the_life_cycle_has_no_features_ok(void **state)
{
    (void)state;
    fake->offered = (uint32_t)(VIRTIO_F_EVENT_IDX | VIRTIO_F_ANY_LAYOUT) | 1U << 30;
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vp.dev, VIRTIO_F_EVENT_IDX, 0), OK);
    assert_int_equal(fake->accepted, VIRTIO_F_EVENT_IDX | VIRTIO_F_ANY_LAYOUT);
    virtio_ready(&vp.dev);
    assert_string_equal(fake->log, "18=0 18=1 18=3 4=28000000 18=7");
    assert_int_equal(virtio_stop(&vp.dev), OK);
}

static void virtio_2_7_2_a_queue_is_one_page_number_and_the_devices_size(void **state)
{
    (void)state;
    begin();
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->pfn[1], 0x123456);
    assert_int_equal(vq.size, 128);
    assert_int_equal(vq.used_address % FRAME_SIZE, 0);
    assert_int_equal(virtio_stop(&vp.dev), OK);
    assert_int_equal(fake->pfn[1], 0);
}

static void queues_end_where_the_sizes_do(void **state)
{
    (void)state;
    begin();
    assert_int_equal(vp.dev.ops->queue_count(&vp.dev), 3);
    assert_int_equal(start(3), ERR_UNSUPPORTED);
    fake->queue_size[1] = 0;
    assert_int_equal(start(1), ERR_UNSUPPORTED);
    fake->queue_size[0] = 100; /* no power of two */
    assert_int_equal(start(0), ERR_UNSUPPORTED);
}

static void a_queue_in_use_or_of_another_size_is_a_device_fault(void **state)
{
    struct virtq other = { .index = 1, .size = 64, .desc_address = 0x1000, .used_address = 0x2000 };

    (void)state;
    begin();
    fake->pfn[0] = 7;
    assert_int_equal(start(0), ERR_DEVICE);
    assert_int_equal(fake->pfn[0], 7);
    assert_int_equal(vp.dev.ops->queue_enable(&vp.dev, &other), ERR_DEVICE);
    assert_int_equal(fake->pfn[1], 0);
}

static void a_queue_beyond_16_tib_or_at_0_is_refused(void **state)
{
    (void)state;
    begin();
    queue_needs_a_page_number(&vp.dev, 128);
    assert_int_equal(fake->pfn[0], 0);
}

static void a_notification_is_the_queues_index(void **state)
{
    (void)state;
    begin();
    assert_int_equal(start(2), OK);
    queue_kick(&vp.dev);
    assert_int_equal(fake->notified, 1);
    assert_int_equal(fake->notify_value, 2);
}

/* ---- configuration, which moves ---- */

static void virtio_4_1_4_10_configuration_is_at_20_without_msix(void **state)
{
    (void)state;
    begin();
    fake->config[0] = 0x78;
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 0), 0x78); /* the fake asserts where */
    /* `actual` in one access of four bytes [VIRTIO 1.4 §5.5.6.2.1], little endian
     * [VIRTIO 1.4 §5.5.4.0.0.1]; the fake takes no other. */
    vp.dev.ops->config_write32(&vp.dev, 4, 0xaabbccdd);
    assert_int_equal(fake->config[4], 0xdd);
    assert_int_equal(fake->config[7], 0xaa);
    assert_int_equal(vp.dev.ops->config_generation(&vp.dev), 0);
}

static void virtio_4_1_4_10_configuration_is_at_24_with_msix_and_moves_back(void **state)
{
    (void)state;
    attach_with_vectors(2);
    assert_true(virtio_pci_uses_msix(&vp));
    fake->config[0] = 0x78;
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 0), 0x78);
    fake->refuses_queue_vector = true;
    assert_int_equal(start(0), OK);
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 0), 0x78);
}

static void configuration_beyond_the_ports_reads_as_zero(void **state)
{
    (void)state;
    begin();
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 0x40 - 20), 0);
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 0xfffffffc), 0);
    vp.dev.ops->config_write32(&vp.dev, 0x40 - 20, 1);
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, false);
    fake_pci_set_bar(fake_virtio_pci.function, 0, 0xc000, 0x20, PCI_BAR_IO);
    begin();
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 8), 0);
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 12), 0);
}

/* ---- interrupts ---- */

static void the_isr_says_why_and_is_not_read_with_msix(void **state)
{
    (void)state;
    begin();
    fake->isr = 0xff;
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev),
                     VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev), 0);
    attach_with_vectors(2);
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev),
                     VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
    assert_int_equal(fake->isr_reads, 0);
}

static void vectors_are_bound_and_read_back(void **state)
{
    (void)state;
    attach_with_vectors(2);
    assert_int_equal(fake->config_vector, 0);
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->vector[1], 1);
    assert_true(virtio_pci_uses_msix(&vp));
    attach_with_vectors(1);
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->config_vector, 0);
    assert_int_equal(fake->vector[1], 0);
}

static void a_refused_vector_means_the_line(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, false, true);
    fake->refuses_config_vector = true;
    env.msix_vector = msix_vector;
    vectors_left = 2;
    begin();
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(start(0), OK);
    fake->isr = 1;
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev), VIRTIO_INTERRUPT_QUEUE);
}

static void an_object_can_be_attached_again(void **state)
{
    (void)state;
    attach_with_vectors(2);
    fake_virtio_pci_reset(BALLOON_TRANSITIONAL, true, false);
    env.msix_vector = NULL;
    assert_int_equal(attach(), OK);
    assert_false(vp.dev.legacy);
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(virtio_begin(&vp.dev, 0, 0), OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_4_1_5_1_1_1_without_capabilities_the_legacy_interface_is_used),
        CASE(virtio_4_1_2_2_usable_capabilities_are_preferred),
        CASE(capabilities_that_lead_nowhere_leave_the_legacy_interface),
        CASE(a_modern_id_has_no_legacy_interface),
        CASE(ports_that_are_missing_or_impossible_are_not_used),
        CASE(virtio_3_1_2_the_life_cycle_has_no_features_ok),
        CASE(virtio_2_7_2_a_queue_is_one_page_number_and_the_devices_size),
        CASE(queues_end_where_the_sizes_do),
        CASE(a_queue_in_use_or_of_another_size_is_a_device_fault),
        CASE(a_queue_beyond_16_tib_or_at_0_is_refused),
        CASE(a_notification_is_the_queues_index),
        CASE(virtio_4_1_4_10_configuration_is_at_20_without_msix),
        CASE(virtio_4_1_4_10_configuration_is_at_24_with_msix_and_moves_back),
        CASE(configuration_beyond_the_ports_reads_as_zero),
        CASE(the_isr_says_why_and_is_not_read_with_msix),
        CASE(vectors_are_bound_and_read_back),
        CASE(a_refused_vector_means_the_line),
        CASE(an_object_can_be_attached_again),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio_pci_legacy.c", tests, NULL, NULL);
}
