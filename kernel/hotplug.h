/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Devices that come and go while the guest runs: `device_del` and `device_add` of QEMU, by its ACPI
 * registers or by the slots of PCI Express ports. */

/* Watches what the machine offers for it. The balloon was looked for, and ACPI is on. */
void hotplug_start(void);
