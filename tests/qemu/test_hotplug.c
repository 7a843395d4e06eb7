/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon is unplugged and plugged in again while the guest runs: by ACPI, as QEMU does it by
 * default, and by the slots of PCI Express. All memory must come back, at rest and on the way, and
 * the new device must work to the frame.
 */

#include "tests/qemu/qtest.h"

#include <stdio.h>
#include <string.h>

/* A request on PCI Express is seen by a look once a second. */
#define UNPLUG_MS 4000

/* ---- helpers ---- */

static void request_unplug(struct qtest *t, const char *id)
{
    json_decref(qtest_command(t, "device_del", json_pack("{s:s}", "id", id)));
}

static void wait_deleted(struct qtest *t, const char *id)
{
    struct qmp_error error;
    json_t *event;
    const char *device = NULL;

    /* There is one event for the device's id, and one without, for what is inside of it. */
    do {
        if (qmp_wait_event(vm_qmp(t->vm), "DEVICE_DELETED", UNPLUG_MS, &event, &error) != QMP_OK) {
            fail_msg("%s does not leave: %s", id, error.text);
        }
        (void)json_unpack(event, "{s:{s:s}}", "data", "device", &device);
        if (device != NULL && strcmp(device, id) != 0) {
            fail_msg("%s has left, but %s was meant", device, id);
        }
        json_decref(event);
    } while (device == NULL);
}

/* Waits until the guest has every frame, and counts none as the balloon's. */
static void all_memory_is_back(struct qtest *t)
{
    struct record_mem mem = qtest_wait_frames(t, 0);

    assert_int_equal(mem.total, mem.in_use + mem.backed + mem.returned);
}

static void unplug(struct qtest *t)
{
    request_unplug(t, VM_BALLOON_ID);
    wait_deleted(t, VM_BALLOON_ID);
    all_memory_is_back(t);
}

/* The new device must interrupt as the old one did: these machines have no safety poll. QEMU's
 * balloon has lines only. A null `slot` leaves the choice to QEMU. */
static void plug_at(struct qtest *t, const char *bus, const char *slot)
{
    const char *line;

    json_decref(qtest_command(t, "device_add",
                              json_pack("{s:s, s:s, s:s, s:b, s:s*}", "driver",
                                        "virtio-balloon-pci", "id", VM_BALLOON_ID, "bus", bus,
                                        "free-page-reporting", 1, "addr", slot)));
    line = qtest_line(t, "pages a request", QTEST_STEP_MS);
    assert_non_null(strstr(line, "by INTx"));
}

static void plug(struct qtest *t, const char *bus)
{
    plug_at(t, bus, NULL);
}

/* To the frame, both ways. */
static void it_works(struct qtest *t)
{
    qtest_resize(t, t->ram_bytes / 2 + 7 * QTEST_FRAME);
    qtest_resize(t, t->ram_bytes);
}

/* Ends in order, and without a storm from a line that nobody serves. */
static void end(struct qtest *t)
{
    const char *line;
    unsigned long long interrupts = 0;

    qtest_powerdown(t);
    line = vm_last_line(t->vm, "interrupts: ");
    assert_non_null(line);
    assert_int_equal(sscanf(strstr(line, "interrupts: "), "interrupts: %llu", &interrupts), 1);
    assert_true(interrupts > 0 && interrupts < 5000);
}

static const char *bus_of(const struct qtest *t)
{
    return t->config.machine != NULL ? "pci.0" : "root1";
}

/* ---- each way ---- */

static void unplug_inflated_and_replug(struct qtest *t)
{
    uint64_t in_use;

    qtest_ready(t, "on");
    in_use = qtest_wait_frames(t, 0).in_use;
    for (unsigned round = 0; round < 2; round++) {
        qtest_resize(t, t->ram_bytes / 2);
        unplug(t);
        plug(t, bus_of(t));
        it_works(t);
    }
    unplug(t);
    /* What a driver had for itself has come back, too; a page table may have been added. */
    assert_true(qtest_wait_frames(t, 0).in_use <= in_use + 8);
    end(t);
}

static void unplug_while_moving(struct qtest *t)
{
    static const int delays_ms[] = { 0, 2, 7, 20, 60 };

    qtest_ready(t, "on");
    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        qtest_ask(t, t->ram_bytes / 4);
        qtest_sleep(t, delays_ms[i]);
        unplug(t);
        plug(t, bus_of(t));
        qtest_ask(t, t->ram_bytes / 4);
        qtest_wait_actual(t, t->ram_bytes / 4, QTEST_STEP_MS);
        qtest_ask(t, t->ram_bytes);
        qtest_sleep(t, delays_ms[i]);
        unplug(t);
        plug(t, bus_of(t));
        it_works(t);
    }
    end(t);
}

