/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small vsnprintf: the format is read once from left to right, each directive is parsed into a
 * struct directive and then printed. Nothing here allocates, blocks or reports, so that a panic in
 * any context can use it. Floating point, %n, %o and wide characters are left out: the kernel is
 * compiled without floating-point registers and prints no octal. [ISO C11 §7.21.6.1]
 *
 * Invariant: sink.length counts every character of the full text; only those that fit are stored.
 */
#include "kernel/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/string.h"

struct sink {
    char *out;
    size_t size;
    size_t length;
};

/* va_list is an array on x86-64 and changes its type when it is passed on; inside a structure its
 * address can be handed to a helper that takes arguments from it. */
struct arguments {
    va_list list;
};

enum length { LENGTH_CHAR, LENGTH_SHORT, LENGTH_INT, LENGTH_LONG, LENGTH_LONG_LONG, LENGTH_SIZE };

struct directive {
    bool zero_pad;
    bool left;
    int width;
    int precision; /* -1: none given */
    enum length length;
    char conversion;
};

static void put(struct sink *sink, char c)
{
    if (sink->size > 0 && sink->length < sink->size - 1) {
        sink->out[sink->length] = c;
    }
    sink->length++;
}

static void put_repeated(struct sink *sink, char c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(sink, c);
    }
}

static void put_bytes(struct sink *sink, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        put(sink, text[i]);
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A width or precision: digits or '*'. No digits at all count as zero, as the standard says. */
static int parse_count(const char **cursor, struct arguments *args)
{
    int count = 0;
    if (**cursor == '*') {
        (*cursor)++;
        count = va_arg(args->list, int);
    } else {
        for (; is_digit(**cursor); (*cursor)++) {
            /* Saturating at each step keeps the product far below INT32_MAX. */
            count = count * 10 + (**cursor - '0');
            count = count > FORMAT_FIELD_MAX ? FORMAT_FIELD_MAX : count;
        }
    }
    if (count > FORMAT_FIELD_MAX) {
        return FORMAT_FIELD_MAX;
    }
    return count < -FORMAT_FIELD_MAX ? -FORMAT_FIELD_MAX : count;
}

static enum length parse_length(const char **cursor)
{
    const char first = **cursor;
    if (first != 'h' && first != 'l' && first != 'z') {
        return LENGTH_INT;
    }
    (*cursor)++;
    if (first == 'z') {
        return LENGTH_SIZE;
    }
    if (**cursor != first) {
        return first == 'h' ? LENGTH_SHORT : LENGTH_LONG;
    }
    (*cursor)++;
    return first == 'h' ? LENGTH_CHAR : LENGTH_LONG_LONG;
}

/* `*cursor` stands behind the '%' and is left behind the directive. */
static struct directive parse_directive(const char **cursor, struct arguments *args)
{
    struct directive d = { .precision = -1 };
    for (; **cursor == '0' || **cursor == '-'; (*cursor)++) {
        d.zero_pad = d.zero_pad || **cursor == '0';
        d.left = d.left || **cursor == '-';
    }
    d.width = parse_count(cursor, args);
    if (d.width < 0) {
        /* A negative width by argument is the '-' flag and a positive width. */
        d.left = true;
        d.width = -d.width;
    }
    if (**cursor == '.') {
        (*cursor)++;
        d.precision = parse_count(cursor, args);
        if (d.precision < 0) {
            d.precision = -1; /* a negative precision counts as none */
        }
    }
    d.length = parse_length(cursor);
    d.conversion = **cursor;
    if (d.conversion != '\0') {
        (*cursor)++;
    }
    return d;
}

/* Text that was made already, padded with blanks to the width. */
static void put_field(struct sink *sink, const struct directive *d, const char *text, size_t length)
{
    const size_t width = (size_t)d->width;
    const size_t padding = width > length ? width - length : 0;
    put_repeated(sink, ' ', d->left ? 0 : padding);
    put_bytes(sink, text, length);
    put_repeated(sink, ' ', d->left ? padding : 0);
}

static void put_string(struct sink *sink, const struct directive *d, const char *text)
{
    if (text == NULL) {
        put_field(sink, d, "(null)", strlen("(null)"));
        return;
    }
    /* With a precision the text need not be terminated: do not look behind the last character. */
    size_t length = 0;
    while ((d->precision < 0 || length < (size_t)d->precision) && text[length] != '\0') {
        length++;
    }
    put_field(sink, d, text, length);
}

/* A number: blanks, the prefix ("", "-" or "0x"), zeros, digits, blanks. */
static void put_number(struct sink *sink, const struct directive *d, const char *prefix,
                       uint64_t value, unsigned base)
{
    ASSERT(base == 10 || base == 16);
    const char *const symbols = d->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[20]; /* the decimal digits of UINT64_MAX */
    size_t count = 0;
    for (; value != 0; value /= base) {
        ASSERT(count < sizeof digits);
        digits[sizeof digits - ++count] = symbols[value % base];
    }
    const size_t prefix_length = strlen(prefix);
    const size_t width = (size_t)d->width;
    /* Zero has one digit, unless a precision of zero asks for none. */
    size_t least = d->precision < 0 ? 1 : (size_t)d->precision;
    if (d->precision < 0 && d->zero_pad && !d->left && width > prefix_length + least) {
        least = width - prefix_length;
    }
    const size_t zeros = least > count ? least - count : 0;
    const size_t length = prefix_length + zeros + count;
    const size_t padding = width > length ? width - length : 0;
    put_repeated(sink, ' ', d->left ? 0 : padding);
    put_bytes(sink, prefix, prefix_length);
    put_repeated(sink, '0', zeros);
    put_bytes(sink, digits + sizeof digits - count, count);
    put_repeated(sink, ' ', d->left ? padding : 0);
}

static int64_t take_signed(struct arguments *args, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(args->list, int);
    case LENGTH_SHORT:
        return (short)va_arg(args->list, int);
    case LENGTH_LONG:
        return va_arg(args->list, long);
    case LENGTH_LONG_LONG:
        return va_arg(args->list, long long);
    case LENGTH_SIZE:
        return va_arg(args->list, ptrdiff_t); /* the signed type of the same size as size_t */
    case LENGTH_INT:
        break;
    }
    return va_arg(args->list, int);
}

