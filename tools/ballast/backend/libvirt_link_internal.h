/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the threads of a libvirt link share. The mutex guards all members but the constant ones; it
 * is never held over a call into libvirt that could wait.
 */

#include <pthread.h>

#include "tools/ballast/backend/libvirt_link.h"

#define LIBVIRT_ACTORS 2U
/* Sizes told beyond this many news are dropped: the next reading tells them. */
#define LIBVIRT_NEWS_MAX 16384U

enum libvirt_job_kind {
    LIBVIRT_JOB_TARGET,
    LIBVIRT_JOB_DEVICE,
    LIBVIRT_JOB_PERIOD, /* of the guest's statistics */
};

struct libvirt_job {
    struct libvirt_job *next;
    enum libvirt_job_kind kind;
    char uuid[LIBVIRT_UUID_MAX];
    int id;
    uint64_t bytes;
    bool present;
    unsigned period_s;
};

/* A domain whose description is to be read again. */
struct libvirt_stale {
    struct libvirt_stale *next;
    char uuid[LIBVIRT_UUID_MAX];
};

struct libvirt_link {
    /* Constant. */
    char uri[LIBVIRT_URI_MAX];
    bool local;
    struct libvirt_options options;
    const struct libvirt_symbols *symbols;
    /* Life: the owner, each thread and each callback that libvirt holds have a reference. */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* anything below; on the monotonic clock */
    unsigned references;
    unsigned threads;
    bool stopping;
    uv_async_t *async; /* NULL when nobody listens any more */
    /* What is asked. */
    bool poll;
    unsigned stats_period_s;
    struct libvirt_job *jobs;
    struct libvirt_job **jobs_end;
    const char *busy[LIBVIRT_ACTORS]; /* the domain that an actor is at, or NULL */
    struct libvirt_stale *stale;
    /* The connection: the reader's, others take a reference of libvirt's under the mutex. */
    virConnectPtr connection;
    bool lost;
    /* News. */
    struct libvirt_news *news;
    struct libvirt_news **news_end;
    size_t news_count;
    uint64_t serial;
};

void libvirt_link_lock(struct libvirt_link *link);
void libvirt_link_unlock(struct libvirt_link *link);
void libvirt_link_hold(struct libvirt_link *link);  /* takes a reference */
void libvirt_link_leave(struct libvirt_link *link); /* gives it back; the last one frees */

/* Waits for `changed` with the mutex held, for `ms` at most (0: for ever). False after that time.
 */
bool libvirt_link_wait(struct libvirt_link *link, unsigned ms);

/* A new piece of news with room for `count` domains; NULL without memory. */
struct libvirt_news *libvirt_news_new(enum libvirt_news_kind kind, const char *uuid, size_t count);

/* Hands it over; NULL is allowed and does nothing. Events are given their number here. */
void libvirt_link_tell(struct libvirt_link *link, struct libvirt_news *news);

/* Adds a job at the end. It is freed when it is done. */
void libvirt_link_job(struct libvirt_link *link, struct libvirt_job *job);

/* Has the domain's description be read again, now. */
void libvirt_link_stale(struct libvirt_link *link, const char *uuid);

/* What libvirt said last in this thread, as a part of a sentence. */
void libvirt_link_error(const struct libvirt_link *link, const char *what, char *text,
                        size_t text_size);

/* The threads, their argument is the link. Each gives back a reference at its end. */
void *libvirt_reader_main(void *argument);
void *libvirt_actor_main(void *argument);

/* libvirt's event loop in a thread of its own, one for the process and as long as it lives, since
 * libvirt cannot be told to forget it. False when it cannot be started. To be called before the
 * first connection. */
bool libvirt_events_start(const struct libvirt_symbols *symbols);

/* Callbacks of one connection: those that libvirt takes. */
struct libvirt_callbacks {
    int ids[4]; /* -1: none */
    bool close;
};
void libvirt_events_register(struct libvirt_link *link, virConnectPtr connection,
                             struct libvirt_callbacks *callbacks);
void libvirt_events_deregister(struct libvirt_link *link, virConnectPtr connection,
                               const struct libvirt_callbacks *callbacks);

/* Reads all domains. *domains holds those of the last reading, sorted, and is replaced. False when
 * libvirt refused: text says why. */
struct libvirt_domains {
    struct libvirt_domain *items;
    size_t count;
};
bool libvirt_domains_read(struct libvirt_link *link, virConnectPtr connection,
                          struct libvirt_domains *domains, char *text, size_t text_size);

/* What this host knows of the domain's process, whose `name` is as libvirt writes it. `due`: look
 * for the process and at its mappings, too. */
void libvirt_process_read(const struct libvirt_link *link, struct libvirt_domain *domain,
                          const char *name, bool due);
