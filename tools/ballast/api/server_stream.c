/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers without end: server-sent events, and recorded periods. What happens goes into the queue
 * of each stream that may see it, and the library fetches it from there when the socket takes it.
 * A stream without anything to send is suspended. A reader who lets more than SERVER_QUEUE_MAX
 * wait is cut off: the daemon's memory is not for him.
 *
 * A stream of events that goes on from a number first reads what it missed from the database, page
 * by page as the reader takes it. Meanwhile new events need no queue: they are in the database.
 */
#include "tools/ballast/api/server_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- the queue ---- */

static bool queue_reserve(struct server_stream *stream, size_t more)
{
    if (stream->head + stream->used + more <= stream->capacity) {
        return true;
    }
    if (stream->used > 0) {
        memmove(stream->queue, stream->queue + stream->head, stream->used);
    }
    stream->head = 0;
    if (stream->used + more <= stream->capacity) {
        return true;
    }
    size_t capacity = (stream->used + more) * 2;
    char *queue = realloc(stream->queue, capacity);
    if (queue == NULL) {
        return false;
    }
    stream->queue = queue;
    stream->capacity = capacity;
    return true;
}

/* The library notices a socket that is shut down, and ends what is on it. */
static void cut(struct server_stream *stream)
{
    shutdown(stream->socket->fd, SHUT_RDWR);
}

static void resume(struct server_stream *stream)
{
    if (stream->suspended) {
        stream->suspended = false;
        MHD_resume_connection(stream->connection);
        server_wake(stream->server);
    }
}

void server_stream_cut(struct server_stream *stream)
{
    cut(stream);
    resume(stream);
}

static bool add(struct server_stream *stream, const char *text)
{
    size_t size = strlen(text);
    if (!queue_reserve(stream, size)) {
        return false;
    }
    memcpy(stream->queue + stream->head + stream->used, text, size);
    stream->used += size;
    return true;
}

/* All texts, or the stream is cut. Together they may exceed the limit, or what is longer than it (a
 * period of a thousand machines) could never be sent. */
static void push_all(struct server_stream *stream, const char *const *texts, size_t count)
{
    bool good = stream->used <= SERVER_QUEUE_MAX;
    for (size_t i = 0; good && i < count; i++) {
        good = add(stream, texts[i]);
    }
    if (!good) {
        cut(stream);
    }
    resume(stream);
}

static void push(struct server_stream *stream, const char *text)
{
    push_all(stream, &text, 1);
}

/* ---- called by the library ---- */

/* Fetches a page when there is one to come. False: the database failed. */
static bool catch_up(struct server_stream *stream)
{
    while (stream->catching_up && stream->used == 0) {
        bool more = false;
        char *page = api_events_page(stream->server->api, &stream->identity, stream->machine,
                                     &stream->after, &more);
        if (page == NULL) {
            return false;
        }
        stream->catching_up = more;
        push(stream, page);
        free(page);
    }
    return true;
}

static ssize_t stream_read(void *context, uint64_t position, char *buffer, size_t size)
{
    struct server_stream *stream = context;
    (void)position;
    if (stream->server->ending || stream->revoked) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (!catch_up(stream)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (stream->used == 0) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    size_t count = stream->used < size ? stream->used : size;
    memcpy(buffer, stream->queue + stream->head, count);
    stream->head += count;
    stream->used -= count;
    stream->sent_ms = (int64_t)uv_now(stream->server->loop);
    return (ssize_t)count;
}

static void stream_free(void *context)
{
    struct server_stream *stream = context;
    *stream->link = stream->next;
    if (stream->next != NULL) {
        stream->next->link = stream->link;
    }
    free(stream->queue);
    free(stream);
}

/* ---- life ---- */

struct MHD_Response *server_stream_response(struct api_server *server,
                                            struct MHD_Connection *connection,
                                            struct server_connection *socket,
                                            struct api_response *response)
{
    struct server_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    *stream = (struct server_stream){
        .server = server,
        .connection = connection,
        .socket = socket,
        .identity = response->identity,
        .events = response->stream == API_STREAM_EVENTS,
        .after = response->stream_after,
        .catching_up = response->stream == API_STREAM_EVENTS && response->stream_after >= 0,
        .sent_ms = (int64_t)uv_now(server->loop),
        .queue = response->body,
        .capacity = response->size,
        .used = response->size,
        .next = server->streams,
        .link = &server->streams,
    };
    strcpy(stream->machine, response->stream_machine);
    response->body = NULL;
    if (server->streams != NULL) {
        server->streams->link = &stream->next;
    }
    server->streams = stream;
    struct MHD_Response *answer = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 16384, stream_read, stream, stream_free);
    if (answer == NULL) {
        stream_free(stream);
    }
    return answer;
}

void server_stream_tick(struct api_server *server, int64_t now_ms)
{
    for (struct server_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        /* A recording has no comments; its periods come often enough. */
        if (stream->events && stream->used == 0 &&
            now_ms - stream->sent_ms >= server->keep_alive_ms) {
            stream->sent_ms = now_ms;
            push(stream, ": still here\n\n");
        }
    }
}

void server_stream_end_all(struct api_server *server)
{
    assert(server->ending);
    for (struct server_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        resume(stream);
    }
}

/* Who asked over the unix socket without a token has none that could be withdrawn. */
static bool still_known(const struct server_stream *stream)
{
    struct api_identity now;
    const struct api_request again = {
        .authorization = MHD_lookup_connection_value(stream->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_AUTHORIZATION),
    };
    return again.authorization == NULL ||
           (api_identify(stream->server->api, &again, &now) && now.role == stream->identity.role &&
            strcmp(now.owner, stream->identity.owner) == 0);
}

void api_server_tokens_changed(struct api_server *server)
{
    for (struct server_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        if (!stream->revoked && !still_known(stream)) {
            stream->revoked = true;
            resume(stream);
        }
    }
}

/* ---- what happens ---- */

void api_server_event(struct api_server *server, const struct store_event *event)
{
    char *texts[2] = { NULL }; /* for owners, and for operators */
    for (struct server_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        const bool is_operator = stream->identity.role == API_OPERATOR;
        char **text = &texts[is_operator ? 1 : 0];
        /* Without a store events have no numbers, and a stream has no place to go on from. */
        bool is_new = event->number == 0 || event->number > stream->after;
        bool wanted = stream->events && !stream->catching_up && is_new &&
                      api_sees_event(&stream->identity, stream->machine, event);
        if (wanted && *text == NULL) {
            *text = api_event_text(event, is_operator);
        }
        if (wanted && *text != NULL) {
            stream->after = event->number;
            push(stream, *text);
        }
    }
    free(texts[0]);
    free(texts[1]);
}

void api_server_period(struct api_server *server, const char *first, const char *line, bool again)
{
    for (struct server_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        if (stream->events) {
            continue;
        }
        const char *const texts[] = { first, "\n", line, "\n" };
        const size_t skip = stream->begun && !again ? 2 : 0;
        stream->begun = true;
        push_all(stream, texts + skip, 4 - skip);
    }
}

bool api_server_recording(const struct api_server *server)
{
    for (struct server_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        if (!stream->events) {
            return true;
        }
    }
    return false;
}
