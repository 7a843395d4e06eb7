/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The one application that may be linked with the kernel. Its app_main runs as a task of its own,
 * after the start is over; its result is the status the machine ends with. Without one the guest
 * serves its host until it is switched off.
 */

int app_main(void) __attribute__((weak));
