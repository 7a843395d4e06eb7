/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way a balloon can be attached to a machine, crossed with the shapes of its rings: each must
 * be found, move exactly both ways, answer for statistics and end in order, by interrupts alone,
 * since there is no safety poll here. The entropy device goes the same ways, with the interrupts
 * QEMU's balloon does not have.
 */

#include "tests/qemu/guest_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MODERN, LEGACY };

static void statistics_arrive(struct qtest *t)
{
    struct guest_stats s;
    struct record_mem mem;

    guest_stats_poll(t);
    s = guest_stats_after(t, 0);
    mem = qtest_mem(t);
    assert_int_equal(s.total_bytes, (mem.total - mem.balloon) * QTEST_FRAME);
}

/* A machine without ACPI has no button; its QEMU is told to quit when the case ends. */
static void end(struct qtest *t)
{
    if (t->config.machine == NULL || strstr(t->config.machine, "acpi=off") == NULL) {
        qtest_powerdown(t);
    }
}

/* The ring features, by name of the rings [VIRTIO 1.4 §6]. */
#define INDIRECT (UINT64_C(1) << 28)
#define EVENT    (UINT64_C(1) << 29)
#define PACKED   (UINT64_C(1) << 34)

/* The log tells what was negotiated: the line with the requests' size. */
static void negotiates(const char *line, uint64_t rings)
{
    const char *text = strstr(line, "features ");
    uint64_t features = 0;

    assert_non_null(text);
    assert_int_equal(sscanf(text, "features 0x%" SCNx64, &features), 1);
    if ((features & (INDIRECT | EVENT | PACKED)) != rings) {
        fail_msg("other rings than asked for: %s", line);
    }
}

static void serves(struct qtest *t, uint64_t rings, const char *where, int interface)
{
    const char *line = qtest_line(t, "pages a request", QTEST_STEP_MS);

    if (strstr(line, where) == NULL || (strstr(line, "legacy") != NULL) != (interface == LEGACY)) {
        fail_msg("not by %s%s: %s", interface == LEGACY ? "the legacy interface of " : "", where,
                 line);
    }
    negotiates(line, rings);
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    statistics_arrive(t);
    end(t);
}

/* ---- the table ---- */

static const char *const version_2[] = { "-global", "virtio-mmio.force-legacy=false", NULL };

/* Behind a root port the device must be named after it, so it is not QTEST's own. */
#define ROOT_PORT(properties)                                                                      \
    (const char *const[])                                                                          \
    {                                                                                              \
        "-device", "pcie-root-port,id=root1,slot=1,chassis=1", "-device",                          \
            ("virtio-balloon-pci,bus=root1,id=" VM_BALLOON_ID properties), NULL                    \
    }

/* ROW(name, rings, where the guest must find it, by which interface, the machine) */
#define MODERN_TRANSPORTS(ROW, rings, properties)                                                  \
    ROW(pci_modern, rings, "pci ", MODERN, .balloon_properties = "disable-legacy=on" properties)   \
    ROW(pci_transitional, rings, "pci ", MODERN,                                                   \
        .balloon_properties = "disable-legacy=off" properties)                                     \
    ROW(pci_root_port, rings, "pci 01", MODERN, .no_balloon = true,                                \
        .extra = ROOT_PORT(properties))                                                            \
    ROW(mmio_v2_acpi, rings, "mmio feb02e00", MODERN, .machine = "microvm", .extra = version_2,    \
        .balloon_properties = "deflate-on-oom=off" properties)                                     \
    ROW(mmio_v2_cmdline, rings, "mmio feb00e00", MODERN, .machine = "microvm,acpi=off",            \
        .extra = version_2, .balloon_properties = "deflate-on-oom=off" properties)                 \
    ROW(mmio_beside_pcie, rings, "mmio ", MODERN, .machine = "microvm,pcie=on",                    \
        .extra = version_2, .balloon_properties = "deflate-on-oom=off" properties)                 \
    ROW(pci_on_microvm, rings, "pci ", MODERN, .machine = "microvm,pcie=on",                       \
        .balloon_device = "virtio-balloon-pci",                                                    \
        .balloon_properties = "deflate-on-oom=off" properties)

#define LEGACY_TRANSPORTS(ROW, rings, properties)                                                  \
    ROW(pci_legacy_q35, rings, "pci ", LEGACY,                                                     \
        .balloon_properties = "disable-modern=on" properties)                                      \
    ROW(pci_legacy_pc, rings, "pci ", LEGACY, .machine = "pc",                                     \
        .balloon_properties = "disable-modern=on" properties)                                      \
    ROW(mmio_v1_acpi, rings, "mmio feb02e00", LEGACY, .machine = "microvm",                        \
        .balloon_properties = "deflate-on-oom=off" properties)                                     \
    ROW(mmio_v1_cmdline, rings, "mmio feb00e00", LEGACY, .machine = "microvm,acpi=off",            \
        .balloon_properties = "deflate-on-oom=off" properties)

