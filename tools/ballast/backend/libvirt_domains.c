/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading all running domains in one call. What hardly changes while a domain runs, its XML, is
 * read when the domain is seen first or started anew, when an event says so, and now and then.
 *
 * The call is asked not to wait (NOWAIT): a domain that is busy is told without its statistics, and
 * does not hold up the others.
 */

#include "tools/ballast/backend/libvirt_link_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/config/config.h"

/* libvirt's own limit for lists is 16384. */
#define DOMAINS_MAX 16384

static int by_uuid(const void *a, const void *b)
{
    const struct libvirt_domain *left = a;
    const struct libvirt_domain *right = b;
    return strcmp(left->uuid, right->uuid);
}

static struct libvirt_domain *find(const struct libvirt_domains *domains, const char *uuid)
{
    if (domains->count == 0) {
        return NULL;
    }
    struct libvirt_domain key;
    snprintf(key.uuid, sizeof key.uuid, "%s", uuid);
    return bsearch(&key, domains->items, domains->count, sizeof key, by_uuid);
}

/* libvirt's names may have blanks and the like, and be longer than ballast's. True: the name was
 * good. */
static bool make_valid(const char *name, char valid[FACTS_NAME_MAX])
{
    snprintf(valid, FACTS_NAME_MAX, "%s", name);
    for (char *c = valid; *c != '\0'; c++) {
        char one[3] = { 'a', *c, '\0' };
        if (!config_name_valid(one)) {
            *c = '_';
        }
    }
    char first[2] = { valid[0], '\0' };
    if (!config_name_valid(first)) {
        valid[0] = 'x';
    }
    return strcmp(name, valid) == 0;
}

/* A name that had to be made valid could be another domain's, whether that one runs now or not: a
 * part of the UUID makes it the domain's own. */
static void name_domain(struct libvirt_domain *domain, const char *name)
{
    domain->formerly[0] = '\0';
    if (make_valid(name, domain->name)) {
        return;
    }
    memcpy(domain->formerly, domain->name, sizeof domain->formerly);
    snprintf(domain->name, sizeof domain->name, "%.*s.%.8s", (int)(FACTS_NAME_MAX - 10),
             domain->formerly, domain->uuid);
}

/* ---- descriptions ---- */

static void forget_stale(struct libvirt_link *link, const struct libvirt_domains *domains)
{
    libvirt_link_lock(link);
    struct libvirt_stale *stale = link->stale;
    link->stale = NULL;
    libvirt_link_unlock(link);
    while (stale != NULL) {
        struct libvirt_stale *next = stale->next;
        struct libvirt_domain *domain = find(domains, stale->uuid);
        if (domain != NULL) {
            domain->refreshed_ms = 0;
        }
        free(stale);
        stale = next;
    }
}

static void describe(struct libvirt_link *link, virDomainPtr handle, struct libvirt_domain *domain)
{
    const struct libvirt_symbols *vir = link->symbols;
    domain->trouble[0] = '\0';
    domain->described = false;
    char *xml = vir->virDomainGetXMLDesc(handle, 0);
    if (xml == NULL) {
        libvirt_link_error(link, "libvirt does not describe it", domain->trouble,
                           sizeof domain->trouble);
        return;
    }
    domain->described = libvirt_description_read(xml, &domain->description);
    free(xml);
    if (!domain->described) {
        snprintf(domain->trouble, sizeof domain->trouble,
                 "libvirt describes it in XML that cannot be read");
        return;
    }
    domain->persistent = vir->virDomainIsPersistent(handle) == 1;
    domain->period_asked_s = domain->description.stats_period_s;
}

/* Asks for the guest's statistics as often as they are wanted. More often is somebody else's wish
 * and does no harm. An actor does it, because it may wait for the domain. */
static void ask_for_statistics(struct libvirt_link *link, struct libvirt_domain *domain,
                               unsigned wanted_s)
{
    bool often = domain->period_asked_s > 0 && domain->period_asked_s <= wanted_s;
    if (!domain->described || !domain->description.device || wanted_s == 0 || often) {
        return;
    }
    struct libvirt_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return;
    }
    job->kind = LIBVIRT_JOB_PERIOD;
    job->period_s = wanted_s;
    snprintf(job->uuid, sizeof job->uuid, "%s", domain->uuid);
    domain->period_asked_s = wanted_s;
    libvirt_link_job(link, job);
}

/* ---- one domain ---- */

