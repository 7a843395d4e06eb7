/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One QEMU with our guest in it. Started from a description, watched through its serial port and
 * its QMP connection, measured from outside, and ended whatever happens: the QEMU dies with the
 * process (the thread) that started it, even when that is killed.
 *
 * Nothing is left on the disk: QMP runs over a socket pair that QEMU inherits, the serial port is
 * QEMU's standard output and input. A handle belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/aerostat/accel.h"
#include "tools/qmp/qmp.h"

/* The balloon device's id, and where QOM keeps it. */
#define VM_BALLOON_ID   "balloon0"
#define VM_BALLOON_PATH "/machine/peripheral/" VM_BALLOON_ID

enum vm_terminal {
    VM_TERMINAL_NONE,    /* the serial port is captured: vm_wait_line() and friends */
    VM_TERMINAL_SERIAL,  /* the serial port is this process's standard input and output */
    VM_TERMINAL_MONITOR, /* QEMU's monitor is; the serial port goes to standard error */
};

/* All zero but image and memory_mib is a good description. NULL, 0 and false mean the default. */
struct vm_config {
    const char *qemu;    /* the program; default $QEMU, then qemu-system-x86_64 */
    const char *image;   /* ELF file with a PVH note, for -kernel */
    const char *append;  /* its command line */
    const char *initrd;  /* file for -initrd: the guest's files, as tools/initrd.sh packs them */
    const char *machine; /* default q35; may carry properties: "pc,acpi=off" */
    const char *accel;   /* "kvm" or "tcg"; default: accel_choose() */
    const char *cpu;     /* default: accel_choose()'s */
    const char *icount;  /* for -icount, for example "shift=0" */
    const char *trace;   /* pattern of trace events; they go to trace_file */
    const char *trace_file;
    const char *balloon_device;     /* default virtio-balloon-pci; on a microvm the one in memory */
    const char *balloon_properties; /* more for the device, for example "free-page-reporting=on" */
    const char *const *extra;       /* more words for QEMU; the list ends with NULL */
    uint64_t memory_mib;
    unsigned smp;
    bool no_balloon;     /* no balloon device */
    bool no_exit_device; /* no isa-debug-exit: the guest powers off by ACPI, with no status */
    bool lazy_memory;    /* reserve=off: more memory than the host has */
    bool paused;         /* start with the processors stopped */
    bool stay_on_reset;  /* a reset, by the guest or over QMP, starts again instead of ending */
    bool may_pause;      /* somebody else may pause it, over a monitor or gdb: no VM_END_STOPPED */
    enum vm_terminal terminal;
};

enum vm_end {
    VM_END_STATUS,   /* the guest left with a status through isa-debug-exit */
    VM_END_POWEROFF, /* the guest powered itself off */
    VM_END_HOST,     /* the host ended it: QMP or monitor quit, or a signal to QEMU */
    VM_END_RESET,    /* the guest reset itself, which a triple fault does; QEMU ends then */
    VM_END_QEMU,     /* QEMU itself failed or was killed: see vm_errors() */
    VM_END_STOPPED,  /* QEMU is there, but stopped the guest for good, after an internal error
                      * for example: nothing more will come; vm_end() ends it */
};

struct vm_exit {
    enum vm_end end;
    unsigned status; /* VM_END_STATUS: the guest's; VM_END_QEMU: QEMU's exit code or signal */
    char text[256];  /* the same for a person */
};

enum vm_wait {
    VM_WAIT_OK,
    VM_WAIT_TIMEOUT, /* the virtual machine runs on */
    VM_WAIT_ENDED,   /* QEMU is gone and the line never came */
};

struct vm;

/* ---- start and end ---- */

/* Starts QEMU and speaks QMP with it. NULL on failure; `reason` then says why, in QEMU's own words
 * where it said any (with a terminal they are on standard error instead). */
struct vm *vm_start(const struct vm_config *config, char *reason, size_t reason_size);

/* Ends QEMU if it still runs (quit, then SIGTERM, then SIGKILL) and frees the handle, its log and
 * its QMP connection. NULL is allowed. */
void vm_end(struct vm *vm);

/* Waits until QEMU is gone by itself, or has stopped the guest though nobody asked
 * (VM_END_STOPPED). VM_WAIT_OK: *result tells how it ended (a stop is told once). Leave QMP's
 * events SHUTDOWN and STOP untaken: the reason stands in the one, the other is how a stop is
 * noticed. */
enum vm_wait vm_wait_exit(struct vm *vm, int timeout_ms, struct vm_exit *result);

/* ---- talk ---- */

/* The QMP connection. Owned by the virtual machine. */
struct qmp *vm_qmp(struct vm *vm);

/* Runs a line of the human monitor and yields its output, to be given to free(); NULL when that
 * fails. Only for machines of our own: that monitor is made for people, promises nothing to
 * programs, and has no place in tools/qmp/, which ballast uses towards other people's machines. */
char *vm_human(struct vm *vm, const char *line, int timeout_ms);

/* The accelerator it runs on. */
const struct accel *vm_accel(const struct vm *vm);

pid_t vm_pid(const struct vm *vm);

/* ---- the serial port (VM_TERMINAL_NONE) ---- */

/* Takes in what the guest wrote, waiting at most `timeout_ms` for something to come. */
void vm_pump(struct vm *vm, int timeout_ms);

/* Types on the guest's serial port. It takes the text when it can: true when all of it has left us
 * within the time. */
bool vm_type(struct vm *vm, const char *text, int timeout_ms);

/* The next whole line nobody took yet, without its line end, or NULL when there is none now. Valid
 * until vm_end(). */
const char *vm_take_line(struct vm *vm);

/* Takes lines until one contains `text`; that one is *line (NULL: not wanted). */
enum vm_wait vm_wait_line(struct vm *vm, const char *text, int timeout_ms, const char **line);

/* The newest line so far that contains `text`, taken or not; NULL when there is none. */
const char *vm_last_line(struct vm *vm, const char *text);

/* How many lines so far contain `text`. */
unsigned vm_count_lines(struct vm *vm, const char *text);

/* The lines so far, taken or not: line `index`, or NULL behind the last. */
const char *vm_line(struct vm *vm, size_t index);

/* What QEMU itself complained about so far: its standard error, "" when it said nothing. */
const char *vm_errors(struct vm *vm);

/* ---- measure from outside ---- */

/* Bytes of guest memory that the host really holds, read from /proc/PID/smaps: not QEMU's own
 * memory, not its translation cache. False when it cannot be told (QEMU is gone, or not ours). */
bool vm_ram_resident(struct vm *vm, uint64_t *bytes);

/* Processor time used so far, in microseconds: by all of QEMU, and by the thread of one virtual
 * processor. */
bool vm_cpu_time(struct vm *vm, uint64_t *us);
bool vm_vcpu_time(struct vm *vm, unsigned vcpu, uint64_t *us);

/* ---- small helps for whoever waits ---- */

/* A monotonic clock in milliseconds. */
int64_t vm_now_ms(void);