#define TRANSPORTS(ROW, rings, properties)                                                         \
    MODERN_TRANSPORTS(ROW, rings, properties)                                                      \
    LEGACY_TRANSPORTS(ROW, rings, properties)

/* A legacy interface has 32 feature bits and RING_PACKED is number 34: what is asked for cannot be
 * offered, and split rings serve. */
#define ALL(ROW)                                                                                   \
    TRANSPORTS(ROW, split, "")                                                                     \
    TRANSPORTS(ROW, split_no_event_idx, ",event_idx=off")                                          \
    TRANSPORTS(ROW, split_no_indirect, ",indirect_desc=off")                                       \
    TRANSPORTS(ROW, split_plain, ",event_idx=off,indirect_desc=off")                               \
    MODERN_TRANSPORTS(ROW, packed, ",packed=on")                                                   \
    MODERN_TRANSPORTS(ROW, packed_no_event_idx, ",packed=on,event_idx=off")                        \
    MODERN_TRANSPORTS(ROW, packed_no_indirect, ",packed=on,indirect_desc=off")                     \
    MODERN_TRANSPORTS(ROW, packed_plain, ",packed=on,event_idx=off,indirect_desc=off")             \
    LEGACY_TRANSPORTS(ROW, split_instead_of_packed, ",packed=on")

static const uint64_t split = EVENT | INDIRECT;
static const uint64_t split_no_event_idx = INDIRECT;
static const uint64_t split_no_indirect = EVENT;
static const uint64_t split_plain = 0;
static const uint64_t packed = PACKED | EVENT | INDIRECT;
static const uint64_t packed_no_event_idx = PACKED | INDIRECT;
static const uint64_t packed_no_indirect = PACKED | EVENT;
static const uint64_t packed_plain = PACKED;
static const uint64_t split_instead_of_packed = EVENT | INDIRECT;

#define DEFINE(name, rings, where, interface, ...)                                                 \
    static void name##_##rings(struct qtest *t)                                                    \
    {                                                                                              \
        serves(t, rings, where, interface);                                                        \
    }
