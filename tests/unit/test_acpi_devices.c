/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/acpi_devices.c and kernel/acpi_pci.c: what stands only in the DSDT, whole and damaged. The
 * block is an exact copy on the heap, so that a read behind it is an ASan error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/log.h"
#include "kernel/acpi_field.h"
#include "tests/fakes/fake_seams.h"

static uint8_t aml[4096];
static size_t length;
static struct acpi_info info;

static int setup(void **state)
{
    (void)state;
    memset(aml, 0, sizeof(aml));
    length = HEADER_BYTES;
    fake_seams.log_lines[LOG_WARN] = 0;
    return 0;
}

static void put(const void *bytes, size_t count)
{
    assert_true(length + count <= sizeof(aml));
    memcpy(aml + length, bytes, count);
    length += count;
}

static void put_number(uint64_t value, size_t bytes)
{
    put(&value, bytes);
}

/* PkgLength of a package whose contents are `bytes` long, in two bytes. */
static void put_package_length(size_t bytes)
{
    put_number(0x40 | ((bytes + 2) & 0x0f), 1);
    put_number((bytes + 2) >> 4, 1);
}

static void put_interrupt(uint8_t flags, uint32_t gsi)
{
    const uint8_t head[] = { 0x89, 6, 0, flags, 1 };

    put(head, sizeof(head));
    put_number(gsi, 4);
}

static void put_memory(uint32_t base, uint32_t bytes)
{
    const uint8_t head[] = { 0x86, 9, 0, 1 };

    put(head, sizeof(head));
    put_number(base, 4);
    put_number(bytes, 4);
}

/* A device whose _HID is a text of eight characters; `contents` appends descriptors. */
static void put_device(const char *name, const char *hid, void (*contents)(void))
{
    uint8_t inner[256];
    size_t start = length;
    size_t crs_bytes;
    size_t bytes;

    /* The descriptors first, to know their length. */
    contents();
    put_number(0x0079, 2);
    crs_bytes = length - start;
    memcpy(inner, aml + start, crs_bytes);
    length = start;
    bytes = 4 + 15 + 5 + 1 + 2 + 2 + crs_bytes;
    put("\x5b\x82", 2);
    put_package_length(bytes);
    put(name, 4);
    put("\010_HID\015", 6);
    put(hid, 9);
    put("\010_CRS\021", 6);
    put_package_length(2 + crs_bytes);
    put_number(0x0a, 1);
    put_number(crs_bytes, 1);
    put(inner, crs_bytes);
    assert_int_equal(length, start + 2 + 2 + bytes);
}

static void virtio_contents(void)
{
    put_memory(0xfeb02e00, 0x200);
    put_interrupt(0x01, 47);
}

static void other_contents(void)
{
    put_number(0x220047, 3); /* no such descriptor, to be passed over: small, 7 bytes */
    put_number(0, 5);
    put_interrupt(0x07, 24); /* edge, low */
    put_memory(0xd0000000, 0x1000);
    put_memory(0xe0000000, 0x1000);
}

static void link_contents(void)
{
    put_interrupt(0x01, 16);
}

static void second_link_contents(void)
{
    put_interrupt(0x05, 17);
}

static void memory_only(void)
{
    put_memory(0xfeb00000, 0x200);
}

static void parse(size_t bytes)
{
    uint8_t *copy = malloc(bytes > HEADER_BYTES ? bytes : HEADER_BYTES);
    const struct table table = { copy, bytes };

    assert_non_null(copy);
    memcpy(copy, aml, bytes);
    memset(&info, 0, sizeof(info));
    acpi_devices_find(&table, &info);
    acpi_pci_find(&table, &info);
    free(copy);
}

static void virtio_devices_are_found_in_order(void **state)
{
    (void)state;
    put_device("VR23", "LNRO0005", virtio_contents);
    put_device("COM1", "PNP0501\0", other_contents);
    put_device("VR22", "LNRO0005", other_contents);
    parse(length);
    assert_int_equal(info.virtio_mmio_count, 2);
    assert_int_equal(info.virtio_mmio[0].base, 0xfeb02e00);
    assert_int_equal(info.virtio_mmio[0].bytes, 0x200);
    assert_int_equal(info.virtio_mmio[0].interrupt.gsi, 47);
    assert_true(info.virtio_mmio[0].interrupt.level);
    assert_false(info.virtio_mmio[0].interrupt.active_low);
    /* Of several windows the first counts. */
    assert_int_equal(info.virtio_mmio[1].base, 0xd0000000);
    assert_int_equal(info.virtio_mmio[1].interrupt.gsi, 24);
    assert_false(info.virtio_mmio[1].interrupt.level);
    assert_true(info.virtio_mmio[1].interrupt.active_low);
}

