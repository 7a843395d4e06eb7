/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550 at COM1. Bytes are sent by polling: the log is short, and an interrupt per byte would
 * cost more than it saves. The transmit FIFO takes 16 bytes after one look at the line status.
 * Bytes that arrive announce themselves by an interrupt, but only once somebody wants them.
 * [National Semiconductor PC16550D data sheet, table II]
 */

#include "arch/x86_64/serial.h"

#include "arch/x86_64/cpu.h"

#define COM1                  0x3f8U
#define REG_DATA              0U
#define REG_INTERRUPT_ENABLE  1U
#define REG_FIFO_CONTROL      2U
#define REG_LINE_CONTROL      3U
#define REG_MODEM_CONTROL     4U
#define REG_LINE_STATUS       5U
#define LINE_CONTROL_8N1      0x03U
#define LINE_CONTROL_DIVISOR  0x80U
#define FIFO_ON_CLEARED       0x07U
#define MODEM_DTR_RTS         0x03U
#define MODEM_OUT2            0x08U /* on a PC: the way of the interrupt */
#define INTERRUPT_RECEIVED    0x01U
#define STATUS_RECEIVED       0x01U
#define STATUS_OVERRUN        0x02U
#define STATUS_TRANSMIT_EMPTY 0x20U
#define STATUS_NO_DEVICE      0xffU
#define FIFO_BYTES            16U
/* 16 bytes at 115200 baud take 1.4 ms; a port read is at least 100 ns. */
#define DRAIN_POLLS_MAX 100000U

static bool present;
static unsigned fifo_bytes = 1; /* bytes to send after one look */
static unsigned fifo_room;
static unsigned overruns;
static bool stalled; /* the reader does not read; bytes are dropped until the port drains */

/* Reading the status clears its errors, so whoever looks must count them. */
static uint8_t line_status(void)
{
    uint8_t status = port_in8(COM1 + REG_LINE_STATUS);

    if ((status & STATUS_OVERRUN) != 0) {
        overruns++;
    }
    return status;
}

void serial_init(void)
{
    port_out8(COM1 + REG_INTERRUPT_ENABLE, 0);
    port_out8(COM1 + REG_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_out8(COM1 + REG_DATA, 1); /* divisor 1: 115200 baud */
    port_out8(COM1 + REG_INTERRUPT_ENABLE, 0);
    port_out8(COM1 + REG_LINE_CONTROL, LINE_CONTROL_8N1);
    uint8_t status = port_in8(COM1 + REG_LINE_STATUS);

    present = status != STATUS_NO_DEVICE;
    /* Switching the FIFOs on loses a byte that waits, and taking it lets the next one in. So
     * whoever types ahead has a port without. */
    if ((status & STATUS_RECEIVED) == 0) {
        port_out8(COM1 + REG_FIFO_CONTROL, FIFO_ON_CLEARED);
        fifo_bytes = FIFO_BYTES;
    }
    port_out8(COM1 + REG_MODEM_CONTROL, MODEM_DTR_RTS);
    fifo_room = 0;
}

static void send(char byte)
{
    if (fifo_room == 0) {
        unsigned polls = 0;

        while ((line_status() & STATUS_TRANSMIT_EMPTY) == 0) {
            if (stalled || ++polls == DRAIN_POLLS_MAX) {
                stalled = true;
                return;
            }
            cpu_relax();
        }
        stalled = false;
        fifo_room = fifo_bytes;
    }
    fifo_room--;
    port_out8(COM1 + REG_DATA, (uint8_t)byte);
}

void serial_write(const char *text, size_t bytes)
{
    if (!present) {
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n') {
            send('\r');
        }
        send(text[i]);
    }
}

bool serial_input_start(void)
{
    if (present) {
        port_out8(COM1 + REG_MODEM_CONTROL, MODEM_DTR_RTS | MODEM_OUT2);
        serial_input_interrupts(true);
    }
    return present;
}

void serial_input_interrupts(bool on)
{
    port_out8(COM1 + REG_INTERRUPT_ENABLE, on ? INTERRUPT_RECEIVED : 0);
}

bool serial_read(char *byte)
{
    if ((line_status() & STATUS_RECEIVED) == 0) {
        return false;
    }
    *byte = (char)port_in8(COM1 + REG_DATA);
    return true;
}

unsigned serial_overruns(void)
{
    return overruns;
}