static uint64_t take_unsigned(struct arguments *args, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(args->list, unsigned);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(args->list, unsigned);
    case LENGTH_LONG:
        return va_arg(args->list, unsigned long);
    case LENGTH_LONG_LONG:
        return va_arg(args->list, unsigned long long);
    case LENGTH_SIZE:
        return va_arg(args->list, size_t);
    case LENGTH_INT:
        break;
    }
    return va_arg(args->list, unsigned);
}

/* False: not a conversion of ours, nothing was printed and no argument taken. */
static bool put_directive(struct sink *sink, const struct directive *d, struct arguments *args)
{
    if (d->length != LENGTH_INT &&
        (d->conversion == 'c' || d->conversion == 's' || d->conversion == 'p')) {
        return false; /* wide characters are not offered, and a pointer has one length */
    }
    switch (d->conversion) {
    case '%':
        put(sink, '%');
        return true;
    case 'c': {
        const char c = (char)va_arg(args->list, int);
        put_field(sink, d, &c, 1);
        return true;
    }
    case 's':
        put_string(sink, d, va_arg(args->list, const char *));
        return true;
    case 'd':
    case 'i': {
        const int64_t value = take_signed(args, d->length);
        /* Negated as unsigned: the lowest number has no positive counterpart. */
        const uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        put_number(sink, d, value < 0 ? "-" : "", magnitude, 10);
        return true;
    }
    case 'u':
        put_number(sink, d, "", take_unsigned(args, d->length), 10);
        return true;
    case 'x':
    case 'X':
        put_number(sink, d, "", take_unsigned(args, d->length), 16);
        return true;
    case 'p':
        put_number(sink, d, "0x", (uint64_t)(uintptr_t)va_arg(args->list, void *), 16);
        return true;
    default:
        return false;
    }
}

int format_text(char *out, size_t size, const char *format, va_list args)
{
    ASSERT(format != NULL);
    ASSERT(out != NULL || size == 0);
    struct sink sink = { .out = out, .size = size };
    struct arguments arguments;
    va_copy(arguments.list, args);
    for (const char *cursor = format; *cursor != '\0';) {
        const char *const start = cursor++;
        if (*start != '%') {
            put(&sink, *start);
            continue;
        }
        const struct directive d = parse_directive(&cursor, &arguments);
        if (!put_directive(&sink, &d, &arguments)) {
            put_bytes(&sink, start, (size_t)(cursor - start));
        }
    }
    va_end(arguments.list);
    if (size > 0) {
        out[sink.length < size ? sink.length : size - 1] = '\0';
    }
    return sink.length > INT32_MAX ? INT32_MAX : (int)sink.length;
}

int format_print(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = format_text(out, size, format, args);
    va_end(args);
    return length;
}
