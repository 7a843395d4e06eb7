/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a virtual machine ended, put together from what is left of it: the status of the process, the
 * last events on QMP, QEMU's standard error. Waiting for the end is vm.c's work.
 */

#include "tools/aerostat/vm_exit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* isa-debug-exit makes QEMU's exit code 2 * value + 1, and the guest writes 16 + status. */
#define EXIT_CODE_BASE 33
/* The largest status that has a code; a larger one is told as this, and by the status port. */
#define EXIT_STATUS_MAX 111U
/* How long QEMU may take to tell its state. */
#define ANSWER_LIMIT_MS 2000

/* QEMU left with code 0: QMP's last event tells why. */
static void decode_shutdown(struct vm *vm, struct vm_exit *result)
{
    json_t *event = vm_qmp(vm) == NULL ? NULL : qmp_take_event(vm_qmp(vm), "SHUTDOWN");
    const char *cause =
        json_string_value(json_object_get(json_object_get(event, "data"), "reason"));

    if (cause == NULL) {
        result->end = VM_END_QEMU;
        snprintf(result->text, sizeof(result->text), "QEMU ended and gave no reason");
    } else if (strncmp(cause, "host-", strlen("host-")) == 0) {
        result->end = VM_END_HOST;
        snprintf(result->text, sizeof(result->text), "the host ended it (%s)", cause);
    } else if (strcmp(cause, "guest-shutdown") == 0) {
        result->end = VM_END_POWEROFF;
        snprintf(result->text, sizeof(result->text), "the guest powered itself off");
    } else {
        result->end = VM_END_RESET;
        snprintf(result->text, sizeof(result->text),
                 "the guest reset itself (%s): probably a triple fault", cause);
    }
    json_decref(event);
}

void vm_exit_decode(struct vm *vm, int status, struct vm_exit *result)
{
    int told;

    memset(result, 0, sizeof(*result));
    if (WIFSIGNALED(status)) {
        result->end = VM_END_QEMU;
        result->status = (unsigned)WTERMSIG(status);
        snprintf(result->text, sizeof(result->text), "QEMU was killed by signal %u (%s)",
                 result->status, strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) == 0) {
        decode_shutdown(vm, result);
    } else if (WEXITSTATUS(status) >= EXIT_CODE_BASE && WEXITSTATUS(status) % 2 == 1) {
        result->end = VM_END_STATUS;
        result->status = (unsigned)(WEXITSTATUS(status) - EXIT_CODE_BASE) / 2;
        told = vm_status_port(vm);
        if (result->status == EXIT_STATUS_MAX && told > (int)EXIT_STATUS_MAX) {
            result->status = (unsigned)told;
        }
        snprintf(result->text, sizeof(result->text), "the guest ended with status %u",
                 result->status);
    } else {
        result->end = VM_END_QEMU;
        result->status = (unsigned)WEXITSTATUS(status);
        snprintf(result->text, sizeof(result->text), "QEMU failed with exit code %u: %s",
                 result->status, vm_errors(vm));
    }
}

/* The run states from which no guest comes back by itself. */
static bool state_is_final(const char *state, bool may_pause)
{
    static const char *const errors[] = { "internal-error", "io-error", "guest-panicked",
                                          "watchdog" };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(state, errors[i]) == 0) {
            return true;
        }
    }
    return !may_pause && strcmp(state, "paused") == 0;
}

/* The event only says that something happened: the guest may run again since, so QEMU is asked. */
bool vm_exit_is_stopped(struct vm *vm, bool may_pause, struct vm_exit *result)
{
    json_t *event = vm_qmp(vm) == NULL ? NULL : qmp_take_event(vm_qmp(vm), "STOP");
    json_t *reply = NULL;
    const char *state;
    bool stopped;

    if (event == NULL) {
        return false;
    }
    json_decref(event);
    (void)qmp_execute(vm_qmp(vm), "query-status", NULL, ANSWER_LIMIT_MS, &reply, NULL);
    state = json_string_value(json_object_get(reply, "status"));
    stopped = state != NULL && state_is_final(state, may_pause);
    if (stopped && result != NULL) {
        const char *said = vm_errors(vm);

        *result = (struct vm_exit){ .end = VM_END_STOPPED };
        /* Only the first line: a dump of all registers may follow. */
        snprintf(result->text, sizeof(result->text), "QEMU stopped the guest (%s)%s%.*s", state,
                 said[0] != '\0' ? ": " : "", (int)strcspn(said, "\n"), said);
    }
    json_decref(reply);
    return stopped;
}
