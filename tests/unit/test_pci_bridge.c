/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/pci/pci_bridge.c: the gaps in the windows of bridges, on a machine made of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/pci/pci.h"
#include "tests/fakes/fake_pci.h"

#define BAR_32 PCI_BAR_TYPE_32
#define BAR_64 PCI_BAR_TYPE_64

#define DECODING (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

/* Bus 2, with 2 MiB from 0xfe600000 on, and a newcomer with one BAR of 16 KiB. */
static struct fake_pci_function *bridge;
static struct fake_pci_function *newcomer;

static int setup(void **state)
{
    (void)fake_pci_setup(state);
    fake_pci_make_bridge(fake_pci_add(0, 3, 0, 0x1b36, 0xc), 1);
    bridge = fake_pci_add(0, 4, 0, 0x1b36, 0xc);
    fake_pci_make_bridge(bridge, 2);
    fake_pci_set(bridge, PCI_BRIDGE_MEMORY_BASE, 2, 0xfe60);
    fake_pci_set(bridge, PCI_BRIDGE_MEMORY_LIMIT, 2, 0xfe70);
    newcomer = fake_pci_add(2, 9, 0, 0x1af4, 0x1045);
    fake_pci_set_bar(newcomer, 4, 0, 0x4000, BAR_64);
    return 0;
}

/* A function of bus 2 as the firmware leaves it: placed and decoding. */
static struct fake_pci_function *neighbour(uint8_t slot, uint64_t base, uint64_t size)
{
    struct fake_pci_function *f = fake_pci_add(2, slot, 0, 1, 1);

    fake_pci_set_bar(f, 1, base, size, BAR_32);
    fake_pci_set(f, PCI_COMMAND, 2, DECODING);
    return f;
}

static void assert_window(uint64_t next, uint64_t end)
{
    struct pci_window window = pci_window_behind(&fake_pci, newcomer->address);

    assert_int_equal(window.next, next);
    assert_int_equal(window.end, end);
}

static void a_path_of_bridges_leads_to_a_bus(void **state)
{
    struct pci_path path = { .known = true, .length = 1, .bridge = { 4 << 3 } };
    uint8_t bus;

    (void)state;
    assert_true(pci_path_bus(&fake_pci, &path, &bus));
    assert_int_equal(bus, 2);
    /* Behind a second bridge, and where there is none. */
    path.length = 2;
    path.bridge[1] = 7 << 3 | 1;
    assert_false(pci_path_bus(&fake_pci, &path, &bus));
    fake_pci_make_bridge(fake_pci_add(2, 7, 1, 0x1b36, 0xc), 5);
    assert_true(pci_path_bus(&fake_pci, &path, &bus));
    assert_int_equal(bus, 5);
    /* A device is no bridge, and a bridge may have no number yet. */
    path.bridge[1] = 9 << 3;
    assert_false(pci_path_bus(&fake_pci, &path, &bus));
    fake_pci_set(bridge, PCI_SECONDARY_BUS, 1, 0);
    path.length = 1;
    assert_false(pci_path_bus(&fake_pci, &path, &bus));
    path.length = 0;
    assert_true(pci_path_bus(&fake_pci, &path, &bus));
    assert_int_equal(bus, 0);
    path.known = false;
    assert_false(pci_path_bus(&fake_pci, &path, &bus));
}

static void the_bridge_of_a_bus_is_found(void **state)
{
    struct pci_address at;

    (void)state;
    assert_true(pci_bridge_of(&fake_pci, 2, &at));
    assert_int_equal(at.slot, 4);
    assert_false(pci_bridge_of(&fake_pci, 3, &at));
}

static void an_empty_window_is_all_room(void **state)
{
    (void)state;
    assert_window(0xfe600000, 0xfe800000);
}

static void a_window_filled_from_its_base_has_room_above(void **state)
{
    (void)state;
    neighbour(1, 0xfe600000, 0x4000);
    neighbour(2, 0xfe604000, 0x1000);
    assert_window(0xfe605000, 0xfe800000);
}

static void a_window_filled_from_its_end_has_room_below(void **state)
{
    (void)state;
    neighbour(1, 0xfe7ff000, 0x1000);
    neighbour(2, 0xfe7f8000, 0x4000);
    assert_window(0xfe600000, 0xfe7f8000);
}

static void a_window_filled_to_the_last_byte_has_no_room(void **state)
{
    struct pci_window window;

    (void)state;
    neighbour(1, 0xfe600000, 0x100000);
    neighbour(2, 0xfe700000, 0x100000);
    window = pci_window_behind(&fake_pci, newcomer->address);
    assert_int_equal(window.next, window.end);
}

static void what_is_larger_than_the_window_leaves_no_room(void **state)
{
    struct pci_window window;

    (void)state;
    neighbour(1, 0xfe000000, 0x1000000);
    window = pci_window_behind(&fake_pci, newcomer->address);
    assert_int_equal(window.next, window.end);
}

