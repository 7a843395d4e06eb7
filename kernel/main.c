/* SPDX-License-Identifier: BSD-2-Clause */
/* The start, as a list. Every way into the kernel ends here, and nothing returns. */

#include <stddef.h>

#include "base/boot_info.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/serial.h"
#include "kernel/app.h"
#include "kernel/balloon_service.h"
#include "kernel/fault.h"
#include "kernel/hotplug.h"
#include "kernel/machine.h"
#include "kernel/memory.h"
#include "kernel/params.h"
#include "kernel/power_button.h"
#include "kernel/pressure_service.h"
#include "kernel/report.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/virtio_bus.h"
#include "kernel/work.h"

static void app_task(void *argument)
{
    (void)argument;
    machine_exit((uint8_t)app_main(), "the application returned");
}

static void start_app(void)
{
    if (app_main == NULL) {
        return;
    }
    pressure_service_start();
    uint32_t stack_bytes = &app_stack_bytes != NULL ? app_stack_bytes : TASK_STACK_BYTES;
    err_t err = task_create_sized("app", stack_bytes, app_task, NULL);

    if (err != OK) {
        log_error("the application was not started: %s", err_name(err));
    }
}

_Noreturn void kernel_main(const struct boot_info *info)
{
    clock_start();
    serial_init();
    segments_init();
    params_read(info->cmdline);
    log_info("aerostat, started by %s, command line '%s'", info->protocol, info->cmdline);
    if (info->cmdline_was_cut) {
        log_warn("the end of the command line was cut off: BOOT_CMDLINE_MAX");
    }
    memory_init(info);
    work_init();
    timer_init();
    machine_init(info->rsdp, memory_end_below(4 * GIB));
    virtio_bus_init(info->cmdline);
    pressure_service_init();
    enum balloon_presence balloon = balloon_service_start();

    clock_calibrate();
    log_info("clock: TSC at %llu kHz by %s", (unsigned long long)(clock_tsc_hz() / 1000),
             clock_source());
    power_button_start();
    hotplug_start();
    report_start(balloon);
    start_app();
    task_idle_loop();
}
