/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtio_pci*.c: capabilities, registers and interrupts of the modern transport. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/virtio_pci.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtio_pci.h"

#define BALLOON_MODERN       0x1045
#define BALLOON_TRANSITIONAL 0x1002

static struct virtio_pci vp;
static struct virtq vq;
static void *memory;
static unsigned vectors_left;
static unsigned relaxed;
static struct fake_virtio_pci *const fake = &fake_virtio_pci;

static bool msix_vector(void *context, uint64_t *address, uint32_t *data)
{
    assert_ptr_equal(context, &vp);
    if (vectors_left == 0) {
        return false;
    }
    vectors_left--;
    *address = 0xfee00000;
    *data = 0x40 + vectors_left;
    return true;
}

static void count_relax(void)
{
    relaxed++;
}

static struct virtio_pci_env env = { .map = fake_virtio_pci_map,
                                     .relax = count_relax,
                                     .context = &vp };

static int setup(void **state)
{
    struct virtq_shape shape = { .size = 256, .indirect = true };

    (void)state;
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    env.mmio = &fake_virtio_pci_mmio;
    env.msix_vector = NULL;
    env.window = NULL;
    vectors_left = 2;
    memory = aligned_alloc(FRAME_SIZE, align_up(virtq_bytes(&shape), FRAME_SIZE));
    assert_non_null(memory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    assert_int_equal(fake_pci_live_bar_writes, 0);
    return 0;
}

static err_t attach(void)
{
    return virtio_pci_attach(&vp, &fake_pci, fake->function->address, &env);
}

static void begin(void)
{
    assert_int_equal(virtio_begin(&vp.dev, 0, 0), OK);
}

static err_t start(uint16_t index)
{
    struct virtq_shape shape = virtio_queue_shape(&vp.dev, index, 64, 0);

    return virtio_queue_start(&vp.dev, &vq, index, &shape, memory, (uintptr_t)memory);
}

/* ---- who is a virtio device ---- */

static void virtio_4_1_2_2_modern_and_transitional_ids_match(void **state)
{
    (void)state;
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1045), VIRTIO_ID_BALLOON);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1002), VIRTIO_ID_BALLOON);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1044), VIRTIO_ID_ENTROPY);
    assert_int_equal(virtio_pci_device_id(0x1af4, 0x1005), VIRTIO_ID_ENTROPY);
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

/* ---- capabilities ---- */

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
    return fake_pci_add(0, 3, 0, VIRTIO_PCI_VENDOR, BALLOON_MODERN);
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
    begin();
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
    struct virtq_buffer buffer = { .address = 0x1000, .bytes = 4 };

    (void)state;
    fake->notify_off[1] = 7;
    assert_int_equal(attach(), OK);
    begin();
    assert_int_equal(start(1), OK);
    virtio_ready(&vp.dev);
    assert_int_equal(fake->notified, 0);
    assert_int_equal(virtq_add(&vq, &buffer, 1, 0, 0), OK);
    assert_true(virtio_kick(&vp.dev, &vq));
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

/* ---- unplugged ---- */

static void a_function_that_left_is_gone_and_so_is_one_that_was_replaced(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    assert_int_equal(attach(), OK);
    begin();
    assert_false(vp.dev.ops->gone(&vp.dev));
    /* Another one has its address, with a command register as after power on. */
    fake_pci_set(fake->function, PCI_COMMAND, 2, 0);
    assert_true(vp.dev.ops->gone(&vp.dev));
    fake_pci_reset();
    assert_true(vp.dev.ops->gone(&vp.dev));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_4_1_2_2_modern_and_transitional_ids_match),
        CASE(virtio_4_1_2_2_any_revision_attaches),
        CASE(a_transitional_device_is_used_through_its_capabilities),
        CASE(virtio_4_1_5_1_1_1_a_legacy_only_device_fails_gracefully),
        CASE(other_functions_are_left_alone),
        CASE(virtio_4_1_4_1_the_first_usable_instance_is_used),
        CASE(virtio_4_1_4_1_reserved_types_and_bars_are_ignored),
        CASE(virtio_4_1_4_1_longer_capabilities_are_accepted),
        CASE(capabilities_that_cannot_be_right_are_passed_over),
        CASE(a_notify_capability_needs_its_multiplier),
        CASE(a_capability_at_the_end_of_the_space_is_not_read_past_it),
        CASE(bars_the_firmware_left_out_are_placed),
        CASE(a_mapping_that_fails_is_reported),
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
        CASE(vectors_are_bound_again_after_each_reset),
        CASE(a_function_that_left_is_gone_and_so_is_one_that_was_replaced),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio_pci.c", tests, NULL, NULL);
}
