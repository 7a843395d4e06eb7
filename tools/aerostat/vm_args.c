/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's command line. -nodefaults and -no-user-config: the machine has exactly what stands here.
 * -no-reboot makes a triple fault an end instead of an endless loop.
 */

#include "tools/aerostat/vm_args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One word, formatted. After a failure everything further is skipped: words[0] becomes NULL. */
__attribute__((format(printf, 2, 3))) static void add(struct vm_args *args, const char *format, ...)
{
    va_list list;
    int length;

    if (args->count >= VM_ARGS_MAX) {
        args->count = VM_ARGS_MAX + 1;
        return;
    }
    va_start(list, format);
    length = vasprintf(&args->words[args->count], format, list);
    va_end(list);
    if (length < 0) {
        args->words[args->count] = NULL;
        args->count = VM_ARGS_MAX + 1;
        return;
    }
    args->count++;
}

static void add_memory(struct vm_args *args, const struct vm_config *config)
{
    const char *machine = config->machine == NULL ? "q35" : config->machine;

    add(args, "-machine");
    if (config->lazy_memory) {
        add(args, "%s,memory-backend=ram", machine);
        add(args, "-object");
        add(args, "memory-backend-ram,id=ram,size=%lluM,reserve=off",
            (unsigned long long)config->memory_mib);
    } else {
        add(args, "%s", machine);
    }
    add(args, "-m");
    add(args, "%lluM", (unsigned long long)config->memory_mib);
}

static const char *balloon_device(const struct vm_config *config)
{
    bool microvm = config->machine != NULL && strncmp(config->machine, "microvm", 7) == 0;

    if (config->balloon_device != NULL) {
        return config->balloon_device;
    }
    return microvm ? "virtio-balloon-device" : "virtio-balloon-pci";
}

static void add_devices(struct vm_args *args, const struct vm_config *config, int status_fd)
{
    if (!config->no_balloon) {
        const char *properties = config->balloon_properties;

        add(args, "-device");
        add(args, "%s,id=" VM_BALLOON_ID "%s%s", balloon_device(config),
            properties == NULL ? "" : ",", properties == NULL ? "" : properties);
    }
    if (!config->no_exit_device) {
        add(args, "-device");
        add(args, "isa-debug-exit,iobase=0xf4,iosize=4");
        add(args, "-chardev");
        add(args, "socket,id=status,fd=%d", status_fd);
        add(args, "-device");
        add(args, "isa-debugcon,iobase=0xf8,chardev=status");
    }
}

static void add_terminal(struct vm_args *args, const struct vm_config *config, int qmp_fd)
{
    add(args, "-chardev");
    add(args, "socket,id=qmp,fd=%d", qmp_fd);
    add(args, "-mon");
    add(args, "chardev=qmp,mode=control");
    if (config->terminal == VM_TERMINAL_MONITOR) {
        add(args, "-monitor");
        add(args, "stdio");
        add(args, "-chardev");
        add(args, "file,id=serial,path=/dev/stderr,append=on");
    } else {
        add(args, "-chardev");
        add(args, "stdio,id=serial");
    }
    add(args, "-serial");
    add(args, "chardev:serial");
}

static void add_pair(struct vm_args *args, const char *option, const char *value)
{
    if (value != NULL) {
        add(args, "%s", option);
        add(args, "%s", value);
    }
}

bool vm_args_build(struct vm_args *args, const struct vm_config *config, const struct accel *accel,
                   int qmp_fd, int status_fd)
{
    const char *qemu = config->qemu != NULL ? config->qemu : getenv("QEMU");

    memset(args, 0, sizeof(*args));
    add(args, "%s", qemu != NULL && qemu[0] != '\0' ? qemu : "qemu-system-x86_64");
    add(args, "-nodefaults");
    add(args, "-no-user-config");
    if (!config->stay_on_reset) {
        add(args, "-no-reboot");
    }
    add_pair(args, "-display", "none");
    add_memory(args, config);
    add_pair(args, "-accel", accel->name);
    add_pair(args, "-cpu", config->cpu == NULL ? accel->cpu : config->cpu);
    if (config->smp != 0) {
        add(args, "-smp");
        add(args, "%u", config->smp);
    }
    add_devices(args, config, status_fd);
    add_terminal(args, config, qmp_fd);
    add_pair(args, "-kernel", config->image);
    add_pair(args, "-append", config->append);
    add_pair(args, "-initrd", config->initrd);
    add_pair(args, "-icount", config->icount);
    add_pair(args, "-trace", config->trace);
    add_pair(args, "-D", config->trace_file);
    if (config->paused) {
        add(args, "-S");
    }
    for (size_t i = 0; config->extra != NULL && config->extra[i] != NULL; i++) {
        add(args, "%s", config->extra[i]);
    }
    return args->count <= VM_ARGS_MAX;
}

void vm_args_free(struct vm_args *args)
{
    for (size_t i = 0; i < VM_ARGS_MAX; i++) {
        free(args->words[i]);
    }
    memset(args, 0, sizeof(*args));
}
