/* SPDX-License-Identifier: BSD-2-Clause */
/* Every machine the guest must start on, and what it must say about those it cannot serve. */

#include "tests/qemu/qtest.h"

#include <string.h>

/* Ready, a balloon that really moves, and an orderly end: that is "it boots". */
static void boots(struct qtest *t)
{
    uint64_t frames = qtest_ready(t, "on");

    assert_true(frames > t->ram_bytes / QTEST_FRAME / 100 * 70);
    assert_true(frames < t->ram_bytes / QTEST_FRAME);
    qtest_resize(t, t->ram_bytes - 4 * QTEST_MIB);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

static void it_boots_on_q35(struct qtest *t)
{
    boots(t);
}

static void it_boots_on_pc(struct qtest *t)
{
    boots(t);
}

static void it_boots_with_16_mib(struct qtest *t)
{
    boots(t);
}

static void it_boots_with_5_gib_around_the_hole(struct qtest *t)
{
    boots(t);
}

/* Start-up does not grow with memory: nothing of it is touched but what is used. */
static void it_boots_with_256_gib(struct qtest *t)
{
    boots(t);
}

static void metadata_of_256_gib_is_not_touched(struct qtest *t)
{
    qtest_ready(t, "on");
    assert_true(qtest_resident(t) < 16 * QTEST_MIB);
    qtest_powerdown(t);
}

static void it_boots_on_the_oldest_processor(struct qtest *t)
{
    boots(t);
}

static void it_boots_without_1_gib_pages(struct qtest *t)
{
    boots(t);
}

static void other_processors_stay_parked_and_the_log_says_so(struct qtest *t)
{
    const char *line = qtest_line(t, "parked", QTEST_STEP_MS);
    uint64_t busy[2];

    assert_non_null(strstr(line, "3 stay parked"));
    qtest_ready(t, "on");
    assert_true(vm_vcpu_time(t->vm, 3, &busy[0]));
    qtest_resize(t, t->ram_bytes / 2);
    assert_true(vm_vcpu_time(t->vm, 3, &busy[1]));
    assert_true(busy[1] - busy[0] < 20000); /* microseconds */
    qtest_powerdown(t);
}

static void a_machine_without_a_balloon_is_fine(struct qtest *t)
{
    qtest_ready(t, "none");
    qtest_powerdown(t);
}

/* The words in the device's status that contain `word`. */
static size_t status_words(struct qtest *t, const char *word)
{
    json_t *reply = qtest_command(t, "x-query-virtio-status",
                                  json_pack("{s:s}", "path", VM_BALLOON_PATH "/virtio-backend"));
    json_t *words = json_object_get(json_object_get(reply, "status"), "statuses");
    size_t count = 0;
    size_t i;
    json_t *text;

    assert_true(json_is_array(words));
    json_array_foreach(words, i, text)
    {
        count += strstr(json_string_value(text), word) != NULL ? 1 : 0;
    }
    json_decref(reply);
    return count;
}

static void balloon_off_binds_no_driver(struct qtest *t)
{
    qtest_ready(t, "off");
    assert_int_equal(status_words(t, "_S_DRIVER"), 0);
    qtest_ask(t, t->ram_bytes / 2);
    qtest_sleep(t, 300);
    assert_int_equal(qtest_actual(t), t->ram_bytes);
    qtest_powerdown(t);
}

static void a_bound_driver_shows_in_the_device(struct qtest *t)
{
    qtest_ready(t, "on");
    assert_int_equal(status_words(t, "_S_DRIVER_OK"), 1);
    assert_int_equal(status_words(t, "_S_FEATURES_OK"), 1);
    qtest_powerdown(t);
}

static void bad_parameters_are_reported_and_not_fatal(struct qtest *t)
{
    qtest_line(t, "parameter 'nonsense=1' ignored", QTEST_STEP_MS);
    qtest_line(t, "parameter 'poll=soon' ignored", QTEST_STEP_MS);
    boots(t);
}

static void help_lists_the_parameters(struct qtest *t)
{
    qtest_line(t, "balloon.slice", QTEST_STEP_MS);
    qtest_ready(t, "on");
    qtest_powerdown(t);
}

static void without_an_exit_device_it_powers_off_by_acpi(struct qtest *t)
{
    struct vm_exit result;

    qtest_ready(t, "on");
    qtest_press_power(t);
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    if (result.end != VM_END_POWEROFF) {
        fail_msg("not switched off: %s", result.text);
    }
}

static void a_balloon_behind_a_bridge_is_found(struct qtest *t)
{
    boots(t);
}

static void a_modern_only_device_works(struct qtest *t)
{
    boots(t);
}

static void a_device_without_ring_features_works(struct qtest *t)
{
    boots(t);
}

static void a_legacy_only_device_is_refused_with_a_reason(struct qtest *t)
{
    qtest_line(t, "the device cannot be used", QTEST_STEP_MS);
    (void)qtest_line(t, "@ready ", QTEST_STEP_MS);
    qtest_powerdown(t);
}

/* Where libvirt puts a balloon on q35. */
static const char *const behind_a_port[] = { "-device", "pcie-root-port,id=root1,slot=1,chassis=1",
                                             "-device",
                                             ("virtio-balloon-pci,id=" VM_BALLOON_ID ",bus=root1"),
                                             NULL };

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(it_boots_on_q35, .machine = "q35"),
        QTEST(it_boots_on_pc, .machine = "pc"),
        QTEST(it_boots_with_16_mib, .memory_mib = 16),
        QTEST(it_boots_with_5_gib_around_the_hole, .memory_mib = 5120),
        QTEST(it_boots_with_256_gib, .memory_mib = 262144, .lazy_memory = true),
        QTEST(metadata_of_256_gib_is_not_touched, .memory_mib = 262144, .lazy_memory = true),
        QTEST(it_boots_on_the_oldest_processor, .cpu = "qemu64", .accel = "tcg"),
        QTEST(it_boots_without_1_gib_pages, .cpu = "max,pdpe1gb=off"),
        QTEST(other_processors_stay_parked_and_the_log_says_so, .smp = 4),
        QTEST(a_machine_without_a_balloon_is_fine, .no_balloon = true),
        QTEST(balloon_off_binds_no_driver, .append = "report=50 balloon=off"),
        QTEST(a_bound_driver_shows_in_the_device),
        QTEST(bad_parameters_are_reported_and_not_fatal,
              .append = "nonsense=1 report=50 poll=soon"),
        QTEST(help_lists_the_parameters, .append = "help"),
        QTEST(without_an_exit_device_it_powers_off_by_acpi, .no_exit_device = true),
        QTEST(a_balloon_behind_a_bridge_is_found, .no_balloon = true, .extra = behind_a_port),
        QTEST(a_modern_only_device_works, .balloon_properties = "disable-legacy=on"),
        QTEST(a_device_without_ring_features_works,
              .balloon_properties = "event_idx=off,indirect_desc=off"),
        QTEST(a_legacy_only_device_is_refused_with_a_reason,
              .balloon_properties = "disable-modern=on"),
    };

    return qtest_main("tests/qemu/test_boot.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
