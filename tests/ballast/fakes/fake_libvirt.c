/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake libvirt. Its behaviour is that of libvirt 9.0 as far as the backend depends on it: what
 * is not known is left out of records, events name domains by handles of their own, the callback of
 * a connection that broke is called, and a call that waits gives up when the connection breaks.
 */

#include "tests/ballast/fakes/fake_libvirt.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATS_MAX     16
#define CALLBACKS_MAX 8

struct fake_domain {
    char name[64];
    char uuid[VIR_UUID_STRING_BUFLEN];
    int id;
    bool running;
    bool persistent;
    bool balloon;
    int state;
    int reason;
    const char *extra;
    unsigned long long maximum_kib;
    unsigned long long current_kib;
    unsigned period_s;
    char *defined;
    int stats;
    virTypedParameter stat[STATS_MAX];
};

struct fake_callback {
    bool used;
    int event;
    virConnectDomainEventGenericCallback function;
    void *context;
    virFreeCallback release;
};

struct _virConnect {
    unsigned references;
    bool alive;
    struct fake_callback callbacks[CALLBACKS_MAX];
    virConnectCloseFunc on_close;
    void *close_context;
    virFreeCallback close_release;
};

struct _virDomain {
    unsigned number;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct fake_domain domains[FAKE_LIBVIRT_DOMAINS_MAX];
    unsigned count;
    int last_id;
    virConnectPtr connection; /* the newest */
    unsigned open;
    unsigned opened;
    bool reachable;
    bool hangs[FAKE_LIBVIRT_DOMAINS_MAX + 1];
    bool without_stats;
    bool refuses;
    void (*meanwhile)(void);
} fake = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static _Thread_local int last_code;
static _Thread_local const char *last_text;

static void lock(void)
{
    pthread_mutex_lock(&fake.mutex);
}

static void unlock(void)
{
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.mutex);
}

static int fail(int code, const char *text)
{
    last_code = code;
    last_text = text;
    return -1;
}

/* Waits where a hanging libvirtd lets its callers wait. Called with the mutex. False when the
 * connection broke meanwhile. */
