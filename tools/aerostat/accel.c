/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chooses the accelerator. The flags of the processor are believed before the device file is.
 */

#include "tools/aerostat/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool accel_cpuinfo_has_virtualization(FILE *cpuinfo)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    while (!found && getline(&line, &size, cpuinfo) >= 0) {
        char *save = NULL;

        if (strncmp(line, "flags", strlen("flags")) != 0) {
            continue;
        }
        for (char *word = strtok_r(line, " \t\n:", &save); word != NULL && !found;
             word = strtok_r(NULL, " \t\n:", &save)) {
            found = strcmp(word, "vmx") == 0 || strcmp(word, "svm") == 0;
        }
    }
    free(line);
    return found;
}

/* Fills accel->reason. */
static bool kvm_is_usable(struct accel *accel)
{
    FILE *cpuinfo = fopen("/proc/cpuinfo", "re");
    bool offered = cpuinfo != NULL && accel_cpuinfo_has_virtualization(cpuinfo);
    int fd;

    if (cpuinfo != NULL) {
        fclose(cpuinfo);
    }
    if (!offered) {
        snprintf(accel->reason, sizeof(accel->reason), "/proc/cpuinfo shows neither vmx nor svm");
        return false;
    }
    fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        snprintf(accel->reason, sizeof(accel->reason), "/dev/kvm does not open: %s",
                 strerror(errno));
        return false;
    }
    close(fd);
    snprintf(accel->reason, sizeof(accel->reason),
             "the processor offers virtualisation and /dev/kvm opens");
    return true;
}

bool accel_choose(const char *forced, struct accel *accel)
{
    bool use_kvm;

    if (forced == NULL) {
        use_kvm = kvm_is_usable(accel);
    } else if (strcmp(forced, "kvm") == 0 || strcmp(forced, "tcg") == 0) {
        use_kvm = strcmp(forced, "kvm") == 0;
        snprintf(accel->reason, sizeof(accel->reason), "it was asked for");
    } else {
        return false;
    }
    accel->kind = use_kvm ? ACCEL_KVM : ACCEL_TCG;
    accel->name = use_kvm ? "kvm" : "tcg";
    accel->cpu = use_kvm ? "host" : "max";
    return true;
}
