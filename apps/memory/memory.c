/* SPDX-License-Identifier: BSD-2-Clause */
/* How memory stands: a line whenever the balloon moves, until the machine is switched off. */

#include <stdio.h>

#include <aerostat.h>

#define MIB       (1 << 20)
#define PERIOD_NS UINT64_C(50000000)

static void print(const struct aerostat_balloon *balloon)
{
    struct aerostat_memory memory;

    aerostat_memory(&memory);
    printf("total %.0f MiB: in use %.1f, backed %.1f, returned %.1f, balloon %.1f; "
           "the host has %.0f of %.0f\n",
           (double)memory.total_bytes / MIB, (double)memory.in_use_bytes / MIB,
           (double)memory.backed_bytes / MIB, (double)memory.returned_bytes / MIB,
           (double)memory.balloon_bytes / MIB, (double)balloon->actual_bytes / MIB,
           (double)balloon->target_bytes / MIB);
}

int main(void)
{
    uint64_t printed = UINT64_MAX;

    for (;;) {
        struct aerostat_balloon balloon;

        aerostat_balloon(&balloon);
        if (!balloon.present) {
            printf("this machine has no balloon\n");
            return 1;
        }
        if (balloon.actual_bytes != printed) {
            printed = balloon.actual_bytes;
            print(&balloon);
        }
        aerostat_sleep_ns(PERIOD_NS);
    }
}
