/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a second the chip moves its registers on, and for up to 2228 us what it shows means nothing.
 * A bit announces that 244 us before [MC146818A data sheet, "Update Cycle"]. Reading with
 * interrupts off is over well before, but a hypervisor may stop us in the middle: so everything is
 * read until two readings are the same.
 */

#include "arch/x86_64/rtc.h"

#include "base/assert.h"
#include "base/string.h"

#include "arch/x86_64/cpu.h"

#define PORT_INDEX     0x70U /* bit 7 masks the NMI, and stays 0 */
#define PORT_DATA      0x71U
#define REG_STATUS     0x0aU /* register A */
#define STATUS_UPDATES 0x80U
#define ABSENT         0xffU /* what a port without a device shows */

/* A port read takes 100 ns or more, and an update 2.3 ms. */
#define UPDATE_POLLS_MAX 100000U
#define READINGS_MAX     8U

static uint8_t register_read(uint8_t number)
{
    bool on = interrupts_save_off();

    port_out8(PORT_INDEX, number);
    uint8_t value = port_in8(PORT_DATA);

    interrupts_restore(on);
    return value;
}

/* Waits for a moment at which the registers may be read. */
static bool is_still(void)
{
    for (unsigned i = 0; i < UPDATE_POLLS_MAX; i++) {
        uint8_t status = register_read(REG_STATUS);

        if (status == ABSENT) {
            return false;
        }
        if ((status & STATUS_UPDATES) == 0) {
            return true;
        }
        cpu_relax();
    }
    return false;
}

static bool read_all(const uint8_t *registers, size_t count, uint8_t *values)
{
    if (!is_still()) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = register_read(registers[i]);
    }
    return true;
}

bool rtc_read(const uint8_t *registers, size_t count, uint8_t *values)
{
    uint8_t before[RTC_READ_MAX];

    ASSERT(count > 0 && count <= RTC_READ_MAX);
    if (!read_all(registers, count, before)) {
        return false;
    }
    for (unsigned i = 0; i < READINGS_MAX; i++) {
        if (!read_all(registers, count, values)) {
            return false;
        }
        if (memcmp(before, values, count) == 0) {
            return true;
        }
        memcpy(before, values, count);
    }
    return false;
}
