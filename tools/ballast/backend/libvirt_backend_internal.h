/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the loop's side of the libvirt backend keeps: URIs, and the machines of each. */

#include "tools/ballast/backend/libvirt_backend.h"

struct libvirt_uri;

struct libvirt_machine {
    struct libvirt_uri *uri;
    char uuid[LIBVIRT_UUID_MAX];
    int id;
    struct fleet_machine *fleet;
    struct facts facts;
    bool persistent;
    bool device_removed; /* unplugged since it was started */
    struct reading reading;
    uint64_t serial;   /* of its last event */
    bool listed;       /* in the reading that is being looked at */
    bool device_asked; /* for its next start, and not done: asked again with a connection */
    bool device_wanted;
    char switch_trouble[LIBVIRT_TEXT_MAX]; /* why its definition could not be changed */
};

/* A domain that an event called gone: a reading that was begun before may still have it. */
struct libvirt_departed {
    struct libvirt_departed *next;
    uint64_t serial;
    char uuid[LIBVIRT_UUID_MAX];
};

struct libvirt_uri {
    struct libvirt_uri *next;
    struct libvirt_backend *backend;
    char name[LIBVIRT_URI_MAX];
    bool local;
    bool wanted;               /* by the configuration that is being applied */
    struct libvirt_link *link; /* NULL: libvirt is not installed, or no thread could be started */
    bool connected;
    int64_t asked_ms; /* the oldest question without an answer; 0: none */
    char trouble[LIBVIRT_TEXT_MAX];
    char refused[LIBVIRT_TEXT_MAX];    /* a machine that the fleet did not take */
    struct libvirt_machine **machines; /* sorted by uuid */
    size_t count;
    size_t room;
    struct libvirt_departed *departed;
};

struct libvirt_backend {
    struct fleet *fleet;
    struct libvirt_backend_clock clock;
    struct libvirt_options options;
    unsigned stats_period_s;
    uv_async_t *async;
    struct libvirt_uri *uris;
};

/* What a machine offers to the fleet. */
extern const struct fleet_backend libvirt_fleet_backend;

/* One piece of news of this URI. */
void libvirt_uri_news(struct libvirt_uri *uri, const struct libvirt_news *news, int64_t now_ms);

/* Sets or (with "") ends the URI's trouble, and tells its machines. */
void libvirt_uri_trouble(struct libvirt_uri *uri, const char *text, int64_t now_ms);

/* Each period of an URI in trouble: what its machines hold may have changed. */
void libvirt_uri_silent(struct libvirt_uri *uri, int64_t now_ms);

/* All its machines are gone. */
void libvirt_uri_empty(struct libvirt_uri *uri, const char *why, int64_t now_ms);

/* From a reading to facts. `late`: an event came after the reading was begun, and what events tell
 * is newer. */
void libvirt_facts_take(struct libvirt_machine *machine, const struct libvirt_domain *domain,
                        bool late, int64_t now_ms);

/* Has the link carry out what was asked for the machine's device. */
void libvirt_machine_arrange(struct libvirt_machine *machine);

/* The trouble that the machine's facts shall tell, from the URI's and its own. */
void libvirt_facts_trouble(struct libvirt_machine *machine, const char *own);
