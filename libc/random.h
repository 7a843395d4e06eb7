/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Numbers nobody outside can guess, as far as the machine has any. */

#include <stdint.h>

/* 64 random bits: of the machine's entropy where it has some, of the clock otherwise. Never fails;
 * for canaries and seeds, not for keys. From a task. */
uint64_t random_word(void);
