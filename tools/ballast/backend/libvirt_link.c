/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a link, and what passes between its threads and its owner.
 *
 * A thread may hang inside libvirt for as long as a peer likes, and cannot be ended from outside.
 * So nobody waits for one without bound: at the end the owner takes its uv_async away under the
 * mutex, gives back its reference, and the last thread to leave frees the rest.
 */

#include "tools/ballast/backend/libvirt_link_internal.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void libvirt_options_default(struct libvirt_options *options)
{
    *options = (struct libvirt_options){
        .library = LIBVIRT_LIBRARY,
        .root = "",
        .retry_first_ms = 1000,
        .retry_max_ms = 30000,
        .slow_ms = 5000,
        .keepalive_s = 5,
        .keepalive_count = 3,
        .refresh_ms = 30000,
        .stop_ms = 2000,
    };
}

bool libvirt_uri_is_local(const char *uri)
{
    assert(uri != NULL);
    const char *host = strstr(uri, "://");
    return host != NULL && host[3] == '/';
}

/* ---- life ---- */

void libvirt_link_lock(struct libvirt_link *link)
{
    int status = pthread_mutex_lock(&link->mutex);
    assert(status == 0);
    (void)status;
}

void libvirt_link_unlock(struct libvirt_link *link)
{
    int status = pthread_mutex_unlock(&link->mutex);
    assert(status == 0);
    (void)status;
}

void libvirt_link_hold(struct libvirt_link *link)
{
    libvirt_link_lock(link);
    link->references++;
    libvirt_link_unlock(link);
}

static void free_link(struct libvirt_link *link)
{
    while (link->news != NULL) {
        struct libvirt_news *news = link->news;
        link->news = news->next;
        free(news);
    }
    while (link->jobs != NULL) {
        struct libvirt_job *job = link->jobs;
        link->jobs = job->next;
        free(job);
    }
    while (link->stale != NULL) {
        struct libvirt_stale *stale = link->stale;
        link->stale = stale->next;
        free(stale);
    }
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->mutex);
    free(link);
}

void libvirt_link_leave(struct libvirt_link *link)
{
    libvirt_link_lock(link);
    assert(link->references > 0);
    bool last = --link->references == 0;
    libvirt_link_unlock(link);
    if (last) {
        free_link(link);
    }
}

bool libvirt_link_wait(struct libvirt_link *link, unsigned ms)
{
    if (ms == 0) {
        pthread_cond_wait(&link->changed, &link->mutex);
        return true;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000U);
    until.tv_nsec += (long)(ms % 1000U) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return pthread_cond_timedwait(&link->changed, &link->mutex, &until) != ETIMEDOUT;
}

/* Signals are the main thread's. */
static bool start_thread(struct libvirt_link *link, void *(*body)(void *))
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    libvirt_link_lock(link);
    link->references++;
    link->threads++;
    libvirt_link_unlock(link);
    pthread_t thread;
    bool started = pthread_create(&thread, NULL, body, link) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        pthread_detach(thread);
        return true;
    }
    libvirt_link_lock(link);
    link->references--;
    link->threads--;
    libvirt_link_unlock(link);
    return false;
}

struct libvirt_link *libvirt_link_start(const char *uri, const struct libvirt_options *options,
                                        unsigned stats_period_s, uv_async_t *async)
{
    assert(options->symbols != NULL);
    struct libvirt_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return NULL;
    }
    snprintf(link->uri, sizeof link->uri, "%s", uri);
    link->local = libvirt_uri_is_local(uri);
    link->options = *options;
    link->symbols = options->symbols;
    link->references = 1;
    link->async = async;
    link->poll = true;
    link->stats_period_s = stats_period_s;
    link->jobs_end = &link->jobs;
    link->news_end = &link->news;
    pthread_mutex_init(&link->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&link->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    bool started = start_thread(link, libvirt_reader_main);
    for (unsigned i = 0; i < LIBVIRT_ACTORS && started; i++) {
        started = start_thread(link, libvirt_actor_main);
    }
    if (!started) {
        libvirt_link_stop(link, 0);
        return NULL;
    }
    return link;
}

void libvirt_link_end(struct libvirt_link *link)
{
    libvirt_link_lock(link);
    link->stopping = true;
    link->async = NULL;
    pthread_cond_broadcast(&link->changed);
    libvirt_link_unlock(link);
}

void libvirt_link_stop(struct libvirt_link *link, unsigned ms)
{
    libvirt_link_end(link);
    libvirt_link_lock(link);
    uint64_t until = uv_hrtime() / 1000000U + ms;
    uint64_t now = until - ms;
    while (link->threads > 0 && now < until) {
        libvirt_link_wait(link, (unsigned)(until - now));
        now = uv_hrtime() / 1000000U;
    }
    libvirt_link_unlock(link);
    libvirt_link_leave(link);
}

