/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the library's requests and api_handle(): the raw address (the API decodes it itself), the
 * body up to its limit, who is at the other end of a unix socket, and the headers of the answer.
 */
#include "tools/ballast/api/server_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    struct api_server *server;
    struct server_connection *socket;
    char *uri;
    const char *method;
    bool begun; /* its headers were looked at */
    char *body;
    size_t body_size;
    bool too_large;
};

/* ---- connections ---- */

/* Root, or the user whose daemon it is: they could read its memory as well. */
static bool is_local(const struct api_server *server, const struct server_connection *socket,
                     uint32_t *uid)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (server->listener.port != 0 ||
        getsockopt(socket->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return false;
    }
    *uid = peer.uid;
    return peer.uid == 0 || peer.uid == geteuid();
}

/* Who that is, for logs: over TCP the address, over a unix socket the user. */
static void name_peer(const struct api_server *server, struct server_connection *socket)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = { .any = { .sa_family = AF_UNSPEC } };
    socklen_t size = sizeof(address);
    snprintf(socket->from, sizeof(socket->from), "an unknown place");
    if (server->listener.port == 0) {
        if (getsockopt(socket->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
            snprintf(socket->from, sizeof(socket->from), "uid %u", peer.uid);
        }
    } else if (getpeername(socket->fd, &address.any, &size) == 0) {
        const bool v4 = address.any.sa_family == AF_INET;
        (void)inet_ntop(address.any.sa_family,
                        v4 ? (void *)&address.v4.sin_addr : (void *)&address.v6.sin6_addr,
                        socket->from, sizeof(socket->from));
    }
}

void server_connection_notify(void *context, struct MHD_Connection *connection, void **socket,
                              enum MHD_ConnectionNotificationCode code)
{
    struct api_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct server_connection *own = calloc(1, sizeof(*own));
        *socket = own;
        if (own == NULL) {
            return; /* its requests will be refused */
        }
        own->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        own->deadline_ms = (int64_t)uv_now(server->loop) + server->request_ms;
        own->next = server->connections;
        own->link = &server->connections;
        if (own->next != NULL) {
            own->next->link = &own->next;
        }
        server->connections = own;
        uint32_t uid;
        name_peer(server, own);
        server_share_connect(server, own, is_local(server, own, &uid));
    } else if (*socket != NULL) {
        struct server_connection *own = *socket;
        *own->link = own->next;
        if (own->next != NULL) {
            own->next->link = own->link;
        }
        free(own);
        *socket = NULL;
    }
}

/* ---- requests ---- */

void *server_request_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct server_connection *socket =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct request *request = socket == NULL ? NULL : calloc(1, sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    request->server = context;
    request->socket = socket;
    request->uri = strdup(uri);
    return request;
}

void server_request_end(void *context, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct api_server *server = context;
    struct request *own = *request;
    if (own != NULL) {
        own->socket->deadline_ms =
            (int64_t)uv_now(server->loop) + SERVER_IDLE_S * 1000 + server->request_ms;
        server_share_done(server, own->socket);
        free(own->uri);
        free(own->body);
        free(own);
        *request = NULL;
    }
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* ---- answers ---- */

static void add_headers(struct MHD_Response *answer, const struct api_response *response)
{
    if (response->type != NULL) {
        MHD_add_response_header(answer, "Content-Type", response->type);
    }
    if (response->etag[0] != '\0') {
        MHD_add_response_header(answer, "ETag", response->etag);
    }
    if (response->allow[0] != '\0') {
        MHD_add_response_header(answer, "Allow", response->allow);
    }
    if (response->retry_s != 0) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", response->retry_s);
        MHD_add_response_header(answer, "Retry-After", seconds);
    }
    if (response->status == 401) {
        MHD_add_response_header(answer, "WWW-Authenticate", "Bearer realm=\"ballast\"");
    }
    MHD_add_response_header(answer, "Cache-Control", "no-store");
    MHD_add_response_header(answer, "X-Content-Type-Options", "nosniff");
}

/* Takes the body over. */
static enum MHD_Result send_answer(struct request *request, struct MHD_Connection *connection,
                                   struct api_response *response)
{
    int64_t now_ms = (int64_t)uv_now(request->server->loop);
    bool streams = response->stream != API_STREAM_NONE;
    struct MHD_Response *answer =
        streams ? server_stream_response(request->server, connection, request->socket, response)
                : MHD_create_response_from_buffer(response->size, response->body,
                                                  MHD_RESPMEM_MUST_FREE);
    if (answer == NULL) {
        api_response_free(response);
        return MHD_NO; /* the connection ends */
    }
    response->body = NULL;
    add_headers(answer, response);
    request->socket->deadline_ms = streams ? SERVER_NEVER_MS : now_ms + SERVER_ANSWER_MS;
    enum MHD_Result result = MHD_queue_response(connection, response->status, answer);
    MHD_destroy_response(answer);
    return result;
}

