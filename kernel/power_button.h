/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The power button, which is how a host asks a machine to end (`system_powerdown`). */

#include <stdbool.h>

/* Watches the button. A press ends the machine with status 0, unless an application has taken it.
 * Without ACPI there is no button, and nothing happens. */
void power_button_start(void);

/* The application looks at power_button_pressed() itself from now on and ends in its own time. */
void power_button_take(void);

bool power_button_pressed(void);

/* From now on every press calls `take`, from work. True: the application has taken it. False: it
 * has not, and the machine ends. */
void power_button_ask(bool (*take)(void));
