/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is typed on the serial port. The interrupt moves bytes into a ring; when that is full the
 * port keeps them, and a hypervisor makes the sender wait, so that a script of any length may be
 * pasted. Editing and echo are done by the task that reads, when it reads: what was typed before
 * shows then. Nothing is set up before the first read.
 *
 * A firmware may describe no way for the interrupt, or a wrong one: while somebody waits the safety
 * poll looks, and looks often once it has found bytes that no interrupt announced.
 *
 * Invariant: the ring and its positions belong to whoever has interrupts off.
 */

#include <stdint.h>

#include "base/assert.h"
#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/serial.h"
#include "kernel/console.h"
#include "kernel/line_edit.h"
#include "kernel/machine.h"
#include "kernel/params.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/work.h"

#define RING_BYTES   1024U /* a power of two */
#define POLL_LOST_MS 20U
#define NS_PER_MS    UINT64_C(1000000)

enum state { NOT_STARTED, RUNNING, NO_PORT };

static enum state state;
static bool raw;
static struct line_edit edit;
static char ring[RING_BYTES];
static unsigned ring_in; /* positions run freely; their difference is the number of bytes */
static unsigned ring_out;
static bool held; /* the ring is full: bytes wait in the port */
static bool overrun_told;
static struct wait_queue readers;
static struct timer poll_timer;
static uint64_t announced; /* interrupts */
static bool lost;          /* bytes came and no interrupt ever */
static unsigned interruptions;

/* ---- from the port into the ring ---- */

static void take_in(void)
{
    char byte;

    while (ring_in - ring_out < RING_BYTES && serial_read(&byte)) {
        ring[ring_in++ % RING_BYTES] = byte;
    }
    bool full = ring_in - ring_out == RING_BYTES;

    if (full != held) {
        held = full;
        serial_input_interrupts(!full);
    }
}

static void wake_readers(void *context, enum work_place place)
{
    (void)context;
    (void)place;
    if (serial_overruns() != 0 && !overrun_told) {
        overrun_told = true;
        log_warn("console: typed faster than it could be taken; something is lost");
    }
    task_wake(&readers);
}

static struct work arrival = { .run = wake_readers };

static void on_interrupt(void *context)
{
    (void)context;
    announced++;
    take_in();
    work_mark(&arrival);
}

static void poll_later(void)
{
    uint64_t period_ms = lost && announced == 0 ? POLL_LOST_MS : params.poll_ms;

    if (period_ms != 0) {
        timer_set(&poll_timer, clock_now_ns() + period_ms * NS_PER_MS);
    }
}

static void on_poll(void *context)
{
    (void)context;
    take_in();
    if (ring_in != ring_out && announced == 0 && !lost) {
        lost = true;
        log_warn("console: its interrupt leads nowhere; polled every %u ms", POLL_LOST_MS);
    }
    poll_later();
    work_mark(&arrival);
}

static void echo(const char *text, size_t bytes)
{
    bool on = interrupts_save_off();

    serial_write(text, bytes);
    interrupts_restore(on);
}

/* An interrupt of the ISA bus, as its override or the bus has it [ACPI 6.5 §5.2.12.5]. */
static void start(void)
{
    const struct acpi_isa_irq *irq = &machine_acpi()->isa_irqs[SERIAL_IRQ];
    const struct acpi_interrupt interrupt = { irq->gsi, irq->active_low, irq->level };
    bool on = interrupts_save_off();

    line_edit_init(&edit, echo);
    poll_timer.fire = on_poll;
    work_add(&arrival);
    if (machine_route_gsi(&interrupt, on_interrupt, NULL) != OK) {
        log_warn("console: no interrupt; what is typed is looked for every %u ms", POLL_LOST_MS);
        lost = true;
    }
    state = serial_input_start() ? RUNNING : NO_PORT;
    interrupts_restore(on);
}

/* ---- from the ring to the reader ---- */

static bool ring_take(char *byte)
{
    if (ring_in == ring_out) {
        take_in(); /* for one that was there before its interrupt could be */
    }
    if (ring_in == ring_out) {
        return false;
    }
    *byte = ring[ring_out++ % RING_BYTES];
    if (held && ring_in - ring_out <= RING_BYTES / 2) {
        take_in();
    }
    return true;
}

static bool take_byte(char *byte)
{
    bool on = interrupts_save_off();
    bool got = ring_take(byte);

    interrupts_restore(on);
    return got;
}

/* Waits until something may be in the ring. False: console_interrupt() came. */
static bool wait_for_input(void)
{
    bool on = interrupts_save_off();
    unsigned before = interruptions;

    if (ring_in == ring_out) {
        poll_later();
        task_wait(&readers);
        timer_cancel(&poll_timer);
    }
    interrupts_restore(on);
    return interruptions == before;
}

/* Another task may read too: so nothing is taken out of the ring before the line can have it. */
static ptrdiff_t read_line(char *buffer, size_t bytes)
{
    char byte;

    while (!line_edit_is_done(&edit)) {
        if (take_byte(&byte)) {
            line_edit_type(&edit, byte);
        } else if (!wait_for_input()) {
            return CONSOLE_INTERRUPTED;
        }
    }
    return (ptrdiff_t)line_edit_take(&edit, buffer, bytes);
}

static ptrdiff_t read_raw(char *buffer, size_t bytes)
{
    size_t count = 1;

    while (!take_byte(&buffer[0])) {
        if (!wait_for_input()) {
            return CONSOLE_INTERRUPTED;
        }
    }
    while (count < bytes && take_byte(&buffer[count])) {
        count++;
    }
    return (ptrdiff_t)count;
}

ptrdiff_t console_read(char *buffer, size_t bytes)
{
    ASSERT(task_is_running());
    ASSERT(buffer != NULL || bytes == 0);
    if (state == NOT_STARTED) {
        start();
    }
    if (state == NO_PORT || bytes == 0) {
        return 0;
    }
    return raw && !line_edit_is_done(&edit) ? read_raw(buffer, bytes) : read_line(buffer, bytes);
}

void console_set_raw(bool on)
{
    if (on && !raw && state == RUNNING) {
        line_edit_finish(&edit);
    }
    raw = on;
}

void console_interrupt(void)
{
    interruptions++;
    task_wake(&readers);
}
