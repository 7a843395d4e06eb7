/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/pci/pci.c: scan and BARs on a machine made of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/pci/pci.h"
#include "tests/fakes/fake_pci.h"

#define BAR_32 PCI_BAR_TYPE_32
#define BAR_64 PCI_BAR_TYPE_64

/* ---- scan ---- */

struct seen {
    char text[512];
    unsigned stop_after;
    unsigned count;
};

static bool write_down(void *context, const struct pci_function *function)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);

    snprintf(seen->text + used, sizeof(seen->text) - used, "%x:%x.%x ",
             (unsigned)function->address.bus, (unsigned)function->address.slot,
             (unsigned)function->address.function);
    return ++seen->count == seen->stop_after;
}

static void assert_scan(const char *expected)
{
    struct seen seen = { .text = "" };

    assert_false(pci_scan(&fake_pci, write_down, &seen));
    assert_string_equal(seen.text, expected);
}

static void an_empty_machine_has_no_functions(void **state)
{
    (void)state;
    assert_scan("");
    assert_int_equal(fake_pci_probes, 32);
}

static void functions_are_visited_in_ascending_order(void **state)
{
    (void)state;
    fake_pci_add(0, 31, 0, 1, 1);
    fake_pci_add(0, 0, 0, 1, 1);
    fake_pci_add(0, 2, 0, 1, 1);
    assert_scan("0:0.0 0:2.0 0:1f.0 ");
}

static void functions_above_0_count_only_when_function_0_says_so(void **state)
{
    struct fake_pci_function *single = fake_pci_add(0, 1, 0, 1, 1);

    (void)state;
    fake_pci_add(0, 1, 3, 1, 1);
    fake_pci_add(0, 1, 7, 1, 1);
    fake_pci_add(0, 2, 1, 1, 1); /* without function 0 there is no device */
    assert_scan("0:1.0 ");
    single->config[PCI_HEADER_TYPE] = PCI_HEADER_MULTI_FUNCTION;
    assert_scan("0:1.0 0:1.3 0:1.7 ");
}

static void every_root_leads_to_its_buses(void **state)
{
    (void)state;
    fake_pci_add(0, 1, 0, 1, 1);
    fake_pci_make_bridge(fake_pci_add(32, 0, 0, 1, 1), 33);
    fake_pci_add(33, 2, 0, 1, 1);
    fake_pci_add(200, 4, 0, 1, 1);
    assert_scan("0:1.0 ");
    pci_buses_add(&fake_pci_roots, 200);
    pci_buses_add(&fake_pci_roots, 32);
    assert_scan("0:1.0 20:0.0 21:2.0 c8:4.0 ");
    assert_true(pci_is_root(&fake_pci, 0));
    assert_true(pci_is_root(&fake_pci, 32));
    assert_true(pci_is_root(&fake_pci, 200));
    assert_false(pci_is_root(&fake_pci, 33));
    assert_false(pci_is_root(&fake_pci, 255));
}

static void bridges_lead_to_their_buses(void **state)
{
    (void)state;
    fake_pci_make_bridge(fake_pci_add(0, 1, 0, 1, 1), 1);
    fake_pci_make_bridge(fake_pci_add(1, 0, 0, 1, 1), 2);
    fake_pci_add(2, 5, 0, 1, 1);
    fake_pci_make_bridge(fake_pci_add(0, 3, 0, 1, 1), 255);
    fake_pci_add(255, 0, 0, 1, 1);
    fake_pci_add(9, 0, 0, 1, 1); /* no bridge leads there */
    assert_scan("0:1.0 0:3.0 1:0.0 2:5.0 ff:0.0 ");
}

static void bridges_that_lead_back_are_not_followed(void **state)
{
    (void)state;
    fake_pci_make_bridge(fake_pci_add(0, 1, 0, 1, 1), 1);
    fake_pci_make_bridge(fake_pci_add(0, 2, 0, 1, 1), 0); /* never numbered */
    fake_pci_make_bridge(fake_pci_add(1, 0, 0, 1, 1), 1);
    fake_pci_make_bridge(fake_pci_add(1, 1, 0, 1, 1), 0);
    assert_scan("0:1.0 0:2.0 1:0.0 1:1.0 ");
}

