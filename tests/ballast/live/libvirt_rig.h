/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A libvirtd of the test's own, and domains of the project's guest on it. The test program starts
 * itself again in namespaces of its own, where libvirt's folders are the test's: nothing of the
 * host's libvirt is seen or touched, and nothing is left running whatever happens.
 *
 * Needs root, unshare, libvirtd, virsh and QEMU; without, tests are skipped with the reason.
 */

#include <stdbool.h>
#include <stddef.h>

#define LIBVIRT_RIG_URI "qemu:///system"

/* To be called first in main(). Comes back inside with NULL, or outside with the reason why not.
 * Inside, the program has the same arguments. */
const char *libvirt_rig_enter(char **argv);

/* libvirtd: started and answering; sent a signal (SIGKILL and SIGTERM: waited for, too). */
bool libvirt_rig_start(void);
void libvirt_rig_signal(int signal);

/* Runs `virsh` with these words, and tells whether it went well. What it printed is in
 * libvirt_rig_output() until the next call. */
bool libvirt_rig_virsh(const char *words, ...) __attribute__((format(printf, 1, 2)));
const char *libvirt_rig_output(void);

struct libvirt_rig_domain {
    const char *name;
    unsigned mib;
    const char *append;   /* memwork's command line */
    bool no_auto_deflate; /* a guest without memory may not take it back by itself */
    bool no_reporting;    /* of free pages */
    const char *qmp;      /* a QMP socket beside libvirt's own; NULL: none */
    unsigned current_mib; /* the size that libvirt sets before its guest runs; 0: all its memory */
};

/* Defines the domain, and starts it. */
bool libvirt_rig_domain(const struct libvirt_rig_domain *domain);

/* Starts one that is defined and does not run: its lines begin anew. */
bool libvirt_rig_domain_start(const char *name);

/* Ends it, if it runs, and forgets its definition. */
void libvirt_rig_domain_remove(const char *name);

/* The domain's guest printed a line with this text since it was started, within the time. */
bool libvirt_rig_line(const char *name, const char *text, int timeout_ms);

/* The same for lines that nobody took yet: this one and those before it are taken. */
bool libvirt_rig_take(const char *name, const char *text, int timeout_ms);

/* Types a line on the guest's serial port. */
bool libvirt_rig_type(const char *name, const char *line);
