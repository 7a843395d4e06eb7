/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The demo's eyes: what guest, device and host show, kept up to date while a step waits. */

#include <stdbool.h>
#include <stdint.h>

#include "tools/aerostat/demo_view.h"
#include "tools/aerostat/vm.h"

#define DEMO_FRAME_BYTES ((uint64_t)4096)

struct demo {
    struct vm *vm;
    struct demo_view view;
    struct demo_picture picture;
    int64_t start_ms;
    int64_t sample_ms; /* when the host's side was last read */
    int64_t limit_ms;  /* when the whole demo must be over */
    /* what the guest said */
    bool ready;
    char balloon[8];
    uint64_t touched_frames;
    uint64_t freed_frames;
    /* what QEMU's device says */
    uint64_t actual;
    uint64_t updated_s; /* the host's clock when statistics came last; 0: never */
    uint64_t free_bytes;
    uint64_t total_bytes;
    char reason[256]; /* why the running step failed */
};

/* Why a step failed, into demo->reason. Always false, so that a step can return it. */
bool demo_refuse(struct demo *demo, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes in what happened for `ms` milliseconds, and shows it. */
void demo_watch(struct demo *demo, int64_t ms);

/* Watches until `happened` is true. False, with the reason, when QEMU ends before or the limit of a
 * step passes; `what` is what the guest did not do. */
bool demo_wait(struct demo *demo, bool (*happened)(struct demo *), const char *what);

/* A QMP command. False, with the reason, when QEMU refuses it. */
bool demo_command(struct demo *demo, const char *name, json_t *arguments, json_t **reply);

/* Bytes of guest memory the host holds at this moment. */
uint64_t demo_resident(struct demo *demo);

/* What there is to wait for. */
bool demo_is_ready(struct demo *demo);
bool demo_has_touched(struct demo *demo);
bool demo_has_freed(struct demo *demo);
/* The device's `actual` is exactly demo->actual, and the guest says the same. */
bool demo_has_moved(struct demo *demo);
/* Statistics came within the last second, and `free` is what the guest itself says. */
bool demo_has_statistics(struct demo *demo);
