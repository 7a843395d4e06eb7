/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aerostat demo`: the main job, step by step, each with a limit and a check from outside. What the
 * guest claims is believed only where the host sees the same: the resident memory of the guest's
 * RAM, and the `actual` of QEMU's device.
 *
 * Watching is in demo_watch.c, the picture in demo_view.c; this file is the plot.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/aerostat/commands.h"
#include "tools/aerostat/demo_view.h"
#include "tools/aerostat/demo_watch.h"

#define MEMORY_DEFAULT_MIB 1024U
#define MEMORY_MIN_MIB     512U
#define ASKED_MIB          256U
#define MIB                ((uint64_t)1 << 20)

#define TOTAL_LIMIT_S 60
#define OFF_LIMIT_MS  10000
/* A person shall see each state before the next one comes. */
#define PAUSE_MS 800
#define LOG_TAIL 15U

enum { STEP_BOOT, STEP_TOUCH, STEP_FREE, STEP_TAKE, STEP_GIVE, STEP_STATS, STEP_OFF, STEP_COUNT };

/* ---- the steps ---- */

__attribute__((format(printf, 3, 4))) static void done(struct demo *demo, int step,
                                                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(demo->picture.steps[step].done, sizeof(demo->picture.steps[step].done), format, args);
    va_end(args);
}

static bool step_boot(struct demo *demo)
{
    if (!demo_wait(demo, demo_is_ready, "get ready")) {
        return false;
    }
    if (strcmp(demo->balloon, "on") != 0) {
        return demo_refuse(demo, "the guest has no balloon driver running (balloon=%s)",
                           demo->balloon);
    }
    done(demo, STEP_BOOT, "ready, balloon driver on");
    return true;
}

static bool step_touch(struct demo *demo)
{
    uint64_t before = demo_resident(demo);
    uint64_t touched;
    uint64_t rise;

    if (!demo_wait(demo, demo_has_touched, "touch its memory")) {
        return false;
    }
    touched = demo->touched_frames * DEMO_FRAME_BYTES;
    rise = demo_resident(demo) - before;
    /* The guest may have begun before we looked, so its whole residency counts. */
    if (demo->picture.resident < touched / 100 * 95) {
        return demo_refuse(demo, "the guest touched %llu MiB, but the host holds only %llu MiB",
                           (unsigned long long)(touched / MIB),
                           (unsigned long long)(demo->picture.resident / MIB));
    }
    done(demo, STEP_TOUCH, "%llu MiB, host holds %llu MiB more",
         (unsigned long long)(touched / MIB), (unsigned long long)(rise / MIB));
    return true;
}

static bool step_free(struct demo *demo)
{
    if (!demo_wait(demo, demo_has_freed, "free its memory")) {
        return false;
    }
    if (demo->freed_frames != demo->touched_frames) {
        return demo_refuse(demo, "%llu frames were touched but %llu freed",
                           (unsigned long long)demo->touched_frames,
                           (unsigned long long)demo->freed_frames);
    }
    done(demo, STEP_FREE, "%llu MiB, host still holds %llu MiB",
         (unsigned long long)(demo->freed_frames * DEMO_FRAME_BYTES / MIB),
         (unsigned long long)(demo_resident(demo) / MIB));
    return true;
}

/* Asks for a guest of `bytes` and waits until it is so. */
static bool resize(struct demo *demo, uint64_t bytes)
{
    demo->actual = bytes;
    return demo_command(demo, "balloon", json_pack("{s:I}", "value", (json_int_t)bytes), NULL) &&
           demo_wait(demo, demo_has_moved, "follow exactly");
}

static bool step_take(struct demo *demo)
{
    uint64_t before = demo_resident(demo);
    uint64_t asked = ASKED_MIB * MIB;
    uint64_t after;
    uint64_t fell;

    if (!resize(demo, demo->picture.ram_bytes - asked)) {
        return false;
    }
    after = demo_resident(demo);
    fell = before > after ? before - after : 0;
    if (fell < asked / 100 * 95) {
        return demo_refuse(demo, "the guest gave %u MiB, but the host got back only %llu MiB",
                           ASKED_MIB, (unsigned long long)(fell / MIB));
    }
    done(demo, STEP_TAKE, "balloon %u MiB, host got %llu MiB", ASKED_MIB,
         (unsigned long long)(fell / MIB));
    return true;
}

static bool step_give(struct demo *demo)
{
    if (!resize(demo, demo->picture.ram_bytes)) {
        return false;
    }
    done(demo, STEP_GIVE, "balloon empty, guest has all again");
    return true;
}

static bool step_stats(struct demo *demo)
{
    json_t *arguments = json_pack("{s:s, s:s, s:i}", "path", VM_BALLOON_PATH, "property",
                                  "guest-stats-polling-interval", "value", 1);
    uint64_t total;

    if (!demo_command(demo, "qom-set", arguments, NULL) ||
        !demo_wait(demo, demo_has_statistics, "send fresh and true statistics")) {
        return false;
    }
    total = (demo->picture.mem.total - demo->picture.mem.balloon) * DEMO_FRAME_BYTES;
    if (demo->total_bytes != total) {
        return demo_refuse(demo, "the statistics say %llu bytes in all, the guest itself %llu",
                           (unsigned long long)demo->total_bytes, (unsigned long long)total);
    }
    done(demo, STEP_STATS, "exact: %llu of %llu MiB free",
         (unsigned long long)(demo->free_bytes / MIB),
         (unsigned long long)(demo->total_bytes / MIB));
    return true;
}

static bool step_off(struct demo *demo)
{
    enum qmp_status status;
    struct qmp_error error;
    struct vm_exit result;

    status = qmp_execute(vm_qmp(demo->vm), "system_powerdown", NULL, OFF_LIMIT_MS, NULL, &error);
    /* The guest may be gone before QEMU has written its answer. */
    if (status != QMP_OK && status != QMP_CLOSED) {
        return demo_refuse(demo, "system_powerdown: %s", error.text);
    }
    if (vm_wait_exit(demo->vm, OFF_LIMIT_MS, &result) != VM_WAIT_OK) {
        return demo_refuse(demo, "the guest did not switch itself off");
    }
    if (result.end != VM_END_STATUS || result.status != 0) {
        return demo_refuse(demo, "%s", result.text);
    }
    done(demo, STEP_OFF, "%s", result.text);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct demo *demo);
    int pause_ms; /* afterwards */
} plot[STEP_COUNT] = {
    [STEP_BOOT] = { "guest boots", step_boot, 0 },
    [STEP_TOUCH] = { "guest touches memory", step_touch, 0 },
    [STEP_FREE] = { "guest frees it", step_free, PAUSE_MS },
    [STEP_TAKE] = { "host asks for memory", step_take, PAUSE_MS },
    [STEP_GIVE] = { "host gives it back", step_give, PAUSE_MS },
    [STEP_STATS] = { "statistics arrive", step_stats, 0 },
    [STEP_OFF] = { "host switches it off", step_off, 0 },
};

/* ---- the whole ---- */

static void prepare(struct demo *demo, const struct vm_config *config)
{
    struct demo_picture *picture = &demo->picture;

    snprintf(picture->about, sizeof(picture->about),
             "aerostat: %.200s with %llu MiB\nQEMU with %s, because %s", config->image,
             (unsigned long long)config->memory_mib, vm_accel(demo->vm)->name,
             vm_accel(demo->vm)->reason);
    snprintf(picture->title, sizeof(picture->title), "a guest of %llu MiB, QEMU with %s",
             (unsigned long long)config->memory_mib, vm_accel(demo->vm)->name);
    picture->ram_bytes = config->memory_mib * MIB;
    picture->step_count = STEP_COUNT;
    for (int i = 0; i < STEP_COUNT; i++) {
        picture->steps[i].name = plot[i].name;
    }
    snprintf(picture->steps[STEP_BOOT].asked, sizeof(picture->steps[0].asked), "%llu MiB",
             (unsigned long long)config->memory_mib);
    snprintf(picture->steps[STEP_TOUCH].asked, sizeof(picture->steps[0].asked), "most of it");
    snprintf(picture->steps[STEP_FREE].asked, sizeof(picture->steps[0].asked), "all of that");
    /* As one would say it in QEMU's monitor: how much the guest shall keep. */
    snprintf(picture->steps[STEP_TAKE].asked, sizeof(picture->steps[0].asked), "balloon %llu",
             (unsigned long long)config->memory_mib - ASKED_MIB);
    snprintf(picture->steps[STEP_GIVE].asked, sizeof(picture->steps[0].asked), "balloon %llu",
             (unsigned long long)config->memory_mib);
    snprintf(picture->steps[STEP_STATS].asked, sizeof(picture->steps[0].asked), "once a second");
    snprintf(picture->steps[STEP_OFF].asked, sizeof(picture->steps[0].asked), "power button");
}

static bool play(struct demo *demo)
{
    bool good = true;

    for (int i = 0; i < STEP_COUNT && good; i++) {
        struct demo_step *step = &demo->picture.steps[i];
        int64_t begin = i == STEP_BOOT ? demo->start_ms : vm_now_ms();
        int64_t end;

        step->state = DEMO_RUNNING;
        good = plot[i].run(demo);
        end = vm_now_ms();
        step->ms = end - begin;
        step->state = good ? DEMO_DONE : DEMO_FAILED;
        if (!good) {
            snprintf(step->done, sizeof(step->done), "%s", demo->reason);
        }
        demo->picture.ms = end - demo->start_ms;
        demo_view_step(&demo->view, &demo->picture, (size_t)i);
        demo_watch(demo, good ? plot[i].pause_ms : 0);
        demo->picture.pause_ms += vm_now_ms() - end;
    }
    demo_view_close(&demo->view, &demo->picture);
    return good;
}

static void print_log_tail(struct vm *vm)
{
    size_t count = 0;

    while (vm_line(vm, count) != NULL) {
        count++;
    }
    fprintf(stderr, "the end of the guest's log:\n");
    for (size_t i = count > LOG_TAIL ? count - LOG_TAIL : 0; i < count; i++) {
        fprintf(stderr, "    %s\n", vm_line(vm, i));
    }
    if (vm_errors(vm)[0] != '\0') {
        fprintf(stderr, "QEMU said:\n    %s\n", vm_errors(vm));
    }
}

int aerostat_demo(const struct aerostat_options *options)
{
    struct vm_config config = options->vm;
    struct demo demo = { 0 };
    char reason[256];
    bool good;

    config.memory_mib = config.memory_mib == 0 ? MEMORY_DEFAULT_MIB : config.memory_mib;
    config.append = "report=100";
    config.may_pause = config.extra[0] != NULL; /* perhaps for a debugger */
    if (config.memory_mib < MEMORY_MIN_MIB) {
        fprintf(stderr, "aerostat: the demo needs %u MiB or more\n", MEMORY_MIN_MIB);
        return AEROSTAT_USAGE;
    }
    demo.start_ms = vm_now_ms();
    demo.limit_ms =
        demo.start_ms + (options->timeout_s == 0 ? TOTAL_LIMIT_S : options->timeout_s) * 1000;
    demo.vm = vm_start(&config, reason, sizeof(reason));
    if (demo.vm == NULL) {
        fprintf(stderr, "aerostat: %s\n", reason);
        return AEROSTAT_QEMU;
    }
    prepare(&demo, &config);
    demo_view_open(&demo.view, stdout, options->plain, &demo.picture);
    good = play(&demo);
    if (!good) {
        fprintf(stderr, "\naerostat: %s\n", demo.reason);
        print_log_tail(demo.vm);
    } else {
        printf("\nAll of it happened, in %.2f s.\n", (double)(vm_now_ms() - demo.start_ms) / 1000);
    }
    vm_end(demo.vm);
    return good ? AEROSTAT_GOOD : AEROSTAT_STEP_FAILED;
}
