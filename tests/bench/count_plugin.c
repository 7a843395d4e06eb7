/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU's translator that counts guest instructions, one by one, into memory that the
 * benchmark reads while the guest runs. Debian's QEMU takes plugins but comes without their header,
 * so the part of the interface that is used is declared here (version 1: QEMU 6.0 to 8.2).
 *
 * Use: -plugin FILE,shared=PATH[,start=0xADDRESS,stop=0xADDRESS], for one virtual processor. PATH
 * holds a struct count_shared. The start address itself is counted, the stop address is not.
 *
 * Traps: a repeated string instruction counts once per iteration. A name of an address is virtual:
 * firmware that runs at the same address would be taken for it (ours runs below 1 MiB). An
 * instruction that faults counts again when it is repeated.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/count_shared.h"

/* ---- the interface: names and layouts are QEMU's ---- */

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info; /* not looked into */

enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void on_translation(uint64_t id, struct qemu_plugin_tb *tb);
typedef void on_execution(unsigned vcpu, void *context);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, on_translation *callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, on_execution *callback,
                                            enum qemu_plugin_cb_flags flags, void *context);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
                                                enum qemu_plugin_op op, void *word,
                                                uint64_t immediate);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

/* ---- the plugin ---- */

static struct count_shared *shared;
static uint64_t start_address; /* 0: none */
static uint64_t stop_address;

/* Callbacks of an instruction run before its inline addition (observed: QEMU 7.2). */
static void on_start(unsigned vcpu, void *context)
{
    (void)vcpu;
    (void)context;
    if (shared->starts == 0) {
        shared->started = shared->executed;
        shared->starts = 1;
    }
}

static void on_stop(unsigned vcpu, void *context)
{
    (void)vcpu;
    (void)context;
    if (shared->starts != 0 && shared->stops == 0) {
        shared->stopped = shared->executed;
        shared->stops = 1;
    }
}

static void instrument(uint64_t id, struct qemu_plugin_tb *tb)
{
    size_t count = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);

        if (address == start_address && start_address != 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        if (address == stop_address && stop_address != 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_stop, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   &shared->executed, 1);
    }
}

static bool map_shared(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *memory = MAP_FAILED;

    if (fd >= 0) {
        memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    shared = memory == MAP_FAILED ? NULL : memory;
    return shared != NULL;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        const char *value = strchr(argv[i], '=');

        if (value == NULL) {
            return 1;
        }
        if (strncmp(argv[i], "shared=", strlen("shared=")) == 0 && !map_shared(value + 1)) {
            return 1;
        }
        if (strncmp(argv[i], "start=", strlen("start=")) == 0) {
            start_address = strtoull(value + 1, NULL, 16);
        }
        if (strncmp(argv[i], "stop=", strlen("stop=")) == 0) {
            stop_address = strtoull(value + 1, NULL, 16);
        }
    }
    if (shared == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, instrument);
    return 0;
}
