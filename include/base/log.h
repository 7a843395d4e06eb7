/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The log. A link-time seam: the kernel writes to the serial port, a host test to nothing or to
 * stderr. One call is one line; the newline is added. Lines for machines are not log lines: they
 * begin with '@' and are written with result_line(), whatever the level is.
 *
 * Callable from everywhere, interrupts included. Formats: %s %c %d %i %u %x %X %p %% with width,
 * '0' and '-' flags, and the lengths h, l, ll, z; tests/unit/test_log_formats.c reads all of them.
 */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void result_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
