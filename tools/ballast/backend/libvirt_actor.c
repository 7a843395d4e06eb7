/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Actors carry out jobs. Each takes the oldest one whose domain no other actor is at, so that jobs
 * of one domain stay in order, and a domain on which libvirt waits holds up one actor only.
 */

#include "tools/ballast/backend/libvirt_link_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the jobs ---- */

/* libvirt counts in KiB. Rounded up: less than what was promised is never asked for. */
static bool set_target(const struct libvirt_link *link, virDomainPtr domain,
                       const struct libvirt_job *job, char *text, size_t text_size)
{
    /* It may have waited long: a new process has a guest that was never asked for this. */
    if ((int)link->symbols->virDomainGetID(domain) != job->id) {
        snprintf(text, text_size, "it was started anew before libvirt got to it");
        return false;
    }
    unsigned long kib = (unsigned long)(job->bytes / 1024U + (job->bytes % 1024U != 0));
    if (link->symbols->virDomainSetMemoryFlags(domain, kib, VIR_DOMAIN_AFFECT_LIVE) == 0) {
        return true;
    }
    libvirt_link_error(link, "libvirt refused", text, text_size);
    return false;
}

/* SECURE: without it passwords would be missing from what is defined anew. */
static bool set_device(const struct libvirt_link *link, virConnectPtr connection,
                       virDomainPtr domain, const struct libvirt_job *job, char *text,
                       size_t text_size)
{
    const struct libvirt_symbols *vir = link->symbols;
    char *xml = vir->virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    if (xml == NULL) {
        libvirt_link_error(link, "libvirt does not give its definition", text, text_size);
        return false;
    }
    bool changed = false;
    char *edited = libvirt_description_edit(xml, job->present, &changed);
    free(xml);
    if (edited == NULL) {
        snprintf(text, text_size, "its definition is XML that cannot be read");
        return false;
    }
    bool done = true;
    if (changed) {
        virDomainPtr defined = vir->virDomainDefineXMLFlags(connection, edited, 0);
        done = defined != NULL;
        if (done) {
            vir->virDomainFree(defined);
        } else {
            libvirt_link_error(link, "libvirt refused the changed definition", text, text_size);
        }
    }
    free(edited);
    return done;
}

static bool work(const struct libvirt_link *link, virConnectPtr connection,
                 const struct libvirt_job *job, char *text, size_t text_size)
{
    const struct libvirt_symbols *vir = link->symbols;
    virDomainPtr domain = vir->virDomainLookupByUUIDString(connection, job->uuid);
    if (domain == NULL) {
        libvirt_link_error(link, "libvirt does not find it", text, text_size);
        return false;
    }
    bool done = false;
    switch (job->kind) {
    case LIBVIRT_JOB_TARGET:
        done = set_target(link, domain, job, text, text_size);
        break;
    case LIBVIRT_JOB_DEVICE:
        done = set_device(link, connection, domain, job, text, text_size);
        break;
    case LIBVIRT_JOB_PERIOD:
        /* When this fails there will be no statistics, and their absence is told anyhow. */
        done = vir->virDomainSetMemoryStatsPeriod(domain, (int)job->period_s,
                                                  VIR_DOMAIN_AFFECT_LIVE) == 0;
        break;
    }
    vir->virDomainFree(domain);
    return done;
}

static void tell(struct libvirt_link *link, const struct libvirt_job *job, const char *text)
{
    if (job->kind == LIBVIRT_JOB_PERIOD) {
        return;
    }
    struct libvirt_news *news = libvirt_news_new(
        job->kind == LIBVIRT_JOB_TARGET ? LIBVIRT_NEWS_TARGET : LIBVIRT_NEWS_DEVICE, job->uuid, 0);
    if (news != NULL) {
        news->id = job->id;
        news->bytes = job->bytes;
        snprintf(news->text, sizeof news->text, "%s", text);
    }
    libvirt_link_tell(link, news);
}

/* ---- the thread ---- */

static bool is_busy(const struct libvirt_link *link, const char *uuid)
{
    for (unsigned i = 0; i < LIBVIRT_ACTORS; i++) {
        if (link->busy[i] != NULL && strcmp(link->busy[i], uuid) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes a job out of the list, with the mutex held. NULL when there is none to do now. */
static struct libvirt_job *take_job(struct libvirt_link *link)
{
    for (struct libvirt_job **place = &link->jobs; *place != NULL; place = &(*place)->next) {
        struct libvirt_job *job = *place;
        if (!is_busy(link, job->uuid)) {
            *place = job->next;
            if (link->jobs_end == &job->next) {
                link->jobs_end = place;
            }
            return job;
        }
    }
    return NULL;
}

/* Called, and returns, with the mutex held. */
static void do_job(struct libvirt_link *link, struct libvirt_job *job)
{
    unsigned place = 0;
    while (link->busy[place] != NULL) {
        place++;
        assert(place < LIBVIRT_ACTORS);
    }
    link->busy[place] = job->uuid;
    virConnectPtr connection = link->lost ? NULL : link->connection;
    /* Its own reference: the reader may close the connection meanwhile. */
    if (connection != NULL && link->symbols->virConnectRef(connection) < 0) {
        connection = NULL;
    }
    libvirt_link_unlock(link);
    char text[LIBVIRT_TEXT_MAX] = "";
    if (connection == NULL) {
        snprintf(text, sizeof text, "there is no connection to libvirt");
    } else {
        if (work(link, connection, job, text, sizeof text)) {
            text[0] = '\0';
        }
        link->symbols->virConnectClose(connection);
    }
    tell(link, job, text);
    libvirt_link_lock(link);
    link->busy[place] = NULL;
    free(job);
    /* Another job of this domain may have waited, or the reader for the last one. */
    pthread_cond_broadcast(&link->changed);
}

void *libvirt_actor_main(void *argument)
{
    struct libvirt_link *link = argument;
    libvirt_link_lock(link);
    for (;;) {
        struct libvirt_job *job = take_job(link);
        if (job != NULL) {
            do_job(link, job);
        } else if (link->stopping) {
            break;
        } else {
            libvirt_link_wait(link, 0);
        }
    }
    link->threads--;
    pthread_cond_broadcast(&link->changed);
    libvirt_link_unlock(link);
    libvirt_link_leave(link);
    return NULL;
}
