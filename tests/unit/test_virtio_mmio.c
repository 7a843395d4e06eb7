/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtio_mmio.c against a device that asserts what no driver may do; see the head of
 * tests/fakes/fake_virtio_mmio.h for the clauses that hold in every test here. */
#include <string.h>

#include "base/log.h"
#include "drivers/virtio/virtio_mmio.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtio_mmio.h"
#include "tests/unit/transport_fixture.h"

static struct virtio_mmio vm;
static struct fake_virtio_mmio *const fake = &fake_virtio_mmio;

static int setup(void **state)
{
    (void)state;
    fake_virtio_mmio_reset(2);
    queue_memory_alloc();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(queue_memory);
    return 0;
}

static err_t attach(void)
{
    return virtio_mmio_attach(&vm, FAKE_VIRTIO_MMIO_BASE, FAKE_VIRTIO_MMIO_BYTES,
                              &fake_virtio_mmio_env);
}

static void begin(void)
{
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vm.dev, VIRTIO_F_EVENT_IDX, 0), OK);
    fake->log[0] = '\0';
}

static err_t start(uint16_t index)
{
    return queue_start_at(&vm.dev, index, 64, QUEUE_ADDRESS);
}

static unsigned logged(void)
{
    return fake_seams.log_lines[LOG_ERROR] + fake_seams.log_lines[LOG_WARN];
}

/* ---- who is there ---- */

static void virtio_4_2_2_2_a_wrong_magic_value_is_ignored(void **state)
{
    unsigned before = logged();

    (void)state;
    fake->magic = 0xffffffff; /* the fake asserts that nothing else is read */
    assert_int_equal(attach(), ERR_INVALID);
    assert_int_equal(logged(), before + 1);
}

static void virtio_4_2_2_2_an_unknown_version_is_ignored(void **state)
{
    static const uint32_t versions[] = { 0, 3, 0xffffffff };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        fake_virtio_mmio_reset(versions[i]);
        assert_int_equal(attach(), ERR_INVALID);
    }
}

static void virtio_4_2_3_1_1_an_empty_slot_is_left_alone_and_not_reported(void **state)
{
    unsigned before = logged();

    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        fake_virtio_mmio_reset(version);
        fake->device_id = 0;
        assert_int_equal(attach(), ERR_UNSUPPORTED);
        assert_string_equal(fake->log, "");
    }
    assert_int_equal(logged(), before);
}

static void both_versions_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    assert_false(vm.dev.legacy);
    assert_int_equal(vm.dev.device_id, VIRTIO_ID_BALLOON);
    fake_virtio_mmio_reset(1);
    assert_int_equal(attach(), OK);
    assert_true(vm.dev.legacy);
}

static void a_window_that_cannot_hold_the_registers_is_refused(void **state)
{
    (void)state;
    assert_int_equal(virtio_mmio_attach(&vm, FAKE_VIRTIO_MMIO_BASE, 0xff, &fake_virtio_mmio_env),
                     ERR_RANGE);
    assert_int_equal(virtio_mmio_attach(&vm, FAKE_VIRTIO_MMIO_BASE + 2, 512, &fake_virtio_mmio_env),
                     ERR_RANGE);
    fake->maps = false;
    assert_int_equal(attach(), ERR_NOMEM);
}

/* ---- the life cycle ---- */

static void virtio_4_2_2_2_feature_words_are_selected_first(void **state)
{
    (void)state;
    fake->offered |= VIRTIO_F_EVENT_IDX;
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vm.dev, VIRTIO_F_EVENT_IDX, 0), OK);
    assert_int_equal(fake->accepted, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);
    assert_string_equal(fake->log, "70=0 70=1 70=3 14=0 14=1 24=0 20=20000000 24=1 20=1 70=b");
}

static void a_legacy_device_has_one_word_of_features(void **state)
{
    (void)state;
    fake_virtio_mmio_reset(1);
    fake->offered = VIRTIO_F_EVENT_IDX | VIRTIO_F_ANY_LAYOUT | UINT64_C(1) << 30;
    assert_int_equal(attach(), OK);
    assert_int_equal(virtio_begin(&vm.dev, VIRTIO_F_EVENT_IDX, 0), OK);
    assert_int_equal(fake->accepted, VIRTIO_F_EVENT_IDX | VIRTIO_F_ANY_LAYOUT);
    assert_string_equal(fake->log, "70=0 70=1 70=3 14=0 24=0 20=28000000");
}

