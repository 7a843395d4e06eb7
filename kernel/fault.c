/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of a fault or a panic: what happened, where, in which task, how it got there, and what
 * the address in question is. Everything it reads is checked first: the report must not fault.
 */

#include "kernel/fault.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/stacks.h"
#include "arch/x86_64/trap.h"
#include "kernel/balloon_service.h"
#include "kernel/format.h"
#include "kernel/symbols.h"
#include "kernel/task.h"
#include "kernel/work.h"
#include "mm/frame.h"

#define BACKTRACE_MAX  24U
#define PANIC_TEXT_MAX 256U

/* Page-fault error code [SDM 3A §4.7]. */
#define FAULT_PRESENT 1U
#define FAULT_WRITE   2U
#define FAULT_FETCH   16U

/* Set by the first report; a fault inside the report must not start another. */
static bool reporting;

_Noreturn void machine_exit(uint8_t status, const char *reason)
{
    struct trap_counts counts = trap_counts();

    (void)interrupts_save_off();
    log_info("interrupts: %llu taken, %llu spurious, %llu unexpected, work deferred %llu times",
             (unsigned long long)counts.interrupts, (unsigned long long)counts.spurious,
             (unsigned long long)counts.unexpected, (unsigned long long)work_deferred_count());
    if (!power_can_tell(status)) {
        log_warn("the status %u is told as %u", status, POWER_STATUS_MAX);
    }
    result_line("exit status=%u reason=\"%s\"", status, reason);
    power_off(status);
}

/* `back` is 1 for a return address: the call before it may be the last instruction of its function,
 * and the address itself in the next one. */
static void log_address(const char *what, uint64_t address, unsigned back)
{
    uint64_t offset;
    const char *name = symbol_find(address - back, &offset);

    if (name != NULL) {
        log_error("  %s %016llx %s+0x%llx", what, (unsigned long long)address, name,
                  (unsigned long long)(offset + back));
    } else {
        log_error("  %s %016llx", what, (unsigned long long)address);
    }
}

static void log_backtrace(uint64_t rbp)
{
    for (unsigned depth = 0; depth < BACKTRACE_MAX && rbp != 0; depth++) {
        if (rbp % 8 != 0 || !paging_is_mapped(rbp) || !paging_is_mapped(rbp + 8)) {
            log_error("  the frame pointer %016llx leads nowhere", (unsigned long long)rbp);
            break;
        }
        const uint64_t *link = (const uint64_t *)(uintptr_t)rbp;

        if (link[1] == 0) {
            break;
        }
        log_address("from", link[1], 1);
        if (link[0] <= rbp && link[0] != 0) {
            break; /* stacks grow down, so callers lie above */
        }
        rbp = link[0];
    }
}

/* A function that calls nothing may have no frame; then its caller is not in the chain of frame
 * pointers, and the top of the stack is the return address. */
static void log_caller_without_frame(uint64_t rsp)
{
    uint64_t offset;

    if (rsp % 8 != 0 || !paging_is_mapped(rsp)) {
        return;
    }
    uint64_t top = *(const uint64_t *)(uintptr_t)rsp;

    if (symbol_find(top, &offset) != NULL) {
        log_address("from, perhaps,", top, 1);
    }
}

static const char *describe_frame(uint64_t address)
{
    if (address >> FRAME_SHIFT > UINT32_MAX) {
        return "beyond all memory";
    }
    if (balloon_service_contains(pfn_of(address))) {
        return "a frame in the balloon: the host has it";
    }
    switch (frame_state(pfn_of(address))) {
    case FRAME_AWAY:
        return "a frame in the balloon: the host has it";
    case FRAME_FREE_BACKED:
        return "a free frame";
    case FRAME_FREE_RETURNED:
        return "a free frame, returned to the host";
    case FRAME_IN_USE:
        return "a frame in use";
    case FRAME_NOT_RAM:
        break;
    }
    return "neither memory nor a mapped device";
}