static void a_visitor_can_end_the_scan(void **state)
{
    struct seen seen = { .text = "", .stop_after = 2 };

    (void)state;
    fake_pci_add(0, 1, 0, 1, 1);
    fake_pci_add(0, 2, 0, 1, 1);
    fake_pci_add(0, 3, 0, 1, 1);
    assert_true(pci_scan(&fake_pci, write_down, &seen));
    assert_string_equal(seen.text, "0:1.0 0:2.0 ");
}

static void a_function_is_found_by_its_ids(void **state)
{
    struct pci_function found;

    (void)state;
    fake_pci_make_bridge(fake_pci_add(0, 1, 0, 0x8086, 1), 1);
    fake_pci_add(0, 2, 0, 0x1af4, 0x1000);
    fake_pci_add(1, 0, 0, 0x1af4, 0x1045);
    assert_true(pci_find(&fake_pci, 0x1af4, 0x1045, &found));
    assert_int_equal(found.address.bus, 1);
    assert_int_equal(found.vendor, 0x1af4);
    assert_int_equal(found.device, 0x1045);
    assert_false(pci_find(&fake_pci, 0x1af4, 0x1046, &found));
}

/* ---- BARs ---- */

static void bars_of_every_kind_are_sized(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_bar bars[PCI_BARS];
    uint8_t before[256];

    (void)state;
    fake_pci_set_bar(f, 0, 0xc000, 0x40, PCI_BAR_IO);
    fake_pci_set_bar(f, 1, 0xfebd1000, 0x1000, BAR_32);
    fake_pci_set_bar(f, 2, UINT64_C(0x380000000000), UINT64_C(1) << 34, BAR_64 | 8);
    fake_pci_set_bar(f, 4, 0xfe000000, 0x4000, BAR_64);
    fake_pci_set(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    memcpy(before, f->config, sizeof(before));
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    assert_memory_equal(before, f->config, sizeof(before));

    assert_true(bars[0].io && !bars[0].is_64);
    assert_int_equal(bars[0].base, 0xc000);
    assert_int_equal(bars[0].size, 0x40);
    assert_false(bars[1].io || bars[1].is_64);
    assert_int_equal(bars[1].base, 0xfebd1000);
    assert_int_equal(bars[1].size, 0x1000);
    assert_true(bars[2].is_64);
    assert_int_equal(bars[2].base, UINT64_C(0x380000000000));
    assert_int_equal(bars[2].size, UINT64_C(1) << 34);
    assert_int_equal(bars[3].size, 0); /* the other half of BAR 2 */
    assert_int_equal(bars[4].base, 0xfe000000);
    assert_int_equal(bars[4].size, 0x4000);
    assert_int_equal(bars[5].size, 0);
}

static void an_io_bar_with_16_address_bits_is_sized(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_set_bar(f, 0, 0xc000, 0x20, PCI_BAR_IO);
    memset(f->writable + PCI_BAR(0) + 2, 0, 2);
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    assert_int_equal(bars[0].size, 0x20);
}

static void malformed_bars_have_no_size(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_set_bar(f, 0, 0xfe000000, 0x1000, 0x6); /* reserved type */
    fake_pci_set_bar(f, 1, 0xfe000000, 0x1000, BAR_32);
    f->writable[PCI_BAR(1) + 2] = 0x0f; /* a hole in the mask */
    fake_pci_set_bar(f, 2, 0, 0, BAR_32);
    fake_pci_set_bar(f, 3, 0xfe000000, 0x1000, 0x2);    /* "below 1 MiB" is a 32-bit BAR */
    fake_pci_set_bar(f, 5, 0xfe000000, 0x1000, BAR_64); /* no room for the upper half */
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    assert_int_equal(bars[0].size, 0);
    assert_int_equal(bars[1].size, 0);
    assert_int_equal(bars[2].size, 0);
    assert_int_equal(bars[3].size, 0x1000);
    assert_int_equal(bars[5].size, 0);
}

static void bars_of_a_bridge_are_not_read(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_make_bridge(f, 1);
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), ERR_UNSUPPORTED);
}