/* Without records: libvirt's drivers for containers have none. */
static void read_info(const struct libvirt_symbols *vir, virDomainPtr handle,
                      struct libvirt_reading *reading)
{
    virDomainInfo info;
    libvirt_reading_take(NULL, 0, reading);
    if (vir->virDomainGetInfo(handle, &info) == 0) {
        reading->state = libvirt_state(info.state, 0);
        reading->actual_bytes =
            info.memory <= POLICY_BYTES_MAX / 1024U ? info.memory * 1024U : POLICY_MISSING;
        reading->maximum_bytes =
            info.maxMem <= POLICY_BYTES_MAX / 1024U ? info.maxMem * 1024U : POLICY_MISSING;
    }
}

/* False when the domain cannot be named: it is just going away. */
static bool read_domain(struct libvirt_link *link, virDomainPtr handle,
                        const virDomainStatsRecord *record, const struct libvirt_domains *before,
                        struct libvirt_domain *domain)
{
    const struct libvirt_symbols *vir = link->symbols;
    char uuid[LIBVIRT_UUID_MAX] = "";
    const char *name = vir->virDomainGetName(handle);
    int id = (int)vir->virDomainGetID(handle);
    if (name == NULL || vir->virDomainGetUUIDString(handle, uuid) != 0) {
        return false;
    }
    const struct libvirt_domain *known = find(before, uuid);
    *domain = (struct libvirt_domain){ .id = id };
    if (known != NULL && known->id == id) {
        *domain = *known;
    }
    snprintf(domain->uuid, sizeof domain->uuid, "%s", uuid);
    int64_t now_ms = (int64_t)(uv_hrtime() / 1000000U);
    bool due = domain->refreshed_ms == 0 ||
               now_ms - domain->refreshed_ms >= (int64_t)link->options.refresh_ms;
    if (due) {
        domain->refreshed_ms = now_ms;
    }
    if (due || !domain->described) {
        describe(link, handle, domain);
    }
    if (record != NULL) {
        libvirt_reading_take(record->params, record->nparams, &domain->reading);
    } else {
        read_info(vir, handle, &domain->reading);
    }
    name_domain(domain, name);
    libvirt_process_read(link, domain, name, due);
    return true;
}

/* ---- all ---- */

/* One way or the other to list the domains. */
struct listing {
    virDomainStatsRecordPtr *records;
    virDomainPtr *handles;
    int count;
};

static bool list(struct libvirt_link *link, virConnectPtr connection, struct listing *listing,
                 char *text, size_t text_size)
{
    const struct libvirt_symbols *vir = link->symbols;
    *listing = (struct listing){ 0 };
    listing->count = vir->virConnectGetAllDomainStats(
        connection, VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON, &listing->records,
        VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
    if (listing->count >= 0) {
        return true;
    }
    int code = vir->virGetLastErrorCode();
    if (code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_INVALID_ARG) {
        listing->count = vir->virConnectListAllDomains(connection, &listing->handles,
                                                       VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    }
    if (listing->count < 0) {
        libvirt_link_error(link, "libvirt does not tell its domains", text, text_size);
        return false;
    }
    return true;
}

static void free_listing(const struct libvirt_symbols *vir, struct listing *listing)
{
    if (listing->records != NULL) {
        vir->virDomainStatsRecordListFree(listing->records);
    }
    for (int i = 0; listing->handles != NULL && i < listing->count; i++) {
        vir->virDomainFree(listing->handles[i]);
    }
    free(listing->handles);
}

bool libvirt_domains_read(struct libvirt_link *link, virConnectPtr connection,
                          struct libvirt_domains *domains, char *text, size_t text_size)
{
    forget_stale(link, domains);
    libvirt_link_lock(link);
    unsigned wanted_s = link->stats_period_s;
    libvirt_link_unlock(link);
    struct listing listing;
    if (!list(link, connection, &listing, text, text_size)) {
        return false;
    }
    int count = listing.count < DOMAINS_MAX ? listing.count : DOMAINS_MAX;
    struct libvirt_domains now = { .items = calloc((size_t)count + 1, sizeof now.items[0]) };
    for (int i = 0; i < count && now.items != NULL; i++) {
        const virDomainStatsRecord *record = listing.records == NULL ? NULL : listing.records[i];
        virDomainPtr handle = record == NULL ? listing.handles[i] : record->dom;
        if (read_domain(link, handle, record, domains, &now.items[now.count])) {
            ask_for_statistics(link, &now.items[now.count], wanted_s);
            now.count++;
        }
    }
    free_listing(link->symbols, &listing);
    if (now.items == NULL) {
        snprintf(text, text_size, "there is no memory for a list of %d domains", count);
        return false;
    }
    qsort(now.items, now.count, sizeof now.items[0], by_uuid);
    free(domains->items);
    *domains = now;
    return true;
}