#define LIST(name, rings, where, interface, ...)                                                   \
    QTEST(name##_##rings, .append = "report=50 poll=0", __VA_ARGS__),

ALL(DEFINE)

/* ---- machines with little in them ---- */

static void a_machine_without_any_timer_but_the_apics_keeps_time(struct qtest *t)
{
    uint64_t guest_ms;
    int64_t first[2];
    int64_t second[2];

    qtest_line(t, "by APIC timer", QTEST_STEP_MS);
    qtest_ready(t, "on");
    first[0] = vm_now_ms();
    qtest_resize(t, t->ram_bytes / 2);
    first[1] = vm_now_ms();
    guest_ms = qtest_mem(t).ms;
    qtest_sleep(t, 2000);
    second[0] = vm_now_ms();
    qtest_resize(t, t->ram_bytes);
    second[1] = vm_now_ms();
    /* Each report was made between two looks at our clock. Both clocks agree within a tenth. */
    assert_in_range(qtest_mem(t).ms - guest_ms, (uint64_t)(second[0] - first[1]) * 9 / 10,
                    (uint64_t)(second[1] - first[0]) * 11 / 10 + 100);
    qtest_powerdown(t);
}

static void reduced_hardware_is_switched_off_by_its_sleep_register(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_switch_off(t);
}

static void malformed_device_words_are_reported_and_not_fatal(struct qtest *t)
{
    qtest_line(t, "parameter 'virtio_mmio.device=512@' ignored", QTEST_STEP_MS);
    qtest_line(t, "parameter 'virtio_mmio.device=4K@0x:5' ignored", QTEST_STEP_MS);
    qtest_line(t, "virtio mmio a0000000: no virtio registers", QTEST_STEP_MS);
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    end(t);
}

static void device_words_behind_the_applications_are_found(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    end(t);
}

/* ---- host bridges beside the first ---- */

static void a_balloon_behind_bridges_of_another_root_on_q35(struct qtest *t)
{
    serves(t, split, "pci 23:00.0", MODERN);
}

static void a_balloon_behind_bridges_of_another_root_on_pc(struct qtest *t)
{
    serves(t, split, "pci 22:07.0", MODERN);
}

/* The one with the higher number is named first. In most slots of q35 QEMU and SeaBIOS do not agree
 * about the lines behind such a bridge (observed: QEMU 7.2), so the poll serves where there are no
 * messages; slot 0x10 above is one where they do. */
static void a_balloon_behind_the_last_of_three_roots(struct qtest *t)
{
    serves(t, split, "pci c9:00.0", MODERN);
}

#define ROOT_PCIE(id, bus) "-device", "pxb-pcie,id=" id ",bus_nr=" bus ",bus=pcie.0"
#define ROOT_PORT_ON(id, bus, chassis)                                                             \
    "-device", "pcie-root-port,id=" id ",bus=" bus ",chassis=" chassis
#define BALLOON_ON(place) "-device", ("virtio-balloon-pci," place ",id=" VM_BALLOON_ID)

static const char *const root_q35[] = { ROOT_PCIE("root2", "32,addr=0x10"),
                                        ROOT_PORT_ON("port1", "root2", "1"),
                                        "-device",
                                        "x3130-upstream,id=up,bus=port1",
                                        "-device",
                                        "xio3130-downstream,id=down,bus=up,chassis=2,slot=2",
                                        BALLOON_ON("bus=down"),
                                        NULL };
/* This root has a bridge of its own, which its name stands for. */
static const char *const root_pc[] = { "-device",
                                       "pxb,id=root2,bus_nr=32,bus=pci.0",
                                       "-device",
                                       "pci-bridge,id=bridge,bus=root2,addr=3,chassis_nr=2",
                                       BALLOON_ON("bus=bridge,addr=7"),
                                       NULL };
static const char *const three_roots[] = { ROOT_PCIE("root3", "200"),
                                           ROOT_PCIE("root2", "70"),
                                           ROOT_PORT_ON("other", "root2", "1"),
                                           ROOT_PORT_ON("port1", "root3", "2"),
                                           BALLOON_ON("bus=port1"),
                                           NULL };

/* ---- interrupts that QEMU's balloon does not have ---- */

static void answers(struct qtest *t, const char *by, uint64_t legacy)
{
    const char *line = qtest_line(t, "@entropy ", QTEST_STEP_MS);
    char word[16] = "";
    uint64_t value = 0;

    assert_true(record_text(line, "by", word, sizeof(word)));
    assert_string_equal(word, by);
    assert_true(record_u64(line, "legacy", &value));
    assert_int_equal(value, legacy);
    assert_true(record_u64(line, "answers", &value));
    assert_int_equal(value, 20);
    assert_true(record_u64(line, "unexpected", &value));
    assert_int_equal(value, 0);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void entropy_by_modern_msix(struct qtest *t)
{
    answers(t, "MSI-X", MODERN);
}

static void entropy_by_legacy_msix(struct qtest *t)
{
    answers(t, "MSI-X", LEGACY);
}

static void entropy_by_legacy_intx(struct qtest *t)
{
    answers(t, "INTx", LEGACY);
}

static void entropy_by_mmio_v1(struct qtest *t)
{
    answers(t, "line", LEGACY);
}

static void entropy_by_mmio_v2(struct qtest *t)
{
    answers(t, "line", MODERN);
}

#define ROOTS(function, on, devices, poll)                                                         \
    QTEST(function, .machine = (on), .no_balloon = true, .extra = (devices),                       \
          .append = "report=50 " poll)

#define ENTROPY(function, on, ...)                                                                 \
    QTEST(function, .image = "test.elf", .no_balloon = true, .machine = on,                        \
          .append = "-- test=entropy",                                                             \
          .extra = (const char *const[]){ "-device", __VA_ARGS__, NULL })

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ALL(LIST) /* a comma ends each row */
        QTEST(a_machine_without_any_timer_but_the_apics_keeps_time,
              .machine = "microvm,pit=off,pic=off,rtc=off"),
        QTEST(reduced_hardware_is_switched_off_by_its_sleep_register, .machine = "microvm",
              .no_exit_device = true),
        QTEST(malformed_device_words_are_reported_and_not_fatal, .machine = "microvm,acpi=off",
              .append = "report=50 virtio_mmio.device=512@ virtio_mmio.device=4K@0x:5 "
                        "virtio_mmio.device=4K@0xa0000000:6"),
        QTEST(device_words_behind_the_applications_are_found, .machine = "microvm,acpi=off",
              .image = "demo.elf", .append = "report=50 -- touch=1"),
        ROOTS(a_balloon_behind_bridges_of_another_root_on_q35, "q35", root_q35, "poll=0"),
        ROOTS(a_balloon_behind_bridges_of_another_root_on_pc, "pc", root_pc, "poll=0"),
        ROOTS(a_balloon_behind_the_last_of_three_roots, "q35", three_roots, "poll=200"),
        ENTROPY(entropy_by_modern_msix, "q35", "virtio-rng-pci"),
        ENTROPY(entropy_by_legacy_msix, "q35", "virtio-rng-pci,disable-modern=on"),
        ENTROPY(entropy_by_legacy_intx, "q35", "virtio-rng-pci,disable-modern=on,vectors=0"),
        ENTROPY(entropy_by_mmio_v1, "microvm", "virtio-rng-device"),
        ENTROPY(entropy_by_mmio_v2, "microvm", "virtio-rng-device", "-global",
                "virtio-mmio.force-legacy=false"),
    };

    return qtest_main("tests/qemu/test_transports.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
