/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Addresses of symbols in an ELF64 file of this machine's byte order. */

#include <stdbool.h>
#include <stdint.h>

/* False when the file cannot be read or has no such symbol. */
bool elf_symbol(const char *path, const char *name, uint64_t *address);
