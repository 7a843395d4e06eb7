/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals (libc/signal.h). newlib's own signal() and raise() keep a table per task, which POSIX
 * does not know: what one task sets holds for all. So both are here, and newlib's abort() uses
 * them.
 */

#define _DEFAULT_SOURCE 1 /* POSIX beside ISO C */

#include "libc/signal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/console.h"
#include "kernel/port.h"
#include "kernel/power_button.h"
#include "kernel/task.h"
#include "kernel/timer.h"

#define PATIENCE_NS   UINT64_C(100000000)
#define PROCESS       1
#define STATUS_SIGNAL 128

static _sig_func_ptr handlers[NSIG]; /* SIG_DFL is null */
static bool has_task;
static volatile bool waiting;  /* SIGTERM came, and its handler has not begun */
static uint64_t came_ns;       /* when it did */
static volatile unsigned done; /* signals from outside whose handler has returned */
static struct wait_queue wanted;
static struct wait_queue sleepers;

static bool is_signal(int number)
{
    return number > 0 && number < NSIG;
}

/* What POSIX lets pass when nobody handles it; stopping a process means nothing here. */
static bool is_harmless(int number)
{
    switch (number) {
    case SIGCHLD:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGWINCH:
        return true;
    default:
        return false;
    }
}

int raise(int number)
{
    if (!is_signal(number)) {
        errno = EINVAL;
        return -1;
    }
    _sig_func_ptr handler = handlers[number];

    if (handler == SIG_DFL && !is_harmless(number)) {
        log_error("signal %d, which nobody handles", number);
        _exit(STATUS_SIGNAL + number);
    }
    if (handler != SIG_DFL && handler != SIG_IGN) {
        handler(number);
    }
    return 0;
}

/* ---- from outside ---- */

/* From work: the power button was pressed. True: it is taken. */
static bool on_power_button(void)
{
    if (handlers[SIGTERM] == SIG_DFL) {
        return false;
    }
    if (handlers[SIGTERM] != SIG_IGN && !waiting) {
        came_ns = clock_now_ns();
        waiting = true;
        task_wake(&wanted);
    }
    return true;
}

static void wait_until_wanted(void)
{
    bool on = interrupts_save_off();

    while (!waiting) {
        task_wait(&wanted);
    }
    waiting = false;
    interrupts_restore(on);
}

static void deliver(void *argument)
{
    (void)argument;
    for (;;) {
        wait_until_wanted();
        int saved = errno; /* the first thread's, which the handler has too */

        (void)raise(SIGTERM);
        errno = saved;
        done++;
        task_wake(&sleepers);
        console_interrupt();
        port_interrupt();
    }
}

static err_t start_task(void)
{
    err_t err = has_task ? OK : task_create("signal", deliver, NULL);

    if (err == OK && !has_task) {
        has_task = true;
        power_button_ask(on_power_button);
    }
    return err;
}

_sig_func_ptr signal(int number, _sig_func_ptr handler)
{
    if (!is_signal(number) || number == SIGKILL || number == SIGSTOP || handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    if (number == SIGTERM && handler != SIG_DFL && start_task() != OK) {
        errno = ENOMEM;
        return SIG_ERR;
    }
    _sig_func_ptr before = handlers[number];

    handlers[number] = handler;
    return before;
}

/* ---- the one process ---- */

pid_t getpid(void)
{
    return PROCESS;
}

/* 0 and negative numbers mean groups of processes, of which we are always all. */
int kill(pid_t process, int number)
{
    if (process < -PROCESS || process > PROCESS) {
        errno = ESRCH;
        return -1;
    }
    return number == 0 ? 0 : raise(number);
}

/* ---- for calls that wait ---- */

void signal_point(void)
{
    if (waiting && clock_now_ns() - came_ns >= PATIENCE_NS) {
        task_yield();
    }
}

static void wake_sleepers(void *context)
{
    (void)context;
    task_wake(&sleepers);
}

/* All sleepers wait in one queue and each looks at its own time: there are few tasks. */
bool signal_sleep_until(uint64_t at_ns)
{
    struct timer timer = { .fire = wake_sleepers };
    bool on = interrupts_save_off();
    unsigned before = done;

    timer_set(&timer, at_ns);
    while (done == before && clock_now_ns() < at_ns) {
        task_wait(&sleepers);
    }
    timer_cancel(&timer);
    interrupts_restore(on);
    return done != before;
}

int pause(void)
{
    (void)signal_sleep_until(UINT64_MAX);
    errno = EINTR;
    return -1;
}
