/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies and events of QEMU to facts. The statistics, the only part with a sense of time, are in
 * qmp_stats.c, the devices in qmp_device.c, the questions in qmp_question.c.
 */

#include "tools/ballast/backend/qmp_view.h"

#include <stdio.h>
#include <string.h>

#include "tools/ballast/backend/qmp_view_parts.h"

void qmp_view_clear(struct qmp_view *view)
{
    *view = (struct qmp_view){ .status = FACTS_RUNNING };
    facts_clear(&view->facts);
    reading_process_clear(&view->process);
    view->facts.state = FACTS_UNREACHABLE; /* until it answers */
}

/* ---- small helpers ---- */

const char *qmp_view_string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static bool one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

#define ONE_OF(text, list) one_of(text, list, sizeof(list) / sizeof((list)[0]))

/* A guest that has shut down ends its QEMU within moments. One that stays so long holds its memory,
 * and is told as such. */
#define LINGER_MS 5000

static void settle_state(struct qmp_view *view)
{
    struct facts *facts = &view->facts;

    facts->state = view->status;
    if (view->panicked) {
        facts->state = FACTS_PANICKED;
    } else if (view->migrating && view->status != FACTS_STOPPED && view->status != FACTS_PANICKED) {
        facts->state = FACTS_MIGRATING;
    }
    snprintf(facts->trouble, sizeof(facts->trouble), "%s",
             view->lingers ? "the guest has shut down, but its QEMU stays and holds its memory"
                           : "");
}

/* ---- state ---- */

/* "shutdown". As long as QEMU answers, the guest's memory is there, and system_reset would start it
 * again; but most such QEMUs are just ending. */
static void take_shutdown(struct qmp_view *view, int64_t now_ms)
{
    if (view->shutdown_ms == 0) {
        view->shutdown_ms = now_ms;
    }
    view->lingers = now_ms - view->shutdown_ms >= LINGER_MS;
    view->status = view->lingers ? FACTS_PAUSED : FACTS_STOPPED;
}

static void take_status(struct qmp_view *view, const json_t *reply, int64_t now_ms)
{
    static const char *const moving[] = { "inmigrate", "postmigrate", "finish-migrate",
                                          "save-vm",   "restore-vm",  "colo" };
    const char *status = qmp_view_string(reply, "status");

    if (strcmp(status, "shutdown") == 0) {
        take_shutdown(view, now_ms);
        return;
    }
    view->lingers = false;
    view->shutdown_ms = 0;
    if (strcmp(status, "running") == 0) {
        view->status = FACTS_RUNNING;
    } else if (strcmp(status, "guest-panicked") == 0) {
        view->status = FACTS_PANICKED;
    } else if (ONE_OF(status, moving)) {
        view->status = FACTS_MIGRATING;
    } else if (status[0] != '\0') {
        /* Everything else stands still for one reason or another. */
        view->status = FACTS_PAUSED;
    }
}

static bool is_migrating(const char *status)
{
    static const char *const done[] = { "", "none", "completed", "failed", "cancelled" };

    return !ONE_OF(status, done);
}

/* ---- memory ---- */

static uint64_t plausible(uint64_t bytes)
{
    return bytes <= POLICY_BYTES_MAX ? bytes : POLICY_MISSING;
}

static void take_size(struct qmp_view *view, const json_t *value, const char *path)
{
    uint64_t bytes = 0;

    if (qmp_get_u64(value, path, &bytes) && bytes <= POLICY_BYTES_MAX) {
        reading_size(&view->reading, &view->facts, bytes);
    }
}

static void take_memory(struct qmp_view *view, const json_t *reply)
{
    uint64_t base = 0;
    uint64_t plugged = 0;

    if (qmp_get_u64(reply, "base-memory", &base)) {
        (void)qmp_get_u64(reply, "plugged-memory", &plugged);
        base = plausible(base);
        view->facts.ram_bytes = base == POLICY_MISSING || plausible(plugged) == POLICY_MISSING
                                    ? POLICY_MISSING
                                    : plausible(base + plugged);
    }
}

/* The memory backends. They tell the RAM too where query-memory-size-summary is missing. */
static void take_memdev(struct qmp_view *view, const json_t *reply)
{
    uint64_t sum = 0;
    size_t index;
    json_t *backend;

    view->facts.prealloc = false;
    json_array_foreach(reply, index, backend)
    {
        uint64_t size = 0;

        if (json_is_true(json_object_get(backend, "prealloc"))) {
            view->facts.prealloc = true;
        }
        if (qmp_get_u64(backend, "size", &size) && size <= POLICY_BYTES_MAX &&
            sum <= POLICY_BYTES_MAX) {
            sum += size;
        }
    }
    if (view->facts.ram_bytes == POLICY_MISSING && sum > 0) {
        view->facts.ram_bytes = plausible(sum);
    }
}

/* ---- answers ---- */

static void take_refusal(struct qmp_view *view, enum qmp_question question,
                         const struct qmp_error *error)
{
    if (strcmp(error->class, "CommandNotFound") == 0) {
        view->absent |= QMP_BIT(question);
    } else if (question == QMP_ASK_BALLOON && strcmp(error->class, "DeviceNotActive") == 0) {
        view->facts.device = false;
        view->facts.actual_bytes = view->facts.ram_bytes;
    }
}

