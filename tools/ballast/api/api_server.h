/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The API on sockets: libmicrohttpd, watched by the daemon's libuv loop. Loopback addresses and
 * unix sockets only. Everything happens on the loop's thread. Limits of each address, each of which
 * ends a connection and not the server:
 *
 * - connections: 64 of those who have shown no token yet (beyond, the one that was used longest ago
 *   is cut), 16 of monitors, 64 of owners and 8 of one, 48 of operators (beyond, an idle one is
 *   cut, and where none is idle 503 is the answer)
 * - streams among them: 24 of owners and 4 of one, 16 of operators (503); an owner with fewer
 *   streams than another gets one of the other's places
 * - 10 s for a request to come in, 60 s for its answer to go out, 30 s of silence
 * - API_BODY_MAX (413); 1 MiB waiting for the reader of a stream
 *
 * Over TCP the Host header must name a loopback address: a page in a browser cannot reach the API
 * under a name of its own.
 */

#include <uv.h>

#include "tools/ballast/api/api.h"

struct api_server;

/* Listens at "unix:PATH" or "ADDRESS:PORT" (port 0: any). A unix socket is made with mode 0660, and
 * one left behind by a daemon that died is replaced. NULL: `reason` says why. */
struct api_server *api_server_start(uv_loop_t *loop, struct api *api, const char *listen,
                                    char *reason, size_t reason_size);

/* Whether somebody beside root and this process's user could put another socket in the place of
 * the unix socket that `listen` names, because he may write to its folder or to one above it.
 * `reason` says where, and which command ends that. False for a loopback address. */
bool api_server_replaceable(const char *listen, char *reason, size_t reason_size);

/* The port it got, 0 for a unix socket. */
unsigned api_server_port(const struct api_server *server);

/* Hands an event, numbered by the store (0: there is none), to everybody who follows and may see
 * it. A reader who is too slow is dropped. */
void api_server_event(struct api_server *server, const struct store_event *event);

/* Hands a recorded period (one line of JSON without its end) to everybody who records. `first` is
 * what a recording begins with; it is sent to those who came since the last call, and `again` to
 * everybody. */
void api_server_period(struct api_server *server, const char *first, const char *line, bool again);

/* The API's tokens are others now: streams that go on by one that was withdrawn, or that means
 * somebody else now, end. The old tokens may be freed before. */
void api_server_tokens_changed(struct api_server *server);

/* True when somebody records: else no line need be made. */
bool api_server_recording(const struct api_server *server);

/* Ends it: open streams are closed, the unix socket is removed. What remains is freed by the loop,
 * which must run once more. */
void api_server_stop(struct api_server *server);
