/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A QMP server that follows a script, in a thread of its own. Each step waits for a command, sends
 * text, or both:
 *
 *     static const struct fake_qmp_step steps[] = {
 *         FAKE_QMP_HELLO,
 *         { .expect = "query-balloon", .send = "{\"return\": {\"actual\": 1}, \"id\": $ID}\r\n" },
 *     };
 *
 * "$ID" in a text becomes the id of the command that came last. The connection is closed after the
 * last step, unless that step says `hold`.
 */

#include <stdbool.h>
#include <stddef.h>

struct fake_qmp_step {
    const char *expect; /* a part of the next command; NULL: do not wait for one */
    const char *send;   /* text to send then; NULL: nothing */
    size_t send_bytes;  /* its length, when it contains zero bytes; 0: up to its end */
    size_t piece;    /* at most so many bytes in one write, with a pause between; 0: all at once */
    unsigned repeat; /* send it so many times more */
    unsigned pause_ms; /* before sending */
    bool hold;         /* afterwards keep the connection open until the client closes it */
};

#define FAKE_QMP_GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define FAKE_QMP_HELLO                                                                             \
    { .send = FAKE_QMP_GREETING },                                                                 \
    {                                                                                              \
        .expect = "qmp_capabilities", .send = "{\"return\": {}, \"id\": $ID}\r\n"                  \
    }

struct fake_qmp_server;

/* Starts the script on one end of a socket pair; *client_fd is the other end and the caller's. The
 * steps must live until the server is stopped. NULL when the system refuses. */
struct fake_qmp_server *fake_qmp_server_start(const struct fake_qmp_step *steps, size_t count,
                                              int *client_fd);

/* The same on a listening socket at `path`, which appears after `delay_ms`. */
struct fake_qmp_server *fake_qmp_server_listen(const struct fake_qmp_step *steps, size_t count,
                                               const char *path, unsigned delay_ms);

/* Waits for the end of the script (the client must have closed its end) and frees the server. True
 * when every expected command came. */
bool fake_qmp_server_stop(struct fake_qmp_server *server);