void qmp_view_answer(struct qmp_view *view, enum qmp_question question, const json_t *reply,
                     const struct qmp_error *error, int64_t now_ms, int64_t wall_ms)
{
    if (error->status != QMP_OK) {
        take_refusal(view, question, error);
        return;
    }
    switch (question) {
    case QMP_ASK_STATUS:
        take_status(view, reply, now_ms);
        break;
    case QMP_ASK_MEMORY:
        take_memory(view, reply);
        break;
    case QMP_ASK_MIGRATE:
        view->migrating = is_migrating(qmp_view_string(reply, "status"));
        break;
    case QMP_ASK_BALLOON:
        view->facts.device = true;
        take_size(view, reply, "actual");
        break;
    case QMP_ASK_STATS:
        qmp_stats_take(view, reply, now_ms, wall_ms);
        break;
    case QMP_ASK_DEFLATE:
        qmp_device_offer(view, FACTS_DEFLATE_ON_OOM, reply);
        break;
    case QMP_ASK_REPORTING:
        qmp_device_offer(view, FACTS_REPORTING, reply);
        break;
    case QMP_ASK_HINTING:
        qmp_device_offer(view, FACTS_HINTING, reply);
        break;
    case QMP_ASK_POISON:
        qmp_device_offer(view, FACTS_POISON, reply);
        break;
    case QMP_ASK_UUID:
        (void)config_uuid_read(qmp_view_string(reply, "UUID"), view->facts.uuid);
        break;
    case QMP_ASK_PERIPHERAL:
        qmp_device_children(view, "/machine/peripheral", reply);
        break;
    case QMP_ASK_ANONYMOUS:
        qmp_device_children(view, "/machine/peripheral-anon", reply);
        break;
    case QMP_ASK_OBJECTS:
        qmp_device_objects(view, reply);
        break;
    case QMP_ASK_MEMDEV:
        take_memdev(view, reply);
        break;
    case QMP_ASK_HOTPLUG:
        view->facts.removable = view->device_is_proxy && json_is_true(reply);
        break;
    case QMP_ASK_BUS:
        qmp_device_bus(view, reply);
        break;
    case QMP_ASK_HUGETLB:
        view->hugetlb = json_is_true(reply);
        view->facts.huge_pages = view->facts.huge_pages || view->hugetlb;
        break;
    case QMP_ASK_POLLING:
    case QMP_QUESTIONS:
        break;
    }
    settle_state(view);
}

/* ---- events ---- */

enum qmp_news qmp_view_event(struct qmp_view *view, const json_t *event)
{
    const char *name = qmp_view_string(event, "event");
    const json_t *data = json_object_get(event, "data");
    enum qmp_news news = QMP_NEWS_FACTS;

    if (strcmp(name, "BALLOON_CHANGE") == 0) {
        take_size(view, data, "actual");
    } else if (strcmp(name, "RESET") == 0) {
        /* The guest that told the statistics is no more; QEMU would go on showing them. */
        view->facts.resets++;
        view->panicked = false;
        facts_statistics_clear(&view->facts);
    } else if (strcmp(name, "STOP") == 0) {
        /* After its shutdown a machine does not pause: it ends. */
        view->status = view->status == FACTS_STOPPED ? FACTS_STOPPED : FACTS_PAUSED;
    } else if (strcmp(name, "RESUME") == 0) {
        view->status = FACTS_RUNNING;
    } else if (strcmp(name, "SHUTDOWN") == 0) {
        view->status = FACTS_STOPPED;
    } else if (strcmp(name, "GUEST_PANICKED") == 0) {
        view->panicked = true;
    } else if (strcmp(name, "MIGRATION") == 0) {
        view->migrating = is_migrating(qmp_view_string(data, "status"));
    } else if (strcmp(name, "DEVICE_DELETED") == 0) {
        news = QMP_NEWS_DEVICE;
    } else {
        news = QMP_NEWS_NONE;
    }
    if (news == QMP_NEWS_FACTS) {
        settle_state(view);
    }
    return news;
}

/* ---- what the host tells ---- */

static void take_process(struct qmp_view *view)
{
    struct facts *facts = &view->facts;

    facts->resident_bytes = view->process.resident_bytes;
    facts->overhead_bytes = view->process.overhead_bytes;
    facts->swapped_bytes = view->process.swapped_bytes;
    facts->locked = view->process.locked;
    facts->huge_pages = view->hugetlb || view->process.huge_pages;
    facts->pinned = view->vfio || view->process.pinned;
}

void qmp_view_process(struct qmp_view *view, const struct host_process *process)
{
    reading_walk(&view->process, process, view->facts.ram_bytes);
    take_process(view);
}

void qmp_view_glance(struct qmp_view *view, const struct host_process *process)
{
    reading_glance(&view->process, process, view->facts.ram_bytes);
    take_process(view);
}

void qmp_view_end(struct qmp_view *view)
{
    reading_end(&view->reading);
}
