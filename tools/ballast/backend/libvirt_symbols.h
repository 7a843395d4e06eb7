/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The functions of libvirt that ballast uses, as a table. They are looked up when a libvirt URI is
 * configured for the first time, so that programs run where libvirt is not installed. Tests put a
 * table of their own in the place of libvirt.
 *
 * Members have libvirt's own names and types: its reference manual is theirs.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stddef.h>

/* One line for each function. */
#define LIBVIRT_SYMBOLS(X)                                                                         \
    X(virInitialize)                                                                               \
    X(virSetErrorFunc)                                                                             \
    X(virGetLastErrorCode)                                                                         \
    X(virGetLastErrorMessage)                                                                      \
    X(virEventRegisterDefaultImpl)                                                                 \
    X(virEventRunDefaultImpl)                                                                      \
    X(virConnectOpen)                                                                              \
    X(virConnectRef)                                                                               \
    X(virConnectClose)                                                                             \
    X(virConnectIsAlive)                                                                           \
    X(virConnectSetKeepAlive)                                                                      \
    X(virConnectRegisterCloseCallback)                                                             \
    X(virConnectUnregisterCloseCallback)                                                           \
    X(virConnectDomainEventRegisterAny)                                                            \
    X(virConnectDomainEventDeregisterAny)                                                          \
    X(virConnectGetAllDomainStats)                                                                 \
    X(virDomainStatsRecordListFree)                                                                \
    X(virConnectListAllDomains)                                                                    \
    X(virDomainLookupByUUIDString)                                                                 \
    X(virDomainFree)                                                                               \
    X(virDomainGetName)                                                                            \
    X(virDomainGetUUIDString)                                                                      \
    X(virDomainGetID)                                                                              \
    X(virDomainGetInfo)                                                                            \
    X(virDomainGetXMLDesc)                                                                         \
    X(virDomainIsPersistent)                                                                       \
    X(virDomainDefineXMLFlags)                                                                     \
    X(virDomainSetMemoryFlags)                                                                     \
    X(virDomainSetMemoryStatsPeriod)

struct libvirt_symbols {
#define LIBVIRT_SYMBOL(name) __typeof__(name) *(name);
    LIBVIRT_SYMBOLS(LIBVIRT_SYMBOL)
#undef LIBVIRT_SYMBOL
};

/* The library's name, for libvirt_symbols_load(). */
#define LIBVIRT_LIBRARY "libvirt.so.0"

/* The table of `library`, loaded for as long as the process lives, or NULL: then `reason` is a
 * sentence that says what is missing. May be called again after either. Any thread, one at a time.
 */
const struct libvirt_symbols *libvirt_symbols_load(const char *library, char *reason,
                                                   size_t reason_size);
