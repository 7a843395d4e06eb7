/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of kernel parameters. docs/PARAMETERS.md has a line for each; `make check` compares. */

#include "kernel/params.h"

#include <stddef.h>

#include "base/bits.h"
#include "base/string.h"

#include "kernel/app.h"
#include "kernel/cmdline.h"
#include "kernel/log.h"
#include "kernel/mmio_words.h"

struct kernel_params params;

static const char *whole_line = "";
static const char *app_line = "";

/* Read by kernel/mmio_words.c, each of them, wherever they stand; known here so that they are
 * listed and not reported. */
static char mmio_word[64];

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const interrupts[] = { "auto", "line", "poll", NULL };
static const char *const profiles[] = {
    "auto", "qemu", "careful", "firecracker", "cloud-hypervisor", "crosvm", NULL,
};

static const struct param table[] = {
    { .name = "loglevel",
      .kind = PARAM_CHOICE,
      .choices = log_levels,
      .default_value = LOG_INFO,
      .value = &params.loglevel,
      .help = "log lines up to this level are shown" },
    { .name = "results",
      .kind = PARAM_FLAG,
      .default_value = 1,
      .value = &params.results,
      .help = "print the lines for programs, which begin with @" },
    { .name = "help",
      .kind = PARAM_FLAG,
      .value = &params.help,
      .help = "print this list at start" },
    { .name = "report",
      .kind = PARAM_NUMBER,
      .max = 3600000,
      .unit = "ms",
      .value = &params.report_period_ms,
      .help = "print the state of memory this often while it changes, 0: never" },
    { .name = "poll",
      .kind = PARAM_NUMBER,
      .max = 3600000,
      .default_value = 5000,
      .unit = "ms",
      .value = &params.poll_ms,
      .help = "look after the device this often in case an interrupt was lost, 0: never" },
    { .name = "balloon",
      .kind = PARAM_FLAG,
      .default_value = 1,
      .value = &params.balloon,
      .help = "serve the host's balloon; off binds no driver" },
    { .name = "balloon.slice",
      .kind = PARAM_NUMBER,
      .min = 2, /* one block */
      .max = 1024,
      .default_value = 64,
      .unit = "MiB",
      .value = &params.balloon_slice_mib,
      .help = "most memory that one slice of balloon work moves" },
    { .name = "balloon.floor",
      .kind = PARAM_NUMBER,
      .max = 1048576,
      .default_value = 2,
      .unit = "MiB",
      .value = &params.balloon_floor_mib,
      .help = "free memory that the balloon leaves to the guest" },
    { .name = "balloon.retry",
      .kind = PARAM_NUMBER,
      .min = 1,
      .max = 10000,
      .default_value = 100,
      .unit = "ms",
      .value = &params.balloon_retry_ms,
      .help = "first pause when the host asks for more than is free; it doubles up to 10 s" },
    { .name = "balloon.timeout",
      .kind = PARAM_NUMBER,
      .min = 100,
      .max = 3600000,
      .default_value = 10000,
      .unit = "ms",
      .value = &params.balloon_timeout_ms,
      .help = "a request the host has not answered by then makes the device restart" },
    { .name = "balloon.guard",
      .kind = PARAM_FLAG,
      .value = &params.balloon_guard,
      .help = "unmap memory that is in the balloon, so that a stray access faults" },
    { .name = "balloon.profile",
      .kind = PARAM_CHOICE,
      .choices = profiles,
      .value = &params.balloon_profile,
      .help =
          "shape of the requests; auto goes by the firmware's name, else takes the careful one" },
    { .name = "balloon.interrupts",
      .kind = PARAM_CHOICE,
      .choices = interrupts,
      .value = &params.balloon_interrupts,
      .help = "auto uses MSI-X where the device has it, else its line; poll leaves it to `poll`" },
    { .name = "balloon.max",
      .kind = PARAM_NUMBER,
      .max = 1048576,
      .default_value = 1048576,
      .unit = "MiB",
      .value = &params.balloon_max_mib,
      .help = "most memory that the host gets, whatever it asks for" },
    { .name = "balloon.headroom",
      .kind = PARAM_NUMBER,
      .max = 1048576,
      .default_value = 16,
      .unit = "MiB",
      .value = &params.balloon_headroom_mib,
      .help = "free above the floor before the host gets more, once an allocation had to take from "
              "the balloon" },
    { .name = "report.free",
      .kind = PARAM_FLAG,
      .default_value = 1,
      .value = &params.report,
      .help = "tell a host that wants to know which memory is free" },
    { .name = "report.reserve",
      .kind = PARAM_NUMBER,
      .max = 1048576,
      .default_value = 2,
      .unit = "MiB",
      .value = &params.report_reserve_mib,
      .help = "free memory that stays warm: it is never reported" },
    { .name = "report.order",
      .kind = PARAM_NUMBER,
      .min = BLOCK_ORDER,
      .max = 18,
      .default_value = BLOCK_ORDER,
      .value = &params.report_order,
      .help = "report runs of 2^order frames and more" },
    { .name = "report.pace",
      .kind = PARAM_NUMBER,
      .max = 10000,
      .default_value = 10,
      .unit = "ms",
      .value = &params.report_pace_ms,
      .help = "collect small amounts for so long before they are reported" },
    { .name = "pressure.deadline",
      .kind = PARAM_NUMBER,
      .min = 1,
      .max = 60000,
      .default_value = 100,
      .unit = "ms",
      .value = &params.pressure_deadline_ms,
      .help = "time an application has to give up memory that it was asked for" },
    { .name = "fill",
      .kind = PARAM_FLAG,
      .value = &params.fill,
      .help = "fill freed memory with fill.value; slow, for finding mistakes" },
    { .name = "fill.value",
      .kind = PARAM_NUMBER,
      .max = UINT32_MAX,
      .default_value = 0x6b6b6b6b,
      .value = &params.fill_value,
      .help = "32 bits; with any but 0 hosts ignore reports of free memory" },
    { .name = "virtio_mmio.device",
      .kind = PARAM_TEXT,
      .text = mmio_word,
      .text_size = sizeof(mmio_word),
      .help = "a virtio device in memory, " MMIO_WORD_FORM "; may be given many times" },
};

static void report_bad(void *context, const char *word, const char *reason)
{
    (void)context;
    if (strncmp(word, APP_ENV, strlen(APP_ENV)) != 0) {
        log_warn("parameter '%s' ignored: %s", word, reason);
    }
}

static void report_line(void *context, const char *line)
{
    (void)context;
    log_info("parameter %s", line);
}

void params_read(const char *cmdline)
{
    whole_line = cmdline;
    (void)cmdline_parse(&app_params != NULL ? app_params : "", table, ARRAY_SIZE(table), report_bad,
                        NULL);
    app_line = cmdline_apply(cmdline, table, ARRAY_SIZE(table), report_bad, NULL);
    /* Who asks for help gets it, whatever the log level. */
    if (params.help != 0) {
        cmdline_describe(table, ARRAY_SIZE(table), report_line, NULL);
    }
    log_set_level((enum log_level)params.loglevel);
    log_set_results(params.results != 0);
}

const char *params_line(void)
{
    return whole_line;
}

const char *params_app_line(void)
{
    return app_line;
}