/* ---- questions and jobs ---- */

void libvirt_link_poll(struct libvirt_link *link)
{
    libvirt_link_lock(link);
    link->poll = true;
    pthread_cond_broadcast(&link->changed);
    libvirt_link_unlock(link);
}

void libvirt_link_period(struct libvirt_link *link, unsigned stats_period_s)
{
    libvirt_link_lock(link);
    link->stats_period_s = stats_period_s;
    libvirt_link_unlock(link);
}

void libvirt_link_job(struct libvirt_link *link, struct libvirt_job *job)
{
    libvirt_link_lock(link);
    *link->jobs_end = job;
    link->jobs_end = &job->next;
    pthread_cond_broadcast(&link->changed);
    libvirt_link_unlock(link);
}

static struct libvirt_job *new_job(enum libvirt_job_kind kind, const char *uuid, int id)
{
    struct libvirt_job *job = calloc(1, sizeof *job);
    if (job != NULL) {
        job->kind = kind;
        job->id = id;
        snprintf(job->uuid, sizeof job->uuid, "%s", uuid);
    }
    return job;
}

/* A target that still waits, for libvirt hangs, is out of date when there is a newer one: carried
 * out later it would move the guest to and fro, and the queue would grow as long as libvirt hangs.
 */
static bool replace_target(struct libvirt_link *link, const char *uuid, int id, uint64_t bytes)
{
    bool replaced = false;
    libvirt_link_lock(link);
    for (struct libvirt_job *job = link->jobs; job != NULL && !replaced; job = job->next) {
        replaced = job->kind == LIBVIRT_JOB_TARGET && job->id == id && strcmp(job->uuid, uuid) == 0;
        if (replaced) {
            job->bytes = bytes;
        }
    }
    libvirt_link_unlock(link);
    return replaced;
}

bool libvirt_link_target(struct libvirt_link *link, const char *uuid, int id, uint64_t bytes)
{
    if (replace_target(link, uuid, id, bytes)) {
        return true;
    }
    struct libvirt_job *job = new_job(LIBVIRT_JOB_TARGET, uuid, id);
    if (job == NULL) {
        return false;
    }
    job->bytes = bytes;
    libvirt_link_job(link, job);
    return true;
}

bool libvirt_link_device(struct libvirt_link *link, const char *uuid, int id, bool present)
{
    struct libvirt_job *job = new_job(LIBVIRT_JOB_DEVICE, uuid, id);
    if (job == NULL) {
        return false;
    }
    job->present = present;
    libvirt_link_job(link, job);
    return true;
}

void libvirt_link_stale(struct libvirt_link *link, const char *uuid)
{
    struct libvirt_stale *stale = calloc(1, sizeof *stale);
    if (stale == NULL) {
        return;
    }
    snprintf(stale->uuid, sizeof stale->uuid, "%s", uuid);
    libvirt_link_lock(link);
    stale->next = link->stale;
    link->stale = stale;
    link->poll = true;
    pthread_cond_broadcast(&link->changed);
    libvirt_link_unlock(link);
}

/* ---- news ---- */

struct libvirt_news *libvirt_news_new(enum libvirt_news_kind kind, const char *uuid, size_t count)
{
    struct libvirt_news *news = calloc(1, sizeof *news + count * sizeof news->domains[0]);
    if (news != NULL) {
        news->kind = kind;
        news->count = count;
        snprintf(news->uuid, sizeof news->uuid, "%s", uuid);
    }
    return news;
}

void libvirt_link_tell(struct libvirt_link *link, struct libvirt_news *news)
{
    if (news == NULL) {
        return;
    }
    libvirt_link_lock(link);
    if (news->kind != LIBVIRT_NEWS_DOMAINS) {
        news->serial = ++link->serial;
    }
    bool dropped = link->async == NULL ||
                   (news->kind == LIBVIRT_NEWS_SIZE && link->news_count >= LIBVIRT_NEWS_MAX);
    if (dropped) {
        free(news);
    } else {
        *link->news_end = news;
        link->news_end = &news->next;
        link->news_count++;
        uv_async_send(link->async);
    }
    libvirt_link_unlock(link);
}

struct libvirt_news *libvirt_link_news(struct libvirt_link *link)
{
    libvirt_link_lock(link);
    struct libvirt_news *news = link->news;
    link->news = NULL;
    link->news_end = &link->news;
    link->news_count = 0;
    libvirt_link_unlock(link);
    return news;
}

void libvirt_link_error(const struct libvirt_link *link, const char *what, char *text,
                        size_t text_size)
{
    const char *why = link->symbols->virGetLastErrorMessage();
    snprintf(text, text_size, "%s: %s", what, why == NULL ? "libvirt does not say why" : why);
}
