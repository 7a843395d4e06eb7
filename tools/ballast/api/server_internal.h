/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the files of the server use in common. A connection is a client's socket; a request lives on
 * it from its first line to the end of its answer; a stream is an answer without end.
 */

#include <assert.h>
#include <microhttpd.h>
#include <sys/types.h>

#include "tools/ballast/api/api_internal.h"
#include "tools/ballast/api/api_server.h"

/* Shares of connections at one address. Nobody is who has not shown a token yet, or a wrong one. */
#define SERVER_NOBODY    64U
#define SERVER_MONITORS  16U
#define SERVER_OWNERS    64U
#define SERVER_OWNER     8U /* of them, so many for one owner */
#define SERVER_OPERATORS 48U
/* Of the library: all shares, and those that were cut and are not closed yet. */
#define SERVER_CONNECTIONS_MAX 256U

/* Shares of streams, which are connections too. */
#define SERVER_STREAMS_OWNERS    24U
#define SERVER_STREAMS_OWNER     4U
#define SERVER_STREAMS_OPERATORS 16U

#define SERVER_REQUEST_MS    10000
#define SERVER_ANSWER_MS     60000
#define SERVER_IDLE_S        30U
#define SERVER_KEEP_ALIVE_MS 15000
#define SERVER_BUSY_RETRY_S  5U
#define SERVER_QUEUE_MAX     ((size_t)1 << 20)
#define SERVER_NEVER_MS      INT64_MAX

static_assert(SERVER_NOBODY + SERVER_MONITORS + SERVER_OWNERS + SERVER_OPERATORS <
                  SERVER_CONNECTIONS_MAX,
              "the library accepts while any share has room");

/* A listening socket. */
struct server_listener {
    int fd;
    unsigned port;              /* 0: unix */
    char path[CONFIG_PATH_MAX]; /* unix; "" else */
    dev_t device;               /* of the path: what is there later may be another's */
    ino_t inode;
};

struct server_connection {
    struct server_connection *next;
    struct server_connection **link; /* what points here */
    int fd;
    int64_t deadline_ms; /* then it is cut, whatever it is doing */
    enum api_role role;  /* whose share it is in: whose request was the last one on it */
    char owner[CONFIG_NAME_MAX];
    char from[64]; /* where it comes from, for logs */
    uint64_t used; /* grows with each use: the least was used longest ago */
    bool busy;     /* a request is on it */
    bool cut;      /* it is in nobody's share any more */
};

struct server_stream {
    struct server_stream *next;
    struct server_stream **link;
    struct api_server *server;
    struct MHD_Connection *connection;
    struct server_connection *socket;
    struct api_identity identity;
    char machine[CONFIG_NAME_MAX]; /* whose events; "" everybody's */
    bool events;                   /* else a recording */
    bool suspended;                /* nothing to send: the library does not ask */
    bool revoked;                  /* its token is not known any more: it ends at its next turn */
    bool catching_up;              /* reads events from the database until there are no more */
    bool begun;                    /* a recording: has its first line */
    int64_t after;
    int64_t sent_ms;
    char *queue; /* what waits: from `head` on, `used` bytes */
    size_t capacity;
    size_t head;
    size_t used;
};

struct api_server {
    struct api *api;
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    struct server_listener listener;
    uv_poll_t poll;   /* the library's own set of sockets */
    uv_timer_t timer; /* when the library wants to be called */
    uv_timer_t tick;  /* deadlines and keep-alives */
    unsigned handles; /* open; the last one that closes frees the server */
    bool ending;
    struct server_connection *connections;
    struct server_stream *streams;
    uint64_t uses;
    /* Limits of time; a test may shorten them. */
    int64_t request_ms;
    int64_t keep_alive_ms;
};

/* ---- server_listen.c ---- */

/* False: `reason` says why. */
bool server_listen(struct server_listener *listener, const char *where, char *reason,
                   size_t reason_size);

/* Closes nothing: removes the unix socket if it is still the one that was made. */
void server_listen_remove(const struct server_listener *listener);

/* Whether a Host header (NULL: none) may be the name of a server on this listener. */
bool server_host_valid(const struct server_listener *listener, const char *host);

/* ---- server_share.c ---- */

/* A connection was made: by the local operator, or by nobody who is known yet. Where nobody's share
 * is full the connection of it that was used longest ago is cut: whoever opens many and says
 * nothing keeps nobody out but himself. */
void server_share_connect(struct api_server *server, struct server_connection *connection,
                          bool local);

/* A request of this identity begins: the connection counts to its share. Where that is full one is
 * cut on which nothing happens. False: there is none such, and the request is to be refused. */
bool server_share_take(struct api_server *server, struct server_connection *connection,
                       const struct api_identity *identity);

/* The request has ended. */
void server_share_done(struct api_server *server, struct server_connection *connection);

/* Whether there is room for one more stream of this identity. An owner that has fewer than another
 * gets his place by ending one of the other's. */
bool server_share_stream(struct api_server *server, const struct api_identity *identity);

/* ---- server_request.c: what the library calls ---- */

void *server_request_begin(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result server_request_handle(void *context, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *data_size, void **request);
void server_request_end(void *context, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode why);
void server_connection_notify(void *context, struct MHD_Connection *connection, void **socket,
                              enum MHD_ConnectionNotificationCode code);

/* ---- server_stream.c ---- */

/* The answer that goes on. NULL: no memory. Takes the body over, in any case. */
struct MHD_Response *server_stream_response(struct api_server *server,
                                            struct MHD_Connection *connection,
                                            struct server_connection *socket,
                                            struct api_response *response);

/* Ends a stream at once. */
void server_stream_cut(struct server_stream *stream);

/* Once a second: keep-alive comments. */
void server_stream_tick(struct api_server *server, int64_t now_ms);

/* Has every stream end at its next turn. */
void server_stream_end_all(struct api_server *server);

/* Has the library called soon: somebody gave it work outside of its own calls. */
void server_wake(struct api_server *server);
