/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * From what a backend read of a machine to its facts: what QEMU or libvirt told, and what the
 * kernel tells of the machine's process.
 */

#include <stdint.h>

#include "tools/ballast/fleet/facts.h"
#include "tools/ballast/host/host.h"

/* What the process of a machine holds whose monitor is silent, as the kernel tells it now: sets
 * resident_bytes and swapped_bytes of its last facts. Cheap. Both are POLICY_MISSING where that
 * cannot be told. */
void reading_silent(const struct host_source *source, struct facts *facts);
