/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which users may be the daemon. The socket itself is no witness, because an attacker made it. Its
 * folder is one: a folder belongs to whoever made it, and only who may write to the folders above
 * could have put another one in its place.
 */
#include "tools/ballast/cli/cli_peer.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

bool cli_peer_of(int fd, uid_t *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return false;
    }
    *peer = credentials.uid;
    return true;
}

/* Whether nobody but root, whoever asks and `owner` could put something else into this folder. A
 * sticky bit is no help: it keeps what is there, and lets everybody make what is not there yet. */
static bool is_kept(const char *folder, uid_t owner)
{
    struct stat status;
    return stat(folder, &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
           (status.st_uid == 0 || status.st_uid == geteuid() || status.st_uid == owner);
}

/* The same for every folder above `path`, which is absolute and is taken apart. */
static bool all_kept(char *path, uid_t owner)
{
    for (char *end = strrchr(path, '/'); end != NULL; end = strrchr(path, '/')) {
        *end = '\0';
        if (!is_kept(path[0] == '\0' ? "/" : path, owner)) {
            return false;
        }
    }
    return true;
}

/* The owner of the folder that holds the socket, if the folder is where it is by the will of root,
 * of that owner or of whoever asks. False: nothing is known. */
static bool folder_owner(const char *path, uid_t *owner)
{
    char as_given[PATH_MAX];
    char real[PATH_MAX];
    struct stat status;
    size_t size = strlen(path);
    if (size >= sizeof(as_given)) {
        return false;
    }
    memcpy(as_given, path, size + 1);
    char *end = strrchr(as_given, '/');
    if (end == NULL) {
        return false; /* where it is depends on where one stands */
    }
    end[end == as_given ? 1 : 0] = '\0';
    if (realpath(as_given, real) == NULL || stat(real, &status) != 0) {
        return false;
    }
    *owner = status.st_uid;
    /* Links on the way are part of the way: both ways are looked at. */
    return all_kept(real, *owner) && (as_given[0] != '/' || all_kept(as_given, *owner));
}

static bool is_daemon_user(uid_t peer)
{
    const struct passwd *user = getpwnam(CLI_DAEMON_USER);
    return user != NULL && user->pw_uid == peer;
}

bool cli_peer_trusted(const char *path, uid_t peer)
{
    uid_t owner;
    return peer == 0 || peer == geteuid() || (folder_owner(path, &owner) && owner == peer) ||
           is_daemon_user(peer);
}
