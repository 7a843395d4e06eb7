/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one QEMU: start, the serial log line by line, the end. The command line is made in
 * vm_args.c, the process in vm_spawn.c, its end is explained in vm_exit.c, measuring is in
 * vm_probe.c.
 *
 * Invariants: a QEMU that was started is reaped exactly once (`reaped`), and a descriptor that is
 * closed is -1.
 */

#include "tools/aerostat/vm.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/aerostat/text_log.h"
#include "tools/aerostat/vm_exit.h"
#include "tools/aerostat/vm_probe.h"
#include "tools/aerostat/vm_spawn.h"

/* From exec to the end of the QMP handshake: under 0.1 s on an idle machine. */
#define START_LIMIT_MS 20000
/* How long QEMU gets to follow "quit", and then SIGTERM. */
#define QUIT_LIMIT_MS 2000

struct vm {
    pid_t pid;
    bool reaped;
    bool may_pause;
    int wait_status; /* from waitpid(), once reaped */
    int status_fd;
    int serial_fd;
    int input_fd;
    int error_fd;
    struct qmp *qmp;
    struct accel accel;
    struct vm_ram ram;
    struct text_log serial;
    struct text_log errors;
    char *error_text; /* errors as one text, made on demand */
};

int64_t vm_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - vm_now_ms();

    return left < 0 ? 0 : (int)left;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

/* ---- start ---- */

static bool reap(struct vm *vm)
{
    if (!vm->reaped && waitpid(vm->pid, &vm->wait_status, WNOHANG) == vm->pid) {
        vm->reaped = true;
    }
    return vm->reaped;
}

/* Waits for the end of the process; whether it came. */
static bool wait_gone(struct vm *vm, int timeout_ms)
{
    int64_t deadline = vm_now_ms() + timeout_ms;
    int left;

    while (!reap(vm) && (left = left_ms(deadline)) > 0) {
        vm_pump(vm, left);
    }
    return vm->reaped;
}

/* QEMU's own complaint is the best reason there is. With a terminal it went to standard error
 * already, and we have no copy. */
static void start_reason(struct vm *vm, const struct qmp_error *error, bool captured, char *reason,
                         size_t reason_size)
{
    bool gone = wait_gone(vm, QUIT_LIMIT_MS);
    const char *complaint = captured ? vm_errors(vm) : "its own message is above";

    if (!gone || complaint[0] == '\0') {
        snprintf(reason, reason_size, "QEMU did not start: %s", error->text);
    } else if (WIFEXITED(vm->wait_status)) {
        snprintf(reason, reason_size, "QEMU did not start, exit code %d: %s",
                 WEXITSTATUS(vm->wait_status), complaint);
    } else {
        snprintf(reason, reason_size, "QEMU was killed by signal %d while it started: %s",
                 WTERMSIG(vm->wait_status), complaint);
    }
}

struct vm *vm_start(const struct vm_config *config, char *reason, size_t reason_size)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    struct vm_process process;
    struct qmp_error error;

    assert(config->image != NULL);
    assert(config->memory_mib > 0);
    if (vm == NULL || !accel_choose(config->accel, &vm->accel)) {
        snprintf(reason, reason_size, vm == NULL ? "out of memory" : "no such accelerator");
        free(vm);
        return NULL;
    }
    if (!vm_spawn(config, &vm->accel, &process, reason, reason_size)) {
        free(vm);
        return NULL;
    }
    vm->pid = process.pid;
    vm->status_fd = process.status_fd;
    vm->serial_fd = process.serial_fd;
    vm->input_fd = process.input_fd;
    vm->error_fd = process.error_fd;
    vm->ram.bytes = config->memory_mib << 20;
    vm->may_pause = config->may_pause;
    if (qmp_adopt(process.qmp_fd, START_LIMIT_MS, &vm->qmp, &error) != QMP_OK) {
        start_reason(vm, &error, config->terminal == VM_TERMINAL_NONE, reason, reason_size);
        vm_end(vm);
        return NULL;
    }
    return vm;
}

/* ---- the end ---- */

enum vm_wait vm_wait_exit(struct vm *vm, int timeout_ms, struct vm_exit *result)
{
    int64_t deadline = vm_now_ms() + timeout_ms;

    while (!reap(vm)) {
        int left = left_ms(deadline);

        if (vm_exit_is_stopped(vm, vm->may_pause, result)) {
            return VM_WAIT_OK;
        }
        if (left == 0) {
            return VM_WAIT_TIMEOUT;
        }
        vm_pump(vm, left);
    }
    vm_pump(vm, 0); /* its last words */
    if (result != NULL) {
        vm_exit_decode(vm, vm->wait_status, result);
    }
    return VM_WAIT_OK;
}

void vm_end(struct vm *vm)
{
    if (vm == NULL) {
        return;
    }
    if (!reap(vm) && vm->qmp != NULL) {
        (void)qmp_execute(vm->qmp, "quit", NULL, QUIT_LIMIT_MS, NULL, NULL);
        (void)wait_gone(vm, QUIT_LIMIT_MS);
    }
    if (!reap(vm)) {
        kill(vm->pid, SIGTERM);
        (void)wait_gone(vm, QUIT_LIMIT_MS);
    }
    if (!reap(vm)) {
        kill(vm->pid, SIGKILL);
        waitpid(vm->pid, &vm->wait_status, 0);
        vm->reaped = true;
    }
    qmp_close(vm->qmp);
    close_fd(&vm->status_fd);
    close_fd(&vm->serial_fd);
    close_fd(&vm->input_fd);
    close_fd(&vm->error_fd);
    text_log_free(&vm->serial);
    text_log_free(&vm->errors);
    free(vm->error_text);
    free(vm);
}

