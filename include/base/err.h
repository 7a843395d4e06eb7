/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Operating errors: things that can happen to a correct program. A programmer's mistake is an
 * ASSERT (assert.h); a device that misbehaves is reported with ERR_DEVICE after it was marked
 * broken, and never ends the guest.
 */

typedef enum err {
    OK = 0,
    ERR_NOMEM,       /* no free memory of the size asked for */
    ERR_RANGE,       /* a number lies outside what the callee can represent or was told to allow */
    ERR_INVALID,     /* malformed input: a table, a parameter, a capability */
    ERR_BUSY,        /* the thing exists but is taken (a full queue, a second driver) */
    ERR_AGAIN,       /* nothing there yet; ask again after the next event */
    ERR_UNSUPPORTED, /* the machine or the device does not offer it */
    ERR_DEVICE,      /* the device broke its contract; it has been marked broken */
    ERR_TIMEOUT,     /* the device or the firmware did not answer in time */
} err_t;

/* A result that may not be dropped. gcc 12 and clang 14 both warn. */
#define MUST_USE __attribute__((warn_unused_result))

/* The name of an error for a log line; "?" for a number that is no error. */
static inline const char *err_name(err_t err)
{
    static const char *const names[] = { "ok",    "no memory",   "out of range", "invalid", "busy",
                                         "again", "unsupported", "device fault", "timeout" };
    return (unsigned)err < sizeof(names) / sizeof(names[0]) ? names[err] : "?";
}
