/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common steps. Memory shared with the plugin is an anonymous file that QEMU opens through
 * /proc, so nothing is left on a disk.
 */

#include "tests/bench/bench_vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/bench_elf.h"
#include "tools/aerostat/record.h"

#define QMP_LIMIT_MS 60000
#define POLL_MS      2
/* An idle guest executes a few hundred instructions when it looks after its device, once in 5 s. */
#define REST_MS           300
#define REST_INSTRUCTIONS 2000U
#define EXTRA_WORDS_MAX   16U

static void ask_version(struct bench *bench, struct vm *vm)
{
    json_t *reply = NULL;
    uint64_t part[3] = { 0 };
    const char *package;

    if (qmp_execute(vm_qmp(vm), "query-version", NULL, QMP_LIMIT_MS, &reply, NULL) != QMP_OK) {
        return;
    }
    (void)qmp_get_u64(reply, "qemu/major", &part[0]);
    (void)qmp_get_u64(reply, "qemu/minor", &part[1]);
    (void)qmp_get_u64(reply, "qemu/micro", &part[2]);
    package = json_string_value(json_object_get(reply, "package"));
    snprintf(bench->qemu_version, sizeof(bench->qemu_version),
             "%" PRIu64 ".%" PRIu64 ".%" PRIu64 " %s", part[0], part[1], part[2],
             package != NULL ? package : "");
    bench->version_known = true;
    json_decref(reply);
}

struct vm *bench_start(struct bench *bench, struct vm_config *config)
{
    char reason[256];
    struct vm *vm;

    config->accel = "tcg";
    config->cpu = BENCH_CPU;
    config->qemu = bench->qemu;
    vm = vm_start(config, reason, sizeof(reason));
    if (vm == NULL) {
        (void)bench_fail(bench, "QEMU does not start: %s", reason);
    } else if (!bench->version_known) {
        ask_version(bench, vm);
    }
    return vm;
}

/* The guest's last words are the best explanation there is. */
static bool fail_with_log(struct bench *bench, struct vm *vm, const char *what)
{
    const char *last = vm_last_line(vm, "");

    return bench_fail(bench, "%s; the guest's last line: %s", what, last != NULL ? last : "(none)");
}

bool bench_wait(struct bench *bench, struct vm *vm, const char *text, int timeout_ms,
                const char **line)
{
    char what[128];
    enum vm_wait wait = vm_wait_line(vm, text, timeout_ms, line);

    if (wait == VM_WAIT_OK) {
        return true;
    }
    snprintf(what, sizeof(what), "%s before it wrote '%s'",
             wait == VM_WAIT_ENDED ? "the guest ended" : "time ran out", text);
    return fail_with_log(bench, vm, what);
}

bool bench_number(struct bench *bench, const char *line, const char *key, uint64_t *number)
{
    return record_u64(line, key, number) ||
           bench_fail(bench, "there is no number '%s' in '%s'", key, line);
}

bool bench_balloon_ask(struct bench *bench, struct vm *vm, uint64_t bytes)
{
    struct qmp_error error;
    json_t *arguments = json_pack("{s:I}", "value", (json_int_t)bytes);

    if (qmp_execute(vm_qmp(vm), "balloon", arguments, QMP_LIMIT_MS, NULL, &error) != QMP_OK) {
        return bench_fail(bench, "QMP balloon: %s", error.text);
    }
    return true;
}

bool bench_balloon_wait(struct bench *bench, struct vm *vm, uint64_t bytes)
{
    int64_t deadline = vm_now_ms() + BENCH_LONG_WAIT_MS;

    while (vm_now_ms() < deadline) {
        struct qmp_error error;
        json_t *reply = NULL;
        uint64_t actual = 0;

        if (qmp_execute(vm_qmp(vm), "query-balloon", NULL, QMP_LIMIT_MS, &reply, &error) !=
            QMP_OK) {
            return bench_fail(bench, "QMP query-balloon: %s", error.text);
        }
        (void)qmp_get_u64(reply, "actual", &actual);
        json_decref(reply);
        if (actual == bytes) {
            return true;
        }
        usleep(POLL_MS * 1000);
    }
    return fail_with_log(bench, vm, "the guest did not reach the target");
}

