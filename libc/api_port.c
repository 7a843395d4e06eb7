/* SPDX-License-Identifier: BSD-2-Clause */
/* aerostat.h: ports. The kernel's, with the numbers of <errno.h>. */

#include <errno.h>

#include "aerostat.h"

#include "base/assert.h"
#include "base/err.h"

#include "arch/x86_64/clock.h"
#include "kernel/port.h"

static int number_of(err_t err)
{
    switch (err) {
    case OK:
        return 0;
    case ERR_NOMEM:
        return ENOMEM;
    case ERR_AGAIN:
        return EINTR;
    case ERR_TIMEOUT:
        return ENOENT;
    case ERR_UNSUPPORTED:
        return ENODEV;
    case ERR_BUSY:
    case ERR_RANGE:
    case ERR_INVALID:
    case ERR_DEVICE:
        break;
    }
    return EIO;
}

int aerostat_port_open(const char *name, uint64_t timeout_ns, struct aerostat_port **port)
{
    uint64_t now = clock_now_ns();
    uint64_t until = timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
    err_t err = port_open(name, until, (struct port **)port);

    return err == ERR_BUSY ? EBUSY : number_of(err);
}

int aerostat_port_wait(struct aerostat_port *port)
{
    return number_of(port_wait((struct port *)port));
}

int aerostat_port_read(struct aerostat_port *port, void *buffer, size_t *bytes)
{
    return *bytes == 0 ? 0 : number_of(port_read((struct port *)port, buffer, bytes));
}

int aerostat_port_write(struct aerostat_port *port, const void *data, size_t bytes)
{
    err_t err = port_write((struct port *)port, data, bytes);

    return err == ERR_BUSY ? EPIPE : number_of(err);
}
