/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The guest's lines for machines: `@name key=value key=value ...`. Values are words or, in double
 * quotes, may contain blanks. Pure functions over one line without its newline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True for a line `@name` or `@name ...`. */
bool record_is(const char *line, const char *name);

/* The number behind `key=`. False when there is no such key or it is no decimal number. */
bool record_u64(const char *line, const char *key, uint64_t *number);

/* The word behind `key=`, without quotes, cut to `size`. False when there is no such key. */
bool record_text(const char *line, const char *key, char *text, size_t size);

/* What `@mem` tells: frames of 4 KiB, and the guest's time. */
struct record_mem {
    uint64_t ms;
    uint64_t total; /* all memory the guest was started with */
    uint64_t in_use;
    uint64_t backed;   /* free; the host probably holds memory behind it */
    uint64_t returned; /* free; the host holds nothing */
    uint64_t balloon;  /* taken by the balloon */
    uint64_t target;   /* what the balloon shall hold */
    uint64_t actual;   /* what the guest told the device it holds */
};

/* False when the line is no `@mem` line or lacks one of the numbers. */
bool record_mem(const char *line, struct record_mem *mem);