static void plug_where_there_was_none(struct qtest *t)
{
    qtest_ready(t, "none");
    plug(t, bus_of(t));
    it_works(t);
    unplug(t);
    end(t);
}

static void a_request_from_before_the_start(struct qtest *t)
{
    request_unplug(t, VM_BALLOON_ID);
    qtest_do(t, "cont");
    wait_deleted(t, VM_BALLOON_ID);
    all_memory_is_back(t);
    plug(t, bus_of(t));
    it_works(t);
    end(t);
}

static void acpi_unplugs_an_inflated_balloon_and_takes_another(struct qtest *t)
{
    unplug_inflated_and_replug(t);
}

static void acpi_unplugs_a_guarded_balloon(struct qtest *t)
{
    unplug_inflated_and_replug(t);
}

static void acpi_unplugs_a_balloon_that_moves(struct qtest *t)
{
    unplug_while_moving(t);
}

static void acpi_brings_a_balloon_where_there_was_none(struct qtest *t)
{
    plug_where_there_was_none(t);
}

static void pc_unplugs_an_inflated_balloon_and_takes_another(struct qtest *t)
{
    unplug_inflated_and_replug(t);
}

static void express_unplugs_an_inflated_balloon_and_takes_another(struct qtest *t)
{
    unplug_inflated_and_replug(t);
}

static void express_unplugs_a_balloon_that_moves(struct qtest *t)
{
    unplug_while_moving(t);
}

static void express_brings_a_balloon_where_there_was_none(struct qtest *t)
{
    plug_where_there_was_none(t);
}

static void acpi_obeys_a_request_from_before_the_start(struct qtest *t)
{
    a_request_from_before_the_start(t);
}

/* ---- others ---- */