static void virtio_4_2_3_2_a_queue_is_ready_last(void **state)
{
    (void)state;
    begin();
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->queue[1].size, 64);
    assert_int_equal(fake->queue[1].desc, vq.desc_address);
    assert_int_equal(fake->queue[1].driver, vq.avail_address);
    assert_int_equal(fake->queue[1].device, vq.used_address);
    assert_int_equal(fake->queue[1].ready, 1);
    assert_non_null(strstr(fake->log, "30=1 38=40 80="));
    assert_string_equal(fake->log + strlen(fake->log) - 5, " 44=1");
}

static void virtio_4_2_4_a_legacy_queue_is_one_page_number(void **state)
{
    (void)state;
    fake_virtio_mmio_reset(1);
    begin();
    assert_int_equal(start(1), OK);
    assert_non_null(strstr(fake->log, "30=1 28=1000 38=40 3c=1000 40=123456"));
    assert_int_equal(fake->page_size, FRAME_SIZE);
    assert_int_equal(vq.used_address % FRAME_SIZE, 0);
    /* A reset may make the device forget the page size. */
    assert_int_equal(virtio_stop(&vm.dev), OK);
    begin();
    assert_int_equal(start(0), OK);
    assert_int_equal(fake->page_size, FRAME_SIZE);
}

static void virtio_4_2_3_2_a_queue_in_use_is_a_device_fault(void **state)
{
    (void)state;
    begin();
    fake->queue[0].ready = 1;
    assert_int_equal(start(0), ERR_DEVICE);
    fake_virtio_mmio_reset(1);
    begin();
    assert_int_equal(virtio_queue_shape(&vm.dev, 1, 64, 0).size, 64); /* counted */
    assert_int_equal(start(0), OK);
    fake->queue[2].pfn = 5;
    fake->queue_sel = 2;
    assert_int_equal(vm.dev.ops->queue_enable(&vm.dev, &(struct virtq){ .index = 2,
                                                                        .size = 64,
                                                                        .desc_address = 0x1000,
                                                                        .used_address = 0x2000 }),
                     ERR_DEVICE);
}

static void a_queue_that_does_not_become_ready_is_a_device_fault(void **state)
{
    (void)state;
    fake->refuses_ready = true;
    begin();
    assert_int_equal(start(0), ERR_DEVICE);
}

static void a_legacy_queue_beyond_16_tib_or_at_0_is_refused(void **state)
{
    (void)state;
    fake_virtio_mmio_reset(1);
    begin();
    queue_needs_a_page_number(&vm.dev, 64);
    assert_int_equal(fake->queue[0].pfn, 0);
}

static void queues_are_counted_by_their_sizes(void **state)
{
    (void)state;
    begin();
    assert_int_equal(vm.dev.ops->queue_count(&vm.dev), 3);
    assert_int_equal(start(3), ERR_UNSUPPORTED);
    fake->queues = 4000;
    assert_int_equal(vm.dev.ops->queue_count(&vm.dev), 3);
    begin();
    assert_true(vm.dev.ops->queue_count(&vm.dev) <= VIRTIO_MMIO_QUEUES_MAX);
    assert_int_equal(start(VIRTIO_MMIO_QUEUES_MAX), ERR_UNSUPPORTED);
}

static void virtio_4_2_2_2_the_size_is_not_above_the_devices(void **state)
{
    (void)state;
    begin();
    fake->queue_size_max = 16;
    assert_int_equal(start(0), OK);
    assert_int_equal(fake->queue[0].size, 16);
    fake->queue_size_max = 0x10000; /* more than 16 bits hold */
    assert_int_equal(start(1), OK);
    assert_int_equal(fake->queue[1].size, 64);
}

static void virtio_4_2_3_3_a_notification_is_the_queues_index(void **state)
{
    (void)state;
    begin();
    assert_int_equal(start(2), OK);
    queue_kick(&vm.dev);
    assert_int_equal(fake->notified, 1);
    assert_int_equal(fake->notify_value, 2);
}

static void a_reset_is_waited_for(void **state)
{
    (void)state;
    begin();
    virtio_ready(&vm.dev);
    assert_int_equal(virtio_stop(&vm.dev), OK);
    assert_int_equal(fake->status, 0);
    assert_string_equal(fake->log, "70=f 70=0");
}

/* ---- interrupts ---- */

