/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtio_pci_ops.c: registers and interrupts of the modern transport. */
#include <string.h>

#include "tests/unit/virtio_pci_fixture.h"

static struct fake_virtio_pci *const fake = &fake_virtio_pci;

static void begin(void)
{
    assert_int_equal(virtio_begin(&vp.dev, 0, 0), OK);
}

static err_t start(uint16_t index)
{
    return queue_start_at(&vp.dev, index, 64, QUEUE_ADDRESS);
}

/* ---- registers ---- */

static void virtio_4_1_4_3_2_the_life_cycle_writes_what_it_may(void **state)
{
    (void)state;
    fake->offered |= VIRTIO_F_EVENT_IDX;
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vp.dev, VIRTIO_F_EVENT_IDX, 0), OK);
    assert_int_equal(fake->accepted, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);
    assert_string_equal(fake->log, "20=00 20=01 20=03 0=00000000 0=00000001 "
                                   "8=00000000 12=20000000 8=00000001 12=00000001 20=0b");
    virtio_ready(&vp.dev);
    assert_int_equal(fake->status, 0x0f);
    assert_int_equal(virtio_stop(&vp.dev), OK);
    assert_int_equal(relaxed, 0);
}

static void virtio_4_1_4_3_2_queue_enable_comes_last(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    begin();
    fake->log[0] = '\0';
    assert_int_equal(start(2), OK);
    assert_true(strncmp(fake->log, "22=0002 22=0002 24=0040 32=", 27) == 0);
    assert_string_equal(fake->log + strlen(fake->log) - 8, " 28=0001");
    assert_null(strstr(fake->log, "26=")); /* no vector without MSI-X */
    assert_true(fake->queue[2].enabled);
    assert_int_equal(fake->queue[2].size, 64);
    assert_int_equal(fake->queue[2].desc, vq.desc_address);
    assert_int_equal(fake->queue[2].driver, vq.avail_address);
    assert_int_equal(fake->queue[2].device, vq.used_address);
}

static void queues_beyond_the_device_or_us_do_not_exist(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    begin();
    assert_int_equal(start(3), ERR_UNSUPPORTED);
    fake->num_queues = 65535;
    assert_int_equal(start(FAKE_VIRTIO_PCI_QUEUES), ERR_UNSUPPORTED);
    assert_int_equal(start(VIRTIO_PCI_QUEUES_MAX), ERR_UNSUPPORTED);
}

static void virtio_4_1_5_2_1_notifications_are_16_bit_queue_indices(void **state)
{
    (void)state;
    fake->notify_off[1] = 7;
    assert_int_equal(attach(), OK);
    begin();
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->notified, 0);
    queue_kick(&vp.dev);
    assert_int_equal(fake->notified, 1);
    assert_int_equal(fake->notify_at, 7 * 4);
    assert_int_equal(fake->notify_value, 1);
}

static void a_notify_address_outside_the_region_is_a_device_fault(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    begin();
    fake->notify_off[0] = 0x3ff;
    assert_int_equal(start(0), OK);
    fake->notify_off[1] = 0x400;
    assert_int_equal(start(1), ERR_DEVICE);
    assert_false(fake->queue[1].enabled);
    fake->notify_off[2] = 0xffff;
    assert_int_equal(start(2), ERR_DEVICE);
}

static void configuration_fields_are_read_and_written_in_32_bits(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    fake->config[12] = 0x78;
    fake->config[15] = 0x12;
    fake->generation = 9;
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 12), 0x12000078);
    vp.dev.ops->config_write32(&vp.dev, 4, 0xaabbccdd);
    assert_int_equal(fake->config[4], 0xdd);
    assert_int_equal(fake->config[7], 0xaa);
    assert_int_equal(vp.dev.ops->config_generation(&vp.dev), 9);
}

static void configuration_the_device_does_not_have_reads_as_zero(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    /* The fake asserts when an access reaches it. */
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 16), 0);
    vp.dev.ops->config_write32(&vp.dev, 16, 1);
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 0xfffffffc), 0);
    vp.device_bytes = 4;
    assert_int_equal(vp.dev.ops->config_read32(&vp.dev, 4), 0);
}

/* ---- interrupts ---- */

static void virtio_4_1_5_4_2_one_interrupt_may_mean_both(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    assert_false(virtio_pci_uses_msix(&vp));
    fake->isr = 0xff;
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev),
                     VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev), 0);
    fake->isr = 2;
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev), VIRTIO_INTERRUPT_CONFIG);
}

static void virtio_4_1_4_5_2_isr_is_not_read_with_msix(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_MODERN, true, true);
    env.msix_vector = msix_vector;
    assert_int_equal(attach(), OK);
    assert_true(virtio_pci_uses_msix(&vp));
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev),
                     VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
    assert_int_equal(fake->isr_reads, 0);
}

