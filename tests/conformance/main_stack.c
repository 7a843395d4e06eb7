/* SPDX-License-Identifier: BSD-2-Clause */
/* newlib's tests of strings have half a megabyte of buffers on the stack of main(). */

#include "aerostat.h"

AEROSTAT_MAIN_STACK(1 << 20);
