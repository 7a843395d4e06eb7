/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory and string functions that the compiler and the core expect. Plain loops where lengths
 * are short; `rep` instructions for fills and copies, which processors and emulators know.
 */

#include "base/string.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *out = to;

    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return out;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *out = to;
    const unsigned char *in = from;

    if ((uintptr_t)to - (uintptr_t)from >= bytes) {
        return memcpy(to, from, bytes);
    }
    while (bytes > 0) {
        bytes--;
        out[bytes] = in[bytes];
    }
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    unsigned char *out = to;
    size_t words = bytes / 8;
    size_t rest = bytes % 8;
    uint64_t pattern = UINT64_C(0x0101010101010101) * (unsigned char)byte;

    __asm__ volatile("rep stosq" : "+D"(out), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(out), "+c"(rest) : "a"(byte) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *left = a;
    const unsigned char *right = b;

    for (size_t i = 0; i < bytes; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Eight bytes at a time as long as none of them is the one: tables of kilobytes are searched. The
 * sum of a byte less one and its complement has the top bit for zero alone, below the first. */
void *memchr(const void *memory, int byte, size_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const unsigned char *at = memory;
    uint64_t eight;

    for (; bytes >= sizeof(eight); bytes -= sizeof(eight), at += sizeof(eight)) {
        __builtin_memcpy(&eight, at, sizeof(eight));
        eight ^= ones * (unsigned char)byte;
        if (((eight - ones) & ~eight & (ones << 7)) != 0) {
            break;
        }
    }
    for (; bytes > 0; bytes--, at++) {
        if (*at == (unsigned char)byte) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

int strncmp(const char *a, const char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char left = (unsigned char)a[i];
        unsigned char right = (unsigned char)b[i];

        if (left != right) {
            return left < right ? -1 : 1;
        }
        if (left == '\0') {
            return 0;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}
