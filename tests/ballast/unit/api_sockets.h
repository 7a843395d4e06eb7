/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The API's server in a loop of its own thread, and clients for it: libcurl where a client behaves,
 * plain sockets where it does not. Everything that belongs to the server is done on its loop by
 * on_loop().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/api/server_internal.h"

/* What a step may take where much else runs. */
#define PATIENCE_MS 30000

static uv_loop_t loop;
static uv_async_t async;
static pthread_t thread;
static sem_t done;
static void (*job)(void);

static struct api_server *server;
static char where[128];
static char reason[256];
static char folder[] = "/tmp/ballast-api-XXXXXX";
static char socket_path[64];

/* ---- the loop's thread ---- */

static inline void run_job(uv_async_t *handle)
{
    (void)handle;
    if (job != NULL) {
        void (*now)(void) = job;
        job = NULL;
        now();
        sem_post(&done);
    }
}

static inline void *run_loop(void *context)
{
    (void)context;
    uv_run(&loop, UV_RUN_DEFAULT);
    return NULL;
}

static inline void on_loop(void (*what)(void))
{
    job = what;
    uv_async_send(&async);
    sem_wait(&done);
}

static inline void start(void)
{
    server = api_server_start(&loop, &world.api, where, reason, sizeof(reason));
}

static inline void stop(void)
{
    if (server != NULL) {
        api_server_stop(server);
        server = NULL;
    }
}

static inline void close_async(void)
{
    uv_close((uv_handle_t *)&async, NULL);
}

static inline int setup(void **state)
{
    (void)state;
    world_reset();
    sem_init(&done, 0, 0);
    uv_loop_init(&loop);
    uv_async_init(&loop, &async, run_job);
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(socket_path, sizeof(socket_path), "%s/api", folder);
    return pthread_create(&thread, NULL, run_loop, NULL);
}

static inline int teardown(void **state)
{
    (void)state;
    on_loop(stop);
    on_loop(close_async);
    pthread_join(thread, NULL);
    assert_int_equal(uv_loop_close(&loop), 0); /* nothing was left behind */
    sem_destroy(&done);
    world_free();
    unlink(socket_path);
    return rmdir(folder);
}

static inline void start_at(const char *address)
{
    snprintf(where, sizeof(where), "%s", address);
    on_loop(start);
    if (server == NULL) {
        fail_msg("%s", reason);
    }
}

static inline void start_unix(void)
{
    char address[80];
    snprintf(address, sizeof(address), "unix:%s", socket_path);
    start_at(address);
}

/* ---- a client that behaves ---- */

struct reply {
    long status;
    char headers[2048];
    char body[65536];
    size_t size;
};

static inline size_t take(char *data, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t room = sizeof(reply->body) - 1 - reply->size;
    size_t used = size * count < room ? size * count : room;
    memcpy(reply->body + reply->size, data, used);
    reply->size += used;
    return size * count;
}

static inline size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t used = strlen(reply->headers);
    snprintf(reply->headers + used, sizeof(reply->headers) - used, "%.*s", (int)(size * count),
             data);
    return size * count;
}

static struct reply reply;

/* Over whatever the server listens at. `header` and `body` may be NULL. */
static inline long http(const char *method, const char *path, const char *token, const char *header,
                        const char *body)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    char url[256];
    char bearer[128];
    memset(&reply, 0, sizeof(reply));
    unsigned port = api_server_port(server);
    snprintf(url, sizeof(url), "http://localhost:%u%s", port == 0 ? 80 : port, path);
    snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", token == NULL ? "" : token);
    headers = curl_slist_append(headers, token == NULL ? "X-None: x" : bearer);
    headers = curl_slist_append(headers, header == NULL ? "X-None: y" : header);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    if (port == 0) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    }
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        print_message("curl: %s\n", curl_easy_strerror(code));
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply.status;
}

/* ---- a client that does what it likes ---- */

static inline int dial(void)
{
    int fd;
    if (api_server_port(server) == 0) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, socket_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    } else {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)api_server_port(server)),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    }
    return fd;
}

static inline void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static char heard[1 << 20];
static size_t heard_size;

/* Reads until a text comes. False: the end came. */
static inline bool hear(int fd, const char *text)
{
    heard[heard_size] = '\0';
    while (strstr(heard, text) == NULL) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (heard_size + 1 >= sizeof(heard) || poll(&wait, 1, PATIENCE_MS) != 1) {
            fail_msg("neither \"%s\" nor an end came: %s", text, heard);
        }
        ssize_t size = read(fd, heard + heard_size, sizeof(heard) - 1 - heard_size);
        if (size <= 0) {
            return false;
        }
        heard_size += (size_t)size;
        heard[heard_size] = '\0';
    }
    return true;
}

/* Waits for the end of the connection, or of a stream: its last chunk is empty. */
static inline bool ends(int fd)
{
    (void)hear(fd, "0\r\n\r\n");
    return true;
}

/* A stream from this address; `more` are further lines of the header. */
static inline int follow_at(const char *target, const char *token, const char *more)
{
    char request[512];
    int fd = dial();
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
             "Authorization: Bearer %s\r\n%s\r\n",
             target, token, more);
    say(fd, request);
    heard_size = 0;
    assert_true(hear(fd, ": ballast events"));
    return fd;
}

static inline int follow(const char *token, const char *more)
{
    return follow_at("/v1/events", token, more);
}
