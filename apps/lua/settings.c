/* SPDX-License-Identifier: BSD-2-Clause */
/* What the Lua interpreter, whose sources are not ours, asks of the machine. Lua itself stops at
 * 200 nested C calls (LUAI_MAXCCALLS); with a buffer in each (string.gsub) they take between 384
 * and 448 KiB. */

#include "aerostat.h"

AEROSTAT_MAIN_STACK(768 * 1024);
