/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/cli/cli_peer.c: whose socket it is, before anything is sent. Other users take
 * privileges to play; without them those tests are skipped.
 */

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ballast/unit/cli_fixture.h"
#include "tools/ballast/cli/cli_peer.h"

#define MALLORY ((uid_t)61234)
#define DAEMON  ((uid_t)61235)

static char folder[64]; /* belongs to root, and so do those above it */
static char inner[80];
static char path[96];

static void needs_root(void)
{
    if (geteuid() != 0) {
        skip();
    }
}

/* Not below /tmp, where everybody may make folders. */
static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/ballast-peer-XXXXXX",
                   geteuid() == 0 ? "/run" : "/tmp");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof(inner), "%s/api", folder);
    (void)snprintf(path, sizeof(path), "%s/api.sock", inner);
    assert_int_equal(chmod(folder, 0755), 0);
    return mkdir(inner, 0755);
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)rmdir(inner);
    (void)unlink(inner);
    return rmdir(folder);
}

static void inner_is(uid_t owner, mode_t mode)
{
    assert_int_equal(chown(inner, owner, (gid_t)owner), 0);
    assert_int_equal(chmod(inner, mode), 0);
}

/* ---- who may be the daemon ---- */

static void root_and_whoever_asks_may_be_the_daemon_anywhere(void **state)
{
    (void)state;
    assert_true(cli_peer_trusted("/nowhere/api.sock", 0));
    assert_true(cli_peer_trusted("/nowhere/api.sock", geteuid()));
    assert_true(cli_peer_trusted("api.sock", geteuid()));
    assert_false(cli_peer_trusted("/nowhere/api.sock", MALLORY));
    assert_false(cli_peer_trusted("api.sock", MALLORY));
}

static void the_owner_of_the_folder_may_be_the_daemon(void **state)
{
    (void)state;
    needs_root();
    inner_is(DAEMON, 02750);
    assert_true(cli_peer_trusted(path, DAEMON));
    assert_false(cli_peer_trusted(path, MALLORY));
    /* Whoever else may write to it can replace the socket, but not become its owner. */
    inner_is(DAEMON, 02770);
    assert_true(cli_peer_trusted(path, DAEMON));
    assert_false(cli_peer_trusted(path, MALLORY));
}

/* Who may write above the folder may have made it. */
static void the_owner_of_a_folder_that_others_could_have_made_is_nobody(void **state)
{
    static const mode_t modes[] = { 0775, 0757, 01777 };
    (void)state;
    needs_root();
    inner_is(MALLORY, 0755);
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(chmod(folder, modes[i]), 0);
        assert_false(cli_peer_trusted(path, MALLORY));
    }
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chown(folder, DAEMON, 0), 0);
    assert_false(cli_peer_trusted(path, MALLORY));
    assert_int_equal(chown(folder, 0, 0), 0);
    assert_true(cli_peer_trusted(path, MALLORY)); /* root put it there */
}

/* Somebody's link in a folder of everybody leads to a good folder of his own. */
static void a_link_that_others_could_have_made_leads_to_nobody(void **state)
{
    char link[96];
    char through[128];
    (void)state;
    needs_root();
    inner_is(MALLORY, 0755);
    (void)snprintf(link, sizeof(link), "/tmp/ballast-peer-%ld", (long)getpid());
    (void)snprintf(through, sizeof(through), "%s/api.sock", link);
    assert_int_equal(symlink(inner, link), 0);
    assert_false(cli_peer_trusted(through, MALLORY));
    (void)unlink(link);
    assert_true(cli_peer_trusted(path, MALLORY));
}

/* ---- nothing is sent to anybody else ---- */

/* In the child: listens as `user`, tells that it does, and then how much it was sent. */
static void play_daemon(uid_t user, int tell)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char heard[512];
    ssize_t got = -1;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (setuid(user) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 4) != 0 || chmod(path, 0666) != 0 || write(tell, "r", 1) != 1) {
        _exit(1);
    }
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    int client = poll(&wait, 1, 30000) == 1 ? accept(fd, NULL, NULL) : -1;
    if (client >= 0) {
        got = read(client, heard, sizeof(heard));
    }
    _exit(write(tell, &got, sizeof(got)) == (ssize_t)sizeof(got) ? 0 : 1);
}

/* How many bytes a daemon of this user was sent; the client's end is in *ran. */
static ssize_t bytes_sent(uid_t user, const char *line, struct ran *ran)
{
    int tell[2];
    char ready;
    char url[128];
    ssize_t got = -2;
    int status = 0;
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(tell[0]);
        play_daemon(user, tell[1]);
    }
    (void)close(tell[1]);
    assert_int_equal(read(tell[0], &ready, 1), 1);
    (void)snprintf(url, sizeof(url), "unix:%s", path);
    *ran = run_line(url, line);
    assert_int_equal(read(tell[0], &got, sizeof(got)), (ssize_t)sizeof(got));
    (void)close(tell[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)unlink(path);
    return got;
}

static void a_socket_of_somebody_else_is_sent_nothing(void **state)
{
    static const char *const lines[] = { "list", "device web", "events -f", "disable web" };
    char token[] = "/tmp/ballast-token-XXXXXX";
    char line[128];
    int fd = mkstemp(token);
    (void)state;
    assert_int_equal(write(fd, "0123456789abcdef\n", 17), 17);
    (void)close(fd);
    if (geteuid() != 0) {
        (void)unlink(token);
    }
    needs_root();
    inner_is(DAEMON, 0777); /* as a group's folder: Mallory takes the socket's place */
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct ran ran;
        (void)snprintf(line, sizeof(line), "--token-file %s %s", token, lines[i]);
        assert_int_equal(bytes_sent(MALLORY, line, &ran), 0);
        assert_int_equal(ran.status, CLI_UNREACHABLE);
        assert_string_equal(ran.out, "");
        assert_has(ran.err, "nothing was sent");
        assert_has(ran.err, "uid 61234");
        ran_free(&ran);
    }
    struct ran ran;
    (void)snprintf(line, sizeof(line), "--token-file %s list", token);
    assert_true(bytes_sent(DAEMON, line, &ran) > 0);
    ran_free(&ran);
    (void)unlink(token);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(root_and_whoever_asks_may_be_the_daemon_anywhere),
        TEST(the_owner_of_the_folder_may_be_the_daemon),
        TEST(the_owner_of_a_folder_that_others_could_have_made_is_nobody),
        TEST(a_link_that_others_could_have_made_leads_to_nobody),
        TEST(a_socket_of_somebody_else_is_sent_nothing),
    };
    return cmocka_run_group_tests_name("tools/ballast/cli/cli_peer.c", tests, NULL, NULL);
}
