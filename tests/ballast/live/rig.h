/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A host in small for tests: a ballastd of this build, with a folder and a configuration of its
 * own, and real QEMUs that it manages. `memory` in its configuration stands for the host, so that a
 * few guests are enough to fill one. Whatever happens, everything is ended with the case: QEMUs and
 * the daemon die with this process, even when that is killed. All helpers fail the case when what
 * they wait for does not happen.
 *
 * A guest says that it is ready before it is told anything: rig_guest() waits for that, and so does
 * whatever talks to a guest. What must not happen is watched for a number of the daemon's periods
 * (rig_periods()), which are as many on a busy machine as on an idle one, and never for a time.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tools/aerostat/vm.h"

#define RIG_MIB ((uint64_t)1 << 20)
/* What a step may take on a busy machine; nothing should need a tenth of it. No test waits for a
 * time: each waits for a state, and this is when it gives up. */
#define RIG_STEP_MS    180000
#define RIG_GUESTS_MAX 40U

/* How a machine is reached that somebody else runs, a libvirtd for example. */
struct rig_elsewhere {
    bool (*say)(const char *name, const char *line);
    bool (*answer)(const char *name, const char *what, int timeout_ms); /* a line not yet taken */
    void (*end)(const char *name);                                      /* with the case */
};

struct rig_guest {
    char name[32];
    bool ready;    /* its guest has said so since it was started or reset */
    struct vm *vm; /* NULL: ended, or elsewhere */
    const struct rig_elsewhere *elsewhere;
    struct vm_config config;
    char append[256];
    char qmp_words[160];
    const char *extra[12];
};

struct rig {
    const char *name; /* of the case */
    char folder[64];
    char build[256];
    pid_t daemon; /* 0: not running */
    struct rig_guest guests[RIG_GUESTS_MAX];
    size_t guest_count;
    bool passed;
};

struct rig_case {
    const char *name;
    void (*body)(struct rig *rig);
};

/* An entry of the list of tests. */
#define RIG_TEST(function)                                                                         \
    {                                                                                              \
#function, rig_run, NULL, rig_end, &(struct rig_case)                                      \
        {                                                                                          \
#function, function                                                                    \
        }                                                                                          \
    }

void rig_run(void **state);
int rig_end(void **state);

/* Leaves the case: it cannot be had here, for this reason. */
_Noreturn void rig_skip(struct rig *rig, const char *reason);

/* Runs the list. `-k PATTERN` picks cases by name; `-l` lists them. */
int rig_main(const char *group, const struct CMUnitTest *tests, size_t count, int argc,
             char **argv);

/* ---- the daemon ---- */

/* Writes the configuration: the rig's own folders and sockets, period 500 ms, and these lines
 * behind it (sections and keys). */
void rig_configure(struct rig *rig, const char *lines);

/* Starts the daemon and waits until its API answers. */
void rig_start(struct rig *rig);

/* Sends it a signal and waits for its end. Its exit status is returned, 128 + the signal's number
 * when that ended it. */
int rig_stop(struct rig *rig, int signal);

/* Has it read its configuration again. */
void rig_reload(struct rig *rig);

/* What it logged so far; to be given to free(). */
char *rig_log(struct rig *rig);
void rig_wait_log(struct rig *rig, const char *text);

/* ---- guests ---- */

/* Starts a machine that the daemon finds, and waits until its guest is ready. NULL and 0 in the
 * description mean: memwork on its console, 256 MiB, reporting on. */
struct rig_guest *rig_guest(struct rig *rig, const char *name, const struct vm_config *config);

/* The same without waiting: for machines that start together, and for tests of the start itself. */
struct rig_guest *rig_guest_starts(struct rig *rig, const char *name,
                                   const struct vm_config *config);

/* Waits until its guest has said, once since its last start or reset, that it takes commands. */
void rig_ready(struct rig *rig, const char *name);

/* Something other than rig_foreign() has reset the machine or started it again: its guest has to
 * say once more that it is ready. To be called before that is done. */
void rig_starts_anew(struct rig *rig, const char *name);

struct rig_guest *rig_find(struct rig *rig, const char *name);

/* The machine runs elsewhere, with memwork in it; rig_say() and rig_answer() reach it, and it is
 * ended with the case. */
void rig_guest_elsewhere(struct rig *rig, const char *name, const struct rig_elsewhere *elsewhere);

/* Ends its QEMU at once. */
void rig_kill(struct rig *rig, const char *name);

/* Types a line, once the guest is ready for it. */
void rig_say(struct rig *rig, const char *name, const char *line);

/* Waits for a line with this text among those that nobody took yet: this one and those before it
 * are taken. rig_answered() only looks, and tells whether the line has come. */
void rig_answer(struct rig *rig, const char *name, const char *what);
bool rig_answered(struct rig *rig, const char *name, const char *what);

/* A QMP command past the daemon, as somebody else would send it. */
void rig_foreign(struct rig *rig, const char *name, const char *command, json_t *arguments);

/* ---- what the daemon says ---- */

/* One request; the caller owns *reply (NULL: not wanted). Returns the HTTP status. `body` is taken
 * over. */
long rig_call(struct rig *rig, const char *method, const char *path, json_t *body, json_t **reply);
json_t *rig_get(struct rig *rig, const char *path);

/* A member of a machine (path of member names with '/'); POLICY_MISSING-like UINT64_MAX for null.
 */
uint64_t rig_number(struct rig *rig, const char *name, const char *member);
uint64_t rig_host(struct rig *rig, const char *member);

/* The same as a word; valid until the next call. */
const char *rig_word(struct rig *rig, const char *name, const char *member);

/* Waits until the condition holds for one answer of the daemon about the machine: all that the
 * condition looks at is of the same moment. `what` names it for a person. */
void rig_until(struct rig *rig, const char *name, bool (*condition)(json_t *machine),
               const char *what);

/* A member in such an answer, by a path of member names with '/'; NULL when it is not there. */
json_t *rig_member(json_t *value, const char *path);

/* Wait until it is so. */
void rig_until_least(struct rig *rig, const char *name, const char *member, uint64_t least);
void rig_until_most(struct rig *rig, const char *name, const char *member, uint64_t most);
void rig_until_word(struct rig *rig, const char *name, const char *member, const char *word);
void rig_until_zone(struct rig *rig, const char *zone);
void rig_until_host(struct rig *rig, const char *member, uint64_t value);
void rig_until_gone(struct rig *rig, const char *name);

/* Events so far of this kind (and machine, or NULL). */
size_t rig_events(struct rig *rig, const char *kind, const char *machine);
void rig_wait_event(struct rig *rig, const char *kind, const char *machine);

/* Waits until the daemon has looked and decided so many times more, from the beginning to the end
 * of a period. */
void rig_periods(struct rig *rig, unsigned count);

/* Nothing is sent to the machine for so many periods, or the case fails. */
void rig_left_alone(struct rig *rig, const char *name, unsigned periods);

/* Between two looks at a state that is waited for: guests' lines are taken in. */
void rig_look_again(struct rig *rig, int ms);

/* Runs the command line tool: its standard output (free() it), its exit code in *status. */
char *rig_ballast(struct rig *rig, int *status, const char *words);
/* The same for a call that must end with this status and say this. */
void rig_tool(struct rig *rig, const char *words, int want, const char *says);
