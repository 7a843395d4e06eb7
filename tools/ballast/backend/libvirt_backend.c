/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop's side of the libvirt backend: the configured URIs with a link each, their news, and
 * what machines offer to the fleet.
 */

#include "tools/ballast/backend/libvirt_backend.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/backend/libvirt_backend_internal.h"
#include "tools/ballast/backend/libvirt_link_internal.h"

static int64_t now_of(const struct libvirt_backend *backend)
{
    return backend->clock.now_ms(backend->clock.context);
}

/* ---- what machines offer ---- */

/* At most one target of a machine is under way: the fleet waits for the outcome. */
static bool set_target(void *handle, uint64_t bytes)
{
    struct libvirt_machine *machine = handle;
    struct libvirt_uri *uri = machine->uri;
    if (!uri->connected || machine->facts.kind != FACTS_MACHINE ||
        !libvirt_link_target(uri->link, machine->uuid, machine->id, bytes)) {
        return false;
    }
    reading_target(&machine->reading, bytes, now_of(uri->backend));
    return true;
}

/* What could not be kept is told with the next facts: the fleet is at work, and not to be called.
 * While there is no connection it is kept here: a domain that starts anew meanwhile is found anew,
 * and the fleet asks again. */
static bool set_device(void *handle, bool present)
{
    struct libvirt_machine *machine = handle;
    if (!machine->persistent) {
        snprintf(machine->switch_trouble, sizeof machine->switch_trouble,
                 "it is transient: libvirt keeps no definition in which the switch could be saved");
        libvirt_facts_trouble(machine, "");
        return false;
    }
    machine->device_asked = true;
    machine->device_wanted = present;
    if (machine->uri->connected) {
        libvirt_machine_arrange(machine);
    }
    return true;
}

const struct fleet_backend libvirt_fleet_backend = {
    .name = "libvirt",
    .set_target = set_target,
    .set_device = set_device,
};

/* ---- news ---- */

static void on_news(uv_async_t *async)
{
    struct libvirt_backend *backend = async->data;
    if (backend == NULL) {
        return; /* it was stopped, and a call was still on its way */
    }
    int64_t now_ms = now_of(backend);
    for (struct libvirt_uri *uri = backend->uris; uri != NULL; uri = uri->next) {
        struct libvirt_news *news = uri->link == NULL ? NULL : libvirt_link_news(uri->link);
        while (news != NULL) {
            struct libvirt_news *next = news->next;
            libvirt_uri_news(uri, news, now_ms);
            free(news);
            news = next;
        }
    }
}

/* ---- URIs ---- */

static void start_link(struct libvirt_uri *uri)
{
    struct libvirt_backend *backend = uri->backend;
    struct libvirt_options *options = &backend->options;
    if (options->symbols == NULL) {
        options->symbols =
            libvirt_symbols_load(options->library, uri->trouble, sizeof uri->trouble);
    }
    if (options->symbols == NULL) {
        return;
    }
    if (libvirt_events_start(options->symbols)) {
        uri->link = libvirt_link_start(uri->name, options, backend->stats_period_s, backend->async);
    }
    snprintf(uri->trouble, sizeof uri->trouble, "%s",
             uri->link == NULL ? "libvirt cannot be started in this process" : "");
    uri->asked_ms = now_of(backend);
}

static void add_uri(struct libvirt_backend *backend, const char *name)
{
    struct libvirt_uri *uri = calloc(1, sizeof *uri);
    if (uri == NULL) {
        return; /* the next configuration will ask for it again */
    }
    uri->backend = backend;
    uri->wanted = true;
    uri->local = libvirt_uri_is_local(name);
    snprintf(uri->name, sizeof uri->name, "%s", name);
    uri->next = backend->uris;
    backend->uris = uri;
    start_link(uri);
}

static void remove_uri(struct libvirt_uri *uri, unsigned wait_ms, const char *why)
{
    if (uri->link != NULL) {
        libvirt_link_stop(uri->link, wait_ms);
    }
    libvirt_uri_empty(uri, why, now_of(uri->backend));
    free(uri);
}

static void remove_unwanted(struct libvirt_backend *backend, const char *why)
{
    struct libvirt_uri **place = &backend->uris;
    while (*place != NULL) {
        struct libvirt_uri *uri = *place;
        if (uri->wanted) {
            place = &uri->next;
        } else {
            *place = uri->next;
            remove_uri(uri, 0, why);
        }
    }
}

