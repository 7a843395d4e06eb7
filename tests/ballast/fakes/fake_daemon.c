/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake daemon: libmicrohttpd with a thread for each connection, so that a stream which is held
 * open disturbs nobody.
 */

#include "tests/ballast/fakes/fake_daemon.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_REPLIES 64U

struct fake_daemon {
    const struct fake_reply *replies;
    size_t count;
    unsigned given[MAX_REPLIES];
    struct MHD_Daemon *http;
    pthread_mutex_t lock;
    char *log;
    size_t log_size;
    FILE *log_file;
    atomic_bool stopping;
    char url[160];
    char unix_path[108];
};

/* One request: its body as it comes. */
struct asked {
    char *body;
    size_t size;
};

/* One stream: what is left of its text, and of its time. */
struct held {
    struct fake_daemon *daemon;
    const char *body;
    size_t size;
    unsigned left_ms;
};

static void nap(void)
{
    struct timespec span = { .tv_nsec = 10000000 };
    (void)nanosleep(&span, NULL);
}

static ssize_t next_part(void *context, uint64_t position, char *buffer, size_t max)
{
    struct held *held = context;
    size_t at = (size_t)position;
    if (at < held->size) {
        size_t part = held->size - at < max ? held->size - at : max;
        memcpy(buffer, held->body + at, part);
        return (ssize_t)part;
    }
    if (held->left_ms < 10 || atomic_load(&held->daemon->stopping)) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    held->left_ms -= 10;
    nap();
    return 0;
}

static struct MHD_Response *response_of(struct fake_daemon *daemon, const struct fake_reply *reply)
{
    static char nothing[1];
    size_t size = reply->body == NULL ? 0 : strlen(reply->body);
    if (reply->hold_ms > 0) {
        struct held *held = calloc(1, sizeof(*held));
        if (held == NULL) {
            abort();
        }
        *held = (struct held){ .daemon = daemon,
                               .body = reply->body == NULL ? "" : reply->body,
                               .size = size,
                               .left_ms = reply->hold_ms };
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, next_part, held, free);
    }
    char *copy = size == 0 ? nothing : strdup(reply->body);
    return MHD_create_response_from_buffer(
        size, copy, size == 0 ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
}

static const struct fake_reply *choose(struct fake_daemon *daemon, const char *method,
                                       const char *path)
{
    for (size_t i = 0; i < daemon->count; i++) {
        const struct fake_reply *reply = &daemon->replies[i];
        const char *wanted = reply->method == NULL ? "GET" : reply->method;
        if (strcmp(wanted, method) == 0 && strcmp(reply->path, path) == 0 &&
            (reply->times == 0 || daemon->given[i] < reply->times)) {
            daemon->given[i]++;
            return reply;
        }
    }
    return NULL;
}

static enum MHD_Result log_argument(void *context, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    bool *first = ((void **)context)[1];
    (void)kind;
    (void)fprintf(((void **)context)[0], "%c%s=%s", *first ? '?' : '&', key,
                  value == NULL ? "" : value);
    *first = false;
    return MHD_YES;
}

