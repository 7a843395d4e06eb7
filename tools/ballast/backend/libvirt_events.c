/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvirt's events become news. The callbacks run in libvirt's event thread, which also answers
 * keep-alive questions, so they do nothing but note what happened.
 */

#include "tools/ballast/backend/libvirt_link_internal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- the event thread ---- */

static void *run_events(void *argument)
{
    const struct libvirt_symbols *symbols = argument;
    for (;;) {
        if (symbols->virEventRunDefaultImpl() < 0) {
            /* Nobody promises that it will go better the next time: not in a tight loop. */
            nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
        }
    }
    return NULL;
}

/* Without a handler libvirt prints errors; ours are told where they matter. */
static void stay_silent(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

bool libvirt_events_start(const struct libvirt_symbols *symbols)
{
    static bool started;
    if (started) {
        return true;
    }
    if (symbols->virInitialize() < 0 || symbols->virEventRegisterDefaultImpl() < 0) {
        return false;
    }
    symbols->virSetErrorFunc(NULL, stay_silent);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    union {
        const struct libvirt_symbols *table;
        void *argument;
    } symbols_of = { .table = symbols };
    started = pthread_create(&thread, NULL, run_events, symbols_of.argument) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        pthread_detach(thread);
    }
    return started;
}

/* ---- callbacks ---- */

static bool name_domain(const struct libvirt_link *link, virDomainPtr domain, char *uuid)
{
    uuid[0] = '\0';
    return link->symbols->virDomainGetUUIDString(domain, uuid) == 0;
}

static void tell_state(struct libvirt_link *link, const char *uuid, enum facts_state state)
{
    struct libvirt_news *news = libvirt_news_new(LIBVIRT_NEWS_STATE, uuid, 0);
    if (news != NULL) {
        news->state = state;
    }
    libvirt_link_tell(link, news);
}

static const char *why_stopped(int detail)
{
    switch (detail) {
    case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
        return "it shut down";
    case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
        return "it was destroyed";
    case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
        return "it crashed";
    case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
        return "it was migrated to another host";
    case VIR_DOMAIN_EVENT_STOPPED_SAVED:
        return "it was saved";
    default:
        return "it stopped";
    }
}

static enum facts_state why_suspended(int detail)
{
    return detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED ||
                   detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY
               ? FACTS_MIGRATING
               : FACTS_PAUSED;
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                        void *context)
{
    (void)connection;
    struct libvirt_link *link = context;
    char uuid[LIBVIRT_UUID_MAX];
    if (!name_domain(link, domain, uuid)) {
        return 0;
    }
    switch (event) {
    case VIR_DOMAIN_EVENT_STARTED:
        libvirt_link_poll(link);
        break;
    case VIR_DOMAIN_EVENT_SUSPENDED:
        tell_state(link, uuid, why_suspended(detail));
        break;
    case VIR_DOMAIN_EVENT_PMSUSPENDED:
        tell_state(link, uuid, FACTS_PAUSED);
        break;
    case VIR_DOMAIN_EVENT_RESUMED:
        tell_state(link, uuid, FACTS_RUNNING);
        break;
    case VIR_DOMAIN_EVENT_CRASHED:
        tell_state(link, uuid, FACTS_PANICKED);
        break;
    case VIR_DOMAIN_EVENT_STOPPED: {
        struct libvirt_news *news = libvirt_news_new(LIBVIRT_NEWS_GONE, uuid, 0);
        if (news != NULL) {
            snprintf(news->text, sizeof news->text, "%s", why_stopped(detail));
        }
        libvirt_link_tell(link, news);
        break;
    }
    case VIR_DOMAIN_EVENT_DEFINED:
    case VIR_DOMAIN_EVENT_UNDEFINED:
        libvirt_link_stale(link, uuid);
        break;
    default:
        break;
    }
    return 0;
}

static void on_reboot(virConnectPtr connection, virDomainPtr domain, void *context)
{
    (void)connection;
    struct libvirt_link *link = context;
    char uuid[LIBVIRT_UUID_MAX];
    if (name_domain(link, domain, uuid)) {
        libvirt_link_tell(link, libvirt_news_new(LIBVIRT_NEWS_REBOOT, uuid, 0));
    }
}

static void on_balloon_change(virConnectPtr connection, virDomainPtr domain,
                              unsigned long long actual_kib, void *context)
{
    (void)connection;
    struct libvirt_link *link = context;
    char uuid[LIBVIRT_UUID_MAX];
    if (actual_kib > POLICY_BYTES_MAX / 1024U || !name_domain(link, domain, uuid)) {
        return;
    }
    struct libvirt_news *news = libvirt_news_new(LIBVIRT_NEWS_SIZE, uuid, 0);
    if (news != NULL) {
        news->bytes = actual_kib * 1024U;
    }
    libvirt_link_tell(link, news);
}

/* libvirt names the balloon device "balloon0". It leaves it in the domain's XML even when somebody
 * unplugged it behind its back (observed: libvirt 9.0), so this event is the only sign. */
static void on_device_removed(virConnectPtr connection, virDomainPtr domain, const char *alias,
                              void *context)
{
    (void)connection;
    struct libvirt_link *link = context;
    char uuid[LIBVIRT_UUID_MAX];
    if (!name_domain(link, domain, uuid)) {
        return;
    }
    if (alias != NULL && strncmp(alias, "balloon", strlen("balloon")) == 0) {
        libvirt_link_tell(link, libvirt_news_new(LIBVIRT_NEWS_NO_DEVICE, uuid, 0));
    } else {
        libvirt_link_stale(link, uuid);
    }
}

static void on_close(virConnectPtr connection, int reason, void *context)
{
    (void)reason;
    struct libvirt_link *link = context;
    libvirt_link_lock(link);
    if (link->connection == connection) {
        link->lost = true;
        pthread_cond_broadcast(&link->changed);
    }
    libvirt_link_unlock(link);
}

static void release(void *context)
{
    libvirt_link_leave(context);
}

/* ---- registering ---- */

void libvirt_events_register(struct libvirt_link *link, virConnectPtr connection,
                             struct libvirt_callbacks *callbacks)
{
    const struct {
        int event;
        virConnectDomainEventGenericCallback callback;
    } wanted[] = {
        { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
        { VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot },
        { VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_balloon_change) },
        { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device_removed) },
    };
    const struct libvirt_symbols *vir = link->symbols;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        libvirt_link_hold(link);
        callbacks->ids[i] = vir->virConnectDomainEventRegisterAny(
            connection, NULL, wanted[i].event, wanted[i].callback, link, release);
        if (callbacks->ids[i] < 0) {
            libvirt_link_leave(link);
        }
    }
    libvirt_link_hold(link);
    callbacks->close =
        vir->virConnectRegisterCloseCallback(connection, on_close, link, release) == 0;
    if (!callbacks->close) {
        libvirt_link_leave(link);
    }
}

void libvirt_events_deregister(struct libvirt_link *link, virConnectPtr connection,
                               const struct libvirt_callbacks *callbacks)
{
    const struct libvirt_symbols *vir = link->symbols;
    for (size_t i = 0; i < sizeof callbacks->ids / sizeof callbacks->ids[0]; i++) {
        if (callbacks->ids[i] >= 0) {
            vir->virConnectDomainEventDeregisterAny(connection, callbacks->ids[i]);
        }
    }
    if (callbacks->close) {
        vir->virConnectUnregisterCloseCallback(connection, on_close);
    }
}