static bool answered(const struct _virConnect *connection, unsigned domain)
{
    while ((fake.hangs[FAKE_LIBVIRT_ALL] || fake.hangs[domain]) &&
           (connection == NULL || connection->alive)) {
        pthread_cond_wait(&fake.changed, &fake.mutex);
    }
    if (connection != NULL && !connection->alive) {
        fail(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
        return false;
    }
    return true;
}

static virDomainPtr new_handle(unsigned number)
{
    virDomainPtr handle = calloc(1, sizeof *handle);
    assert(handle != NULL);
    handle->number = number;
    return handle;
}

static struct fake_domain *domain_of(virDomainPtr handle)
{
    return &fake.domains[handle->number];
}

/* ---- libvirt's functions ---- */

static int fake_initialize(void)
{
    return 0;
}

static void fake_set_error_func(void *context, virErrorFunc handler)
{
    (void)context;
    (void)handler;
}

static int fake_last_code(void)
{
    return last_code;
}

static const char *fake_last_message(void)
{
    return last_text;
}

static int fake_run_events(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    return 0;
}

static virConnectPtr fake_open(const char *uri)
{
    (void)uri;
    lock();
    fake.opened++;
    virConnectPtr connection = NULL;
    if (answered(NULL, FAKE_LIBVIRT_ALL) && fake.reachable) {
        connection = calloc(1, sizeof *connection);
        assert(connection != NULL);
        connection->references = 1;
        connection->alive = true;
        fake.connection = connection;
        fake.open++;
    } else {
        fail(VIR_ERR_SYSTEM_ERROR, "no such socket");
    }
    unlock();
    return connection;
}

static int fake_ref(virConnectPtr connection)
{
    lock();
    connection->references++;
    unlock();
    return 0;
}

static int fake_close(virConnectPtr connection)
{
    lock();
    if (--connection->references == 0) {
        fake.open--;
        fake.connection = fake.connection == connection ? NULL : fake.connection;
        for (size_t i = 0; i < CALLBACKS_MAX; i++) {
            assert(!connection->callbacks[i].used);
        }
        free(connection);
    }
    unlock();
    return 0;
}

static int fake_is_alive(virConnectPtr connection)
{
    return connection->alive ? 1 : 0;
}

static int fake_keep_alive(virConnectPtr connection, int interval, unsigned count)
{
    assert(connection != NULL && interval > 0 && count > 0);
    return 0;
}

static int fake_on_close(virConnectPtr connection, virConnectCloseFunc callback, void *context,
                         virFreeCallback release)
{
    connection->on_close = callback;
    connection->close_context = context;
    connection->close_release = release;
    return 0;
}

static int fake_no_close(virConnectPtr connection, virConnectCloseFunc callback)
{
    lock();
    assert(connection->on_close == callback);
    connection->on_close = NULL;
    unlock();
    connection->close_release(connection->close_context);
    return 0;
}

static int fake_register(virConnectPtr connection, virDomainPtr domain, int event,
                         virConnectDomainEventGenericCallback function, void *context,
                         virFreeCallback release)
{
    assert(domain == NULL);
    lock();
    int id = 0;
    while (connection->callbacks[id].used) {
        id++;
        assert(id < CALLBACKS_MAX);
    }
    connection->callbacks[id] = (struct fake_callback){
        .used = true, .event = event, .function = function, .context = context, .release = release
    };
    unlock();
    return id;
}

static int fake_deregister(virConnectPtr connection, int id)
{
    lock();
    assert(connection->callbacks[id].used);
    connection->callbacks[id].used = false;
    unlock();
    connection->callbacks[id].release(connection->callbacks[id].context);
    return 0;
}

static void put(virTypedParameterPtr param, const char *field, unsigned long long value)
{
    snprintf(param->field, sizeof param->field, "%s", field);
    param->type = VIR_TYPED_PARAM_ULLONG;
    param->value.ul = value;
}

static void put_int(virTypedParameterPtr param, const char *field, int value)
{
    snprintf(param->field, sizeof param->field, "%s", field);
    param->type = VIR_TYPED_PARAM_INT;
    param->value.i = value;
}

static virDomainStatsRecordPtr new_record(unsigned number)
{
    const struct fake_domain *domain = &fake.domains[number];
    virDomainStatsRecordPtr record = calloc(1, sizeof *record);
    assert(record != NULL);
    record->dom = new_handle(number);
    record->nparams = 4 + domain->stats;
    record->params = calloc((size_t)record->nparams, sizeof record->params[0]);
    assert(record->params != NULL);
    put_int(&record->params[0], "state.state", domain->state);
    put_int(&record->params[1], "state.reason", domain->reason);
    put(&record->params[2], "balloon.current", domain->current_kib);
    put(&record->params[3], "balloon.maximum", domain->maximum_kib);
    memcpy(&record->params[4], domain->stat, (size_t)domain->stats * sizeof domain->stat[0]);
    return record;
}

static int fake_get_stats(virConnectPtr connection, unsigned stats,
                          virDomainStatsRecordPtr **records, unsigned flags)
{
    assert(stats == (VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON));
    assert((flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT) != 0);
    lock();
    int count = -1;
    if (fake.without_stats) {
        fail(VIR_ERR_NO_SUPPORT, "this function is not supported by the connection driver");
    } else if (answered(connection, FAKE_LIBVIRT_ALL)) {
        count = 0;
        *records = calloc(FAKE_LIBVIRT_DOMAINS_MAX + 1, sizeof **records);
        for (unsigned i = 0; i < fake.count; i++) {
            if (fake.domains[i].running) {
                (*records)[count++] = new_record(i);
            }
        }
    }
    void (*meanwhile)(void) = count < 0 ? NULL : fake.meanwhile;
    fake.meanwhile = NULL;
    unlock();
    if (meanwhile != NULL) {
        meanwhile();
    }
    return count;
}

static void fake_free_stats(virDomainStatsRecordPtr *records)
{
    for (virDomainStatsRecordPtr *record = records; *record != NULL; record++) {
        free((*record)->dom);
        free((*record)->params);
        free(*record);
    }
    free((void *)records);
}

static int fake_list(virConnectPtr connection, virDomainPtr **handles, unsigned flags)
{
    (void)connection;
    assert(flags == VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    lock();
    int count = 0;
    *handles = calloc(FAKE_LIBVIRT_DOMAINS_MAX, sizeof **handles);
    for (unsigned i = 0; i < fake.count; i++) {
        if (fake.domains[i].running) {
            (*handles)[count++] = new_handle(i);
        }
    }
    unlock();
    return count;
}

static virDomainPtr fake_look_up(virConnectPtr connection, const char *uuid)
{
    lock();
    virDomainPtr found = NULL;
    fail(VIR_ERR_NO_DOMAIN, "Domain not found");
    bool there = answered(connection, FAKE_LIBVIRT_ALL);
    for (unsigned i = 0; i < fake.count && there && found == NULL; i++) {
        if (strcmp(fake.domains[i].uuid, uuid) == 0) {
            found = new_handle(i);
        }
    }
    unlock();
    return found;
}

static int fake_free_domain(virDomainPtr handle)
{
    free(handle);
    return 0;
}

static const char *fake_name(virDomainPtr handle)
{
    return domain_of(handle)->name;
}

static int fake_uuid(virDomainPtr handle, char *uuid)
{
    memcpy(uuid, domain_of(handle)->uuid, VIR_UUID_STRING_BUFLEN);
    return 0;
}

static unsigned fake_id(virDomainPtr handle)
{
    lock();
    int id = domain_of(handle)->id;
    unlock();
    return (unsigned)id;
}

static int fake_info(virDomainPtr handle, virDomainInfoPtr info)
{
    lock();
    const struct fake_domain *domain = domain_of(handle);
    *info = (virDomainInfo){ .state = (unsigned char)domain->state,
                             .maxMem = domain->maximum_kib,
                             .memory = domain->current_kib };
    unlock();
    return 0;
}

static char *fake_get_xml(virDomainPtr handle, unsigned flags)
{
    lock();
    const struct fake_domain *domain = domain_of(handle);
    char *xml = NULL;
    if ((flags & VIR_DOMAIN_XML_INACTIVE) != 0 && domain->defined != NULL) {
        xml = strdup(domain->defined);
    } else {
        int length =
            asprintf(&xml,
                     "<domain type='qemu'><name>%s</name><memory unit='KiB'>%llu</memory>"
                     "<devices><memballoon model='%s' autodeflate='on'><stats period='%u'/>"
                     "</memballoon></devices>%s</domain>",
                     domain->name, domain->maximum_kib, domain->balloon ? "virtio" : "none",
                     domain->period_s, domain->extra == NULL ? "" : domain->extra);
        assert(length > 0);
    }
    unlock();
    return xml;
}

static int fake_persistent(virDomainPtr handle)
{
    return domain_of(handle)->persistent ? 1 : 0;
}

static bool refuses(void)
{
    bool refused = fake.refuses;
    fake.refuses = false;
    if (refused) {
        fail(VIR_ERR_OPERATION_INVALID, "the domain does not want to");
    }
    return refused;
}

/* As libvirt: a definition names its domain. */
static virDomainPtr fake_define(virConnectPtr connection, const char *xml, unsigned flags)
{
    assert(flags == 0);
    lock();
    virDomainPtr handle = NULL;
    bool there = answered(connection, FAKE_LIBVIRT_ALL);
    for (unsigned i = 0; i < fake.count && there && handle == NULL; i++) {
        char name[80];
        snprintf(name, sizeof name, "<name>%s</name>", fake.domains[i].name);
        if (strstr(xml, name) != NULL && !refuses()) {
            free(fake.domains[i].defined);
            fake.domains[i].defined = strdup(xml);
            handle = new_handle(i);
        }
    }
    unlock();
    return handle;
}

static int fake_set_memory(virDomainPtr handle, unsigned long kib, unsigned flags)
{
    assert(flags == VIR_DOMAIN_AFFECT_LIVE);
    lock();
    bool done = answered(fake.connection, handle->number) && !refuses();
    if (done) {
        domain_of(handle)->current_kib = kib;
    }
    unlock();
    return done ? 0 : -1;
}

static int fake_set_period(virDomainPtr handle, int period_s, unsigned flags)
{
    assert(flags == VIR_DOMAIN_AFFECT_LIVE);
    lock();
    bool done = answered(fake.connection, handle->number);
    if (done) {
        domain_of(handle)->period_s = (unsigned)period_s;
    }
    unlock();
    return done ? 0 : -1;
}

static const struct libvirt_symbols symbols = {
    .virInitialize = fake_initialize,
    .virSetErrorFunc = fake_set_error_func,
    .virGetLastErrorCode = fake_last_code,
    .virGetLastErrorMessage = fake_last_message,
    .virEventRegisterDefaultImpl = fake_initialize,
    .virEventRunDefaultImpl = fake_run_events,
    .virConnectOpen = fake_open,
    .virConnectRef = fake_ref,
    .virConnectClose = fake_close,
    .virConnectIsAlive = fake_is_alive,
    .virConnectSetKeepAlive = fake_keep_alive,
    .virConnectRegisterCloseCallback = fake_on_close,
    .virConnectUnregisterCloseCallback = fake_no_close,
    .virConnectDomainEventRegisterAny = fake_register,
    .virConnectDomainEventDeregisterAny = fake_deregister,
    .virConnectGetAllDomainStats = fake_get_stats,
    .virDomainStatsRecordListFree = fake_free_stats,
    .virConnectListAllDomains = fake_list,
    .virDomainLookupByUUIDString = fake_look_up,
    .virDomainFree = fake_free_domain,
    .virDomainGetName = fake_name,
    .virDomainGetUUIDString = fake_uuid,
    .virDomainGetID = fake_id,
    .virDomainGetInfo = fake_info,
    .virDomainGetXMLDesc = fake_get_xml,
    .virDomainIsPersistent = fake_persistent,
    .virDomainDefineXMLFlags = fake_define,
    .virDomainSetMemoryFlags = fake_set_memory,
    .virDomainSetMemoryStatsPeriod = fake_set_period,
};

const struct libvirt_symbols *fake_libvirt_symbols(void)
{
    return &symbols;
}

/* ---- the test's side ---- */

void fake_libvirt_reset(void)
{
    lock();
    for (unsigned i = 0; i < fake.count; i++) {
        free(fake.domains[i].defined);
    }
    memset(fake.domains, 0, sizeof fake.domains);
    memset(fake.hangs, 0, sizeof fake.hangs);
    fake.count = 0;
    fake.opened = 0;
    fake.reachable = true;
    fake.without_stats = false;
    fake.refuses = false;
    fake.meanwhile = NULL;
    unlock();
}

unsigned fake_libvirt_add(const char *name, unsigned long long kib)
{
    lock();
    assert(fake.count < FAKE_LIBVIRT_DOMAINS_MAX);
    unsigned number = fake.count++;
    struct fake_domain *domain = &fake.domains[number];
    *domain = (struct fake_domain){ .running = true,
                                    .persistent = true,
                                    .balloon = true,
                                    .id = ++fake.last_id,
                                    .state = VIR_DOMAIN_RUNNING,
                                    .maximum_kib = kib,
                                    .current_kib = kib };
    snprintf(domain->name, sizeof domain->name, "%s", name);
    /* Not in the order of their numbers, so that somebody has to sort. */
    snprintf(domain->uuid, sizeof domain->uuid, "%08x-0000-4000-8000-000000000000", 99U - number);
    unlock();
    return number;
}

void fake_libvirt_xml(unsigned domain, const char *extra, bool balloon)
{
    lock();
    fake.domains[domain].extra = extra;
    fake.domains[domain].balloon = balloon;
    unlock();
}

void fake_libvirt_transient(unsigned domain)
{
    lock();
    fake.domains[domain].persistent = false;
    unlock();
}

void fake_libvirt_stat(unsigned domain, const char *field, unsigned long long value)
{
    lock();
    struct fake_domain *of = &fake.domains[domain];
    int place = 0;
    while (place < of->stats && strcmp(of->stat[place].field, field) != 0) {
        place++;
    }
    assert(place < STATS_MAX);
    of->stats = place == of->stats ? place + 1 : of->stats;
    put(&of->stat[place], field, value);
    unlock();
}

void fake_libvirt_no_stats(unsigned domain)
{
    lock();
    fake.domains[domain].stats = 0;
    unlock();
}

/* Calls the callback of the newest connection, as libvirt does it without its locks. */
static void emit(unsigned domain, int event, int number, int detail, unsigned long long kib,
                 const char *alias)
{
    lock();
    struct fake_callback callback = { 0 };
    virConnectPtr connection = fake.connection;
    for (size_t i = 0; connection != NULL && i < CALLBACKS_MAX; i++) {
        if (connection->callbacks[i].used && connection->callbacks[i].event == event) {
            callback = connection->callbacks[i];
        }
    }
    unlock();
    if (!callback.used) {
        return;
    }
    struct _virDomain handle = { .number = domain };
    /* The inverse of VIR_DOMAIN_EVENT_CALLBACK(). */
    union {
        virConnectDomainEventGenericCallback generic;
        virConnectDomainEventCallback lifecycle;
        virConnectDomainEventBalloonChangeCallback balloon;
        virConnectDomainEventDeviceRemovedCallback removed;
    } function = { .generic = callback.function };
    if (event == VIR_DOMAIN_EVENT_ID_LIFECYCLE) {
        function.lifecycle(connection, &handle, number, detail, callback.context);
    } else if (event == VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE) {
        function.balloon(connection, &handle, kib, callback.context);
    } else if (event == VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED) {
        function.removed(connection, &handle, alias, callback.context);
    } else {
        function.generic(connection, &handle, callback.context);
    }
}

void fake_libvirt_lifecycle(unsigned domain, int event, int detail)
{
    emit(domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE, event, detail, 0, NULL);
}

void fake_libvirt_start(unsigned domain, bool event)
{
    lock();
    fake.domains[domain].running = true;
    fake.domains[domain].id = ++fake.last_id;
    unlock();
    if (event) {
        fake_libvirt_lifecycle(domain, VIR_DOMAIN_EVENT_STARTED, 0);
    }
}

void fake_libvirt_stop(unsigned domain, int detail, bool event)
{
    lock();
    fake.domains[domain].running = false;
    unlock();
    if (event) {
        fake_libvirt_lifecycle(domain, VIR_DOMAIN_EVENT_STOPPED, detail);
    }
}

void fake_libvirt_state(unsigned domain, int state, int reason)
{
    lock();
    fake.domains[domain].state = state;
    fake.domains[domain].reason = reason;
    unlock();
}

void fake_libvirt_reboot(unsigned domain)
{
    emit(domain, VIR_DOMAIN_EVENT_ID_REBOOT, 0, 0, 0, NULL);
}

void fake_libvirt_resize(unsigned domain, unsigned long long kib, bool event)
{
    lock();
    fake.domains[domain].current_kib = kib;
    unlock();
    if (event) {
        emit(domain, VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, 0, 0, kib, NULL);
    }
}

void fake_libvirt_unplug(unsigned domain, const char *alias)
{
    emit(domain, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, 0, 0, 0, alias);
}

void fake_libvirt_lose(void)
{
    lock();
    fake.reachable = false;
    virConnectPtr connection = fake.connection;
    virConnectCloseFunc on_close = NULL;
    void *context = NULL;
    if (connection != NULL) {
        connection->alive = false;
        on_close = connection->on_close;
        context = connection->close_context;
    }
    unlock();
    if (on_close != NULL) {
        on_close(connection, VIR_CONNECT_CLOSE_REASON_ERROR, context);
    }
}

void fake_libvirt_return(void)
{
    lock();
    fake.reachable = true;
    unlock();
}

void fake_libvirt_hang(unsigned domain, bool hangs)
{
    lock();
    fake.hangs[domain] = hangs;
    unlock();
}

void fake_libvirt_without_stats(void)
{
    lock();
    fake.without_stats = true;
    unlock();
}

void fake_libvirt_refuse(void)
{
    lock();
    fake.refuses = true;
    unlock();
}

void fake_libvirt_meanwhile(void (*action)(void))
{
    lock();
    fake.meanwhile = action;
    unlock();
}

unsigned long long fake_libvirt_memory(unsigned domain)
{
    lock();
    unsigned long long kib = fake.domains[domain].current_kib;
    unlock();
    return kib;
}

unsigned fake_libvirt_period(unsigned domain)
{
    lock();
    unsigned period_s = fake.domains[domain].period_s;
    unlock();
    return period_s;
}

const char *fake_libvirt_defined(unsigned domain)
{
    lock();
    const char *defined = fake.domains[domain].defined;
    unlock();
    return defined;
}

unsigned fake_libvirt_open(void)
{
    lock();
    unsigned open = fake.open;
    unlock();
    return open;
}

unsigned fake_libvirt_opened(void)
{
    lock();
    unsigned opened = fake.opened;
    unlock();
    return opened;
}
