/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock on a machine whose PM timer does not count. The ports of a q35 are switched off in
 * configuration space, as a broken firmware would leave them, and the clock is calibrated again:
 * first with the timer dead from the start, then with one that dies between the two readings.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/machine.h"
#include "tests/guest/scenarios.h"

#define STATUS_NO_TIMER 4
/* ACPI_CNTL of the LPC bridge, and its bit that lets the ports answer (observed: QEMU 7.2). */
#define ACPI_CONTROL        0x44U
#define ACPI_CONTROL_ENABLE 0x80U

static const struct pci_address lpc_bridge = { .bus = 0, .slot = 31, .function = 0 };

static void pm_timer_set(bool on)
{
    uint32_t control = machine_pci.read(lpc_bridge, ACPI_CONTROL, 1) & ~ACPI_CONTROL_ENABLE;

    machine_pci.write(lpc_bridge, ACPI_CONTROL, 1, on ? control | ACPI_CONTROL_ENABLE : control);
}

/* `at_first` and `later`: whether the PM timer counts at the first reading and at the second. */
static void calibrate(const char *name, bool at_first, bool later)
{
    const struct acpi_info *acpi = machine_acpi();

    pm_timer_set(at_first);
    clock_calibrate_begin(acpi->pm_timer_port, acpi->pm_timer_32bit);
    pm_timer_set(later);
    clock_calibrate();
    result_line("clock timer=%s khz=%llu source=%s", name,
                (unsigned long long)(clock_tsc_hz() / 1000), clock_source());
}

/* Interrupts stay off until the end, because time may jump with the frequency. */
int scenario_clock(void)
{
    if (machine_acpi()->pm_timer_port == 0) {
        return STATUS_NO_TIMER;
    }
    (void)interrupts_save_off();
    calibrate("alive", true, true);
    calibrate("dead", false, false);
    calibrate("dying", true, false);
    calibrate("back", true, true);
    return 0;
}
