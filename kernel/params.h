/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The kernel's parameters (docs/PARAMETERS.md). Read once at start, then constant. */

#include <stdint.h>

struct kernel_params {
    uint64_t loglevel;          /* enum log_level */
    uint64_t results;           /* print the lines that begin with @ */
    uint64_t report_period_ms;  /* period of the @mem lines; 0: none */
    uint64_t help;              /* print the parameters and go on */
    uint64_t poll_ms;           /* period of the safety poll; 0: none */
    uint64_t balloon;           /* 0: bind no driver */
    uint64_t balloon_slice_mib; /* most that one slice of balloon work moves */
    uint64_t balloon_floor_mib; /* free memory that inflation leaves */
    uint64_t balloon_retry_ms;  /* first pause after a shortfall */
    uint64_t balloon_timeout_ms;
    uint64_t balloon_guard;        /* unmap what is in the balloon */
    uint64_t balloon_profile;      /* enum balloon_profile_choice */
    uint64_t balloon_interrupts;   /* enum balloon_interrupt_choice */
    uint64_t balloon_max_mib;      /* the host gets no more */
    uint64_t balloon_headroom_mib; /* free memory before it gets any after a shortage */
    uint64_t report;               /* tell the host which memory is free */
    uint64_t report_reserve_mib;   /* free memory that stays backed */
    uint64_t report_order;         /* runs of 2^order frames and more */
    uint64_t report_pace_ms;       /* how long little by little is collected */
    uint64_t pressure_deadline_ms;
    uint64_t fill; /* fill freed memory with fill_value */
    uint64_t fill_value;
};

/* What the driver may use; each falls back to the next. */
enum balloon_interrupt_choice { INTERRUPTS_AUTO, INTERRUPTS_LINE, INTERRUPTS_POLL };

enum balloon_profile_choice {
    PROFILE_AUTO,
    PROFILE_QEMU,
    PROFILE_CAREFUL,
    PROFILE_FIRECRACKER,
    PROFILE_CLOUD_HYPERVISOR,
    PROFILE_CROSVM,
};

extern struct kernel_params params;

/* Reads the command line. Bad words are reported in the log and ignored. */
void params_read(const char *cmdline);

/* The whole command line, and the words behind `--`. */
const char *params_line(void);
const char *params_app_line(void);
