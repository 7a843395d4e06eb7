/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader's thread: it keeps the connection and reads the domains when asked. Only it sets
 * link->connection, so it may use the connection without a reference of its own.
 */

#include "tools/ballast/backend/libvirt_link_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell_lost(struct libvirt_link *link, const char *text)
{
    struct libvirt_news *news = libvirt_news_new(LIBVIRT_NEWS_LOST, "", 0);
    if (news != NULL) {
        snprintf(news->text, sizeof news->text, "%s", text);
    }
    libvirt_link_tell(link, news);
}

/* May hang for as long as the peer likes. */
static bool open_connection(struct libvirt_link *link, struct libvirt_callbacks *callbacks)
{
    const struct libvirt_symbols *vir = link->symbols;
    virConnectPtr connection = vir->virConnectOpen(link->uri);
    if (connection == NULL) {
        char text[LIBVIRT_TEXT_MAX];
        libvirt_link_error(link, "libvirt cannot be reached", text, sizeof text);
        tell_lost(link, text);
        return false;
    }
    /* Before the callbacks, which may tell at once that it was lost again. */
    libvirt_link_lock(link);
    link->connection = connection;
    link->lost = false;
    link->poll = true;
    libvirt_link_unlock(link);
    /* A driver inside this process has nobody to ask, and says so: nothing is lost by that. */
    vir->virConnectSetKeepAlive(connection, (int)link->options.keepalive_s,
                                link->options.keepalive_count);
    libvirt_events_register(link, connection, callbacks);
    return true;
}

static void close_connection(struct libvirt_link *link, const struct libvirt_callbacks *callbacks)
{
    libvirt_link_lock(link);
    virConnectPtr connection = link->connection;
    link->connection = NULL;
    libvirt_link_unlock(link);
    libvirt_events_deregister(link, connection, callbacks);
    link->symbols->virConnectClose(connection);
}

/* Reads, and tells. False when the connection is of no use any more. */
static bool read_domains(struct libvirt_link *link, struct libvirt_domains *domains)
{
    libvirt_link_lock(link);
    uint64_t serial = link->serial;
    virConnectPtr connection = link->connection;
    libvirt_link_unlock(link);
    char text[LIBVIRT_TEXT_MAX] = "";
    if (!libvirt_domains_read(link, connection, domains, text, sizeof text)) {
        tell_lost(link, text);
        /* A refusal is no reason to connect again, a dead peer is. */
        return link->symbols->virConnectIsAlive(connection) == 1;
    }
    struct libvirt_news *news = libvirt_news_new(LIBVIRT_NEWS_DOMAINS, "", domains->count);
    if (news != NULL) {
        news->serial = serial;
        if (domains->count > 0) {
            memcpy(news->domains, domains->items, domains->count * sizeof domains->items[0]);
        }
    }
    libvirt_link_tell(link, news);
    return true;
}

static bool jobs_left(const struct libvirt_link *link)
{
    bool left = link->jobs != NULL;
    for (unsigned i = 0; i < LIBVIRT_ACTORS; i++) {
        left = left || link->busy[i] != NULL;
    }
    return left;
}

/* Answers questions until the connection is lost (true) or the owner leaves (false). */
static bool serve(struct libvirt_link *link, struct libvirt_domains *domains)
{
    libvirt_link_lock(link);
    bool alive = !link->lost;
    while (alive && !link->stopping) {
        if (!link->poll) {
            libvirt_link_wait(link, 0);
        } else {
            link->poll = false;
            libvirt_link_unlock(link);
            alive = read_domains(link, domains);
            libvirt_link_lock(link);
        }
        if (link->lost) {
            alive = false;
        }
    }
    /* Targets that were sent before the end are still wanted. */
    while (link->stopping && !link->lost && jobs_left(link)) {
        libvirt_link_wait(link, 0);
    }
    bool again = !link->stopping;
    bool told = link->lost;
    libvirt_link_unlock(link);
    if (again && told) {
        tell_lost(link, "the connection to libvirt was lost");
    }
    return again;
}

/* True when the time is over, false when the owner leaves. */
static bool pause_before_retry(struct libvirt_link *link, unsigned ms)
{
    libvirt_link_lock(link);
    uint64_t until = uv_hrtime() / 1000000U + ms;
    uint64_t now = until - ms;
    while (!link->stopping && now < until) {
        libvirt_link_wait(link, (unsigned)(until - now));
        now = uv_hrtime() / 1000000U;
    }
    bool again = !link->stopping;
    libvirt_link_unlock(link);
    return again;
}

void *libvirt_reader_main(void *argument)
{
    struct libvirt_link *link = argument;
    struct libvirt_domains domains = { 0 };
    unsigned pause_ms = link->options.retry_first_ms;
    bool again = true;
    while (again) {
        struct libvirt_callbacks callbacks;
        if (open_connection(link, &callbacks)) {
            uint64_t since_ms = uv_hrtime() / 1000000U;
            again = serve(link, &domains);
            close_connection(link, &callbacks);
            /* One that breaks at once each time is not opened each second. */
            if (uv_hrtime() / 1000000U - since_ms > link->options.retry_max_ms) {
                pause_ms = link->options.retry_first_ms;
            }
        }
        again = again && pause_before_retry(link, pause_ms);
        pause_ms =
            pause_ms < link->options.retry_max_ms / 2 ? pause_ms * 2 : link->options.retry_max_ms;
    }
    free(domains.items);
    libvirt_link_lock(link);
    link->threads--;
    pthread_cond_broadcast(&link->changed);
    libvirt_link_unlock(link);
    libvirt_link_leave(link);
    return NULL;
}
