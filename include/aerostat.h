/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What a program on aerostat can do beyond the C library: tasks, pages, memory under pressure, the
 * balloon, timers, the log.
 *
 * Amounts of memory are bytes, times are nanoseconds on aerostat_now_ns(). Functions that can fail
 * return 0 or a number of <errno.h>. Everything is called from tasks; functions the program hands
 * over are called from tasks, too. There is one processor and no task is ever interrupted by
 * another: what lies between two calls that wait happens as one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what comes with a program ---- */

/* Kernel parameters of the program's own, in front of those of the command line, which has the last
 * word. Once, outside functions. Without it: "loglevel=warning results=off". */
#define AEROSTAT_PARAMETERS(text) const char app_params[] = text

/* The stack of main(), a multiple of 4096, 1 MiB at most. Once, outside functions. Without it:
 * 128 KiB. */
#define AEROSTAT_MAIN_STACK(bytes) const uint32_t app_stack_bytes = (bytes)

extern const char app_params[];
extern const uint32_t app_stack_bytes;

/* ---- tasks ---- */

/* Tasks at one time, main() and a few of the kernel's included. */
#define AEROSTAT_TASKS_MAX 16

/* Starts a task of its own; it runs when the others wait or yield, and ends when `run` returns.
 * `name` must stay; it stands in reports of faults. `stack_bytes` is rounded up to pages, 1 MiB at
 * most. ENOMEM, EAGAIN beyond AEROSTAT_TASKS_MAX, EINVAL for a stack larger than that. */
int aerostat_task_start(const char *name, size_t stack_bytes, void (*run)(void *argument),
                        void *argument);

/* Lets the others run, and work for the host. */
void aerostat_yield(void);

void aerostat_sleep_ns(uint64_t ns);
void aerostat_sleep_until(uint64_t at_ns);

const char *aerostat_task_name(void);

/* Tasks that wait for the same thing. Zero-initialised is empty. */
struct aerostat_queue {
    void *waiting;
};

/* Waits until another task says aerostat_wake() on the same queue. */
void aerostat_wait(struct aerostat_queue *queue);

/* All tasks in the queue go on. */
void aerostat_wake(struct aerostat_queue *queue);

/* ---- time ---- */

/* Since the start; never runs backwards. */
uint64_t aerostat_now_ns(void);

/* Calls a function once, from a task that does nothing else but timers: it should be short, and one
 * that waits delays the others. Zero-initialise the rest. */
struct aerostat_timer {
    void (*fire)(void *context);
    void *context;

    uint64_t private[8];
};

/* Sets, or moves, a timer, which must stay until it fired or was cancelled. ENOMEM when the task of
 * the timers cannot be started, by the first call only. */
int aerostat_timer_set(struct aerostat_timer *timer, uint64_t at_ns);
void aerostat_timer_cancel(struct aerostat_timer *timer);

/* ---- pages ---- */

#define AEROSTAT_PAGE_BYTES ((size_t)4096)
#define AEROSTAT_HUGE_BYTES ((size_t)2 * 1024 * 1024)

/* Pages in one piece, `bytes` rounded up to them, at a multiple of `align`, a power of two. Null:
 * there is no such piece. Contents are not defined. A piece of whole huge pages lies behind huge
 * pages of the host where it has them. */
void *aerostat_pages_alloc(size_t bytes, size_t align);

/* Gives back a piece, or pages at its end or in its middle: `bytes` rounded up to pages. What is
 * free goes back to the host. */
void aerostat_pages_free(void *pages, size_t bytes);

/* The longest piece of at most `bytes` that is free as it is: nobody is asked to give up memory for
 * the sake of its length, and only the last page is asked for. *got has its bytes, whole pages.
 * Null: there is not even a page. */
void *aerostat_pages_some(size_t bytes, size_t *got);

/* ---- how memory stands ---- */

struct aerostat_memory {
    uint64_t total_bytes;
    uint64_t in_use_bytes;   /* by the program and the kernel */
    uint64_t backed_bytes;   /* free; the host holds memory behind it */
    uint64_t returned_bytes; /* free; it does not */
    uint64_t balloon_bytes;  /* with the host */
};
void aerostat_memory(struct aerostat_memory *memory);

struct aerostat_balloon {
    bool present;
    uint64_t target_bytes; /* what the host wants to have */
    uint64_t actual_bytes; /* what it has */
};
void aerostat_balloon(struct aerostat_balloon *balloon);

/* ---- memory under pressure ---- */

/*
 * Somebody who could give up memory: a cache, a pool. When the host wants more than is free the
 * cheapest source is asked first, from a task that does nothing else (with a stack of 32 KiB). What
 * all of them offer is told to the host as available.
 */
struct aerostat_source {
    const char *name; /* must stay */
    unsigned cost;    /* of getting the same again, on any scale the program's sources share */
    void *context;

    /* Frees up to `bytes`, more if it comes in whole pieces; returns how many are free by now. What
     * it frees by `deadline_ns` counts; a source that has nothing by then is left alone for a
     * second. */
    size_t (*give)(void *context, size_t bytes, uint64_t deadline_ns);

    /* What it could give up now: the program keeps it true. */
    volatile size_t offered_bytes;

    /* It may also be asked from within an allocation that would fail, in the middle of whatever
     * allocates: it must not wait then, and its own allocations simply fail. Its offer must be true
     * whenever anybody allocates. Without this, such an allocation waits for the task. */
    bool gives_to_allocations;

    uint64_t private[24]; /* zero-initialise it */
};

/* The source must stay until it is unregistered. */
void aerostat_source_register(struct aerostat_source *source);
void aerostat_source_unregister(struct aerostat_source *source);

/* ---- ports ---- */

/*
 * Streams of bytes to programs of the host, by name: with QEMU
 *
 *     -device virtio-serial-pci -chardev socket,id=c,path=/tmp/s,server=on,wait=off
 *     -device virtserialport,chardev=c,name=org.example.name
 *
 * Port numbers (nr=) up to 2 of the first such device are reached. Any of these fails with EIO once
 * the device broke its contract, and with EINTR when a signal's handler ran meanwhile.
 */
struct aerostat_port;

/* Waits for a port of this name at most so long. ENODEV: the machine has no such device. ENOENT:
 * the device has no such port. EBUSY: it is open already. ENOMEM. A port is never closed. */
int aerostat_port_open(const char *name, uint64_t timeout_ns, struct aerostat_port **port);

/* Waits until somebody is at the host's end. */
int aerostat_port_wait(struct aerostat_port *port);

/* Waits until something came, and reads at most *bytes of it; *bytes tells how much. 0: whoever was
 * at the host's end has left, and the next read waits for the next one. */
int aerostat_port_read(struct aerostat_port *port, void *buffer, size_t *bytes);

/* Sends all of it. EPIPE: nobody is at the host's end, or not any more; something may be lost. */
int aerostat_port_write(struct aerostat_port *port, const void *data, size_t bytes);

/* ---- the log ---- */

enum aerostat_level { AEROSTAT_ERROR, AEROSTAT_WARNING, AEROSTAT_INFO, AEROSTAT_DEBUG };

/* A line in the kernel's log, if the parameter `loglevel` lets it through. */
void aerostat_log(enum aerostat_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line for programs that read the serial port: "@" and the text, whatever `results` says. */
void aerostat_result(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