static void a_device_inside_another_is_found(void **state)
{
    size_t start;

    (void)state;
    put("\x5b\x82\x4a\x04PCI0", 8);
    start = length;
    put_device("VR00", "LNRO0005", virtio_contents);
    aml[start - 6] = (uint8_t)(0x40 | ((length - start + 6) & 0x0f));
    aml[start - 5] = (uint8_t)((length - start + 6) >> 4);
    parse(length);
    assert_int_equal(info.virtio_mmio_count, 1);
}

static void a_device_without_registers_or_interrupt_is_reported(void **state)
{
    (void)state;
    put_device("VR00", "LNRO0005", memory_only);
    put_device("VR01", "LNRO0005", link_contents);
    parse(length);
    assert_int_equal(info.virtio_mmio_count, 0);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 2);
}

static void more_devices_than_there_is_room_for_are_reported(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ACPI_VIRTIO_MMIO_MAX + 2; i++) {
        put_device("VR00", "LNRO0005", virtio_contents);
    }
    parse(length);
    assert_int_equal(info.virtio_mmio_count, ACPI_VIRTIO_MMIO_MAX);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 2);
}

static void put_event_device(const char *region)
{
    size_t start = length;

    put_device("GED_", "ACPI0013", link_contents);
    put(region, 13);
    aml[start + 2] = (uint8_t)(0x40 | ((length - start - 2) & 0x0f));
    aml[start + 3] = (uint8_t)((length - start - 2) >> 4);
}

static void the_event_device_is_found_with_its_register(void **state)
{
    (void)state;
    put_event_device("\x5b\x80"
                     "EREG\0\x0c\x00\x10\xa0\xfe\x0a");
    put_number(4, 1);
    aml[HEADER_BYTES + 2]++; /* one byte more belongs to it */
    parse(length);
    assert_int_equal(info.event_device.base, 0xfea01000);
    assert_int_equal(info.event_device.bytes, 4);
    assert_int_equal(info.event_device.interrupt.gsi, 16);
}

static void an_event_device_with_another_kind_of_register_is_not_used(void **state)
{
    (void)state;
    put_event_device("\x5b\x80"
                     "EREG\1\x0c\x00\x10\xa0\xfe\x0a"); /* I/O space */
    put_number(4, 1);
    aml[HEADER_BYTES + 2]++;
    parse(length);
    assert_int_equal(info.event_device.bytes, 0);
}

/* Cut anywhere, and with any byte changed: no read behind the end, and nothing out of bounds. */
static void damaged_blocks_are_survived(void **state)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x3f, 0x4f, 0x79, 0x80, 0xcf, 0xff };
    size_t whole;

    (void)state;
    put_device("VR23", "LNRO0005", virtio_contents);
    put_event_device("\x5b\x80"
                     "EREG\0\x0c\x00\x10\xa0\xfe\x0a");
    whole = length;
    for (size_t bytes = HEADER_BYTES; bytes < whole; bytes++) {
        parse(bytes);
        assert_true(info.event_device.bytes == 0);
    }
    for (size_t at = HEADER_BYTES; at < whole; at++) {
        uint8_t kept = aml[at];

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            aml[at] = values[i];
            parse(whole);
            assert_true(info.virtio_mmio_count <= 1);
        }
        aml[at] = kept;
    }
}

/* ---- PCI ---- */

static void put_route(uint32_t slot, uint8_t pin, const char *link)
{
    const uint8_t head[] = { 0x12, 14, 4, 0x0c };

    put(head, sizeof(head));
    put_number(slot << 16 | 0xffff, 4);
    put_number(0x0a, 1);
    put_number(pin, 1);
    put(link, 4);
    put_number(0, 1);
}

static void put_routes(bool var_package)
{
    size_t start;

    put("\010_PRT", 5);
    put_number(var_package ? 0x13 : 0x12, 1);
    start = length;
    put_number(0, 2);
    if (var_package) {
        put_number(0x0a, 1);
    }
    put_number(5, 1);
    put_route(0, 0, "GSI0");
    put_route(0, 1, "GSI1");
    put_route(31, 3, "GSI1");
    put_route(32, 0, "GSI0"); /* no such slot */
    put_route(1, 2, "NONE");  /* no such link */
    aml[start] = (uint8_t)(0x40 | ((length - start) & 0x0f));
    aml[start + 1] = (uint8_t)((length - start) >> 4);
    put_device("GSI0", "PNP0C0F\0", link_contents);
    put_device("GSI1", "PNP0C0F\0", second_link_contents);
}

