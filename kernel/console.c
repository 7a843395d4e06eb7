/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output to the console. As the log does it, interrupts are off while a piece is written, because
 * interrupts write to the log too; pieces are short, because a byte takes as long as the line is
 * slow. What is typed is kernel/console_input.c's.
 */

#include "kernel/console.h"

#include <stdbool.h>

#include "base/bits.h"
#include "base/string.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/serial.h"

static size_t piece_length(const char *text, size_t bytes)
{
    size_t length = min_u64(bytes, CONSOLE_PIECE_MAX);
    const char *newline = memchr(text, '\n', length);

    return newline != NULL ? (size_t)(newline - text) + 1 : length;
}

void console_write(const char *text, size_t bytes)
{
    while (bytes > 0) {
        size_t length = piece_length(text, bytes);
        bool on = interrupts_save_off();

        serial_write(text, length);
        interrupts_restore(on);
        text += length;
        bytes -= length;
    }
}
