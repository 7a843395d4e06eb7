/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Names for addresses in the kernel's text, from a table that the second link adds. */

#include <stdint.h>

/* The function that contains the address and how far into it; null when there is none. */
const char *symbol_find(uint64_t address, uint64_t *offset);
