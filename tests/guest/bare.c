/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit a balloon driver can be measured against: `bare` binds the device itself (run it with
 * balloon=off) and, when the host asks, sends all of its memory in one request made beforehand. No
 * allocator, no ledger, no slices, one notification, no interrupt: what remains is the host's work.
 * `touch` brings the memory into the same state for the driver proper.
 *
 * Both touch one word of each frame in blocks of 2 MiB, the lowest first. The host starts both by
 * the same command and both answer with "@moved", so one stopwatch measures both
 * (tests/bench/part_rate.c).
 */

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "drivers/pci/pci.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtq.h"
#include "kernel/app_words.h"
#include "kernel/balloon_service.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "mm/frame.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS        UINT64_C(1000000)
#define STATUS_NO_DEVICE 4
#define STATUS_NOMEM     6

/* The device's configuration and queues [VIRTIO 1.4 §5.5.2, §5.5.4]. */
#define CONFIG_NUM_PAGES 0U
#define CONFIG_ACTUAL    4U
#define QUEUE_INFLATE    0U
#define QUEUE_DEFLATE    1U
#define QUEUE_SIZE       128U

#define MIB_DEFAULT 3072U

static void touch_block(pfn_t first)
{
    for (pfn_t i = 0; i < BLOCK_FRAMES; i++) {
        *(volatile uint64_t *)(uintptr_t)frame_address(first + i) = i + 1;
    }
}

/* ---- touch: memory that was used and is free again ---- */

