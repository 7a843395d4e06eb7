/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's isa-debug-exit ends the process with a code of our choice; a write to it where it does not
 * exist does nothing, so it is simply tried first. A status that is too large for it is written to
 * the status port before. Then ACPI soft-off: by the sleep control register of hardware-reduced
 * machines, or by the PM1 control registers [ACPI 6.5 §4.8.3.2.1, §4.8.3.7].
 */

#include "arch/x86_64/power.h"

#include <stddef.h>

#include "arch/x86_64/cpu.h"

#define DEBUG_EXIT_PORT          0xf4U
#define STATUS_PORT              0xf8U /* behind the four of the debug-exit device */
#define STATUS_PORT_READS        0xe9U /* isa-debugcon; a port without a device reads as 0xff */
#define PM1_SLEEP_TYPE_SHIFT     10U
#define PM1_SLEEP_ENABLE         (1U << 13)
#define CONTROL_SLEEP_TYPE_SHIFT 2U
#define CONTROL_SLEEP_ENABLE     (1U << 5)

static struct power_acpi acpi;

void power_set_acpi(const struct power_acpi *how)
{
    acpi = *how;
}

bool power_can_tell(uint8_t status)
{
    return status <= POWER_STATUS_MAX || port_in8(STATUS_PORT) == STATUS_PORT_READS;
}

_Noreturn void power_off(uint8_t status)
{
    if (status > POWER_STATUS_MAX) {
        if (power_can_tell(status)) {
            port_out8(STATUS_PORT, status);
        }
        status = POWER_STATUS_MAX;
    }
    port_out32(DEBUG_EXIT_PORT, POWER_DEBUG_EXIT_BASE + status);
    uint8_t control =
        (uint8_t)((unsigned)acpi.sleep_type_a << CONTROL_SLEEP_TYPE_SHIFT | CONTROL_SLEEP_ENABLE);

    if (acpi.sleep_control != 0) {
        port_out8(acpi.sleep_control, control);
    }
    if (acpi.sleep_register != NULL) {
        *acpi.sleep_register = control;
    }
    if (acpi.pm1a_control != 0) {
        port_out16(
            acpi.pm1a_control,
            (uint16_t)((unsigned)acpi.sleep_type_a << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
    }
    if (acpi.pm1b_control != 0) {
        port_out16(
            acpi.pm1b_control,
            (uint16_t)((unsigned)acpi.sleep_type_b << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
    }
    cpu_stop();
}
