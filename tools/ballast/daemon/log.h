/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The daemon's log: one line for each matter, for people or as JSON, on one descriptor. Under
 * systemd lines begin with the journal's priority instead of a time. Names and texts that came from
 * outside cannot break out of their line or their field. A line that repeats is written once, and
 * then how often it came again. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/ballast/config/config.h"

#define LOG_TEXT_MAX  512U           /* longer texts are cut off */
#define LOG_REPEAT_MS INT64_C(60000) /* so long a repeated line is held back */
#define LOG_RECENT    64U            /* so many different lines are remembered */

/* A line that was written and may come again. */
struct log_recent {
    uint64_t hash; /* 0: none */
    int64_t since_ms;
    uint32_t repeats; /* held back since then */
    enum config_log_level level;
    char machine[CONFIG_NAME_MAX];
    char code[32];
    char text[LOG_TEXT_MAX];
};

struct log {
    int fd;
    bool journal;
    enum config_log_format format;
    enum config_log_level level;
    int64_t (*now_ms)(void); /* the wall clock; tests set their own */
    struct log_recent recent[LOG_RECENT];
};

/* Text at level info on `fd`, which stays the caller's. */
void log_init(struct log *log, int fd);
void log_configure(struct log *log, enum config_log_format format, enum config_log_level level);

/* Writes a line, the text as printf() makes it. `machine` and `code` may be NULL or "": without. */
__attribute__((format(printf, 5, 6))) void log_line(struct log *log, enum config_log_level level,
                                                    const char *machine, const char *code,
                                                    const char *format, ...);

/* Tells of repeated lines whose time is over; `all` of every one. Called now and then. */
void log_flush(struct log *log, bool all);

/* "error", "warning", "info", "debug". */
const char *log_level_name(enum config_log_level level);
bool log_level_parse(const char *name, enum config_log_level *level);
