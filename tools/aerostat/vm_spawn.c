/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes, the QMP socket pair, fork and exec. Every descriptor is close-on-exec but the ones QEMU
 * shall have, so two machines started side by side do not hold each other's pipes open.
 */

#include "tools/aerostat/vm_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/aerostat/vm_args.h"

/* The serial pipe holds this much while nobody reads, so that a guest rarely waits for us. */
#define SERIAL_PIPE_BYTES (1 << 20)

/* The descriptors that the child inherits, and our ends of them. */
struct vm_pipes {
    int qmp[2];
    int status[2];
    int serial[2];
    int input[2];
    int error[2];
    int exec[2]; /* closes without a word when exec succeeds */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void pipes_close(struct vm_pipes *pipes)
{
    for (unsigned i = 0; i < 2; i++) {
        close_fd(&pipes->qmp[i]);
        close_fd(&pipes->status[i]);
        close_fd(&pipes->serial[i]);
        close_fd(&pipes->input[i]);
        close_fd(&pipes->error[i]);
        close_fd(&pipes->exec[i]);
    }
}

static bool pipes_open(struct vm_pipes *pipes, enum vm_terminal terminal)
{
    memset(pipes, 0xff, sizeof(*pipes)); /* every descriptor -1 */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes->qmp) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes->status) != 0 ||
        pipe2(pipes->exec, O_CLOEXEC) != 0) {
        return false;
    }
    if (terminal != VM_TERMINAL_NONE) {
        return true;
    }
    if (pipe2(pipes->serial, O_CLOEXEC) != 0 || pipe2(pipes->error, O_CLOEXEC) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes->input) != 0) {
        return false;
    }
    /* A smaller pipe is slower, not wrong. */
    (void)fcntl(pipes->serial[0], F_SETPIPE_SZ, SERIAL_PIPE_BYTES);
    return fcntl(pipes->serial[0], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(pipes->error[0], F_SETFL, O_NONBLOCK) == 0;
}

/* The child's half. Reports errno through the exec pipe when it cannot become QEMU. */
_Noreturn static void become_qemu(struct vm_pipes *pipes, struct vm_args *args, pid_t parent)
{
    int error;
    bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && fcntl(pipes->qmp[1], F_SETFD, 0) == 0 &&
                fcntl(pipes->status[1], F_SETFD, 0) == 0;

    if (getppid() != parent) { /* it died before we asked to be told */
        _exit(1);
    }
    if (good && pipes->serial[1] >= 0) {
        /* A group of its own: a Ctrl-C at the terminal is for us, and we end QEMU in order. */
        good = dup2(pipes->input[0], STDIN_FILENO) >= 0 &&
               dup2(pipes->serial[1], STDOUT_FILENO) >= 0 &&
               dup2(pipes->error[1], STDERR_FILENO) >= 0 && setpgid(0, 0) == 0;
    }
    if (good) {
        execvp(args->words[0], args->words);
    }
    error = errno;
    (void)!write(pipes->exec[1], &error, sizeof(error));
    _exit(1);
}

/* Forks; 0 when no QEMU came of it. */
static pid_t fork_qemu(struct vm_pipes *pipes, struct vm_args *args, char *reason,
                       size_t reason_size)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    int error = 0;

    if (pid < 0) {
        snprintf(reason, reason_size, "cannot start a process: %s", strerror(errno));
        return 0;
    }
    if (pid == 0) {
        become_qemu(pipes, args, parent);
    }
    close_fd(&pipes->exec[1]);
    if (read(pipes->exec[0], &error, sizeof(error)) == (ssize_t)sizeof(error)) {
        snprintf(reason, reason_size, "cannot start %s: %s", args->words[0], strerror(error));
        waitpid(pid, NULL, 0);
        return 0;
    }
    return pid;
}

bool vm_spawn(const struct vm_config *config, const struct accel *accel, struct vm_process *process,
              char *reason, size_t reason_size)
{
    struct vm_pipes pipes;
    struct vm_args args = { 0 };

    process->pid = 0;
    if (!pipes_open(&pipes, config->terminal)) {
        snprintf(reason, reason_size, "cannot open pipes: %s", strerror(errno));
    } else if (!vm_args_build(&args, config, accel, pipes.qmp[1], pipes.status[1])) {
        snprintf(reason, reason_size, "too many words for QEMU's command line");
    } else {
        process->pid = fork_qemu(&pipes, &args, reason, reason_size);
    }
    if (process->pid != 0) {
        process->qmp_fd = pipes.qmp[0];
        process->status_fd = pipes.status[0];
        process->serial_fd = pipes.serial[0];
        process->input_fd = pipes.input[1];
        process->error_fd = pipes.error[0];
        /* They have a new owner. */
        pipes.qmp[0] = pipes.status[0] = pipes.serial[0] = pipes.input[1] = pipes.error[0] = -1;
    }
    /* QEMU's ends too: else its end would not close the connection. */
    pipes_close(&pipes);
    vm_args_free(&args);
    return process->pid != 0;
}