static void log_request(struct fake_daemon *daemon, struct MHD_Connection *connection,
                        const char *method, const char *path, const struct asked *asked)
{
    static const char *const headers[] = { "If-Match", "Authorization", "Last-Event-ID" };
    static const char *const names[] = { "if-match", "token", "after" };
    bool first = true;
    void *context[2] = { daemon->log_file, &first };
    (void)fprintf(daemon->log_file, "%s %s", method, path);
    (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, log_argument, context);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, headers[i]);
        if (value != NULL) {
            (void)fprintf(daemon->log_file, " %s=%s", names[i], value);
        }
    }
    if (asked->size > 0) {
        (void)fprintf(daemon->log_file, " body=%.*s", (int)asked->size, asked->body);
    }
    (void)fputc('\n', daemon->log_file);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **memory)
{
    static const struct fake_reply unknown = {
        .status = 404,
        .body = "{\"error\":{\"code\":\"not_found\",\"text\":\"there is no such thing\"}}"
    };
    struct fake_daemon *daemon = context;
    struct asked *asked = *memory;
    (void)version;
    if (asked == NULL) {
        *memory = calloc(1, sizeof(*asked));
        return *memory == NULL ? MHD_NO : MHD_YES;
    }
    if (*size > 0) {
        asked->body = realloc(asked->body, asked->size + *size);
        memcpy(asked->body + asked->size, data, *size);
        asked->size += *size;
        *size = 0;
        return MHD_YES;
    }
    (void)pthread_mutex_lock(&daemon->lock);
    log_request(daemon, connection, method, path, asked);
    const struct fake_reply *reply = choose(daemon, method, path);
    (void)pthread_mutex_unlock(&daemon->lock);
    reply = reply == NULL ? &unknown : reply;
    struct MHD_Response *response = response_of(daemon, reply);
    if (reply->etag != NULL) {
        (void)MHD_add_response_header(response, "ETag", reply->etag);
    }
    enum MHD_Result result =
        MHD_queue_response(connection, reply->status == 0 ? 200 : reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static void completed(void *context, struct MHD_Connection *connection, void **memory,
                      enum MHD_RequestTerminationCode why)
{
    struct asked *asked = *memory;
    (void)context;
    (void)connection;
    (void)why;
    if (asked != NULL) {
        free(asked->body);
        free(asked);
        *memory = NULL;
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    (void)unlink(path);
    if (fd >= 0 &&
        (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 8) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int listen_loopback(unsigned *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && (bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, 8) != 0 ||
                    getsockname(fd, (struct sockaddr *)&address, &size) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

struct fake_daemon *fake_daemon_start(const struct fake_reply *replies, size_t count,
                                      const char *unix_path)
{
    struct fake_daemon *daemon = calloc(1, sizeof(*daemon));
    unsigned port = 0;
    if (daemon == NULL || count > MAX_REPLIES) {
        free(daemon);
        return NULL;
    }
    daemon->replies = replies;
    daemon->count = count;
    (void)pthread_mutex_init(&daemon->lock, NULL);
    daemon->log_file = open_memstream(&daemon->log, &daemon->log_size);
    int fd = unix_path == NULL ? listen_loopback(&port) : listen_at(unix_path);
    if (unix_path == NULL) {
        (void)snprintf(daemon->url, sizeof(daemon->url), "http://127.0.0.1:%u", port);
    } else {
        (void)snprintf(daemon->url, sizeof(daemon->url), "unix:%s", unix_path);
        (void)snprintf(daemon->unix_path, sizeof(daemon->unix_path), "%s", unix_path);
    }
    daemon->http = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD,
                                    0, NULL, NULL, answer, daemon, MHD_OPTION_LISTEN_SOCKET, fd,
                                    MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (fd < 0 || daemon->http == NULL) {
        fake_daemon_stop(daemon);
        return NULL;
    }
    return daemon;
}

const char *fake_daemon_url(const struct fake_daemon *daemon)
{
    return daemon->url;
}

char *fake_daemon_log(struct fake_daemon *daemon)
{
    (void)pthread_mutex_lock(&daemon->lock);
    (void)fflush(daemon->log_file);
    char *copy = strdup(daemon->log);
    (void)pthread_mutex_unlock(&daemon->lock);
    return copy;
}

void fake_daemon_stop(struct fake_daemon *daemon)
{
    atomic_store(&daemon->stopping, true);
    if (daemon->http != NULL) {
        MHD_stop_daemon(daemon->http);
    }
    if (daemon->unix_path[0] != '\0') {
        (void)unlink(daemon->unix_path);
    }
    (void)fclose(daemon->log_file);
    free(daemon->log);
    (void)pthread_mutex_destroy(&daemon->lock);
    free(daemon);
}