static void bars_without_address_are_placed_naturally_aligned(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_window window = { .next = 0xe0001234, .end = 0xf0000000 };
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_set_bar(f, 0, 0, 0x1000, BAR_32);
    fake_pci_set_bar(f, 2, 0, 0x100000, BAR_64);
    fake_pci_set_bar(f, 4, 0xfe000000, 0x4000, BAR_32);
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 0, &window), OK);
    assert_int_equal(bars[0].base, 0xe0002000);
    assert_int_equal(fake_pci_get(f, PCI_BAR(0), 4), 0xe0002000);
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 2, &window), OK);
    assert_int_equal(bars[2].base, 0xe0100000);
    assert_int_equal(fake_pci_get(f, PCI_BAR(2), 4), 0xe0100004);
    assert_int_equal(window.next, 0xe0200000);
    /* What the firmware placed stays. */
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 4, &window), OK);
    assert_int_equal(bars[4].base, 0xfe000000);
    assert_int_equal(window.next, 0xe0200000);
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 5, &window), ERR_UNSUPPORTED);
}

static void only_64_bit_bars_are_placed_above_4_gib(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_window window = { .next = UINT64_C(0x4000000000), .end = UINT64_C(0x4000100000) };
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_set_bar(f, 0, 0, 0x1000, BAR_32);
    fake_pci_set_bar(f, 2, 0, 0x1000, BAR_64);
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 0, &window), ERR_NOMEM);
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 2, &window), OK);
    assert_int_equal(fake_pci_get(f, PCI_BAR(3), 4), 0x40);
    assert_int_equal(bars[2].base, UINT64_C(0x4000000000));
}

static void a_full_window_places_nothing(void **state)
{
    static const struct pci_window windows[] = {
        { .next = 0xe0000000, .end = 0xe0000fff },
        { .next = 0xe0000001, .end = 0xe0001fff },
        { .next = 0xf0000000, .end = 0xe0000000 },
        { .next = UINT64_MAX, .end = UINT64_MAX },
        { .next = 0, .end = 0 },
    };
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_set_bar(f, 0, 0, 0x1000, BAR_64);
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
        struct pci_window window = windows[i];

        assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 0, &window), ERR_NOMEM);
        assert_int_equal(window.next, windows[i].next);
    }
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 0, NULL), ERR_NOMEM);
}

static void a_bar_that_forgets_its_address_is_a_device_fault(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);
    struct pci_window window = { .next = 0xe0001000, .end = 0xf0000000 };
    struct pci_bar bars[PCI_BARS];

    (void)state;
    fake_pci_set_bar(f, 0, 0, 0x1000, BAR_32);
    assert_int_equal(pci_bars_read(&fake_pci, f->address, bars), OK);
    memset(f->writable + PCI_BAR(0), 0, 4);
    assert_int_equal(pci_bar_place(&fake_pci, f->address, bars, 0, &window), ERR_DEVICE);
}

static void the_command_register_changes_bit_by_bit(void **state)
{
    struct fake_pci_function *f = fake_pci_add(0, 1, 0, 1, 1);

    (void)state;
    fake_pci_set(f, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_INTX_OFF);
    pci_command(&fake_pci, f->address, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
                PCI_COMMAND_INTX_OFF);
    assert_int_equal(fake_pci_get(f, PCI_COMMAND, 2), 7);
    assert_int_equal(pci_interrupt_line(&fake_pci, f->address), 10);
    assert_int_equal(pci_interrupt_pin(&fake_pci, f->address), 1);
    f->config[PCI_INTERRUPT_PIN] = 9;
    assert_int_equal(pci_interrupt_pin(&fake_pci, f->address), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fake_pci_setup, fake_pci_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_machine_has_no_functions),
        CASE(functions_are_visited_in_ascending_order),
        CASE(functions_above_0_count_only_when_function_0_says_so),
        CASE(bridges_lead_to_their_buses),
        CASE(every_root_leads_to_its_buses),
        CASE(bridges_that_lead_back_are_not_followed),
        CASE(a_visitor_can_end_the_scan),
        CASE(a_function_is_found_by_its_ids),
        CASE(bars_of_every_kind_are_sized),
        CASE(an_io_bar_with_16_address_bits_is_sized),
        CASE(malformed_bars_have_no_size),
        CASE(bars_of_a_bridge_are_not_read),
        CASE(bars_without_address_are_placed_naturally_aligned),
        CASE(only_64_bit_bars_are_placed_above_4_gib),
        CASE(a_full_window_places_nothing),
        CASE(a_bar_that_forgets_its_address_is_a_device_fault),
        CASE(the_command_register_changes_bit_by_bit),
    };

    return cmocka_run_group_tests_name("drivers/pci/pci.c", tests, NULL, NULL);
}