static void virtio_4_2_3_4_1_causes_are_read_and_acknowledged(void **state)
{
    (void)state;
    begin();
    assert_int_equal(vm.dev.ops->interrupt_cause(&vm.dev), 0);
    assert_string_equal(fake->log, ""); /* nothing happened, nothing is acknowledged */
    fake->interrupt = 1;
    assert_int_equal(vm.dev.ops->interrupt_cause(&vm.dev), VIRTIO_INTERRUPT_QUEUE);
    fake->interrupt = 3;
    assert_int_equal(vm.dev.ops->interrupt_cause(&vm.dev),
                     VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
    assert_string_equal(fake->log, "64=1 64=3");
    assert_int_equal(fake->interrupt, 0);
}

static void virtio_4_2_2_2_undefined_interrupt_bits_are_ignored(void **state)
{
    (void)state;
    begin();
    fake->interrupt = 0xfffffffc;
    assert_int_equal(vm.dev.ops->interrupt_cause(&vm.dev), 0);
    fake->interrupt = 0xfffffffe;
    assert_int_equal(vm.dev.ops->interrupt_cause(&vm.dev), VIRTIO_INTERRUPT_CONFIG);
    assert_string_equal(fake->log, "64=2");
}

static void a_cause_that_comes_during_the_acknowledgement_is_not_lost_on_an_edge(void **state)
{
    (void)state;
    begin();
    fake->interrupt = 1;
    fake->next_status = 2;
    assert_int_equal(vm.dev.ops->interrupt_cause(&vm.dev),
                     VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
    assert_int_equal(fake->interrupt, 0);
}

/* ---- configuration ---- */

static void virtio_5_5_6_2_1_fields_are_32_bits_in_one_access(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        fake_virtio_mmio_reset(version);
        assert_int_equal(attach(), OK);
        fake->config[0] = 0x78;
        fake->config[3] = 0x12;
        assert_int_equal(vm.dev.ops->config_read32(&vm.dev, 0), 0x12000078);
        vm.dev.ops->config_write32(&vm.dev, 4, 0xaabbccdd);
        assert_int_equal(fake->config[4], 0xdd);
        assert_int_equal(fake->config[7], 0xaa);
    }
}

static void configuration_beyond_the_window_reads_as_zero(void **state)
{
    (void)state;
    assert_int_equal(attach(), OK);
    memset(fake->config, 0xff, sizeof(fake->config));
    assert_int_equal(vm.dev.ops->config_read32(&vm.dev, 0xfc), 0xffffffff);
    assert_int_equal(vm.dev.ops->config_read32(&vm.dev, 0x100), 0);
    vm.dev.ops->config_write32(&vm.dev, 0x100, 1);
    assert_int_equal(virtio_mmio_attach(&vm, FAKE_VIRTIO_MMIO_BASE, 0x100, &fake_virtio_mmio_env),
                     OK);
    assert_int_equal(vm.dev.ops->config_read32(&vm.dev, 0), 0);
}

static void the_generation_exists_in_version_2_alone(void **state)
{
    (void)state;
    fake->generation = 9;
    assert_int_equal(attach(), OK);
    assert_int_equal(vm.dev.ops->config_generation(&vm.dev), 9);
    fake_virtio_mmio_reset(1);
    assert_int_equal(attach(), OK);
    assert_int_equal(vm.dev.ops->config_generation(&vm.dev), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_4_2_2_2_a_wrong_magic_value_is_ignored),
        CASE(virtio_4_2_2_2_an_unknown_version_is_ignored),
        CASE(virtio_4_2_3_1_1_an_empty_slot_is_left_alone_and_not_reported),
        CASE(both_versions_are_told_apart),
        CASE(a_window_that_cannot_hold_the_registers_is_refused),
        CASE(virtio_4_2_2_2_feature_words_are_selected_first),
        CASE(a_legacy_device_has_one_word_of_features),
        CASE(virtio_4_2_3_2_a_queue_is_ready_last),
        CASE(virtio_4_2_4_a_legacy_queue_is_one_page_number),
        CASE(virtio_4_2_3_2_a_queue_in_use_is_a_device_fault),
        CASE(a_queue_that_does_not_become_ready_is_a_device_fault),
        CASE(a_legacy_queue_beyond_16_tib_or_at_0_is_refused),
        CASE(queues_are_counted_by_their_sizes),
        CASE(virtio_4_2_2_2_the_size_is_not_above_the_devices),
        CASE(virtio_4_2_3_3_a_notification_is_the_queues_index),
        CASE(a_reset_is_waited_for),
        CASE(virtio_4_2_3_4_1_causes_are_read_and_acknowledged),
        CASE(virtio_4_2_2_2_undefined_interrupt_bits_are_ignored),
        CASE(a_cause_that_comes_during_the_acknowledgement_is_not_lost_on_an_edge),
        CASE(virtio_5_5_6_2_1_fields_are_32_bits_in_one_access),
        CASE(configuration_beyond_the_window_reads_as_zero),
        CASE(the_generation_exists_in_version_2_alone),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio_mmio.c", tests, NULL, NULL);
}
