/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private libvirtd: entering namespaces, starting it, and virsh as the other hand on the same
 * domains. What its guests say is in a file beside the socket through which they are told
 * something, so that nothing is lost while nobody is connected.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Set inside, to the folder with libvirt's files. */
#define INSIDE "BALLAST_LIBVIRT_RIG"
/* Probing what QEMU can do takes the first start some seconds. */
#define START_MS 180000

/* Arguments that are passed on. */
#define ARGUMENTS_MAX 8
#define CONSOLES_MAX  8U

/* The serial port of a domain that was started here. */
struct console {
    char name[32];
    int socket;   /* -1: not connected */
    pid_t reader; /* takes what comes from the socket */
    size_t taken; /* of its lines, in bytes */
};

static pid_t daemon_pid;
static char output[65536];
static struct console consoles[CONSOLES_MAX];

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

/* The QEMU that is tested: $QEMU, or the one that is installed. False: there is none. */
static bool find_qemu(char path[PATH_MAX])
{
    const char *qemu = getenv("QEMU");
    return realpath(qemu != NULL && qemu[0] != '\0' ? qemu : "/usr/bin/qemu-system-x86_64", path) !=
           NULL;
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
    char qemu[PATH_MAX];
    if (!find_qemu(qemu)) {
        return "there is no QEMU";
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
        static const char *const spaces[] = {
            "unshare",      "--mount",      "--pid", "--fork",
            "--kill-child", "--mount-proc", "sh",    "tests/ballast/live/libvirt_private.sh",
            folder
        };
        const size_t count = sizeof spaces / sizeof spaces[0];
        const char *words[sizeof spaces / sizeof spaces[0] + ARGUMENTS_MAX + 1] = { NULL };
        memcpy(words, spaces, sizeof spaces);
        for (size_t i = 0; argv[i] != NULL && i < ARGUMENTS_MAX; i++) {
            words[count + i] = argv[i];
        }
        execvp(words[0], (char *const *)(uintptr_t)words);
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
    char line[PATH_MAX] = "timeout 120 virsh -q -c " LIBVIRT_RIG_URI " ";
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

static struct console *console_of(const char *name)
{
    for (size_t i = 0; i < CONSOLES_MAX; i++) {
        if (strcmp(consoles[i].name, name) == 0) {
            return &consoles[i];
        }
    }
    for (size_t i = 0; i < CONSOLES_MAX; i++) {
        if (consoles[i].name[0] == '\0') {
            snprintf(consoles[i].name, sizeof consoles[i].name, "%s", name);
            consoles[i].socket = -1;
            return &consoles[i];
        }
    }
    fprintf(stderr, "libvirt_rig: there is no room for one more domain\n");
    abort();
}

static void console_reset(struct console *console)
{
    if (console->socket >= 0) {
        close(console->socket);
        kill(console->reader, SIGKILL);
        waitpid(console->reader, NULL, 0);
    }
    console->socket = -1;
    console->taken = 0;
}

bool libvirt_rig_domain_start(const char *name)
{
    console_reset(console_of(name));
    return libvirt_rig_virsh("start %s", name);
}

bool libvirt_rig_domain(const struct libvirt_rig_domain *domain)
{
    const char *folder = getenv(INSIDE);
    assert(folder != NULL);
    char build[PATH_MAX / 2];
    char path[PATH_MAX];
    char qemu[PATH_MAX];
    if (!find_qemu(qemu)) {
        return false;
    }
    find_build(build, sizeof build);
    snprintf(path, sizeof path, "%s/%s.xml", folder, domain->name);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return false;
    }
    char words[PATH_MAX] = "";
    if (domain->qmp != NULL) {
        snprintf(words, sizeof words,
                 "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                 "<qemu:arg value='-qmp'/><qemu:arg value='unix:%s,server=on,wait=off'/>"
                 "</qemu:commandline>\n",
                 domain->qmp);
    }
    fprintf(file,
            "<domain type='qemu'><name>%s</name><memory unit='MiB'>%u</memory>\n"
            "<currentMemory unit='MiB'>%u</currentMemory><vcpu>1</vcpu>\n"
            "<os><type arch='x86_64' machine='q35'>hvm</type><kernel>%s/memwork.elf</kernel>\n"
            "<cmdline>%s</cmdline></os><features><acpi/></features>\n"
            "<devices><emulator>%s</emulator>\n"
            "<serial type='unix'><source mode='bind' path='%s/%s.tty'/>\n"
            "<log file='%s/%s.log' append='off'/></serial>\n"
            "<memballoon model='virtio' autodeflate='%s' freePageReporting='%s'/>\n"
            "</devices>%s</domain>\n",
            domain->name, domain->mib, domain->current_mib != 0 ? domain->current_mib : domain->mib,
            build, domain->append, qemu, folder, domain->name, folder, domain->name,
            domain->no_auto_deflate ? "off" : "on", domain->no_reporting ? "off" : "on", words);
    fclose(file);
    return libvirt_rig_virsh("define %s", path) && libvirt_rig_domain_start(domain->name);
}

void libvirt_rig_domain_remove(const char *name)
{
    struct console *console = console_of(name);
    (void)libvirt_rig_virsh("destroy %s", name); /* it may be off already */
    (void)libvirt_rig_virsh("undefine %s", name);
    console_reset(console);
    console->name[0] = '\0';
}

/* ---- what guests say, and are told ---- */

/* All lines from this byte on, in `output`. */
static void read_lines(const char *name, size_t from)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.log", getenv(INSIDE), name);
    FILE *file = fopen(path, "re");
    size_t got = 0;
    if (file != NULL) {
        if (fseek(file, (long)from, SEEK_SET) == 0) {
            got = fread(output, 1, sizeof output - 1, file);
        }
        fclose(file);
    }
    output[got] = '\0';
}

