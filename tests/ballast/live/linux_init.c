/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first and only process of the Linux guest in ballast's tests (tools/linux_guest.sh puts it
 * into an initramfs). It loads the balloon's modules, or all but the driver where the kernel's
 * command line ends with "-- late", says "@linux ready", and then does what the lines typed on its
 * console say:
 *
 *   use N     touches N MiB more; "@linux used"
 *   drop      frees all of it
 *   unload    takes the balloon's driver away, load: puts it back
 *   panic     the kernel panics and stands still
 *
 * Each is answered by "@linux" and its word when it is done.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define PAGE_BYTES 4096U
#define MIB        ((size_t)1 << 20)
#define MODULES    6
#define BALLOON    5 /* the last one */
#define PIECES_MAX 64

static void *pieces[PIECES_MAX];
static size_t sizes[PIECES_MAX];
static size_t piece_count;

/* The first process must not end, or the kernel panics: which is what a mistake deserves. */
static void need(bool good, const char *what)
{
    if (!good) {
        printf("@linux failed %s\n", what);
        fflush(stdout);
        _exit(1);
    }
}

static void load_module(int number)
{
    char path[32];
    int fd;

    snprintf(path, sizeof(path), "/modules/%d.ko", number);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, path);
    need(syscall(SYS_finit_module, fd, "", 0) == 0, path);
    close(fd);
}

static void use(size_t bytes)
{
    unsigned char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(memory != MAP_FAILED && piece_count < PIECES_MAX, "mmap");
    for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
        *(volatile size_t *)(void *)(memory + at) = at + 1;
    }
    pieces[piece_count] = memory;
    sizes[piece_count++] = bytes;
}

static void drop(void)
{
    while (piece_count > 0) {
        piece_count--;
        need(munmap(pieces[piece_count], sizes[piece_count]) == 0, "munmap");
    }
}

static void panic_now(void)
{
    int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

    need(fd >= 0 && write(fd, "c", 1) == 1, "sysrq");
}

static void obey(const char *line)
{
    if (strncmp(line, "use ", 4) == 0) {
        use(strtoul(line + 4, NULL, 10) * MIB);
        puts("@linux used");
    } else if (strcmp(line, "drop") == 0) {
        drop();
        puts("@linux dropped");
    } else if (strcmp(line, "unload") == 0) {
        need(syscall(SYS_delete_module, "virtio_balloon", O_NONBLOCK) == 0, "delete_module");
        puts("@linux unloaded");
    } else if (strcmp(line, "load") == 0) {
        load_module(BALLOON);
        puts("@linux loaded");
    } else if (strcmp(line, "panic") == 0) {
        panic_now();
    } else {
        printf("@linux unknown '%s'\n", line);
    }
}

int main(int argc, char **argv)
{
    const bool late = argc > 1 && strcmp(argv[argc - 1], "late") == 0;
    struct termios terminal;
    char line[128];

    need(mount("proc", "/proc", "proc", 0, NULL) == 0, "/proc");
    need(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "/sys");
    for (int i = 0; i < (late ? BALLOON : MODULES); i++) {
        load_module(i);
    }
    if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
        terminal.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("@linux ready");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        obey(line);
    }
    for (;;) {
        pause();
    }
}
