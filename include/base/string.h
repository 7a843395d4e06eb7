/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The few functions of ISO C's <string.h> that the core uses: from kernel/string.c in the kernel
 * image, from the C library in host tests. The prototypes are the standard's. */

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *memory, int byte, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);
