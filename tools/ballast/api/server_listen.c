/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the server listens: "unix:PATH" or a loopback address with a port. Anything else is
 * refused, because tokens would cross a network in the clear. A unix socket is never open wider
 * than 0660, not even for a moment, and only a dead one is replaced.
 */
#include "tools/ballast/api/server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     64
#define UNIX_PREFIX "unix:"

/* Makes the socket, binds it and listens. -1 with errno. */
static int listen_at(const struct sockaddr *address, socklen_t length, bool is_unix)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    int yes = 1;
    /* observed: Linux gives the file of a unix socket the mode that the socket has when bound. */
    bool good = is_unix ? fchmod(fd, 0660) == 0
                        : setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0;
    if (!good || bind(fd, address, length) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* ---- unix sockets ---- */

/* Whether nobody listens there any more. */
static bool is_dead(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return dead;
}

static bool listen_unix(struct server_listener *listener, const char *path, char *reason,
                        size_t reason_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] == '\0' || strlen(path) >= sizeof(listener->path) ||
        strlen(path) >= sizeof(address.sun_path)) {
        snprintf(reason, reason_size, "the path of a unix socket has 1 to %zu characters",
                 sizeof(listener->path) - 1);
        return false;
    }
    strcpy(address.sun_path, path);
    struct stat status;
    if (lstat(path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode)) {
            snprintf(reason, reason_size, "%s is there already, and is no socket", path);
            return false;
        }
        if (!is_dead(&address)) {
            snprintf(reason, reason_size, "somebody listens at %s already", path);
            return false;
        }
        unlink(path);
    }
    listener->fd = listen_at((const struct sockaddr *)&address, sizeof(address), true);
    /* The mask of the process may have closed it to its group. */
    if (listener->fd < 0 || chmod(path, 0660) != 0 || lstat(path, &status) != 0) {
        snprintf(reason, reason_size, "cannot listen at %s: %s", path, strerror(errno));
        return false;
    }
    strcpy(listener->path, path);
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return true;
}

void server_listen_remove(const struct server_listener *listener)
{
    struct stat status;
    if (listener->path[0] != '\0' && lstat(listener->path, &status) == 0 &&
        status.st_dev == listener->device && status.st_ino == listener->inode) {
        unlink(listener->path);
    }
}

/* NULL: nobody else may put anything into this folder or, with `sticky`, move what is ours. */
static const char *folder_fault(const char *folder, bool sticky)
{
    struct stat status;
    if (stat(folder, &status) != 0) {
        return NULL; /* binding will say so */
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return "belongs to another user";
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        !(sticky && (status.st_mode & S_ISVTX) != 0)) {
        return (status.st_mode & S_IWOTH) != 0 ? "may be written by everybody"
                                               : "may be written by its group";
    }
    return NULL;
}

bool api_server_replaceable(const char *listen, char *reason, size_t reason_size)
{
    char path[CONFIG_PATH_MAX];
    char folder[PATH_MAX];
    if (strncmp(listen, UNIX_PREFIX, strlen(UNIX_PREFIX)) != 0) {
        return false;
    }
    snprintf(path, sizeof(path), "%s", listen + strlen(UNIX_PREFIX));
    char *end = strrchr(path, '/');
    if (end == NULL) {
        return false;
    }
    end[end == path ? 1 : 0] = '\0';
    if (realpath(path, folder) == NULL) {
        return false;
    }
    /* In the folder itself a sticky bit is not enough: a socket that is not there yet can be made.
     */
    const char *fault = folder_fault(folder, false);
    while (fault == NULL && folder[1] != '\0') {
        end = strrchr(folder, '/');
        end[end == folder ? 1 : 0] = '\0';
        fault = folder_fault(folder, true);
    }
    if (fault != NULL) {
        snprintf(reason, reason_size,
                 "%s %s, who can put another socket in the place of %s and have tokens sent there: "
                 "let it belong to root or the daemon's user, and close it with chmod go-w %s",
                 folder, fault, listen, folder);
    }
    return fault != NULL;
}

/* ---- TCP ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse_loopback(const char *text, uint16_t port, union address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    }
    size_t length = strlen(text);
    char inner[64];
    if (length < 3 || length >= sizeof(inner) || text[0] != '[' || text[length - 1] != ']') {
        return false;
    }
    memcpy(inner, text + 1, length - 2);
    inner[length - 2] = '\0';
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    return inet_pton(AF_INET6, inner, &address->v6.sin6_addr) == 1 &&
           IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* "HOST:PORT", as it is told to the server and as clients say it. False: it is neither. */
static bool split_port(const char *text, char *host, size_t host_size, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= host_size) {
        return false;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    unsigned long number = digits > 5 ? 65536 : strtoul(colon + 1, NULL, 10);
    if (digits == 0 || colon[1 + digits] != '\0' || number > 65535) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *port = (uint16_t)number;
    return true;
}

static bool listen_tcp(struct server_listener *listener, const char *where, char *reason,
                       size_t reason_size)
{
    char host[64];
    uint16_t port;
    union address address;
    if (!split_port(where, host, sizeof(host), &port) || !parse_loopback(host, port, &address)) {
        snprintf(reason, reason_size,
                 "%s is neither \"unix:PATH\" nor a loopback address with a port, such as "
                 "127.0.0.1:9180 or [::1]:9180",
                 where);
        return false;
    }
    socklen_t length = address.any.sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
    listener->fd = listen_at(&address.any, length, false);
    if (listener->fd < 0 || getsockname(listener->fd, &address.any, &length) != 0) {
        snprintf(reason, reason_size, "cannot listen at %s: %s", where, strerror(errno));
        return false;
    }
    listener->port =
        ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return true;
}

bool server_listen(struct server_listener *listener, const char *where, char *reason,
                   size_t reason_size)
{
    memset(listener, 0, sizeof(*listener));
    listener->fd = -1;
    bool is_unix = strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    bool good = is_unix ? listen_unix(listener, where + strlen(UNIX_PREFIX), reason, reason_size)
                        : listen_tcp(listener, where, reason, reason_size);
    if (!good && listener->fd >= 0) {
        close(listener->fd);
    }
    return good;
}

/* A page of evil.example whose name was made to point to 127.0.0.1 says so here. */
bool server_host_valid(const struct server_listener *listener, const char *host)
{
    if (listener->port == 0) {
        return true;
    }
    char name[64];
    uint16_t port;
    union address address;
    if (host == NULL || strlen(host) >= sizeof(name)) {
        return false;
    }
    if (!split_port(host, name, sizeof(name), &port)) {
        strcpy(name, host); /* the port may be left out where it is 80 */
    } else if (port != listener->port) {
        return false;
    }
    return strcasecmp(name, "localhost") == 0 || parse_loopback(name, 0, &address);
}