/* Says when the balloon holds so many pages. */
static void watch(const char *what, uint64_t pages)
{
    while (balloon_service_actual() != pages) {
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    result_line("moved what=%s frames=%llu", what, (unsigned long long)pages);
}

/* Touches mib=N (default 3072), frees it and stays. With hold=MS it keeps the memory for so long
 * and says when it has it and when it begins to free it. With watch=1 it says when the balloon
 * holds exactly that, and then, when it is empty again; looking costs a timer interrupt a
 * millisecond. */
int scenario_touch(void)
{
    uint64_t blocks = app_word_number("mib", MIB_DEFAULT) * MIB / BLOCK_SIZE;
    uint64_t hold_ms = app_word_number("hold", 0);
    uint64_t chain = PFN_NONE;
    pfn_t first;

    for (uint64_t i = 0; i < blocks; i++) {
        if (frame_alloc_order(BLOCK_ORDER, &first) != OK) {
            return STATUS_NOMEM;
        }
        touch_block(first);
        *(uint64_t *)(uintptr_t)frame_address(first) = chain;
        chain = first;
        task_yield();
    }
    if (hold_ms != 0) {
        result_line("touch state=held frames=%llu", (unsigned long long)(blocks * BLOCK_FRAMES));
        task_sleep_until(clock_now_ns() + hold_ms * NS_PER_MS);
        result_line("touch state=free frames=%llu", (unsigned long long)(blocks * BLOCK_FRAMES));
    }
    while (chain != PFN_NONE) {
        first = (pfn_t)chain;
        chain = *(uint64_t *)(uintptr_t)frame_address(first);
        frame_free_order(first, BLOCK_ORDER);
    }
    result_line("touch state=end frames=%llu", (unsigned long long)(blocks * BLOCK_FRAMES));
    if (app_word_number("watch", 0) != 0) {
        watch("inflate", blocks * BLOCK_FRAMES);
        watch("deflate", 0);
    }
    task_sleep_until(UINT64_MAX);
    return 0;
}

/* ---- bare: the device without a driver ---- */

static struct {
    struct virtio_pci device;
    struct virtq inflate;
    struct virtq deflate;
    uint32_t *pfns; /* of all touched memory, in one piece */
    uint64_t frames;
} bare;

static bool is_balloon(void *context, const struct pci_function *function)
{
    struct pci_function *found = context;

    *found = *function;
    return virtio_pci_device_id(function->vendor, function->device) == VIRTIO_ID_BALLOON;
}

static err_t start_queue(struct virtq *vq, uint16_t index)
{
    pfn_t rings;
    struct virtq_shape shape = virtio_queue_shape(&bare.device.dev, index, QUEUE_SIZE, 0);
    size_t bytes = virtq_bytes(&shape);
    err_t err = frame_alloc_run((pfn_t)((bytes + FRAME_SIZE - 1) / FRAME_SIZE), &rings);

    if (err != OK) {
        return err;
    }
    return virtio_queue_start(&bare.device.dev, vq, index, &shape,
                              (void *)(uintptr_t)frame_address(rings), frame_address(rings));
}

static err_t start_device(void)
{
    static const struct virtio_pci_env env = {
        .map = paging_map_device,
        .window = &machine_pci_window,
        .relax = cpu_relax,
    };
    struct pci_function found;
    err_t err;

    if (!pci_scan(&machine_pci, is_balloon, &found)) {
        return ERR_UNSUPPORTED;
    }
    err = virtio_pci_attach(&bare.device, &machine_pci, found.address, &env);
    if (err == OK) {
        err = virtio_begin(&bare.device.dev, 0, 0);
    }
    if (err == OK) {
        err = start_queue(&bare.inflate, QUEUE_INFLATE);
    }
    if (err == OK) {
        err = start_queue(&bare.deflate, QUEUE_DEFLATE);
    }
    if (err == OK) {
        virtq_interrupts_off(&bare.inflate);
        virtq_interrupts_off(&bare.deflate);
        virtio_ready(&bare.device.dev);
    }
    return err;
}

/* Takes memory block by block, touches it and writes down its numbers. */
static err_t take_memory(void)
{
    uint64_t blocks = app_word_number("mib", MIB_DEFAULT) * MIB / BLOCK_SIZE;
    pfn_t list;
    pfn_t first;
    err_t err = frame_alloc_run(
        (pfn_t)((blocks * BLOCK_FRAMES * sizeof(uint32_t) + FRAME_SIZE - 1) / FRAME_SIZE), &list);

    if (err != OK) {
        return err;
    }
    bare.pfns = (uint32_t *)(uintptr_t)frame_address(list);
    for (uint64_t i = 0; i < blocks; i++) {
        err = frame_alloc_order(BLOCK_ORDER, &first);
        if (err != OK) {
            return err;
        }
        touch_block(first);
        for (pfn_t j = 0; j < BLOCK_FRAMES; j++) {
            bare.pfns[bare.frames++] = first + j;
        }
    }
    return OK;
}

/* Waits for the host's wish, sends everything in one request and tells the host. */
static err_t feed(struct virtq *vq, const char *what, uint32_t pages_wanted)
{
    struct virtio_device *dev = &bare.device.dev;
    struct virtq_buffer all = { .address = (paddr_t)(uintptr_t)bare.pfns,
                                .bytes = (uint32_t)(bare.frames * sizeof(uint32_t)) };
    uint16_t cookie;
    uint32_t written;
    err_t err;

    while (dev->ops->config_read32(dev, CONFIG_NUM_PAGES) != pages_wanted) {
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    uint64_t before = clock_now_ns();

    err = virtq_add(vq, &all, 1, 0, 0);
    if (err != OK) {
        return err;
    }
    (void)virtio_kick(dev, vq);
    do {
        err = virtq_take(vq, &cookie, &written);
    } while (err == ERR_AGAIN);
    uint64_t took = clock_now_ns() - before;

    dev->ops->config_write32(dev, CONFIG_ACTUAL, pages_wanted);
    result_line("moved what=%s frames=%llu ns=%llu", what, (unsigned long long)bare.frames,
                (unsigned long long)took);
    return err;
}

/* Touches mib=N (default 3072), gives exactly that when the host asks for it, takes it back when
 * the host gives it back, and stays. */
int scenario_bare(void)
{
    if (start_device() != OK) {
        return STATUS_NO_DEVICE;
    }
    if (take_memory() != OK) {
        return STATUS_NOMEM;
    }
    result_line("touch state=end frames=%llu", (unsigned long long)bare.frames);
    if (feed(&bare.inflate, "inflate", (uint32_t)bare.frames) != OK ||
        feed(&bare.deflate, "deflate", 0) != OK) {
        return STATUS_NO_DEVICE;
    }
    task_sleep_until(UINT64_MAX);
    return 0;
}