static void what_lies_elsewhere_takes_no_room(void **state)
{
    struct fake_pci_function *f = neighbour(1, 0xfe5ff000, 0x1000);
    struct fake_pci_function *other = fake_pci_add(1, 0, 0, 1, 1);

    (void)state;
    fake_pci_set_bar(f, 0, 0xfe700000 & 0xffff, 0x100, PCI_BAR_IO);
    fake_pci_set_bar(f, 2, 0xfe800000, 0x1000, BAR_32);
    fake_pci_set_bar(f, 3, 0, 0x10000, BAR_32);
    fake_pci_set_bar(f, 4, UINT64_C(0x10fe700000), 0x4000, BAR_64);
    fake_pci_set_bar(other, 0, 0xfe700000, 0x4000, BAR_32);
    assert_window(0xfe600000, 0xfe800000);
}

static void neighbours_are_left_as_they_were(void **state)
{
    struct fake_pci_function *f = neighbour(1, 0xfe600000, 0x4000);
    struct fake_pci_function before = *f;

    (void)state;
    assert_window(0xfe604000, 0xfe800000);
    assert_memory_equal(f->config, before.config, sizeof(before.config));
}

static void nobody_is_sized_for_a_function_that_has_its_places(void **state)
{
    (void)state;
    neighbour(1, 0xfe600000, 0x4000);
    fake_pci_set_bar(newcomer, 4, 0xfe604000, 0x4000, BAR_64);
    fake_pci_probes = 0;
    assert_window(0, 0);
    assert_int_equal(fake_pci_probes, 0);
}

static void what_inner_bridges_have_is_taken(void **state)
{
    struct fake_pci_function *inner = fake_pci_add(2, 1, 0, 0x1b36, 1);

    (void)state;
    fake_pci_make_bridge(inner, 3);
    fake_pci_set(inner, PCI_BRIDGE_MEMORY_BASE, 2, 0xfe60);
    fake_pci_set(inner, PCI_BRIDGE_MEMORY_LIMIT, 2, 0xfe60);
    fake_pci_set(inner, PCI_BRIDGE_PREFETCH_BASE, 2, 0xfff1); /* closed */
    fake_pci_set(inner, PCI_BRIDGE_PREFETCH_LIMIT, 2, 0x0001);
    assert_window(0xfe700000, 0xfe800000);
    /* Its own registers, as long as their place allows. */
    fake_pci_set(inner, PCI_BAR(0), 4, 0xfe702004);
    assert_window(0xfe704000, 0xfe800000);
    fake_pci_set(inner, PCI_BRIDGE_PREFETCH_BASE, 2, 0xfe71);
    fake_pci_set(inner, PCI_BRIDGE_PREFETCH_LIMIT, 2, 0xfe71);
    assert_window(0xfe700000, 0xfe700000);
}

static void a_closed_window_and_no_bridge_have_no_room(void **state)
{
    struct pci_window window;

    (void)state;
    fake_pci_set(bridge, PCI_BRIDGE_MEMORY_BASE, 2, 0xfff0);
    fake_pci_set(bridge, PCI_BRIDGE_MEMORY_LIMIT, 2, 0);
    window = pci_window_behind(&fake_pci, newcomer->address);
    assert_int_equal(window.next, window.end);
    fake_pci_make_bridge(bridge, 5);
    assert_window(0, 0);
}

static void newcomers_get_places_one_beside_the_other(void **state)
{
    struct fake_pci_function *second = fake_pci_add(2, 10, 0, 0x1af4, 0x1045);
    struct fake_pci_function *both[] = { newcomer, second };
    static const uint32_t places[] = { 0xfe604000, 0xfe608000 };

    (void)state;
    neighbour(1, 0xfe600000, 0x1000);
    fake_pci_set_bar(second, 4, 0, 0x4000, BAR_64);
    for (unsigned i = 0; i < 2; i++) {
        struct pci_window window = pci_window_behind(&fake_pci, both[i]->address);
        struct pci_bar bars[PCI_BARS];

        assert_int_equal(pci_bars_read(&fake_pci, both[i]->address, bars), OK);
        assert_int_equal(pci_bar_place(&fake_pci, both[i]->address, bars, 4, &window), OK);
        assert_int_equal(bars[4].base, places[i]);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, fake_pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_bridge_of_a_bus_is_found),
        CASE(a_path_of_bridges_leads_to_a_bus),
        CASE(an_empty_window_is_all_room),
        CASE(a_window_filled_from_its_base_has_room_above),
        CASE(a_window_filled_from_its_end_has_room_below),
        CASE(a_window_filled_to_the_last_byte_has_no_room),
        CASE(what_is_larger_than_the_window_leaves_no_room),
        CASE(what_lies_elsewhere_takes_no_room),
        CASE(neighbours_are_left_as_they_were),
        CASE(nobody_is_sized_for_a_function_that_has_its_places),
        CASE(what_inner_bridges_have_is_taken),
        CASE(a_closed_window_and_no_bridge_have_no_room),
        CASE(newcomers_get_places_one_beside_the_other),
    };

    return cmocka_run_group_tests_name("drivers/pci/pci_bridge.c", tests, NULL, NULL);
}
