/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A client of the QEMU Machine Protocol over a unix stream socket.
 *
 * Two ways of use. Programs that may wait call qmp_connect(), qmp_execute() and qmp_wait_event().
 * Programs with an event loop call qmp_open(), watch qmp_fd() for input (and for output while
 * qmp_wants_output()), call qmp_pump() when it is ready, ask with qmp_send() once qmp_ready(), and
 * collect with qmp_take_reply() and qmp_take_event(); nothing of this waits. Both ways mix.
 *
 * Every function that can fail returns a status and, where `error` is not NULL, fills it. After
 * QMP_CLOSED, QMP_PROTOCOL or QMP_SYSTEM the connection is useless: every later call returns the
 * same status and text at once, except that events and replies that came before can still be
 * taken. QMP_REFUSED, QMP_TIMEOUT and QMP_BUSY leave the connection as it is; a reply that comes
 * after its caller gave up is dropped.
 *
 * Timeouts are in milliseconds; 0 looks once and does not wait. A handle belongs to one thread.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Events kept until somebody takes them. When one more comes the oldest is dropped and counted. */
#define QMP_EVENTS_MAX 64U
/* Commands that were sent and whose reply nobody took yet. */
#define QMP_PENDING_MAX 32U
/* Text of commands that the other side did not read yet. More of it ends the connection. */
#define QMP_OUTPUT_MAX ((size_t)64 << 10)
/* Bytes that one qmp_pump() reads at most, so that a flood cannot hold up an event loop. */
#define QMP_PUMP_MAX ((size_t)256 << 10)

enum qmp_status {
    QMP_OK = 0,
    QMP_REFUSED,  /* QEMU answered with an error: see class and text */
    QMP_TIMEOUT,  /* nothing came in time */
    QMP_BUSY,     /* QMP_PENDING_MAX commands are waiting for their reply, or qmp_open(): nobody
                   * accepts connections now, others wait already */
    QMP_CLOSED,   /* the other side closed the connection */
    QMP_PROTOCOL, /* the other side does not speak QMP */
    QMP_SYSTEM,   /* a system call failed, or memory ran out */
};

struct qmp_error {
    enum qmp_status status;
    char class[48]; /* QMP_REFUSED: QEMU's error class, for example "DeviceNotActive" */
    char text[256]; /* one sentence for a person, without a full stop */
};

struct qmp;

/* ---- start and end ---- */

/* Connects to the socket at `path`, which may appear late, reads the greeting and negotiates.
 * `timeout_ms` bounds all of it. On QMP_OK *out is the handle, to be given to qmp_close(). */
enum qmp_status qmp_connect(const char *path, int timeout_ms, struct qmp **out,
                            struct qmp_error *error);

/* The same over a connected socket, which belongs to the handle afterwards (it is closed on every
 * error too). */
enum qmp_status qmp_adopt(int fd, int timeout_ms, struct qmp **out, struct qmp_error *error);

/* Begins a connection without waiting: the greeting and the negotiation happen in qmp_pump().
 * QMP_BUSY and QMP_CLOSED (nobody listens) may be otherwise a moment later. */
enum qmp_status qmp_open(const char *path, struct qmp **out, struct qmp_error *error);

/* The same over a connected socket, which belongs to the handle afterwards (it is closed on an
 * error too). */
enum qmp_status qmp_open_fd(int fd, struct qmp **out, struct qmp_error *error);

/* How far it is: without a greeting a monitor of QEMU serves somebody else, for it has one client
 * at a time; the others wait unheard. */
bool qmp_greeted(const struct qmp *qmp);

/* True once commands can be sent. */
bool qmp_ready(const struct qmp *qmp);

/* Closes the connection and drops what was not taken. NULL is allowed. */
void qmp_close(struct qmp *qmp);

/* ---- ask and wait ---- */

/* Sends one command and waits for its reply. `arguments` (an object, or NULL for none) is taken
 * over, whatever the outcome. On QMP_OK *reply, where wanted, is the value of "return"; the caller
 * owns the reference. Events that come meanwhile are kept. */
enum qmp_status qmp_execute(struct qmp *qmp, const char *command, json_t *arguments, int timeout_ms,
                            json_t **reply, struct qmp_error *error);

/* Waits for the oldest kept event of this name (NULL: of any name) and takes it. Other events stay
 * in their order. The event is the whole object: "event", "data", "timestamp". */
enum qmp_status qmp_wait_event(struct qmp *qmp, const char *name, int timeout_ms, json_t **event,
                               struct qmp_error *error);

/* ---- the same without waiting ---- */

/* The socket, for poll(). Do not read or write it. */
int qmp_fd(const struct qmp *qmp);

/* Waits until anything arrives, and sorts it. */
enum qmp_status qmp_wait(struct qmp *qmp, int timeout_ms, struct qmp_error *error);

/* True while text waits until the socket takes more: then watch for output too, and pump. */
bool qmp_wants_output(const struct qmp *qmp);

/* Writes what waits, reads what is there. QMP_OK also when there is nothing. */
enum qmp_status qmp_pump(struct qmp *qmp, struct qmp_error *error);

/* Sends a command (the connection must be ready) and tells its id (never 0). Waits only while the
 * socket cannot take the text, at most `timeout_ms`; what is left then is kept and goes out with
 * qmp_pump(). A connection that holds more than QMP_OUTPUT_MAX in the end is given up. */
enum qmp_status qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int timeout_ms,
                         uint64_t *id, struct qmp_error *error);

/* Takes the reply to command `id` as qmp_execute() does. QMP_TIMEOUT means: not yet. */
enum qmp_status qmp_take_reply(struct qmp *qmp, uint64_t id, json_t **reply,
                               struct qmp_error *error);

/* Gives up on command `id`: its reply will be dropped. */
void qmp_forget(struct qmp *qmp, uint64_t id);

/* Takes the oldest kept event of this name (NULL: of any name), or returns NULL. */
json_t *qmp_take_event(struct qmp *qmp, const char *name);

/* Events that were dropped because nobody took them, since the start. */
uint64_t qmp_events_dropped(const struct qmp *qmp);

/* ---- values ---- */

/* An unsigned 64-bit number, exact up to 2^64 - 1 (which QEMU uses for "no value"), at the end of
 * a path of member names separated by '/'; an empty path is the value itself. False when there is
 * no such member or it is no integer from 0 to 2^64 - 1. */
bool qmp_get_u64(const json_t *value, const char *path, uint64_t *number);

/* A name for a status, for messages. */
const char *qmp_status_name(enum qmp_status status);
