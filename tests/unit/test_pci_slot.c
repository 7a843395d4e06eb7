/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/pci/pci_slot.c and pci_eject.c: a port with a slot, and the registers of ACPI hot-plug,
 * made of bytes. The power of a QEMU slot takes its device out; the test plays that part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/assert.h"
#include "drivers/pci/pci_eject.h"
#include "drivers/pci/pci_slot.h"
#include "tests/fakes/fake_pci.h"

/* ---- slots of PCI Express ---- */

static struct fake_pci_function *port;
static struct pci_slot slot;
static uint8_t express;

static int setup(void **state)
{
    static const uint8_t body[0x3a] = { 0x42, 0x01 }; /* a root port with a slot */

    (void)state;
    fake_pci_reset();
    port = fake_pci_add(0, 3, 0, 0x1b36, 0xc);
    fake_pci_make_bridge(port, 1);
    express = fake_pci_add_cap(port, PCI_CAP_EXPRESS, body, sizeof(body));
    fake_pci_set(port, express + PCI_SLOT_CAPABILITIES, 4, 0x0002007b);
    port->writable[express + PCI_SLOT_CONTROL] = 0xff;
    port->writable[express + PCI_SLOT_CONTROL + 1] = 0x1f;
    return 0;
}

static void status(uint16_t bits)
{
    fake_pci_set(port, express + PCI_SLOT_STATUS, 2, bits);
}

static uint32_t control(void)
{
    return fake_pci_get(port, express + PCI_SLOT_CONTROL, 2);
}

static bool opens(void)
{
    struct pci_function function = { .address = port->address,
                                     .header_type = port->config[PCI_HEADER_TYPE] };

    return pci_slot_open(&slot, &fake_pci, &function);
}

static void open_filled(void)
{
    fake_pci_set(port, express + PCI_SLOT_CONTROL, 2, PCI_SLOT_POWER_INDICATOR_ON);
    status(PCI_SLOT_PRESENT);
    assert_true(opens());
}

static void only_ports_with_a_hot_plug_slot_are_watched(void **state)
{
    (void)state;
    assert_true(opens());
    fake_pci_set(port, express + PCI_SLOT_CAPABILITIES, 4, 0x0002003b);
    assert_false(opens());
    (void)setup(NULL);
    fake_pci_set(port, express + PCI_EXPRESS_FLAGS, 2, 0x0042);
    assert_false(opens());
    (void)setup(NULL);
    port->config[PCI_HEADER_TYPE] = PCI_HEADER_LAYOUT_DEVICE;
    assert_false(opens());
    (void)setup(NULL);
    port->config[express] = 0x05;
    assert_false(opens());
    /* The slot's registers would lie beyond the 256 bytes. */
    (void)setup(NULL);
    port->config[PCI_CAPABILITIES] = 0xec;
    port->config[0xec] = PCI_CAP_EXPRESS;
    assert_false(opens());
}

static void a_pressed_button_asks_the_device_to_leave(void **state)
{
    (void)state;
    open_filled();
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_QUIET);
    status(PCI_SLOT_PRESENT | PCI_SLOT_BUTTON_PRESSED);
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_LEAVES);
    pci_slot_power(&slot, &fake_pci, false);
    assert_int_equal(control(), PCI_SLOT_POWER_INDICATOR | PCI_SLOT_POWER_OFF);
    status(PCI_SLOT_PRESENCE_CHANGED);
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_QUIET);
}

static void events_are_cleared_by_writing_ones_and_no_others(void **state)
{
    (void)state;
    open_filled();
    port->writable[express + PCI_SLOT_STATUS] = 0xff;
    port->writable[express + PCI_SLOT_STATUS + 1] = 0xff;
    status(0x0119 | PCI_SLOT_PRESENT);
    (void)pci_slot_look(&slot, &fake_pci);
    /* The fake keeps what is written. */
    assert_int_equal(fake_pci_get(port, express + PCI_SLOT_STATUS, 2),
                     PCI_SLOT_BUTTON_PRESSED | PCI_SLOT_PRESENCE_CHANGED);
}

static void a_device_that_comes_gets_power(void **state)
{
    (void)state;
    fake_pci_set(port, express + PCI_SLOT_CONTROL, 2,
                 PCI_SLOT_POWER_INDICATOR | PCI_SLOT_POWER_OFF | 0x00c0);
    assert_true(opens());
    status(PCI_SLOT_PRESENT | PCI_SLOT_PRESENCE_CHANGED | PCI_SLOT_BUTTON_PRESSED);
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_COMES);
    pci_slot_power(&slot, &fake_pci, true);
    /* The attention indicator is left alone. */
    assert_int_equal(control(), PCI_SLOT_POWER_INDICATOR_ON | 0x00c0);
    /* From here on the button means the other thing. */
    status(PCI_SLOT_PRESENT | PCI_SLOT_BUTTON_PRESSED);
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_LEAVES);
}

static void a_device_that_is_pulled_out_has_left(void **state)
{
    (void)state;
    open_filled();
    status(PCI_SLOT_PRESENCE_CHANGED);
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_LEAVES);
}

static void what_happened_before_is_news(void **state)
{
    (void)state;
    fake_pci_set(port, express + PCI_SLOT_CONTROL, 2, PCI_SLOT_POWER_INDICATOR_ON);
    status(PCI_SLOT_PRESENT | PCI_SLOT_BUTTON_PRESSED);
    assert_true(opens());
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_LEAVES);
}

