/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's life, and how the library runs inside the daemon's loop: it keeps its sockets in an
 * epoll set of its own, which the loop watches as one descriptor, and says how long it may be left
 * alone. Deadlines are ours, because the library's timeout counts silence only: a client that sends
 * a byte a second would stay for ever.
 */
#include "tools/ballast/api/server_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_timer(uv_timer_t *timer);

/* Asks the library when it wants to be called again. */
static void plan_timer(struct api_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
        uv_timer_start(&server->timer, on_timer, wait_ms, 0);
    } else {
        uv_timer_stop(&server->timer);
    }
}

static void run(struct api_server *server)
{
    MHD_run(server->daemon);
    plan_timer(server);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

/* The set of sockets has failed only if the kernel did; the library would not notice more. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

void server_wake(struct api_server *server)
{
    if (!server->ending) {
        uv_timer_start(&server->timer, on_timer, 0, 0);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct api_server *server = timer->data;
    int64_t now_ms = (int64_t)uv_now(server->loop);
    for (struct server_connection *each = server->connections; each != NULL; each = each->next) {
        if (now_ms >= each->deadline_ms) {
            shutdown(each->fd, SHUT_RDWR);
        }
    }
    server_stream_tick(server, now_ms);
    /* observed: libmicrohttpd 0.9.75 takes its listening socket out of the set at the limit of
     * connections, or of descriptors, puts it back only when it is run again, and asks for no run.
     */
    run(server);
}

/* Paths and queries stay as they were sent: the API decodes what it uses, once. */
static size_t keep_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct api_server *server)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, server_request_handle, server, /* the port is the socket's */
        MHD_OPTION_LISTEN_SOCKET, server->listener.fd,       /* taken over */
        MHD_OPTION_CONNECTION_LIMIT, SERVER_CONNECTIONS_MAX, /* shares end before */
        MHD_OPTION_CONNECTION_TIMEOUT, SERVER_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)64 << 10, MHD_OPTION_URI_LOG_CALLBACK, server_request_begin, server,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        server_request_end, server, MHD_OPTION_NOTIFY_CONNECTION, server_connection_notify, server,
        MHD_OPTION_END);
}

static void on_closed(uv_handle_t *handle)
{
    struct api_server *server = handle->data;
    if (--server->handles == 0) {
        free(server);
    }
}

static bool watch(struct api_server *server)
{
    int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (uv_poll_init(server->loop, &server->poll, fd) != 0) {
        return false;
    }
    /* These two cannot fail. */
    uv_timer_init(server->loop, &server->timer);
    uv_timer_init(server->loop, &server->tick);
    server->poll.data = server->timer.data = server->tick.data = server;
    server->handles = 3;
    uv_timer_start(&server->tick, on_tick, 1000, 1000);
    uv_poll_start(&server->poll, UV_READABLE, on_poll);
    plan_timer(server);
    return true;
}

struct api_server *api_server_start(uv_loop_t *loop, struct api *api, const char *listen,
                                    char *reason, size_t reason_size)
{
    struct api_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        snprintf(reason, reason_size, "no memory");
        return NULL;
    }
    server->api = api;
    server->loop = loop;
    server->request_ms = SERVER_REQUEST_MS;
    server->keep_alive_ms = SERVER_KEEP_ALIVE_MS;
    if (!server_listen(&server->listener, listen, reason, reason_size)) {
        free(server);
        return NULL;
    }
    server->daemon = start_daemon(server);
    if (server->daemon == NULL || !watch(server)) {
        snprintf(reason, reason_size, "the HTTP server cannot start at %s", listen);
        server_listen_remove(&server->listener);
        if (server->daemon != NULL) {
            MHD_stop_daemon(server->daemon);
        } else {
            close(server->listener.fd);
        }
        free(server);
        return NULL;
    }
    return server;
}

unsigned api_server_port(const struct api_server *server)
{
    return server->listener.port;
}

void api_server_stop(struct api_server *server)
{
    server->ending = true;
    server_listen_remove(&server->listener);
    /* The library may not be stopped while a connection is suspended. */
    server_stream_end_all(server);
    MHD_run(server->daemon);
    uv_close((uv_handle_t *)&server->poll, on_closed);
    uv_close((uv_handle_t *)&server->timer, on_closed);
    uv_close((uv_handle_t *)&server->tick, on_closed);
    MHD_stop_daemon(server->daemon);
    assert(server->streams == NULL);
    assert(server->connections == NULL);
}