static void interrupt_routes_are_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(setup(NULL), 0);
        put_routes(i == 1);
        parse(length);
        assert_int_equal(info.pci_routes[0][0].gsi, 16);
        assert_true(info.pci_routes[0][0].level);
        assert_int_equal(info.pci_routes[0][1].gsi, 17);
        assert_true(info.pci_routes[0][1].active_low);
        assert_int_equal(info.pci_routes[31][3].gsi, 17);
        assert_int_equal(info.pci_routes[1][2].gsi, 0);
        assert_int_equal(info.pci_routes[0][2].gsi, 0);
    }
}

static void configuration_space_is_where_cba_says(void **state)
{
    (void)state;
    put("\x14\x0c_CBA\0\xa4\x0c\0\0\0\xe0", 13);
    parse(length);
    assert_true(info.has_ecam);
    assert_int_equal(info.ecam_base, 0xe0000000);
    assert_int_equal(info.ecam_bus_last, 255);
    aml[length - 1] = 0xe1;
    aml[length - 2] = 0x10; /* not aligned to its size */
    parse(length);
    assert_false(info.has_ecam);
    aml[length - 1] = 0;
    aml[length - 2] = 0;
    parse(length);
    assert_false(info.has_ecam);
}

static void the_hot_plug_registers_are_where_pcst_says(void **state)
{
    (void)state;
    parse(length);
    assert_int_equal(info.pci_hotplug_port, 0);
    put("\x5b\x80PCST\x01\x0b\xc0\x0c\x0a\x08", 12);
    parse(length);
    assert_int_equal(info.pci_hotplug_port, 0xcc0);
    /* Cut off, in memory, or beyond the ports. */
    parse(length - 3);
    assert_int_equal(info.pci_hotplug_port, 0);
    aml[length - 6] = 0;
    parse(length);
    assert_int_equal(info.pci_hotplug_port, 0);
    aml[length - 6] = 1;
    aml[length - 5] = 0x0c;
    parse(length);
    assert_int_equal(info.pci_hotplug_port, 0);
}

/* Device (name) { Name (_ADR, address) contents }, where `contents` may have devices inside. */
static void put_bridge(uint32_t address, void (*contents)(void))
{
    uint8_t inner[512];
    size_t start = length;
    size_t bytes;

    contents();
    bytes = length - start;
    assert_true(bytes <= sizeof(inner));
    memcpy(inner, aml + start, bytes);
    length = start;
    put("\x5b\x82", 2);
    put_package_length(4 + 10 + bytes);
    put("S00_", 4);
    put("\x08_ADR\x0c", 6);
    put_number(address, 4);
    put(inner, bytes);
}

static void put_number_2(void)
{
    put("\x08_SUN\x0a\x06\x08"
        "BSEL\x0a\x02",
        14);
}

static void put_nothing(void)
{
}

static void put_number_1_and_a_bridge(void)
{
    put("\x08"
        "BSEL\x01",
        6);
    put_bridge(0, put_nothing);
    put_bridge(0x00060001, put_number_2);
}

static void put_buses(void)
{
    length = HEADER_BYTES;
    put("\x5b\x80PCST\x01\x0b\xc0\x0c\x0a\x08", 12);
    put("\x08"
        "BSEL\x00",
        6);
    put_bridge(0x00030000, put_nothing);
    put_bridge(0x00050000, put_number_1_and_a_bridge);
}

static void the_buses_of_hot_plug_are_told_by_the_bridges_around_them(void **state)
{
    (void)state;
    put_buses();
    parse(length);
    assert_true(info.hotplug_buses[0].known);
    assert_int_equal(info.hotplug_buses[0].length, 0);
    assert_true(info.hotplug_buses[1].known);
    assert_int_equal(info.hotplug_buses[1].length, 1);
    assert_int_equal(info.hotplug_buses[1].bridge[0], 5 << 3);
    assert_true(info.hotplug_buses[2].known);
    assert_int_equal(info.hotplug_buses[2].length, 2);
    assert_int_equal(info.hotplug_buses[2].bridge[0], 5 << 3);
    assert_int_equal(info.hotplug_buses[2].bridge[1], 6 << 3 | 1);
    for (size_t i = 3; i < ACPI_HOTPLUG_BUSES; i++) {
        assert_false(info.hotplug_buses[i].known);
    }
    /* Cut off anywhere. */
    for (size_t bytes = HEADER_BYTES; bytes < length; bytes++) {
        parse(bytes);
    }
}