void libvirt_backend_configure(struct libvirt_backend *backend, const struct config *config)
{
    assert(backend != NULL);
    assert(config != NULL);
    /* libvirt counts in seconds; guests are not asked more often than once in one. */
    backend->stats_period_s = config->period_ms < 2000U ? 1U : config->period_ms / 1000U;
    for (struct libvirt_uri *uri = backend->uris; uri != NULL; uri = uri->next) {
        uri->wanted = false;
    }
    for (size_t i = 0; i < config->libvirt_uri_count; i++) {
        struct libvirt_uri *uri = backend->uris;
        while (uri != NULL && strcmp(uri->name, config->libvirt_uris[i]) != 0) {
            uri = uri->next;
        }
        if (uri == NULL) {
            add_uri(backend, config->libvirt_uris[i]);
            continue;
        }
        uri->wanted = true;
        if (uri->link == NULL) {
            start_link(uri); /* it may have been installed meanwhile */
        } else {
            libvirt_link_period(uri->link, backend->stats_period_s);
        }
    }
    remove_unwanted(backend, "its libvirt URI is not configured any more");
}

/* ---- life ---- */

struct libvirt_backend *libvirt_backend_start(uv_loop_t *loop, struct fleet *fleet,
                                              const struct config *config,
                                              const struct libvirt_backend_clock *clock,
                                              const struct libvirt_options *options)
{
    struct libvirt_backend *backend = calloc(1, sizeof *backend);
    uv_async_t *async = calloc(1, sizeof *async);
    if (backend == NULL || async == NULL || uv_async_init(loop, async, on_news) != 0) {
        fprintf(stderr, "no memory to watch libvirt's machines\n");
        abort();
    }
    async->data = backend;
    backend->fleet = fleet;
    backend->clock = *clock;
    backend->async = async;
    if (options == NULL) {
        libvirt_options_default(&backend->options);
    } else {
        backend->options = *options;
    }
    libvirt_backend_configure(backend, config);
    return backend;
}

void libvirt_backend_poll(struct libvirt_backend *backend, int64_t now_ms)
{
    assert(backend != NULL);
    for (struct libvirt_uri *uri = backend->uris; uri != NULL; uri = uri->next) {
        if (uri->link == NULL) {
            continue;
        }
        /* While there is no connection its trouble is told already, and better. */
        bool waits = uri->asked_ms != 0 && (uri->connected || uri->trouble[0] == '\0');
        if (waits && now_ms - uri->asked_ms >= (int64_t)backend->options.slow_ms) {
            libvirt_uri_trouble(uri, "libvirt does not answer", now_ms);
        }
        if (uri->trouble[0] != '\0') {
            libvirt_uri_silent(uri, now_ms);
        }
        if (uri->asked_ms == 0) {
            uri->asked_ms = now_ms;
        }
        libvirt_link_poll(uri->link);
    }
}

bool libvirt_backend_trouble(const struct libvirt_backend *backend, size_t index, char *text,
                             size_t size)
{
    assert(backend != NULL);
    for (const struct libvirt_uri *uri = backend->uris; uri != NULL; uri = uri->next) {
        const char *trouble = uri->trouble[0] != '\0' ? uri->trouble : uri->refused;
        if (trouble[0] != '\0' && index-- == 0) {
            snprintf(text, size, "%s: %s", uri->name, trouble);
            return true;
        }
    }
    return false;
}

static void free_async(uv_handle_t *handle)
{
    free(handle);
}

void libvirt_backend_stop(struct libvirt_backend *backend)
{
    if (backend == NULL) {
        return;
    }
    /* All at once, so that several that hang cost no more than one. */
    for (struct libvirt_uri *uri = backend->uris; uri != NULL; uri = uri->next) {
        if (uri->link != NULL) {
            libvirt_link_end(uri->link);
        }
    }
    uint64_t until_ms = uv_hrtime() / 1000000U + backend->options.stop_ms;
    while (backend->uris != NULL) {
        struct libvirt_uri *uri = backend->uris;
        backend->uris = uri->next;
        uint64_t now_ms = uv_hrtime() / 1000000U;
        remove_uri(uri, now_ms < until_ms ? (unsigned)(until_ms - now_ms) : 0,
                   "ballast stops watching it");
    }
    backend->async->data = NULL;
    uv_close((uv_handle_t *)backend->async, free_async);
    free(backend);
}
