/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Machines whose host takes reports of free memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/balloon_fixture.h"

#define BLOCKS(n)  ((uint64_t)(n)*BLOCK_FRAMES)
#define PROBE_MOST (2 * BLOCK_FRAMES)

static struct balloon_dev_config config;

/* 64 MiB, cold, and a host that takes reports; nothing is started. */
static inline void reporting_machine(void)
{
    machine(FRAMES);
    F.offered |= BALLOON_F_PAGE_REPORTING;
    config = qemu_config();
}

/* The same, warm. */
static inline void warm_reporting_machine(void)
{
    reporting_machine();
    fake_balloon_warm();
}

/* A driver on the cold one that reports all there is; the probe is over. */
static inline void start_reporting(void)
{
    reporting_machine();
    config.report.reserve_pages = 0;
    start(&config);
    F.pages_reported = F.reports = 0;
}

/* A driver that fills what it gives back, on what was chosen before. */
static inline void start_filling(uint32_t value)
{
    config.fill = true;
    config.fill_value = value;
    start(&config);
}
