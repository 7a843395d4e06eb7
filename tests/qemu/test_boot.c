/* SPDX-License-Identifier: BSD-2-Clause */
/* Every machine the guest must start on, and what it must say about those it cannot serve. */

#include "tests/qemu/qtest.h"

#include <string.h>
#include <unistd.h>

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

static void it_boots_with_8_mib(struct qtest *t)
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

static void it_boots_on_the_oldest_of_everything(struct qtest *t)
{
    boots(t);
}

static void it_boots_with_256_gib_in_2_mib_pages_on_q35(struct qtest *t)
{
    boots(t);
}

static void it_boots_with_256_gib_in_2_mib_pages_on_pc(struct qtest *t)
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

/* Whoever reads the line about memory has counters that are not older. */
static void a_report_tells_the_counters_before_the_memory(struct qtest *t)
{
    qtest_ready(t, "on");
    (void)qtest_line(t, "@mem ", QTEST_STEP_MS);
    for (unsigned i = 0; i < 3; i++) {
        qtest_ask(t, t->ram_bytes - (i + 1) * QTEST_MIB);
        assert_non_null(strstr(qtest_line(t, "@", QTEST_STEP_MS), "@balloon "));
        assert_non_null(strstr(qtest_line(t, "@", QTEST_STEP_MS), "@mem "));
    }
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

static void help_is_not_hidden_by_the_log_level(struct qtest *t)
{
    help_lists_the_parameters(t);
}

static void must_hide_information(struct qtest *t)
{
    assert_int_equal(vm_count_lines(t->vm, " info: "), 0);
}

static void the_log_level_hides_the_lines_below_it(struct qtest *t)
{
    qtest_line(t, "warning: balloon: the device cannot be used", QTEST_STEP_MS);
    qtest_ready(t, "none");
    qtest_powerdown(t);
    must_hide_information(t);
}

static void the_strictest_log_level_leaves_errors_and_results(struct qtest *t)
{
    qtest_ready(t, "none");
    qtest_line(t, "error: there is no scenario", QTEST_STEP_MS);
    qtest_line(t, "@exit status=3", QTEST_STEP_MS);
    must_hide_information(t);
    assert_int_equal(vm_count_lines(t->vm, " warning: "), 0);
}

static void without_an_exit_device_it_powers_off_by_acpi(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_switch_off(t);
}

/* Everything that ACPI tells has a usual value; only the power button and the way to switch the
 * machine off do not. */
static void without_acpi_it_works_until_the_host_ends_it(struct qtest *t)
{
    struct vm_exit result;

    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    qtest_do(t, "quit");
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    assert_int_equal(result.end, VM_END_HOST);
}

/* Where Debian's package qemu-system-data has it. */
static bool qboot_is_installed(void)
{
    return access("/usr/share/qemu/qboot.rom", R_OK) == 0;
}

/* qboot on q35 names an interrupt line that leads nowhere (observed: QEMU 7.2). The start itself
 * may serve the first order; the next two make the safety poll see twice that no interrupt came.
 * From then on an order is served far sooner than by that poll, which comes every 5 s. */
static void a_wrong_interrupt_line_is_noticed_and_said(struct qtest *t)
{
    if (!qboot_is_installed()) {
        print_message("skipped: qboot.rom is not installed\n");
        skip();
    }
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    qtest_resize(t, t->ram_bytes / 2);
    qtest_line(t, "interrupt line leads nowhere", QTEST_STEP_MS);
    for (unsigned i = 0; i < 3; i++) {
        qtest_ask(t, t->ram_bytes);
        qtest_wait_actual(t, t->ram_bytes, 2000);
        qtest_ask(t, t->ram_bytes / 2);
        qtest_wait_actual(t, t->ram_bytes / 2, 2000);
    }
    assert_int_equal(vm_count_lines(t->vm, "interrupt line"), 1);
    qtest_powerdown(t);
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

static void a_device_whose_registers_nobody_placed_is_refused_with_a_reason(struct qtest *t)
{
    qtest_line(t, "offers only the legacy interface", QTEST_STEP_MS);
    qtest_line(t, "the device cannot be used", QTEST_STEP_MS);
    qtest_ready(t, "none");
    qtest_powerdown(t);
}

/* It places no ports, and a legacy device has nothing else. */
static const char *const qboot[] = { "-bios", "qboot.rom", NULL };

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
        QTEST(it_boots_with_8_mib, .memory_mib = 8),
        QTEST(it_boots_with_16_mib, .memory_mib = 16),
        QTEST(it_boots_with_5_gib_around_the_hole, .memory_mib = 5120),
        QTEST(it_boots_with_256_gib, .memory_mib = 262144, .lazy_memory = true),
        QTEST(metadata_of_256_gib_is_not_touched, .memory_mib = 262144, .lazy_memory = true),
        QTEST(it_boots_on_the_oldest_processor, .cpu = "qemu64", .accel = "tcg"),
        QTEST(it_boots_on_the_oldest_of_everything, .machine = "pc", .cpu = "qemu64",
              .accel = "tcg", .memory_mib = 16),
        QTEST(it_boots_with_256_gib_in_2_mib_pages_on_q35, .machine = "q35", .cpu = "qemu64",
              .accel = "tcg", .memory_mib = 262144, .lazy_memory = true),
        QTEST(it_boots_with_256_gib_in_2_mib_pages_on_pc, .machine = "pc", .cpu = "qemu64",
              .accel = "tcg", .memory_mib = 262144, .lazy_memory = true),
        QTEST(it_boots_without_1_gib_pages, .cpu = "max,pdpe1gb=off"),
        QTEST(other_processors_stay_parked_and_the_log_says_so, .smp = 4),
        QTEST(a_machine_without_a_balloon_is_fine, .no_balloon = true),
        QTEST(balloon_off_binds_no_driver, .append = "report=50 balloon=off"),
        QTEST(a_bound_driver_shows_in_the_device),
        QTEST(a_report_tells_the_counters_before_the_memory),
        QTEST(bad_parameters_are_reported_and_not_fatal,
              .append = "nonsense=1 report=50 poll=soon"),
        QTEST(help_lists_the_parameters, .append = "help"),
        QTEST(help_is_not_hidden_by_the_log_level, .append = "help loglevel=error"),
        QTEST(the_log_level_hides_the_lines_below_it, .append = "loglevel=warning",
              .balloon_properties = "disable-modern=on",
              .extra = qboot_is_installed() ? qboot : NULL),
        QTEST(the_strictest_log_level_leaves_errors_and_results, .image = "test.elf",
              .append = "loglevel=error -- test=nonsense",
              .balloon_properties = "disable-modern=on",
              .extra = qboot_is_installed() ? qboot : NULL),
        QTEST(without_an_exit_device_it_powers_off_by_acpi, .no_exit_device = true),
        QTEST(without_acpi_it_works_until_the_host_ends_it, .machine = "pc,acpi=off"),
        QTEST(a_wrong_interrupt_line_is_noticed_and_said, .machine = "q35",
              .extra = qboot_is_installed() ? qboot : NULL),
        QTEST(a_balloon_behind_a_bridge_is_found, .no_balloon = true, .extra = behind_a_port),
        QTEST(a_modern_only_device_works, .balloon_properties = "disable-legacy=on"),
        QTEST(a_device_without_ring_features_works,
              .balloon_properties = "event_idx=off,indirect_desc=off"),
        QTEST(a_device_whose_registers_nobody_placed_is_refused_with_a_reason,
              .balloon_properties = "disable-modern=on",
              .extra = qboot_is_installed() ? qboot : NULL),
    };

    return qtest_main("tests/qemu/test_boot.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
