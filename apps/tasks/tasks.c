/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: one makes numbers, another adds them up, and main() waits for the sum. Nothing is locked:
 * no task is interrupted by another, so what lies between two calls that wait happens as one. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <aerostat.h>

#define NUMBERS     100
#define STACK_BYTES 16384

/* Room for one number, between the two. */
static struct {
    struct aerostat_queue changed;
    bool full;
    int number;
} box;

static struct aerostat_queue finished;
static bool has_sum;
static int sum;

/* Being woken means that something changed, not that it is as one wants it: so each asks again. */
static void make(void *argument)
{
    (void)argument;
    for (int i = 1; i <= NUMBERS; i++) {
        while (box.full) {
            aerostat_wait(&box.changed);
        }
        box.number = i;
        box.full = true;
        aerostat_wake(&box.changed);
    }
}

static void add(void *argument)
{
    int *result = argument;

    for (int i = 0; i < NUMBERS; i++) {
        while (!box.full) {
            aerostat_wait(&box.changed);
        }
        *result += box.number;
        box.full = false;
        aerostat_wake(&box.changed);
    }
    has_sum = true;
    aerostat_wake(&finished);
}

int main(void)
{
    int error = aerostat_task_start("maker", STACK_BYTES, make, NULL);

    if (error == 0) {
        error = aerostat_task_start("adder", STACK_BYTES, add, &sum);
    }
    if (error != 0) {
        printf("a task cannot be started: %s\n", strerror(error));
        return 1;
    }
    while (!has_sum) {
        aerostat_wait(&finished);
    }
    printf("%s: the sum of 1 to %d is %d\n", aerostat_task_name(), NUMBERS, sum);
    return 0;
}
