/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Text from a printf format. The kernel's log, its panic report and its help texts all go through
 * here. The rules are those of ISO C's vsnprintf for the part that is offered:
 *
 *     conversions  %s %c %d %i %u %x %X %p %%
 *     flags        '0' (pad numbers with zeros) and '-' (pad on the right)
 *     width        a number or *; precision a number or *: characters of %s, digits of a number
 *     lengths      hh h l ll z
 *
 * Two differences are deliberate: a null pointer given to %s prints "(null)" whatever the
 * precision is, and %p prints a null pointer as "0x0". Anything else after a '%' is printed as it
 * stands and takes no argument: a mistake in a message must not end the machine that reports it.
 */

#include <stdarg.h>
#include <stddef.h>

/* A width or a precision above this one counts as this one. */
#define FORMAT_FIELD_MAX 4095

/*
 * Write at most size - 1 characters and a terminating zero to `out`; with size 0 nothing is
 * written and `out` may be null. Returns how long the whole text is, so a result of `size` or more
 * tells that it was cut. Pure, callable from everywhere.
 */
int format_text(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The same with the arguments spelt out. */
int format_print(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