/* Where the line that has the text ends in `output`; NULL: it has not come, or not all of it. */
static const char *find_line(const char *text)
{
    const char *found = strstr(output, text);
    const char *end = found == NULL ? NULL : strchr(found, '\n');
    return end == NULL ? NULL : end + 1;
}

bool libvirt_rig_line(const char *name, const char *text, int timeout_ms)
{
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms += 50) {
        read_lines(name, 0);
        if (find_line(text) != NULL) {
            return true;
        }
        pause_ms(50);
    }
    return false;
}

bool libvirt_rig_take(const char *name, const char *text, int timeout_ms)
{
    struct console *console = console_of(name);
    for (int waited_ms = 0; waited_ms <= timeout_ms; waited_ms += 20) {
        read_lines(name, console->taken);
        const char *end = find_line(text);
        if (end != NULL) {
            console->taken += (size_t)(end - output);
            return true;
        }
        pause_ms(20);
    }
    return false;
}

/* QEMU holds up a guest whose lines nobody takes from a socket that is connected, and of single
 * bytes a socket has room for some hundred only. So they are taken all the time. */
static void start_reader(struct console *console)
{
    pid_t parent = getpid();
    console->reader = fork();
    if (console->reader == 0) {
        char bytes[4096];
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(1);
        }
        while (recv(console->socket, bytes, sizeof bytes, 0) > 0) {
        }
        _exit(0);
    }
    assert(console->reader > 0);
}

static bool connect_console(struct console *console)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.tty", getenv(INSIDE),
                          console->name);
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(file >= 0);
    if (length >= (int)sizeof address.sun_path ||
        connect(file, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(file);
        return false;
    }
    console->socket = file;
    start_reader(console);
    return true;
}

bool libvirt_rig_type(const char *name, const char *line)
{
    struct console *console = console_of(name);
    if (console->socket < 0 && !connect_console(console)) {
        return false;
    }
    char text[512];
    int length = snprintf(text, sizeof text, "%s\n", line);
    return length < (int)sizeof text &&
           send(console->socket, text, (size_t)length, MSG_NOSIGNAL) == length;
}
