/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Debian's luaconf.h asks for the folder of libraries to load. There is nothing here that loads
 * any, so this only completes a path that is never used. */

#define DEB_HOST_MULTIARCH "aerostat"
