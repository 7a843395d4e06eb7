/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the demo's knowledge up to date: the guest's lines, the resident memory, the device. Every
 * wait goes through demo_wait(), so that the picture moves while a step waits, and none can outlast
 * its limit.
 */

#include "tools/aerostat/demo_watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/aerostat/record.h"

#define STEP_LIMIT_MS 15000
#define QMP_LIMIT_MS  3000
/* How often host and device are looked at. */
#define LOOK_MS   20
#define SAMPLE_MS 100

bool demo_refuse(struct demo *demo, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(demo->reason, sizeof(demo->reason), format, args);
    va_end(args);
    return false;
}

static void take_line(struct demo *demo, const char *line)
{
    char name[16] = "";
    char state[16] = "";
    uint64_t frames = 0;

    if (record_mem(line, &demo->picture.mem)) {
        demo->picture.has_mem = true;
    } else if (record_is(line, "ready")) {
        demo->ready = record_text(line, "balloon", demo->balloon, sizeof(demo->balloon));
    } else if (record_is(line, "step") && record_text(line, "name", name, sizeof(name)) &&
               record_text(line, "state", state, sizeof(state)) &&
               record_u64(line, "frames", &frames) && strcmp(state, "end") == 0) {
        if (strcmp(name, "touch") == 0) {
            demo->touched_frames = frames;
        } else if (strcmp(name, "free") == 0) {
            demo->freed_frames = frames;
        }
    }
}

/* Takes in what happened, and shows it. */
static void look(struct demo *demo, int wait_ms)
{
    int64_t now;
    const char *line;

    vm_pump(demo->vm, wait_ms);
    while ((line = vm_take_line(demo->vm)) != NULL) {
        take_line(demo, line);
    }
    now = vm_now_ms();
    if (now - demo->sample_ms >= SAMPLE_MS) {
        (void)vm_ram_resident(demo->vm, &demo->picture.resident);
        demo->sample_ms = now;
    }
    demo->picture.ms = now - demo->start_ms;
    demo_view_update(&demo->view, &demo->picture);
}

void demo_watch(struct demo *demo, int64_t ms)
{
    int64_t end = vm_now_ms() + ms;

    while (vm_now_ms() < end) {
        look(demo, LOOK_MS);
    }
}

bool demo_wait(struct demo *demo, bool (*happened)(struct demo *), const char *what)
{
    int64_t now = vm_now_ms();
    int64_t end = now + STEP_LIMIT_MS < demo->limit_ms ? now + STEP_LIMIT_MS : demo->limit_ms;
    struct vm_exit result;

    for (;;) {
        look(demo, LOOK_MS);
        if (happened(demo)) {
            return true;
        }
        if (vm_wait_exit(demo->vm, 0, &result) == VM_WAIT_OK) {
            return demo_refuse(demo, "%s", result.text);
        }
        if (vm_now_ms() >= end) {
            return demo_refuse(demo, "within %.0f s the guest did not %s",
                               (double)(end - now) / 1000, what);
        }
    }
}

uint64_t demo_resident(struct demo *demo)
{
    demo->sample_ms = 0;
    look(demo, 0);
    return demo->picture.resident;
}

bool demo_command(struct demo *demo, const char *name, json_t *arguments, json_t **reply)
{
    struct qmp_error error;

    if (qmp_execute(vm_qmp(demo->vm), name, arguments, QMP_LIMIT_MS, reply, &error) == QMP_OK) {
        return true;
    }
    return demo_refuse(demo, "QEMU's command %s: %s", name, error.text);
}

/* ---- what is waited for ---- */

bool demo_is_ready(struct demo *demo)
{
    return demo->ready;
}

bool demo_has_touched(struct demo *demo)
{
    return demo->touched_frames > 0;
}

bool demo_has_freed(struct demo *demo)
{
    return demo->freed_frames > 0;
}

bool demo_has_moved(struct demo *demo)
{
    const struct demo_picture *picture = &demo->picture;
    json_t *reply = NULL;
    uint64_t actual = 0;

    if (!demo_command(demo, "query-balloon", NULL, &reply)) {
        return false;
    }
    (void)qmp_get_u64(reply, "actual", &actual);
    json_decref(reply);
    return actual == demo->actual && picture->mem.actual == picture->mem.balloon &&
           picture->mem.balloon == (picture->ram_bytes - actual) / DEMO_FRAME_BYTES;
}

bool demo_has_statistics(struct demo *demo)
{
    json_t *reply = NULL;

    if (!demo_command(demo, "qom-get",
                      json_pack("{s:s, s:s}", "path", VM_BALLOON_PATH, "property", "guest-stats"),
                      &reply)) {
        return false;
    }
    (void)qmp_get_u64(reply, "last-update", &demo->updated_s);
    (void)qmp_get_u64(reply, "stats/stat-free-memory", &demo->free_bytes);
    (void)qmp_get_u64(reply, "stats/stat-total-memory", &demo->total_bytes);
    json_decref(reply);
    /* One second may have begun between the host's clock and ours. */
    return demo->updated_s + 1 >= (uint64_t)time(NULL) &&
           demo->free_bytes ==
               (demo->picture.mem.backed + demo->picture.mem.returned) * DEMO_FRAME_BYTES;
}