static void a_bus_that_cannot_be_told_is_not_known(void **state)
{
    (void)state;
    put_buses();
    for (size_t at = HEADER_BYTES; at + 5 < length; at++) {
        if (memcmp(aml + at, "\x08_ADR", 5) == 0) {
            aml[at + 4] = 'X'; /* no address: where is the bridge? */
        }
    }
    parse(length);
    assert_true(info.hotplug_buses[0].known);
    assert_false(info.hotplug_buses[1].known);
    assert_false(info.hotplug_buses[2].known);
}

static void put_nested_bridges(unsigned count)
{
    length = HEADER_BYTES;
    put("\x5b\x80PCST\x01\x0b\xc0\x0c\x0a\x08", 12);
    for (unsigned i = 0; i < count; i++) {
        put("\x5b\x82", 2);
        put_package_length(4 + 7 + (count - 1 - i) * 15 + 14);
        put("S00_", 4);
        put("\x08_ADR\x0a\x00", 7);
    }
    put_number_2();
}

static void a_bus_behind_too_many_bridges_is_not_known(void **state)
{
    (void)state;
    put_nested_bridges(PCI_PATH_MAX);
    parse(length);
    assert_true(info.hotplug_buses[2].known);
    assert_int_equal(info.hotplug_buses[2].length, PCI_PATH_MAX);
    put_nested_bridges(PCI_PATH_MAX + 1);
    parse(length);
    assert_false(info.hotplug_buses[2].known);
}

static void host_bridges_tell_their_buses(void **state)
{
    (void)state;
    length = HEADER_BYTES;
    put("\x08_BBN\x0a\x20", 7);
    put("\xa4_BBNBBN", 8);          /* a use of the name */
    put("\x08_BBN\x0b\x00\x01", 8); /* beyond the last bus */
    put("\x08_BBN\x0a\xc8", 7);
    parse(length);
    for (unsigned bus = 0; bus < PCI_BUSES; bus++) {
        assert_int_equal(pci_buses_has(&info.pci_roots, bus), bus == 0x20 || bus == 0xc8);
    }
    /* Cut off in front of the number, and within it. */
    parse(length - 1);
    assert_false(pci_buses_has(&info.pci_roots, 0xc8));
    parse(length - 2);
    assert_false(pci_buses_has(&info.pci_roots, 0xc8));
    assert_true(pci_buses_has(&info.pci_roots, 0x20));
}

static void damaged_routes_are_survived(void **state)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x0c, 0x12, 0x40, 0x80, 0xff };
    size_t whole;

    (void)state;
    put_routes(true);
    put("\x14\x0c_CBA\0\xa4\x0c\0\0\0\xe0", 13);
    whole = length;
    for (size_t bytes = HEADER_BYTES; bytes < whole; bytes++) {
        parse(bytes);
        assert_false(info.has_ecam);
    }
    for (size_t at = HEADER_BYTES; at < whole; at++) {
        uint8_t kept = aml[at];

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            aml[at] = values[i];
            parse(whole);
        }
        aml[at] = kept;
    }
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_devices_are_found_in_order),
        CASE(a_device_inside_another_is_found),
        CASE(a_device_without_registers_or_interrupt_is_reported),
        CASE(more_devices_than_there_is_room_for_are_reported),
        CASE(the_event_device_is_found_with_its_register),
        CASE(an_event_device_with_another_kind_of_register_is_not_used),
        CASE(damaged_blocks_are_survived),
        CASE(interrupt_routes_are_read),
        CASE(configuration_space_is_where_cba_says),
        CASE(the_hot_plug_registers_are_where_pcst_says),
        CASE(host_bridges_tell_their_buses),
        CASE(the_buses_of_hot_plug_are_told_by_the_bridges_around_them),
        CASE(a_bus_that_cannot_be_told_is_not_known),
        CASE(a_bus_behind_too_many_bridges_is_not_known),
        CASE(damaged_routes_are_survived),
    };

    return cmocka_run_group_tests_name("kernel/acpi_devices.c", tests, NULL, NULL);
}
