/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memwork: does to memory what a script says (docs/MEMWORK.md). The script comes in one of four
 * ways:
 *
 *     -- alloc a 64M; fill a       the words themselves, or one word script="alloc a 64M; fill a"
 *     -- file=/path                a file of the initrd
 *     -- console                   line by line, each run at once
 *     -- port=NAME                 the same over a port of the host
 *
 * Exit status: 0 all went well, 1 something failed, 2 there was no script or it was wrong.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "aerostat.h"

#include "apps/memwork/guest.h"
#include "apps/memwork/session.h"

/* For a port that is there, but of which the device has not told yet. */
#define PORT_WITHIN_NS UINT64_C(5000000000)

/* The kernel's lines for programs are wanted beside ours. */
AEROSTAT_PARAMETERS("loglevel=warning");

static struct session session;

/* ---- a script that is there as a whole ---- */

static void run_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && session.used < sizeof(session.text)) {
        got = read(fd, session.text + session.used, sizeof(session.text) - session.used);
        session.used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        session_complain(&session, "'%.64s' cannot be read: %s", path, strerror(errno));
    } else if (session.used == sizeof(session.text)) {
        session_complain(&session, "'%.64s' is too long: a script has less than %u bytes", path,
                         SESSION_TEXT_MAX);
    } else {
        session_run(&session);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* The words are the script, with a blank between them. */
static void run_words(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!session_append(&session, argv[i], strlen(argv[i])) ||
            (i + 1 < argc && !session_append(&session, " ", 1))) {
            session_complain(&session, "the script is too long: it has at most %u bytes",
                             SESSION_TEXT_MAX);
            return;
        }
    }
    session_run(&session);
}

/* ---- a script that comes line by line ---- */

static void run_console(void)
{
    char c;

    engine_ready(&session.engine);
    while (!session_is_over(&session) && read(STDIN_FILENO, &c, 1) == 1) {
        session_type(&session, &c, 1);
    }
    session_type_end(&session);
}

/* Serves one who is at the host's end, until he leaves it or it is over. */
static int serve(struct aerostat_port *port)
{
    char typed[512];
    size_t bytes;
    int error;

    engine_ready(&session.engine);
    guest_flush();
    do {
        bytes = sizeof(typed);
        error = aerostat_port_read(port, typed, &bytes);
        if (error == 0) {
            session_type(&session, typed, bytes);
            guest_flush();
        }
    } while (error == 0 && bytes > 0 && !session_is_over(&session));
    session_type_end(&session);
    return error;
}

/* One after the other; regions stay. EINTR: the power button, unless it is over anyway. */
static void run_port(const char *name)
{
    struct aerostat_port *port;
    int error = aerostat_port_open(name, PORT_WITHIN_NS, &port);

    if (error != 0) {
        session_complain(&session, "port '%.64s' cannot be opened: %s", name, strerror(error));
        return;
    }
    guest_answer_to(port);
    while (error == 0 && !session_is_over(&session)) {
        error = aerostat_port_wait(port);
        if (error == 0) {
            error = serve(port);
        }
    }
    if (error != 0 && error != EINTR) {
        session_complain(&session, "port '%.64s' does not work: %s", name, strerror(error));
    }
}

/* What follows the prefix, or null. */
static const char *behind(const char *word, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(word, prefix, length) == 0 ? word + length : NULL;
}

static void run(int argc, char **argv)
{
    const char *rest;

    if (argc == 2 && strcmp(argv[1], "console") == 0) {
        run_console();
    } else if (argc == 2 && (rest = behind(argv[1], "port=")) != NULL) {
        run_port(rest);
    } else if (argc == 2 && (rest = behind(argv[1], "file=")) != NULL) {
        run_file(rest);
    } else {
        if (argc == 2 && behind(argv[1], "script=") != NULL) {
            argv[1] += strlen("script=");
        }
        run_words(argc, argv);
    }
}

int main(int argc, char **argv)
{
    int status;

    session_init(&session);
    engine_init(&session.engine, guest_host(&session.engine));
    if (argc < 2) {
        session_complain(&session, "there is no script: write it behind '--', or file=/path, "
                                   "console, or port=NAME");
    } else {
        guest_take_power_button();
        run(argc, argv);
    }
    status = engine_end(&session.engine);
    guest_flush();
    return status;
}
