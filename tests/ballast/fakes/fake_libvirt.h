/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A libvirt without a libvirtd: a table of functions over a few domains in memory, which a test
 * starts, stops, breaks and lets hang. One for the process; all functions may be called from any
 * thread. Domains are told by their number, from 0 in the order in which they were made.
 */

#include "tools/ballast/backend/libvirt_symbols.h"

#define FAKE_LIBVIRT_DOMAINS_MAX 8U

const struct libvirt_symbols *fake_libvirt_symbols(void);

/* No domains, nobody connected, everything works. */
void fake_libvirt_reset(void);

/* Makes a running, persistent domain of this size, with a memory balloon and no statistics. */
unsigned fake_libvirt_add(const char *name, unsigned long long kib);

/* What its XML has beside: put before </domain>; NULL: nothing. With `balloon` false its memory
 * balloon has model none. The texts must stay. */
void fake_libvirt_xml(unsigned domain, const char *extra, bool balloon);
void fake_libvirt_transient(unsigned domain);

/* A statistic, "balloon.usable" for example; fake_libvirt_no_stats() takes all away. */
void fake_libvirt_stat(unsigned domain, const char *field, unsigned long long value);
void fake_libvirt_no_stats(unsigned domain);

/* The domain runs (with a new id), or does not; `event` tells the connections. */
void fake_libvirt_start(unsigned domain, bool event);
void fake_libvirt_stop(unsigned domain, int detail, bool event);
void fake_libvirt_state(unsigned domain, int state, int reason);

/* Events without a change, or with the change that the event tells. */
void fake_libvirt_lifecycle(unsigned domain, int event, int detail);
void fake_libvirt_reboot(unsigned domain);
void fake_libvirt_resize(unsigned domain, unsigned long long kib, bool event);
void fake_libvirt_unplug(unsigned domain, const char *alias);

/* The connection breaks, and new ones are refused until the second call. */
void fake_libvirt_lose(void);
void fake_libvirt_return(void);

/* Calls that speak with libvirtd do not return; `domain` is FAKE_LIBVIRT_ALL, or only calls that
 * change this one. false lets them go on. */
#define FAKE_LIBVIRT_ALL FAKE_LIBVIRT_DOMAINS_MAX
void fake_libvirt_hang(unsigned domain, bool hangs);

/* Bulk statistics are not supported, as by libvirt's driver for containers. */
void fake_libvirt_without_stats(void);
/* The next change of memory or definition is refused. */
void fake_libvirt_refuse(void);

/* Called within the next reading, after libvirtd has looked at its domains. */
void fake_libvirt_meanwhile(void (*action)(void));

/* What came of it. */
unsigned long long fake_libvirt_memory(unsigned domain);
unsigned fake_libvirt_period(unsigned domain);
/* The definition that was made last; NULL: none. Stays until the next one. */
const char *fake_libvirt_defined(unsigned domain);
/* Connections and callbacks that nobody has closed. */
unsigned fake_libvirt_open(void);
unsigned fake_libvirt_opened(void); /* attempts to connect */
