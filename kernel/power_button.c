/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixed-hardware power button [ACPI 6.5 §4.8.3.1.1]: a status bit and an enable bit in the PM1
 * event block, and the SCI interrupt. ACPI mode is switched on first where the firmware did not.
 * A machine without fixed hardware has a generic event device instead [ACPI 6.5 §5.6.9]. What its
 * register means stands in its _EVT method; the bit here is QEMU's (observed: QEMU 7.2).
 */

#include "kernel/power_button.h"

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "kernel/fault.h"
#include "kernel/machine.h"
#include "kernel/work.h"

#define PM1_POWER_BUTTON       (1U << 8) /* in the status and in the enable register */
#define PM1_CONTROL_SCI_ENABLE 1U
#define EVENT_POWER_BUTTON     2U /* reading the register clears it */

static volatile uint32_t *events; /* of the generic event device */
static volatile bool pressed;
static bool (*taker)(void);

bool power_button_pressed(void)
{
    return pressed;
}

void power_button_take(void)
{
    taker = power_button_pressed;
}

void power_button_ask(bool (*take)(void))
{
    taker = take;
}

static void on_press(void *context, enum work_place place)
{
    (void)context;
    (void)place;
    if (!pressed) {
        log_info("the power button was pressed");
    }
    pressed = true;
    if (taker == NULL || !taker()) {
        machine_exit(0, "power button");
    }
}

static struct work press_work = { .run = on_press };

static void on_sci(void *context)
{
    uint16_t status = machine_acpi()->pm1a_event_port;

    (void)context;
    if ((port_in16(status) & PM1_POWER_BUTTON) != 0) {
        port_out16(status, PM1_POWER_BUTTON); /* writing one clears */
        work_mark(&press_work);
    }
}

static void on_event(void *context)
{
    (void)context;
    if ((*events & EVENT_POWER_BUTTON) != 0) {
        work_mark(&press_work);
    }
}

static void start_event_device(const struct acpi_device *device)
{
    events = paging_map_device(device->base, sizeof(*events));
    if (events == NULL || machine_route_gsi(&device->interrupt, on_event, NULL) != OK) {
        log_warn("power button: no interrupt");
        return;
    }
    work_add(&press_work);
}

void power_button_start(void)
{
    const struct acpi_info *acpi = machine_acpi();

    if (acpi->event_device.bytes != 0) {
        start_event_device(&acpi->event_device);
        return;
    }
    if (acpi->pm1a_event_port == 0 || acpi->pm1a_control_port == 0) {
        return;
    }
    if (acpi->smi_command_port != 0 && acpi->acpi_enable != 0 &&
        (port_in16(acpi->pm1a_control_port) & PM1_CONTROL_SCI_ENABLE) == 0) {
        port_out8(acpi->smi_command_port, acpi->acpi_enable);
    }
    work_add(&press_work);
    if (machine_route_line(acpi->sci_line, on_sci, NULL) != OK) {
        log_warn("power button: no interrupt");
        return;
    }
    uint16_t enable = (uint16_t)(acpi->pm1a_event_port + acpi->pm1_event_bytes / 2);

    /* Nothing but the button: whatever else is enabled would interrupt and not be served. */
    port_out16(acpi->pm1a_event_port, PM1_POWER_BUTTON);
    port_out16(enable, PM1_POWER_BUTTON);
}
