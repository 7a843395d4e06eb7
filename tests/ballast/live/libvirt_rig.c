/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private libvirtd: entering namespaces, starting it, and virsh as the other hand on the same
 * domains.
 */

#include "tests/ballast/live/libvirt_rig.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Set inside, to the folder with libvirt's files. */
#define INSIDE "BALLAST_LIBVIRT_RIG"
/* Probing what QEMU can do takes the first start some seconds. */
#define START_MS 60000

static pid_t daemon_pid;
static char output[65536];

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* The folder that programs were built into: this one is in ballast/live of it. */
static void find_build(char *build, size_t size)
{
    char path[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    assert(length > 0);
    char *end = strstr(path, "/ballast/live/");
    assert(end != NULL);
    *end = '\0';
    snprintf(build, size, "%s", path);
}

static bool is_installed(const char *program)
{
    static const char *const folders[] = { "/usr/bin", "/usr/sbin", "/usr/local/bin" };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], program);
        if (access(path, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- entering ---- */

/* Runs the words, quietly, and yields the exit status. */
static int run_quietly(const char *const *words)
{
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

static const char *why_not(void)
{
    static const char *const spaces[] = { "unshare",      "--mount",      "--pid", "--fork",
                                          "--kill-child", "--mount-proc", "true",  NULL };
    if (geteuid() != 0) {
        return "a libvirtd with folders of its own needs root";
    }
    if (!is_installed("libvirtd") || !is_installed("virsh")) {
        return "libvirtd is not installed: tools/setup.sh libvirt";
    }
    if (!is_installed("qemu-system-x86_64")) {
        return "QEMU is not installed";
    }
    if (run_quietly(spaces) != 0) {
        return "namespaces cannot be made here";
    }
    return NULL;
}

const char *libvirt_rig_enter(char **argv)
{
    if (getenv(INSIDE) != NULL) {
        return NULL;
    }
    const char *reason = why_not();
    if (reason != NULL) {
        return reason;
    }
    static char folder[] = "/tmp/ballast-libvirt-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        return "no folder can be made in /tmp";
    }
    pid_t pid = fork();
    if (pid == 0) {
        /* unshare dies with us, and with it, all of it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv(INSIDE, folder, 1);
        execlp("unshare", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
               "sh", "tests/ballast/live/libvirt_private.sh", folder, argv[0], (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    const char *const remove_words[] = { "rm", "-rf", folder, NULL };
    run_quietly(remove_words);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* ---- libvirtd ---- */

bool libvirt_rig_start(void)
{
    daemon_pid = fork();
    if (daemon_pid == 0) {
        char log[PATH_MAX];
        char pid_file[PATH_MAX];
        snprintf(log, sizeof log, "%s/libvirtd.log", getenv(INSIDE));
        snprintf(pid_file, sizeof pid_file, "%s/libvirtd.pid", getenv(INSIDE));
        int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        dup2(file, STDOUT_FILENO);
        dup2(file, STDERR_FILENO);
        execlp("libvirtd", "libvirtd", "--pid-file", pid_file, (char *)NULL);
        _exit(127);
    }
    for (int waited_ms = 0; waited_ms < START_MS; waited_ms += 100) {
        if (libvirt_rig_virsh("list")) {
            return true;
        }
        pause_ms(100);
    }
    return false;
}

void libvirt_rig_signal(int signal)
{
    assert(daemon_pid > 0);
    kill(daemon_pid, signal);
    if (signal == SIGKILL || signal == SIGTERM) {
        waitpid(daemon_pid, NULL, 0);
        daemon_pid = 0;
    }
}

/* ---- virsh ---- */

bool libvirt_rig_virsh(const char *words, ...)
{
    char line[PATH_MAX] = "timeout 30 virsh -q -c " LIBVIRT_RIG_URI " ";
    size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, words);
    vsnprintf(line + used, sizeof line - used, words, arguments);
    va_end(arguments);
    used = strlen(line);
    snprintf(line + used, sizeof line - used, " 2>&1");
    FILE *pipe = popen(line, "re"); /* NOLINT(cert-env33-c): the words are the tests' own */
    assert(pipe != NULL);
    size_t got = fread(output, 1, sizeof output - 1, pipe);
    output[got] = '\0';
    return pclose(pipe) == 0;
}

const char *libvirt_rig_output(void)
{
    return output;
}

/* ---- domains ---- */

bool libvirt_rig_domain(const char *name, unsigned mib, const char *script)
{
    const char *folder = getenv(INSIDE);
    assert(folder != NULL);
    char build[PATH_MAX / 2];
    char path[PATH_MAX];
    find_build(build, sizeof build);
    snprintf(path, sizeof path, "%s/%s.xml", folder, name);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return false;
    }
    fprintf(file,
            "<domain type='qemu'><name>%s</name><memory unit='MiB'>%u</memory><vcpu>1</vcpu>\n"
            "<os><type arch='x86_64' machine='q35'>hvm</type><kernel>%s/memwork.elf</kernel>\n"
            "<cmdline>-- %s</cmdline></os><features><acpi/></features>\n"
            "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
            "<serial type='file'><source path='%s/%s.log'/></serial>\n"
            "<memballoon model='virtio' autodeflate='on' freePageReporting='on'/>\n"
            "</devices></domain>\n",
            name, mib, build, script, folder, name);
    fclose(file);
    return libvirt_rig_virsh("define %s", path) && libvirt_rig_virsh("start %s", name);
}

bool libvirt_rig_line(const char *name, const char *text, int timeout_ms)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.log", getenv(INSIDE), name);
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += 50) {
        FILE *file = fopen(path, "re");
        size_t got = file == NULL ? 0 : fread(output, 1, sizeof output - 1, file);
        output[got] = '\0';
        if (file != NULL) {
            fclose(file);
        }
        if (strstr(output, text) != NULL) {
            return true;
        }
        pause_ms(50);
    }
    return false;
}
