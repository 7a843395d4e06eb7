/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One libvirt URI and the threads that speak with it, so that whoever owns the link never waits.
 *
 * A reader opens the connection, opens it again with growing pauses when it was lost, and reads all
 * domains when asked. Actors carry out jobs, two at a time but one for each domain, because libvirt
 * lets a call wait half a minute for a domain that is busy otherwise. Events come from libvirt's
 * event thread. All three leave news, which the owner collects when its uv_async is called.
 *
 * All functions are the owner's, from the thread of its loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "tools/ballast/backend/libvirt_domain.h"
#include "tools/ballast/backend/reading.h"
#include "tools/ballast/backend/libvirt_symbols.h"

#define LIBVIRT_URI_MAX  256U
#define LIBVIRT_TEXT_MAX 128U
#define LIBVIRT_UUID_MAX 37U /* with the final 0 */

/* What may differ for tests; see libvirt_options_default(). */
struct libvirt_options {
    const char *library;                   /* its name, for libvirt_symbols_load() */
    const struct libvirt_symbols *symbols; /* NULL: load the library */
    const char *root;                      /* "" or a folder in front of /proc and /run */
    unsigned retry_first_ms;               /* pause before connecting again, doubled */
    unsigned retry_max_ms;                 /* up to this */
    unsigned slow_ms;                      /* no answer for this long is told as trouble */
    unsigned keepalive_s;                  /* a silent peer is asked so often, */
    unsigned keepalive_count;              /* and given up after so many questions */
    unsigned refresh_ms; /* what seldom changes, descriptions and mappings, is read so often */
    unsigned stop_ms;    /* how long the end may wait for the threads */
};

/* One running domain, as read. */
struct libvirt_domain {
    char uuid[LIBVIRT_UUID_MAX];
    char name[FACTS_NAME_MAX];     /* made valid: see config_name_valid(), and no other domain's */
    char formerly[FACTS_NAME_MAX]; /* see struct facts */
    int id;                        /* another one after each start */
    bool described;                /* `description` was read; otherwise `trouble` says why not */
    bool persistent;               /* libvirt keeps a definition of it */
    char trouble[LIBVIRT_TEXT_MAX];
    struct libvirt_description description;
    struct libvirt_reading reading;
    /* Of its process, where that is on this host; else 0 and POLICY_MISSING. */
    pid_t pid;
    struct reading_process process; /* without one at most what libvirt says for all of it */
    /* The reader's own. */
    int64_t refreshed_ms; /* when what seldom changes was read; 0: never */
    unsigned period_asked_s;
};

enum libvirt_news_kind {
    LIBVIRT_NEWS_DOMAINS, /* all running domains, sorted by uuid */
    LIBVIRT_NEWS_LOST,    /* no connection, or it failed to read: text */
    LIBVIRT_NEWS_STATE,   /* one domain: state */
    LIBVIRT_NEWS_GONE,    /* it stopped: text */
    LIBVIRT_NEWS_SIZE,    /* its size: bytes */
    LIBVIRT_NEWS_REBOOT,
    LIBVIRT_NEWS_NO_DEVICE, /* its balloon device was unplugged */
    LIBVIRT_NEWS_TARGET,    /* a job was done: bytes, text ("": well) */
    LIBVIRT_NEWS_DEVICE,    /* the same for the device */
};

struct libvirt_news {
    struct libvirt_news *next;
    enum libvirt_news_kind kind;
    /* Events are counted: for domains, the events that had come before they were asked for. */
    uint64_t serial;
    char uuid[LIBVIRT_UUID_MAX];
    char text[LIBVIRT_TEXT_MAX];
    int id; /* of the machine that a job was for */
    uint64_t bytes;
    enum facts_state state;
    size_t count;
    struct libvirt_domain domains[];
};

struct libvirt_link;

void libvirt_options_default(struct libvirt_options *options);

/* Starts the threads, which connect and read the domains once. `symbols` in the options must be
 * set; `async` is called for news until libvirt_link_end(). NULL when there is no memory or no
 * thread. */
struct libvirt_link *libvirt_link_start(const char *uri, const struct libvirt_options *options,
                                        unsigned stats_period_s, uv_async_t *async);

/* Asks the threads to end. Jobs that were given are still done, but no news come any more. */
void libvirt_link_end(struct libvirt_link *link);

/* The same, and gives up the link. Waits for the threads, for `ms` at most: those that hang in
 * libvirt end by themselves later. */
void libvirt_link_stop(struct libvirt_link *link, unsigned ms);

/* Asks for a reading. A second question before the answer is the same one. */
void libvirt_link_poll(struct libvirt_link *link);

/* Guests are asked for statistics at least this often. */
void libvirt_link_period(struct libvirt_link *link, unsigned stats_period_s);

/* Jobs; false when there is no memory. `id` comes back with the news. A target takes the place of
 * one that nobody has begun, of which nothing is told then; one for a process that has ended since
 * is told as failed. */
bool libvirt_link_target(struct libvirt_link *link, const char *uuid, int id, uint64_t bytes);
bool libvirt_link_device(struct libvirt_link *link, const char *uuid, int id, bool present);

/* All news since the last call, oldest first, each to be given to free(). */
struct libvirt_news *libvirt_link_news(struct libvirt_link *link);

/* The URI names no other host. */
bool libvirt_uri_is_local(const char *uri);
