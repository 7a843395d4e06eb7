/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which machines there are: those listed in the configuration, and one for each socket NAME.qmp in
 * the folder. The folder is read each period, and at once when the system tells that it changed.
 *
 * Invariant: `entries` is sorted by the machine's name, which is unique; a listed machine wins over
 * one of that name in the folder.
 */

#include "tools/ballast/backend/qmp_backend.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/ballast/backend/qmp_machine.h"

#define SUFFIX ".qmp"
/* The folder is not read more often than this, however often it changes. */
#define SCAN_EVERY_MS 20

struct entry {
    struct qmp_machine *machine;
    bool listed;
    bool seen; /* in this scan or configuration */
};

/* A socket in the folder that is not taken for a machine, and why not. */
struct ignored {
    char file[NAME_MAX + 1];
    const char *why;
};

struct qmp_backend {
    struct qmp_shared shared;
    char folder[CONFIG_PATH_MAX];
    char folder_trouble[256];
    uv_fs_event_t *watch; /* NULL: the folder cannot be watched now */
    int64_t scanned_ms;
    struct ignored *ignored; /* of the newest scan */
    size_t ignored_count;
    size_t ignored_capacity;
    struct entry *entries;
    size_t count;
    size_t capacity;
};

/* ---- the list ---- */

/* Where `name` is, or would be. */
static size_t place_of(const struct qmp_backend *backend, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = backend->count;

    *found = false;
    while (low < high && !*found) {
        size_t middle = (low + high) / 2;
        int order = strcmp(qmp_machine_name(backend->entries[middle].machine), name);

        *found = order == 0;
        if (*found) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct entry *entry_add(struct qmp_backend *backend, size_t place, const char *name,
                               const char *path)
{
    struct entry *entry;

    if (backend->count == backend->capacity) {
        backend->capacity = backend->capacity == 0 ? 16 : backend->capacity * 2;
        backend->entries =
            reallocarray(backend->entries, backend->capacity, sizeof(*backend->entries));
        if (backend->entries == NULL) {
            abort();
        }
    }
    entry = &backend->entries[place];
    memmove(entry + 1, entry, (backend->count - place) * sizeof(*entry));
    backend->count++;
    *entry = (struct entry){ .machine = qmp_machine_new(&backend->shared, name, path) };
    return entry;
}

static void entry_remove(struct qmp_backend *backend, size_t place, const char *why)
{
    struct qmp_machine *machine = backend->entries[place].machine;

    backend->count--;
    memmove(&backend->entries[place], &backend->entries[place + 1],
            (backend->count - place) * sizeof(*backend->entries));
    qmp_machine_free(machine, why);
}

static bool path_is_listed(const struct qmp_backend *backend, const char *path)
{
    for (size_t i = 0; i < backend->count; i++) {
        if (backend->entries[i].listed &&
            strcmp(qmp_machine_path(backend->entries[i].machine), path) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the folder ---- */

/* True for the name of a socket that is meant for us, NAME.qmp. `name` is "" and *why tells the
 * reason when it is not the name of a machine. */
static bool machine_name(const char *file, char name[CONFIG_NAME_MAX], const char **why)
{
    size_t length = strlen(file);
    size_t suffix = strlen(SUFFIX);

    name[0] = '\0';
    *why = "a machine's name has letters, digits and -_.@, and begins with a letter or digit";
    if (length < suffix || strcmp(file + length - suffix, SUFFIX) != 0) {
        return false;
    }
    if (length - suffix >= CONFIG_NAME_MAX) {
        *why = "its name is too long for a machine";
        return true;
    }
    memcpy(name, file, length - suffix);
    name[length - suffix] = '\0';
    if (!config_name_valid(name)) {
        name[0] = '\0';
    }
    return true;
}

static void ignore(struct qmp_backend *backend, const char *file, const char *why)
{
    if (backend->ignored_count == backend->ignored_capacity) {
        backend->ignored_capacity =
            backend->ignored_capacity == 0 ? 8 : backend->ignored_capacity * 2;
        backend->ignored =
            reallocarray(backend->ignored, backend->ignored_capacity, sizeof(*backend->ignored));
        if (backend->ignored == NULL) {
            abort();
        }
    }
    struct ignored *ignored = &backend->ignored[backend->ignored_count++];

    snprintf(ignored->file, sizeof(ignored->file), "%s", file);
    ignored->why = why;
}

static void take_file(struct qmp_backend *backend, int folder_fd, const char *file)
{
    char name[CONFIG_NAME_MAX];
    char path[CONFIG_PATH_MAX];
    const char *why;
    struct stat status;
    bool known;
    size_t place;

    if (!machine_name(file, name, &why) || fstatat(folder_fd, file, &status, 0) != 0 ||
        !S_ISSOCK(status.st_mode)) {
        return;
    }
    if (name[0] == '\0') {
        ignore(backend, file, why);
        return;
    }
    place = place_of(backend, name, &known);
    if (known) {
        backend->entries[place].seen = true;
        return;
    }
    if (snprintf(path, sizeof(path), "%s/%s", backend->folder, file) >= (int)sizeof(path)) {
        ignore(backend, file, "its path is too long for an address");
    } else if (backend->count >= CONFIG_MACHINES_MAX) {
        ignore(backend, file, "there are too many machines");
    } else if (!path_is_listed(backend, path)) {
        entry_add(backend, place, name, path)->seen = true;
    }
}

/* Looks through the folder. A socket that vanished is no end: its QEMU may go on; without a
 * connection it is one. */
static void scan(struct qmp_backend *backend, int64_t now_ms)
{
    DIR *folder;
    struct dirent *file;

    backend->folder_trouble[0] = '\0';
    backend->ignored_count = 0;
    backend->scanned_ms = now_ms;
    for (size_t i = 0; i < backend->count; i++) {
        backend->entries[i].seen = backend->entries[i].listed;
    }
    folder = backend->folder[0] == '\0' ? NULL : opendir(backend->folder);
    if (folder != NULL) {
        while ((file = readdir(folder)) != NULL) {
            take_file(backend, dirfd(folder), file->d_name);
        }
        closedir(folder);
    } else if (backend->folder[0] != '\0') {
        snprintf(backend->folder_trouble, sizeof(backend->folder_trouble),
                 "cannot look into the folder %s: %s", backend->folder, strerror(errno));
    }
    for (size_t i = backend->count; i > 0; i--) {
        const struct entry *entry = &backend->entries[i - 1];

        if (!entry->seen && !qmp_machine_connected(entry->machine)) {
            entry_remove(backend, i - 1, qmp_machine_why_gone(entry->machine));
        }
    }
}

/* ---- the system's word that the folder changed ---- */

static void free_watch(uv_handle_t *handle)
{
    free(handle);
}

static void watch_end(struct qmp_backend *backend)
{
    if (backend->watch != NULL) {
        uv_close((uv_handle_t *)backend->watch, free_watch);
        backend->watch = NULL;
    }
}

static void on_change(uv_fs_event_t *watch, const char *file, int events, int status)
{
    struct qmp_backend *backend = watch->data;
    int64_t now_ms = backend->shared.clock.now_ms(backend->shared.clock.context);
    char name[CONFIG_NAME_MAX];
    const char *why;
    bool known = false;
    size_t place;

    (void)events;
    if (status != 0 || file == NULL) {
        watch_end(backend); /* the poll starts another */
        return;
    }
    if (!machine_name(file, name, &why)) {
        return;
    }
    if (now_ms - backend->scanned_ms >= SCAN_EVERY_MS) {
        scan(backend, now_ms);
    }
    place = place_of(backend, name, &known);
    if (known) {
        qmp_machine_appeared(backend->entries[place].machine, now_ms);
    }
}

/* A folder that was removed and made again needs a watch of its own, so a folder in trouble loses
 * the one it had. */
static void watch_folder(struct qmp_backend *backend)
{
    if (backend->folder[0] == '\0' || backend->folder_trouble[0] != '\0') {
        watch_end(backend);
        return;
    }
    if (backend->watch != NULL) {
        return;
    }
    backend->watch = malloc(sizeof(*backend->watch));
    if (backend->watch == NULL) {
        abort();
    }
    if (uv_fs_event_init(backend->shared.loop, backend->watch) != 0) {
        free(backend->watch);
        backend->watch = NULL;
        return;
    }
    backend->watch->data = backend;
    if (uv_fs_event_start(backend->watch, on_change, backend->folder, 0) != 0) {
        watch_end(backend);
    }
}

/* ---- life ---- */

void qmp_backend_poll(struct qmp_backend *backend, int64_t now_ms)
{
    scan(backend, now_ms);
    watch_folder(backend);
    for (size_t i = 0; i < backend->count; i++) {
        qmp_machine_poll(backend->entries[i].machine, now_ms);
    }
}

/* Puts a listed machine into the list. */
static void list_machine(struct qmp_backend *backend, const struct config_machine *machine)
{
    bool known;
    size_t place = place_of(backend, machine->name, &known);
    struct entry *entry;

    assert(!known || place < backend->count);
    if (known && strcmp(qmp_machine_path(backend->entries[place].machine), machine->socket) != 0) {
        entry_remove(backend, place, "its QMP socket is another now");
        known = false;
    }
    entry = known ? &backend->entries[place]
                  : entry_add(backend, place, machine->name, machine->socket);
    entry->listed = true;
    entry->seen = true;
}

void qmp_backend_configure(struct qmp_backend *backend, const struct config *config)
{
    bool same_folder = strcmp(backend->folder, config->qmp_folder) == 0;

    backend->shared.timeout_ms = config->qmp_timeout_ms;
    backend->shared.period_s = (config->period_ms + 999) / 1000;
    backend->shared.period_s += backend->shared.period_s == 0 ? 1 : 0;
    for (size_t i = 0; i < backend->count; i++) {
        backend->entries[i].seen = !backend->entries[i].listed && same_folder;
        backend->entries[i].listed = false;
    }
    for (size_t i = 0; i < config->machine_count; i++) {
        const struct config_machine *machine = &config->machines[i];

        if ((machine->given & CONFIG_GIVEN_SOCKET) != 0 && machine->socket[0] != '\0') {
            list_machine(backend, machine);
        }
    }
    for (size_t i = backend->count; i > 0; i--) {
        const struct entry *entry = &backend->entries[i - 1];

        if (!entry->seen ||
            (!entry->listed && path_is_listed(backend, qmp_machine_path(entry->machine)))) {
            entry_remove(backend, i - 1, "the configuration does not name it any more");
        }
    }
    if (!same_folder) {
        watch_end(backend);
        snprintf(backend->folder, sizeof(backend->folder), "%s", config->qmp_folder);
    }
}

struct qmp_backend *qmp_backend_start(uv_loop_t *loop, struct fleet *fleet,
                                      const struct config *config,
                                      const struct qmp_backend_clock *clock)
{
    struct qmp_backend *backend = calloc(1, sizeof(*backend));

    if (backend == NULL) {
        abort();
    }
    backend->shared.loop = loop;
    backend->shared.fleet = fleet;
    backend->shared.clock = *clock;
    backend->shared.source = (struct host_source){ .root = "", .cgroup = "" };
    qmp_backend_configure(backend, config);
    qmp_backend_poll(backend, clock->now_ms(clock->context));
    return backend;
}

bool qmp_backend_trouble(const struct qmp_backend *backend, size_t index, char *text, size_t size)
{
    size_t at = backend->folder_trouble[0] != '\0' ? 1 : 0;

    if (index < at) {
        snprintf(text, size, "%s", backend->folder_trouble);
        return true;
    }
    if (index - at < backend->ignored_count) {
        const struct ignored *ignored = &backend->ignored[index - at];

        snprintf(text, size, "the socket %s is no machine: %s", ignored->file, ignored->why);
        return true;
    }
    at += backend->ignored_count;
    for (size_t i = 0; i < backend->count; i++) {
        if (qmp_machine_refused(backend->entries[i].machine) && index == at++) {
            snprintf(text, size, "%s at %s is not taken: there are too many machines",
                     qmp_machine_name(backend->entries[i].machine),
                     qmp_machine_path(backend->entries[i].machine));
            return true;
        }
    }
    return false;
}

unsigned qmp_backend_walks(const struct qmp_backend *backend)
{
    unsigned walks = 0;

    for (size_t i = 0; i < backend->count; i++) {
        walks += qmp_machine_walks(backend->entries[i].machine);
    }
    return walks;
}

void qmp_backend_set_root(struct qmp_backend *backend, const char *root)
{
    backend->shared.source.root = root;
}

void qmp_backend_stop(struct qmp_backend *backend)
{
    watch_end(backend);
    while (backend->count > 0) {
        entry_remove(backend, backend->count - 1, "ballastd ends");
    }
    free(backend->entries);
    free(backend->ignored);
    free(backend);
}
