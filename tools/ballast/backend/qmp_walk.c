/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk over the mappings of a machine's process. It takes milliseconds for each GiB of RAM, and
 * as long as the kernel likes when it is busy there, so it is done by a thread of libuv's pool; the
 * loop gets the result later. A machine has one walk under way at most.
 *
 * The walk is the thread's alone until it is done. Then it goes back to its machine, if that is
 * still there: a machine that ends meanwhile leaves its walk to itself.
 */

#include <stdlib.h>

#include "tools/ballast/backend/qmp_machine_parts.h"

struct qmp_walk {
    uv_work_t work;
    struct qmp_machine *machine; /* NULL: it has ended. Only the loop looks at it. */
    struct host_source source;
    pid_t pid;
    uint64_t ram_bytes;
    bool good;
    struct host_process process;
};

/* In another thread. */
static void walk(uv_work_t *work)
{
    struct qmp_walk *own = work->data;

    own->good = host_process_read(&own->source, own->pid, own->ram_bytes, &own->process);
}

static void on_done(uv_work_t *work, int status)
{
    struct qmp_walk *own = work->data;
    struct qmp_machine *machine = own->machine;

    if (machine != NULL) {
        machine->walk = NULL;
        qmp_machine_walked(machine, own->pid, status == 0 && own->good ? &own->process : NULL);
    }
    free(own);
}

bool qmp_walk_begin(struct qmp_machine *machine)
{
    const struct facts *facts = &machine->view.facts;
    struct qmp_walk *own;

    if (machine->walk != NULL) {
        return true;
    }
    own = calloc(1, sizeof(*own));
    if (own == NULL) {
        abort();
    }
    own->work.data = own;
    own->machine = machine;
    own->source = machine->shared->source;
    own->pid = facts->pid;
    own->ram_bytes = facts->ram_bytes;
    if (facts->pid == 0 || uv_queue_work(machine->shared->loop, &own->work, walk, on_done) != 0) {
        free(own);
        return false;
    }
    machine->walk = own;
    return true;
}

void qmp_walk_leave(struct qmp_machine *machine)
{
    if (machine->walk != NULL) {
        machine->walk->machine = NULL;
        machine->walk = NULL;
    }
}