static void attach_with_vectors(unsigned vectors)
{
    fake_virtio_pci_reset(BALLOON_MODERN, true, true);
    env.msix_vector = msix_vector;
    vectors_left = vectors;
    assert_int_equal(attach(), OK);
}

static void two_vectors_serve_configuration_and_queues(void **state)
{
    (void)state;
    attach_with_vectors(2);
    begin();
    assert_int_equal(start(0), OK);
    assert_int_equal(fake->config_vector, 0);
    assert_int_equal(fake->queue[0].vector, 1);
    assert_int_equal(fake->table[0], 0xfee00000);
    assert_int_equal(fake->table[2], 0x41);
    assert_int_equal(fake->table[3], 0);
    assert_int_equal(fake->table[6], 0x40);
    assert_int_equal(fake_pci_get(fake->function, PCI_COMMAND, 2),
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
}

static void one_vector_serves_both(void **state)
{
    (void)state;
    attach_with_vectors(1);
    begin();
    assert_int_equal(start(0), OK);
    assert_true(virtio_pci_uses_msix(&vp));
    assert_int_equal(fake->config_vector, 0);
    assert_int_equal(fake->queue[0].vector, 0);
}

static void without_vectors_the_line_is_used(void **state)
{
    (void)state;
    attach_with_vectors(0);
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(fake_pci_get(fake->function, PCI_COMMAND, 2),
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    /* A device without the capability, as QEMU 7.2's balloon is. */
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    vectors_left = 2;
    assert_int_equal(attach(), OK);
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(vectors_left, 2);
}

static void virtio_4_1_5_1_2_2_a_refused_config_vector_means_the_line(void **state)
{
    (void)state;
    attach_with_vectors(2);
    fake->refuses_config_vector = true;
    begin();
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(start(0), OK);
    assert_int_equal(fake->queue[0].vector, 0xffff);
    assert_int_equal(fake_pci_get(fake->function, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF, 0);
    fake->isr = 1;
    assert_int_equal(vp.dev.ops->interrupt_cause(&vp.dev), VIRTIO_INTERRUPT_QUEUE);
}

static void virtio_4_1_5_1_2_2_a_refused_queue_vector_means_the_line(void **state)
{
    (void)state;
    attach_with_vectors(2);
    fake->refuses_queue_vector = true;
    begin();
    assert_true(virtio_pci_uses_msix(&vp));
    assert_int_equal(start(0), OK);
    assert_true(fake->queue[0].enabled);
    assert_false(virtio_pci_uses_msix(&vp));
}

static void messages_that_are_refused_at_a_restart_are_told(void **state)
{
    (void)state;
    attach_with_vectors(2);
    begin();
    assert_int_equal(start(0), OK);
    assert_true(virtio_pci_uses_msix(&vp));
    assert_int_equal(fell_back, 0);
    assert_int_equal(virtio_stop(&vp.dev), OK);
    fake->refuses_queue_vector = true;
    begin();
    assert_int_equal(start(0), OK);
    assert_false(virtio_pci_uses_msix(&vp));
    assert_int_equal(fell_back, 1);
    /* Once: the next start has no messages to refuse. */
    assert_int_equal(virtio_stop(&vp.dev), OK);
    begin();
    assert_int_equal(start(0), OK);
    assert_int_equal(fell_back, 1);
}

static void vectors_are_bound_again_after_each_reset(void **state)
{
    (void)state;
    attach_with_vectors(2);
    begin();
    assert_int_equal(virtio_stop(&vp.dev), OK);
    assert_int_equal(fake->config_vector, 0xffff);
    begin();
    assert_int_equal(fake->config_vector, 0);
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->queue[1].vector, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pci_setup, pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_4_1_4_3_2_the_life_cycle_writes_what_it_may),
        CASE(virtio_4_1_4_3_2_queue_enable_comes_last),
        CASE(queues_beyond_the_device_or_us_do_not_exist),
        CASE(virtio_4_1_5_2_1_notifications_are_16_bit_queue_indices),
        CASE(a_notify_address_outside_the_region_is_a_device_fault),
        CASE(configuration_fields_are_read_and_written_in_32_bits),
        CASE(configuration_the_device_does_not_have_reads_as_zero),
        CASE(virtio_4_1_5_4_2_one_interrupt_may_mean_both),
        CASE(virtio_4_1_4_5_2_isr_is_not_read_with_msix),
        CASE(two_vectors_serve_configuration_and_queues),
        CASE(one_vector_serves_both),
        CASE(without_vectors_the_line_is_used),
        CASE(virtio_4_1_5_1_2_2_a_refused_config_vector_means_the_line),
        CASE(virtio_4_1_5_1_2_2_a_refused_queue_vector_means_the_line),
        CASE(messages_that_are_refused_at_a_restart_are_told),
        CASE(vectors_are_bound_again_after_each_reset),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio_pci_ops.c", tests, NULL, NULL);
}
