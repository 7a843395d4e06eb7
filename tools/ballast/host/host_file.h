/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Small text files of /proc and /sys, for the other files of this folder. What they hold is not
 * trusted: a number that is none or too large is not there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/host/host.h"

#define HOST_FILE_MAX 16384U /* more than the longest file that is read whole */

/* Reads the beginning of a file below the source's root into `text`, as a string. False when it
 * cannot be read. */
bool host_file_read(const struct host_source *source, const char *path, char *text, size_t size);

/* A number in decimal at the start of `text`, after blanks; *end is behind it. */
bool host_file_number(const char *text, uint64_t *number, const char **end);

/* The number behind `key` at the start of a line ("MemTotal:", "inactive_file"), times `unit`. */
bool host_file_value(const char *text, const char *key, uint64_t unit, uint64_t *value);

/* A file that holds one number; "max" is POLICY_MISSING and counts as one. */
bool host_file_single(const struct host_source *source, const char *path, uint64_t *value);

/* "some avg10=1.25 ..." of a pressure file as hundredths: `kind` is "some" or "full". */
bool host_file_pressure(const char *text, const char *kind, uint32_t *centi);