/* ---- the serial port ---- */

/* Reads all there is; at the end of the stream the descriptor is closed. */
static void drain(int *fd, struct text_log *log)
{
    char bytes[16384];

    while (*fd >= 0) {
        ssize_t count = read(*fd, bytes, sizeof(bytes));

        if (count > 0) {
            text_log_feed(log, bytes, (size_t)count);
        } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        } else {
            text_log_finish(log);
            close_fd(fd);
        }
    }
}

void vm_pump(struct vm *vm, int timeout_ms)
{
    bool qmp_lives = vm->qmp != NULL && qmp_pump(vm->qmp, NULL) == QMP_OK;
    struct pollfd poll_fds[] = {
        { .fd = vm->serial_fd, .events = POLLIN },
        { .fd = vm->error_fd, .events = POLLIN },
        { .fd = qmp_lives ? qmp_fd(vm->qmp) : -1, .events = POLLIN },
    };
    /* With nothing left to watch only the end of the process is to come. */
    bool blind = vm->serial_fd < 0 && vm->error_fd < 0 && !qmp_lives;

    (void)poll(poll_fds, 3, blind && timeout_ms > 1 ? 1 : timeout_ms);
    drain(&vm->serial_fd, &vm->serial);
    drain(&vm->error_fd, &vm->errors);
    if (qmp_lives) {
        (void)qmp_pump(vm->qmp, NULL);
    }
}

/* The guest's echo is read meanwhile: both pipes may be full. */
bool vm_type(struct vm *vm, const char *text, int timeout_ms)
{
    int64_t deadline = vm_now_ms() + timeout_ms;
    size_t left = strlen(text);

    assert(vm->input_fd >= 0);
    while (left > 0) {
        ssize_t count = send(vm->input_fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (count > 0) {
            text += count;
            left -= (size_t)count;
        } else if ((errno != EAGAIN && errno != EINTR) || left_ms(deadline) == 0) {
            return false;
        }
        vm_pump(vm, left > 0 ? 1 : 0);
    }
    return true;
}

const char *vm_take_line(struct vm *vm)
{
    return text_log_take(&vm->serial);
}

enum vm_wait vm_wait_line(struct vm *vm, const char *text, int timeout_ms, const char **line)
{
    int64_t deadline = vm_now_ms() + timeout_ms;

    for (;;) {
        bool ended = reap(vm);
        int left = left_ms(deadline);
        const char *next;

        vm_pump(vm, 0);
        while ((next = vm_take_line(vm)) != NULL) {
            if (strstr(next, text) != NULL) {
                if (line != NULL) {
                    *line = next;
                }
                return VM_WAIT_OK;
            }
        }
        if (ended) {
            return VM_WAIT_ENDED;
        }
        if (left == 0) {
            return VM_WAIT_TIMEOUT;
        }
        vm_pump(vm, left);
    }
}

const char *vm_line(struct vm *vm, size_t index)
{
    return text_log_line(&vm->serial, index);
}

const char *vm_last_line(struct vm *vm, const char *text)
{
    vm_pump(vm, 0);
    for (size_t i = vm->serial.count; i > 0; i--) {
        if (strstr(vm->serial.lines[i - 1], text) != NULL) {
            return vm->serial.lines[i - 1];
        }
    }
    return NULL;
}

unsigned vm_count_lines(struct vm *vm, const char *text)
{
    unsigned count = 0;

    vm_pump(vm, 0);
    for (size_t i = 0; i < vm->serial.count; i++) {
        count += strstr(vm->serial.lines[i], text) != NULL ? 1 : 0;
    }
    return count;
}

const char *vm_errors(struct vm *vm)
{
    vm_pump(vm, 0);
    free(vm->error_text);
    vm->error_text = text_log_join(&vm->errors);
    return vm->error_text;
}

/* ---- questions ---- */

struct qmp *vm_qmp(struct vm *vm)
{
    return vm->qmp;
}

char *vm_human(struct vm *vm, const char *line, int timeout_ms)
{
    json_t *arguments = json_pack("{s:s}", "command-line", line);
    json_t *reply = NULL;
    char *output;

    if (qmp_execute(vm_qmp(vm), "human-monitor-command", arguments, timeout_ms, &reply, NULL) !=
        QMP_OK) {
        return NULL;
    }
    output = strdup(json_is_string(reply) ? json_string_value(reply) : "");
    json_decref(reply);
    return output;
}

const struct accel *vm_accel(const struct vm *vm)
{
    return &vm->accel;
}

pid_t vm_pid(const struct vm *vm)
{
    return vm->pid;
}

int vm_status_port(struct vm *vm)
{
    unsigned char byte;
    int last = -1;

    while (recv(vm->status_fd, &byte, 1, MSG_DONTWAIT) == 1) {
        last = byte;
    }
    return last;
}

struct vm_ram *vm_ram(struct vm *vm)
{
    return &vm->ram;
}
