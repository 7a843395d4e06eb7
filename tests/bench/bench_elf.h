/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Addresses in an ELF64 file of this machine's byte order. */

#include <stdbool.h>
#include <stdint.h>

/* False when the file cannot be read, or has no such symbol or several. */
bool elf_symbol(const char *path, const char *name, uint64_t *address);

/* The physical address a start by PVH enters at. False when the file has no such note. */
bool elf_pvh_entry(const char *path, uint64_t *address);

/* What a loader copies out of the file: of all segments to load, the bytes in it. */
bool elf_loaded_bytes(const char *path, uint64_t *bytes);
