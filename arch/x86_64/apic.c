/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC [SDM 3A §11] and I/O APIC [Intel 82093AA data sheet]. The local one is reached by
 * memory, or by MSRs where the firmware left it in x2APIC mode.
 */

#include "arch/x86_64/apic.h"

#include "base/bits.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/segments.h"

#define APIC_BASE_X2     (1U << 10)
#define APIC_BASE_ENABLE (1U << 11)
#define MSR_X2APIC_FIRST 0x800U

/* Register offsets. */
#define REG_ID            0x020U
#define REG_TASK_PRIORITY 0x080U
#define REG_EOI           0x0b0U
#define REG_SPURIOUS      0x0f0U
#define REG_LVT_TIMER     0x320U
#define REG_LVT_LINT0     0x350U
#define REG_TIMER_INITIAL 0x380U
#define REG_TIMER_CURRENT 0x390U
#define REG_TIMER_DIVIDE  0x3e0U
#define REGISTERS_BYTES   0x400U

#define SPURIOUS_APIC_ON (1U << 8)
#define LVT_MASKED       (1U << 16)
#define DIVIDE_BY_16     3U

#define IO_SELECT      0x00U
#define IO_WINDOW      0x10U
#define IO_VERSION     1U
#define IO_REDIRECTION 0x10U
#define IO_MASKED      (1U << 16)
#define IO_LEVEL       (1U << 15)
#define IO_ACTIVE_LOW  (1U << 13)

#define PIC1_DATA 0x21U
#define PIC2_DATA 0xa1U

static volatile uint32_t *registers; /* null in x2APIC mode */

static struct {
    volatile uint32_t *registers;
    uint32_t gsi_base;
    uint32_t lines;
} io_apics[IO_APICS_MAX];
static size_t io_apic_count;

static uint32_t apic_read(uint32_t offset)
{
    if (registers == NULL) {
        return (uint32_t)msr_read(MSR_X2APIC_FIRST + offset / 16);
    }
    return registers[offset / 4];
}

static void apic_write(uint32_t offset, uint32_t value)
{
    if (registers == NULL) {
        msr_write(MSR_X2APIC_FIRST + offset / 16, value);
    } else {
        registers[offset / 4] = value;
    }
}

err_t apic_init(paddr_t address)
{
    uint64_t base = msr_read(MSR_APIC_BASE);

    port_out8(PIC1_DATA, 0xff);
    port_out8(PIC2_DATA, 0xff);

    if ((base & APIC_BASE_X2) == 0) {
        registers = paging_map_device(address, REGISTERS_BYTES);
        if (registers == NULL) {
            return ERR_NOMEM;
        }
    }
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    apic_write(REG_LVT_LINT0, LVT_MASKED);
    /* Software-enabled first: before, the mask bits of the LVT cannot be cleared [SDM 3A
     * §11.4.7.2]. */
    apic_write(REG_SPURIOUS, SPURIOUS_APIC_ON | VECTOR_SPURIOUS);
    apic_write(REG_TASK_PRIORITY, 0);
    apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_16);
    apic_write(REG_LVT_TIMER, VECTOR_TIMER); /* one-shot */
    return OK;
}

uint8_t apic_id(void)
{
    uint32_t id = apic_read(REG_ID);

    return (uint8_t)(registers == NULL ? id : id >> 24);
}

void apic_end_of_interrupt(void)
{
    apic_write(REG_EOI, 0);
}

void apic_timer_start(uint32_t ticks)
{
    apic_write(REG_TIMER_INITIAL, ticks);
}

uint32_t apic_timer_left(void)
{
    return apic_read(REG_TIMER_CURRENT);
}

static uint32_t io_read(size_t i, uint32_t reg)
{
    io_apics[i].registers[IO_SELECT / 4] = reg;
    return io_apics[i].registers[IO_WINDOW / 4];
}

static void io_write(size_t i, uint32_t reg, uint32_t value)
{
    io_apics[i].registers[IO_SELECT / 4] = reg;
    io_apics[i].registers[IO_WINDOW / 4] = value;
}

err_t apic_add_io(paddr_t address, uint32_t gsi_base)
{
    size_t i = io_apic_count;

    if (i == IO_APICS_MAX) {
        return ERR_BUSY;
    }
    io_apics[i].registers = paging_map_device(address, IO_WINDOW + 4);
    if (io_apics[i].registers == NULL) {
        return ERR_NOMEM;
    }
    io_apics[i].gsi_base = gsi_base;
    io_apics[i].lines = (io_read(i, IO_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t line = 0; line < io_apics[i].lines; line++) {
        io_write(i, IO_REDIRECTION + 2 * line, IO_MASKED);
    }
    io_apic_count++;
    return OK;
}

err_t apic_route(uint32_t gsi, uint8_t vector, bool level, bool active_low)
{
    for (size_t i = 0; i < io_apic_count; i++) {
        uint32_t line = gsi - io_apics[i].gsi_base;

        if (gsi < io_apics[i].gsi_base || line >= io_apics[i].lines) {
            continue;
        }
        uint32_t low = vector | (level ? IO_LEVEL : 0) | (active_low ? IO_ACTIVE_LOW : 0);

        io_write(i, IO_REDIRECTION + 2 * line + 1, (uint32_t)apic_id() << 24);
        io_write(i, IO_REDIRECTION + 2 * line, low);
        return OK;
    }
    return ERR_RANGE;
}

void apic_message(uint8_t vector, uint64_t *address, uint32_t *data)
{
    *address = UINT64_C(0xfee00000) | (uint64_t)apic_id() << 12;
    *data = vector;
}
