/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripted QMP server. It understands no JSON: a command is what arrives until the number of
 * braces is even, which is enough for what our client sends (no braces inside strings).
 */

#include "tests/fakes/fake_qmp_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* No step of a test takes longer; a test that hangs ends with a failure instead. */
#define STEP_LIMIT_MS 5000

struct fake_qmp_server {
    pthread_t thread;
    const struct fake_qmp_step *steps;
    size_t count;
    int fd;
    bool listens;
    unsigned delay_ms;
    struct sockaddr_un address;
    char command[4096];
    bool good;
};

static void sleep_ms(unsigned ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&pause, NULL);
}

/* Reads one command into server->command. False when none comes. */
static bool read_command(struct fake_qmp_server *server)
{
    size_t length = 0;
    int depth = 0;

    do {
        struct pollfd poll_fd = { .fd = server->fd, .events = POLLIN };

        if (length + 1 >= sizeof(server->command) || poll(&poll_fd, 1, STEP_LIMIT_MS) <= 0 ||
            recv(server->fd, &server->command[length], 1, 0) != 1) {
            return false;
        }
        depth += server->command[length] == '{' ? 1 : 0;
        depth -= server->command[length] == '}' ? 1 : 0;
        length++;
    } while (depth > 0);
    server->command[length] = '\0';
    return true;
}

/* Writes the text in pieces. A client that went away is no fault of the script. */
static void write_pieces(int fd, const char *text, size_t length, size_t piece)
{
    size_t sent = 0;

    while (sent < length) {
        size_t part = piece == 0 || length - sent < piece ? length - sent : piece;
        ssize_t now = send(fd, text + sent, part, MSG_NOSIGNAL);

        if (now <= 0) {
            return;
        }
        sent += (size_t)now;
        if (piece != 0) {
            sleep_ms(1);
        }
    }
}

static void send_text(struct fake_qmp_server *server, const struct fake_qmp_step *step)
{
    const char *place = step->send_bytes == 0 ? strstr(step->send, "$ID") : NULL;
    const char *id = strstr(server->command, "\"id\":");
    char text[4096];

    if (place == NULL) {
        size_t length = step->send_bytes == 0 ? strlen(step->send) : step->send_bytes;

        write_pieces(server->fd, step->send, length, step->piece);
        return;
    }
    snprintf(text, sizeof(text), "%.*s%ld%s", (int)(place - step->send), step->send,
             id == NULL ? 0 : strtol(id + strlen("\"id\":"), NULL, 10), place + strlen("$ID"));
    write_pieces(server->fd, text, strlen(text), step->piece);
}

static bool run_step(struct fake_qmp_server *server, const struct fake_qmp_step *step)
{
    if (step->expect != NULL &&
        (!read_command(server) || strstr(server->command, step->expect) == NULL)) {
        return false;
    }
    sleep_ms(step->pause_ms);
    for (unsigned i = 0; step->send != NULL && i <= step->repeat; i++) {
        send_text(server, step);
    }
    if (step->hold) {
        struct pollfd poll_fd = { .fd = server->fd, .events = POLLRDHUP };

        return poll(&poll_fd, 1, STEP_LIMIT_MS) > 0;
    }
    return true;
}

/* Replaces server->fd by the connection of the first client. */
static bool accept_client(struct fake_qmp_server *server)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    sleep_ms(server->delay_ms);
    if (listener < 0 ||
        bind(listener, (const struct sockaddr *)&server->address, sizeof(server->address)) != 0 ||
        listen(listener, 1) != 0) {
        return false;
    }
    server->fd = accept(listener, NULL, NULL);
    close(listener);
    return server->fd >= 0;
}

static void *serve(void *argument)
{
    struct fake_qmp_server *server = argument;

    server->good = !server->listens || accept_client(server);
    for (size_t i = 0; server->good && i < server->count; i++) {
        server->good = run_step(server, &server->steps[i]);
    }
    close(server->fd);
    return NULL;
}

static struct fake_qmp_server *start(struct fake_qmp_server prototype)
{
    struct fake_qmp_server *server = malloc(sizeof(*server));

    if (server == NULL) {
        return NULL;
    }
    *server = prototype;
    if (pthread_create(&server->thread, NULL, serve, server) != 0) {
        free(server);
        return NULL;
    }
    return server;
}

struct fake_qmp_server *fake_qmp_server_start(const struct fake_qmp_step *steps, size_t count,
                                              int *client_fd)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return NULL;
    }
    *client_fd = pair[0];
    return start((struct fake_qmp_server){ .steps = steps, .count = count, .fd = pair[1] });
}

struct fake_qmp_server *fake_qmp_server_listen(const struct fake_qmp_step *steps, size_t count,
                                               const char *path, unsigned delay_ms)
{
    struct fake_qmp_server prototype = { .steps = steps,
                                         .count = count,
                                         .fd = -1,
                                         .listens = true,
                                         .delay_ms = delay_ms,
                                         .address = { .sun_family = AF_UNIX } };

    snprintf(prototype.address.sun_path, sizeof(prototype.address.sun_path), "%s", path);
    return start(prototype);
}

bool fake_qmp_server_stop(struct fake_qmp_server *server)
{
    bool good;

    pthread_join(server->thread, NULL);
    good = server->good;
    free(server);
    return good;
}