/* The request as the API sees it, without its body. `path` is a copy of the URI, taken apart. */
static struct api_request describe(const struct request *request, struct MHD_Connection *connection,
                                   char *path)
{
    char *query = strchr(path, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    struct api_request asked = {
        .method = request->method,
        .path = path,
        .query = query == NULL ? "" : query,
        .authorization = header(connection, "Authorization"),
        .if_match = header(connection, "If-Match"),
        .accept = header(connection, "Accept"),
        .last_event_id = header(connection, "Last-Event-ID"),
        .body = "",
        .from = request->socket->from,
    };
    asked.local = is_local(request->server, request->socket, &asked.uid);
    return asked;
}

/* What is not for api_handle(): an error of the transport. `retry_s` 0: trying again is no use. */
static enum MHD_Result send_error(struct request *request, struct MHD_Connection *connection,
                                  unsigned status, const char *code, const char *text,
                                  unsigned retry_s)
{
    struct api_response response;
    char *path = strdup(request->uri);
    if (path == NULL) {
        return MHD_NO;
    }
    const struct api_request asked = describe(request, connection, path);
    api_refuse(request->server->api, &asked, status, code, text, retry_s, &response);
    free(path);
    return send_answer(request, connection, &response);
}

static enum MHD_Result send_busy(struct request *request, struct MHD_Connection *connection,
                                 const char *text)
{
    return send_error(request, connection, 503, "busy", text, SERVER_BUSY_RETRY_S);
}

static enum MHD_Result send_too_large(struct request *request, struct MHD_Connection *connection)
{
    return send_error(request, connection, 413, "too_large", "The body is larger than 64 KiB.", 0);
}

static enum MHD_Result handle(struct request *request, struct MHD_Connection *connection)
{
    struct api_response response;
    char *path = strdup(request->uri);
    if (path == NULL) {
        return MHD_NO;
    }
    struct api_request asked = describe(request, connection, path);
    asked.body = request->body == NULL ? "" : request->body;
    asked.body_size = request->body_size;
    api_handle(request->server->api, &asked, &response);
    free(path);
    if (response.stream != API_STREAM_NONE &&
        !server_share_stream(request->server, &response.identity)) {
        api_response_free(&response);
        return send_busy(request, connection, "There are too many open streams.");
    }
    return send_answer(request, connection, &response);
}

/* Headers are there, no body yet: what can be refused without it is refused. */
static enum MHD_Result look_at_headers(struct request *request, struct MHD_Connection *connection)
{
    request->begun = true;
    if (!server_host_valid(&request->server->listener, header(connection, "Host"))) {
        return send_error(request, connection, 403, "forbidden",
                          "The Host header does not name this server.", 0);
    }
    struct api_request asked = { .authorization = header(connection, "Authorization") };
    asked.local = is_local(request->server, request->socket, &asked.uid);
    struct api_identity identity;
    if (!api_identify(request->server->api, &asked, &identity)) {
        identity.role = API_NOBODY;
    }
    if (!server_share_take(request->server, request->socket, &identity)) {
        return send_busy(request, connection, "There are too many requests of yours.");
    }
    const char *length = header(connection, "Content-Length");
    if (length != NULL && (strlen(length) > 9 || (size_t)atol(length) > API_BODY_MAX)) {
        return send_too_large(request, connection);
    }
    return MHD_YES;
}

/* Part of a body. What is too much is read and forgotten, so that the answer can be sent. */
static enum MHD_Result take_body(struct request *request, const char *data, size_t *size)
{
    if (request->too_large || request->body_size + *size > API_BODY_MAX) {
        request->too_large = true;
    } else {
        char *body = realloc(request->body, request->body_size + *size);
        if (body == NULL) {
            return MHD_NO;
        }
        memcpy(body + request->body_size, data, *size);
        request->body = body;
        request->body_size += *size;
    }
    *size = 0;
    return MHD_YES;
}

enum MHD_Result server_request_handle(void *context, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *data_size, void **request)
{
    (void)context;
    (void)url;
    (void)version;
    struct request *own = *request;
    if (own == NULL || own->uri == NULL) {
        return MHD_NO;
    }
    own->method = method;
    if (!own->begun) {
        return look_at_headers(own, connection);
    }
    if (*data_size > 0) {
        return take_body(own, data, data_size);
    }
    if (own->too_large) {
        return send_too_large(own, connection);
    }
    return handle(own, connection);
}