bool bench_balloon(struct bench *bench, struct vm *vm, uint64_t bytes, double *seconds)
{
    double before = bench_clock();

    if (!bench_balloon_ask(bench, vm, bytes) || !bench_balloon_wait(bench, vm, bytes)) {
        return false;
    }
    if (seconds != NULL) {
        *seconds = bench_clock() - before;
    }
    return true;
}

bool bench_sleep(struct bench *bench, struct vm *vm, int ms)
{
    usleep((useconds_t)ms * 1000);
    if (vm_wait_exit(vm, 0, NULL) == VM_WAIT_OK) {
        return fail_with_log(bench, vm, "the guest ended while it should have idled");
    }
    return true;
}

FILE *bench_trace_open(struct bench *bench, char *path, size_t size)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);
    FILE *trace = fd >= 0 ? fdopen(fd, "r") : NULL;

    if (trace == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        (void)bench_fail(bench, "no memory for the trace");
        return NULL;
    }
    snprintf(path, size, "/proc/%d/fd/%d", getpid(), fd);
    return trace;
}

/* ---- counting ---- */

static bool make_shared(struct bench *bench, struct counted *counted)
{
    void *memory = MAP_FAILED;

    counted->fd = memfd_create("count", MFD_CLOEXEC);
    if (counted->fd >= 0 && ftruncate(counted->fd, sizeof(struct count_shared)) == 0) {
        memory = mmap(NULL, sizeof(struct count_shared), PROT_READ, MAP_SHARED, counted->fd, 0);
    }
    counted->shared = memory == MAP_FAILED ? NULL : memory;
    return counted->shared != NULL || bench_fail(bench, "no memory to count in");
}

bool counted_start(struct bench *bench, struct counted *counted, struct vm_config *config,
                   const char *start, const char *stop)
{
    uint64_t first = 0;
    uint64_t last = 0;

    if ((start != NULL && !elf_symbol(config->image, start, &first)) ||
        (stop != NULL && !elf_symbol(config->image, stop, &last))) {
        return bench_fail(bench, "%s has no symbol '%s' or '%s'", config->image, start, stop);
    }
    return counted_start_at(bench, counted, config, first, last);
}

bool counted_start_at(struct bench *bench, struct counted *counted, struct vm_config *config,
                      uint64_t first, uint64_t last)
{
    char plugin[512];
    const char *extra[EXTRA_WORDS_MAX + 1] = { "-plugin", plugin };
    size_t count = 2;

    memset(counted, 0, sizeof(*counted));
    counted->fd = -1;
    if (!make_shared(bench, counted)) {
        counted_end(counted);
        return false;
    }
    snprintf(plugin, sizeof(plugin), "%s,shared=/proc/%d/fd/%d,start=0x%" PRIx64 ",stop=0x%" PRIx64,
             bench_file(bench, "bench_count.so"), getpid(), counted->fd, first, last);
    for (size_t i = 0; config->extra != NULL && config->extra[i] != NULL; i++) {
        if (count < EXTRA_WORDS_MAX) {
            extra[count++] = config->extra[i];
        }
    }
    config->extra = extra;
    counted->vm = bench_start(bench, config);
    config->extra = NULL;
    if (counted->vm == NULL) {
        counted_end(counted);
        return false;
    }
    return true;
}

void counted_end(struct counted *counted)
{
    vm_end(counted->vm);
    if (counted->shared != NULL) {
        munmap((void *)(uintptr_t)counted->shared, sizeof(*counted->shared));
    }
    if (counted->fd >= 0) {
        close(counted->fd);
    }
    memset(counted, 0, sizeof(*counted));
    counted->fd = -1;
}

uint64_t counted_now(const struct counted *counted)
{
    return __atomic_load_n(&counted->shared->executed, __ATOMIC_RELAXED);
}

bool counted_rest(struct bench *bench, struct counted *counted, uint64_t *executed)
{
    int64_t deadline = vm_now_ms() + BENCH_LONG_WAIT_MS;
    uint64_t before = counted_now(counted);

    while (vm_now_ms() < deadline) {
        if (!bench_sleep(bench, counted->vm, REST_MS)) {
            return false;
        }
        *executed = counted_now(counted);
        if (*executed - before < REST_INSTRUCTIONS) {
            return true;
        }
        before = *executed;
    }
    return bench_fail(bench, "the guest does not come to rest");
}
