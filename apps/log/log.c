/* SPDX-License-Identifier: BSD-2-Clause */
/* The log, and what comes with a program: parameters of its own, and a stack for main(). */

#include <string.h>

#include <aerostat.h>

/* Without this the log has warnings and errors only. Words of the command line win: with
 * `loglevel=error` in front of `--` the first two lines do not appear. */
AEROSTAT_PARAMETERS("loglevel=info results=off");
AEROSTAT_MAIN_STACK(256 * 1024);

int main(void)
{
    char large[200 * 1024];

    memset(large, 0, sizeof(large));
    aerostat_log(AEROSTAT_INFO, "main() runs in task '%s'", aerostat_task_name());
    aerostat_log(AEROSTAT_WARNING, "%zu bytes on the stack", sizeof(large));
    aerostat_log(AEROSTAT_DEBUG, "nobody sees this, last byte %d", large[sizeof(large) - 1]);
    /* For programs that read the serial port. It appears whatever `results` says. */
    aerostat_result("example answer=%d", 42);
    return 0;
}
