/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each role has its own share of connections and of streams at each address, so that nobody can
 * take the place of somebody else: not strangers who open connections and say nothing, not owners
 * who follow everything many times over. A request is handled as a whole in its turn, one of each
 * connection after the other, so the share of connections is the share of requests in work as well.
 */
#include "tools/ballast/api/server_internal.h"

#include <string.h>
#include <sys/socket.h>

static const unsigned shares[] = {
    [API_NOBODY] = SERVER_NOBODY,
    [API_MONITOR] = SERVER_MONITORS,
    [API_OWNER] = SERVER_OWNERS,
    [API_OPERATOR] = SERVER_OPERATORS,
};

/* ---- connections ---- */

/* `owner` NULL: whoever's of the role. */
static bool is_of(const struct server_connection *connection, enum api_role role, const char *owner)
{
    return !connection->cut && connection->role == role &&
           (owner == NULL || strcmp(connection->owner, owner) == 0);
}

/* How many there are beside `mine`. */
static unsigned count_others(const struct api_server *server, const struct server_connection *mine,
                             enum api_role role, const char *owner)
{
    unsigned count = 0;
    for (const struct server_connection *each = server->connections; each != NULL;
         each = each->next) {
        count += each != mine && is_of(each, role, owner) ? 1 : 0;
    }
    return count;
}

/* Cuts the one that was used longest ago; of those with a request on them only where `busy` is
 * true. False: there is none. */
static bool cut_oldest(struct api_server *server, const struct server_connection *mine,
                       enum api_role role, const char *owner, bool busy)
{
    struct server_connection *oldest = NULL;
    for (struct server_connection *each = server->connections; each != NULL; each = each->next) {
        if (each != mine && is_of(each, role, owner) && (busy || !each->busy) &&
            (oldest == NULL || each->used < oldest->used)) {
            oldest = each;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    oldest->cut = true;
    shutdown(oldest->fd, SHUT_RDWR); /* the library notices, and ends what is on it */
    return true;
}

/* Makes room for `mine` beside what the role, or one owner, has. */
static bool make_room(struct api_server *server, const struct server_connection *mine,
                      enum api_role role, const char *owner, unsigned share)
{
    /* Requests of nobody are short, and those who want to be somebody say so at once. */
    const bool busy = role == API_NOBODY;
    unsigned others = count_others(server, mine, role, owner);
    while (others >= share && cut_oldest(server, mine, role, owner, busy)) {
        others--;
    }
    return others < share;
}

void server_share_connect(struct api_server *server, struct server_connection *connection,
                          bool local)
{
    connection->used = ++server->uses;
    if (local && make_room(server, connection, API_OPERATOR, NULL, SERVER_OPERATORS)) {
        connection->role = API_OPERATOR;
        return;
    }
    connection->role = API_NOBODY;
    (void)make_room(server, connection, API_NOBODY, NULL, SERVER_NOBODY);
}

bool server_share_take(struct api_server *server, struct server_connection *connection,
                       const struct api_identity *identity)
{
    const bool owns = identity->role == API_OWNER;
    connection->used = ++server->uses;
    connection->busy = true;
    if (connection->cut) {
        return false; /* it was sent before, and nobody would hear the answer */
    }
    if ((owns && !make_room(server, connection, API_OWNER, identity->owner, SERVER_OWNER)) ||
        !make_room(server, connection, identity->role, NULL, shares[identity->role])) {
        return false;
    }
    connection->role = identity->role;
    strcpy(connection->owner, identity->owner);
    return true;
}

void server_share_done(struct api_server *server, struct server_connection *connection)
{
    connection->used = ++server->uses;
    connection->busy = false;
}

/* ---- streams ---- */

static unsigned count_streams(const struct api_server *server, enum api_role role,
                              const char *owner)
{
    unsigned count = 0;
    for (const struct server_stream *each = server->streams; each != NULL; each = each->next) {
        count += !each->socket->cut && each->identity.role == role &&
                         (owner == NULL || strcmp(each->identity.owner, owner) == 0)
                     ? 1
                     : 0;
    }
    return count;
}

/* Ends the newest stream of the owner who has the most, if that leaves him as many as `owner` has
 * then. */
static bool end_one_of_most(struct api_server *server, unsigned has)
{
    struct server_stream *found = NULL;
    unsigned most = has + 1;
    for (struct server_stream *each = server->streams; each != NULL; each = each->next) {
        unsigned count = each->socket->cut || each->identity.role != API_OWNER
                             ? 0
                             : count_streams(server, API_OWNER, each->identity.owner);
        if (count > most) {
            most = count;
            found = each;
        }
    }
    if (found == NULL) {
        return false;
    }
    found->socket->cut = true;
    server_stream_cut(found);
    return true;
}

bool server_share_stream(struct api_server *server, const struct api_identity *identity)
{
    if (identity->role == API_OPERATOR) {
        return count_streams(server, API_OPERATOR, NULL) < SERVER_STREAMS_OPERATORS;
    }
    unsigned own = count_streams(server, API_OWNER, identity->owner);
    return own < SERVER_STREAMS_OWNER &&
           (count_streams(server, API_OWNER, NULL) < SERVER_STREAMS_OWNERS ||
            end_one_of_most(server, own));
}