static const char *describe_address(uint64_t address)
{
    static char text[64];
    const char *owner = task_guard_owner(address);

    for (size_t i = 0; owner == NULL && i < BUILTIN_STACKS; i++) {
        uint64_t guard = (uint64_t)(uintptr_t)builtin_stacks[i].guard;

        if (address >= guard && address < guard + FRAME_SIZE) {
            owner = builtin_stacks[i].name;
        }
    }
    if (owner != NULL) {
        (void)format_print(text, sizeof(text), "the guard page below the stack of '%s'", owner);
        return text;
    }
    if (address < FRAME_SIZE) {
        return "a null pointer, or an offset from one";
    }
    if (address >= (uint64_t)(uintptr_t)image_start && address < (uint64_t)(uintptr_t)text_end) {
        return "kernel text";
    }
    if (address >= (uint64_t)(uintptr_t)image_start && address < (uint64_t)(uintptr_t)rodata_end) {
        return "kernel read-only data";
    }
    if (address >= (uint64_t)(uintptr_t)image_start && address < (uint64_t)(uintptr_t)image_end) {
        return "kernel data";
    }
    return describe_frame(address);
}

static void log_registers(const struct trap_frame *f)
{
    log_error("  rip %016llx  rflags %08llx  error %llx", (unsigned long long)f->rip,
              (unsigned long long)f->rflags, (unsigned long long)f->error);
    log_error("  rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx", (unsigned long long)f->rax,
              (unsigned long long)f->rbx, (unsigned long long)f->rcx, (unsigned long long)f->rdx);
    log_error("  rsi %016llx  rdi %016llx  rbp %016llx  rsp %016llx", (unsigned long long)f->rsi,
              (unsigned long long)f->rdi, (unsigned long long)f->rbp, (unsigned long long)f->rsp);
    log_error("  r8  %016llx  r9  %016llx  r10 %016llx  r11 %016llx", (unsigned long long)f->r8,
              (unsigned long long)f->r9, (unsigned long long)f->r10, (unsigned long long)f->r11);
    log_error("  r12 %016llx  r13 %016llx  r14 %016llx  r15 %016llx", (unsigned long long)f->r12,
              (unsigned long long)f->r13, (unsigned long long)f->r14, (unsigned long long)f->r15);
}

/* A second fault, in the report itself, gets one line and no risk. */
static void stop_if_reporting(uint64_t where)
{
    (void)interrupts_save_off();
    if (reporting) {
        log_error("another fault during the report, at %016llx", (unsigned long long)where);
        machine_exit(EXIT_STATUS_FAULT, "fault in the fault report");
    }
    reporting = true;
}

/* Work runs on the interrupt stack, or in the name of whoever yielded; then the task is innocent.
 */
static const char *who(void)
{
    return work_is_running() ? "work, during task" : "task";
}

/* The part that looks into structures which may be broken comes last. */
static void log_fault_address(const struct trap_frame *frame, uint64_t address)
{
    const char *how = (frame->error & FAULT_FETCH) != 0   ? "executing"
                      : (frame->error & FAULT_WRITE) != 0 ? "writing"
                                                          : "reading";

    if (frame->vector == TRAP_PAGE_FAULT) {
        log_error("  %s address %016llx (%s): %s", how, (unsigned long long)address,
                  (frame->error & FAULT_PRESENT) != 0 ? "not permitted" : "not mapped",
                  describe_address(address));
    } else if (frame->vector == TRAP_DOUBLE_FAULT) {
        log_error("  last page fault at %016llx: %s", (unsigned long long)address,
                  describe_address(address));
    }
}

_Noreturn void fault_report(const struct trap_frame *frame, uint64_t address)
{
    stop_if_reporting(frame->rip);
    log_error("fault: %s (vector %llu) in %s '%s'", trap_name(frame->vector),
              (unsigned long long)frame->vector, who(), task_name());
    log_registers(frame);
    log_error("backtrace:");
    log_address("at  ", frame->rip, 0);
    log_caller_without_frame(frame->rsp);
    log_backtrace(frame->rbp);
    log_fault_address(frame, address);
    machine_exit(EXIT_STATUS_FAULT, trap_name(frame->vector));
}

_Noreturn void panic(const char *format, ...)
{
    char text[PANIC_TEXT_MAX];
    va_list args;

    stop_if_reporting((uint64_t)(uintptr_t)__builtin_return_address(0));
    va_start(args, format);
    (void)format_text(text, sizeof(text), format, args);
    va_end(args);
    log_error("panic in %s '%s': %s", who(), task_name(), text);
    log_error("backtrace:");
    log_backtrace((uint64_t)(uintptr_t)__builtin_frame_address(0));
    machine_exit(EXIT_STATUS_FAULT, "panic");
}