static void other_devices_leave_and_the_balloon_stays(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    request_unplug(t, "other");
    wait_deleted(t, "other");
    (void)qtest_wait_frames(t, t->ram_bytes / 2 / QTEST_FRAME);
    assert_int_equal(qtest_actual(t), t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    if (vm_last_line(t->vm, "is let go") != NULL) {
        fail_msg("the balloon was let go, but another device was meant");
    }
    end(t);
}

static void acpi_unplugs_another_device(struct qtest *t)
{
    other_devices_leave_and_the_balloon_stays(t);
}

static void pc_unplugs_another_device_in_the_same_slot(struct qtest *t)
{
    other_devices_leave_and_the_balloon_stays(t);
}

static void pc_unplugs_the_balloon_and_another_stays_in_the_same_slot(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    unplug(t);
    plug_at(t, "bridge2", "4");
    it_works(t);
    request_unplug(t, "other");
    wait_deleted(t, "other");
    it_works(t);
    end(t);
}

static void express_unplugs_another_device(struct qtest *t)
{
    other_devices_leave_and_the_balloon_stays(t);
}

/* The firmware has given the bridge a window that begins with the other device's registers. In slot
 * 4 the new device shares the bridge's interrupt line. */
static void a_balloon_finds_room_beside_another_device(struct qtest *t)
{
    qtest_ready(t, "none");
    for (unsigned round = 0; round < 2; round++) {
        plug_at(t, "bridge1", "4");
        it_works(t);
        unplug(t);
    }
    end(t);
}

/* A command of the monitor for humans, which is the only one that reaches I/O ports. */
static void monitor(struct qtest *t, const char *line)
{
    json_decref(
        qtest_command(t, "human-monitor-command", json_pack("{s:s}", "command-line", line)));
}

/* Bus mastering of function 01:00.0 is switched off behind the driver's back: the device answers
 * nothing and interrupts for nothing until it is attached anew; the poll finds the new target. */
static void a_balloon_that_was_given_up_has_another_chance_when_devices_come(struct qtest *t)
{
    qtest_ready(t, "on");
    monitor(t, "o/4 0xcf8 0x80010004");
    monitor(t, "o/2 0xcfc 0x0003");
    qtest_ask(t, t->ram_bytes / 2);
    qtest_line(t, "balloon: given up after", 5 * QTEST_STEP_MS);
    json_decref(qtest_command(
        t, "device_add",
        json_pack("{s:s, s:s, s:s}", "driver", "virtio-rng-pci", "id", "other", "bus", "root2")));
    qtest_line(t, "pages a request", QTEST_STEP_MS);
    qtest_wait_actual(t, t->ram_bytes / 2, QTEST_STEP_MS);
    it_works(t);
    end(t);
}

static void a_guest_told_to_leave_the_balloon_alone_lets_it_go(struct qtest *t)
{
    qtest_ready(t, "off");
    request_unplug(t, VM_BALLOON_ID);
    wait_deleted(t, VM_BALLOON_ID);
    end(t);
}

#define PORT    "-device", "pcie-root-port,id=root1,slot=1,chassis=1"
#define PORT2   "-device", "pcie-root-port,id=root2,slot=2,chassis=2"
#define BALLOON "-device", ("virtio-balloon-pci,bus=root1,id=" VM_BALLOON_ID)
#define OTHER   "-device", "virtio-rng-pci,bus=root2,id=other"
#define NO_POLL .append = "report=50 poll=0"
#define EXPRESS "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"

static const char *const acpi[] = { PORT, BALLOON, NULL };
static const char *const bridge_with_another[] = { "-device", "pci-bridge,id=bridge1,chassis_nr=1",
                                                   "-device", "virtio-rng-pci,bus=bridge1,addr=1",
                                                   NULL };
/* A bridge behind a bridge; the balloon and the other device are in slots 4 of different buses. */
#define BRIDGES                                                                                    \
    "-device", "pci-bridge,id=bridge1,chassis_nr=1,addr=5", "-device",                             \
        "pci-bridge,id=bridge2,bus=bridge1,chassis_nr=2,addr=6"
static const char *const other_behind[] = { BRIDGES, "-device",
                                            "virtio-rng-pci,bus=bridge2,addr=4,id=other", NULL };
static const char *const balloon_behind[] = {
    BRIDGES,
    "-device",
    ("virtio-balloon-pci,bus=bridge2,addr=4,id=" VM_BALLOON_ID),
    "-device",
    "virtio-rng-pci,bus=pci.0,addr=4,id=other",
    NULL
};
static const char *const acpi_empty[] = { PORT, NULL };
static const char *const acpi_two[] = { PORT, PORT2, BALLOON, OTHER, NULL };
static const char *const acpi_room[] = { PORT, PORT2, BALLOON, NULL };
static const char *const express[] = { EXPRESS, PORT, BALLOON, NULL };
static const char *const express_empty[] = { EXPRESS, PORT, NULL };
static const char *const express_two[] = { EXPRESS, PORT, PORT2, BALLOON, OTHER, NULL };

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(acpi_unplugs_an_inflated_balloon_and_takes_another, .memory_mib = 512,
              .no_balloon = true, .extra = acpi, NO_POLL),
        QTEST(acpi_unplugs_a_guarded_balloon, .memory_mib = 512, .no_balloon = true, .extra = acpi,
              .append = "report=50 poll=0 balloon.guard=on"),
        QTEST(acpi_unplugs_a_balloon_that_moves, .memory_mib = 512, .no_balloon = true,
              .extra = acpi, NO_POLL),
        QTEST(acpi_brings_a_balloon_where_there_was_none, .no_balloon = true, .extra = acpi_empty,
              NO_POLL),
        QTEST(acpi_obeys_a_request_from_before_the_start, .no_balloon = true, .extra = acpi,
              .paused = true, NO_POLL),
        QTEST(pc_unplugs_an_inflated_balloon_and_takes_another, .memory_mib = 512, .machine = "pc",
              NO_POLL),
        QTEST(acpi_unplugs_another_device, .no_balloon = true, .extra = acpi_two, NO_POLL),
        QTEST(pc_unplugs_another_device_in_the_same_slot, .machine = "pc",
              .balloon_properties = "addr=4", .extra = other_behind, NO_POLL),
        QTEST(pc_unplugs_the_balloon_and_another_stays_in_the_same_slot, .machine = "pc",
              .no_balloon = true, .extra = balloon_behind, NO_POLL),
        QTEST(express_unplugs_an_inflated_balloon_and_takes_another, .memory_mib = 512,
              .no_balloon = true, .extra = express, NO_POLL),
        QTEST(express_unplugs_a_balloon_that_moves, .memory_mib = 512, .no_balloon = true,
              .extra = express, NO_POLL),
        QTEST(express_brings_a_balloon_where_there_was_none, .no_balloon = true,
              .extra = express_empty, NO_POLL),
        QTEST(express_unplugs_another_device, .no_balloon = true, .extra = express_two, NO_POLL),
        QTEST(a_balloon_finds_room_beside_another_device, .machine = "pc", .no_balloon = true,
              .extra = bridge_with_another, NO_POLL),
        QTEST(a_balloon_that_was_given_up_has_another_chance_when_devices_come, .no_balloon = true,
              .extra = acpi_room, .append = "report=50 poll=200 balloon.timeout=100"),
        QTEST(a_guest_told_to_leave_the_balloon_alone_lets_it_go, .no_balloon = true, .extra = acpi,
              .append = "report=50 poll=0 balloon=off"),
    };

    return qtest_main("tests/qemu/test_hotplug.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