static void a_port_that_has_left_itself_is_quiet(void **state)
{
    (void)state;
    open_filled();
    status(0xffff);
    assert_int_equal(pci_slot_look(&slot, &fake_pci), PCI_SLOT_QUIET);
}

/* ---- ACPI's registers, as QEMU has them ---- */

#define BASE  0xcc0U
#define BUSES 3U

static struct {
    uint32_t up;
    uint32_t down;
    uint32_t ejected;
    bool stubborn; /* its requests stay */
} buses[BUSES];
static uint32_t selected;
static unsigned accesses;

static uint32_t port_read(uint16_t at, unsigned bytes)
{
    uint32_t value = 0;

    ASSERT(bytes == 4 && (at == BASE || at == BASE + 4));
    accesses++;
    if (selected >= BUSES) {
        return 0;
    }
    if (at == BASE + 4) {
        return buses[selected].down;
    }
    value = buses[selected].up;
    buses[selected].up = 0;
    return value;
}

static void port_write(uint16_t at, unsigned bytes, uint32_t value)
{
    ASSERT(bytes == 4 && (at == BASE + 8 || at == BASE + 16));
    accesses++;
    if (at == BASE + 16) {
        selected = value;
        return;
    }
    ASSERT(selected < BUSES && (value & (value - 1)) == 0);
    ASSERT((buses[selected].down & value) != 0);
    buses[selected].ejected |= value;
    if (!buses[selected].stubborn) {
        buses[selected].down &= ~value;
    }
}

static const struct port_ops ports = { port_read, port_write };

/* What the drivers were told, and what asks to leave while they let go. */
static uint32_t told[BUSES];
static uint32_t comes_late;

static int setup_ports(void **state)
{
    (void)state;
    memset(buses, 0, sizeof(buses));
    memset(told, 0, sizeof(told));
    comes_late = 0;
    accesses = 0;
    return 0;
}

static void leaves(uint32_t number, uint32_t slots)
{
    assert_true(number < BUSES);
    assert_int_equal(buses[number].ejected & slots, 0);
    told[number] |= slots;
    buses[0].down |= comes_late;
    buses[number].down |= comes_late;
}

static void what_is_to_leave_is_told_by_bus_and_slot(void **state)
{
    (void)state;
    buses[0].down = 0x80000009;
    buses[2].down = 1;
    assert_true(pci_eject(&ports, BASE, leaves));
    assert_int_equal(told[0], 0x80000009);
    assert_int_equal(told[1], 0);
    assert_int_equal(told[2], 1);
}

static void what_is_to_leave_is_ejected_slot_by_slot(void **state)
{
    (void)state;
    buses[0].down = 0x80000009;
    buses[2].down = 1;
    assert_true(pci_eject(&ports, BASE, leaves));
    assert_int_equal(buses[0].ejected, 0x80000009);
    assert_int_equal(buses[1].ejected, 0);
    assert_int_equal(buses[2].ejected, 1);
    assert_false(pci_eject(&ports, BASE, leaves));
}

static void nothing_is_ejected_that_was_not_let_go(void **state)
{
    (void)state;
    comes_late = 0x10;
    buses[1].down = 4;
    assert_true(pci_eject(&ports, BASE, leaves));
    assert_int_equal(buses[1].ejected, 4);
    assert_int_equal(buses[0].ejected, 0);
    comes_late = 0;
    assert_true(pci_eject(&ports, BASE, leaves));
    for (unsigned bus = 0; bus < 2; bus++) {
        assert_int_equal(buses[bus].ejected & 0x10, 0x10);
        assert_int_equal(buses[bus].ejected & ~told[bus], 0);
    }
}

static void what_has_come_is_told_once(void **state)
{
    (void)state;
    buses[2].up = 1;
    assert_true(pci_eject(&ports, BASE, leaves));
    assert_false(pci_eject(&ports, BASE, leaves));
}

static void a_machine_that_keeps_asking_does_not_hold_us_up(void **state)
{
    (void)state;
    buses[1].down = UINT32_MAX;
    buses[1].stubborn = true;
    assert_true(pci_eject(&ports, BASE, leaves));
    assert_true(accesses < 1000);
}

#define CASE(name)  cmocka_unit_test_setup(name, setup)
#define PORTS(name) cmocka_unit_test_setup(name, setup_ports)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(only_ports_with_a_hot_plug_slot_are_watched),
        CASE(a_pressed_button_asks_the_device_to_leave),
        CASE(events_are_cleared_by_writing_ones_and_no_others),
        CASE(a_device_that_comes_gets_power),
        CASE(a_device_that_is_pulled_out_has_left),
        CASE(what_happened_before_is_news),
        CASE(a_port_that_has_left_itself_is_quiet),
        PORTS(what_is_to_leave_is_told_by_bus_and_slot),
        PORTS(nothing_is_ejected_that_was_not_let_go),
        PORTS(what_is_to_leave_is_ejected_slot_by_slot),
        PORTS(what_has_come_is_told_once),
        PORTS(a_machine_that_keeps_asking_does_not_hold_us_up),
    };

    return cmocka_run_group_tests_name("drivers/pci/pci_slot.c", tests, NULL, NULL);
}
