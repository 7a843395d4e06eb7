/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/daemon/notify.c: against a socket that plays the service manager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "tools/ballast/daemon/notify.h"

struct fixture {
    char path[108];
    int manager;
    struct notify notify;
};

/* The manager listens at a path, or in the abstract space. */
static void listen_at(struct fixture *fixture, bool abstract)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = 0;

    (void)snprintf(fixture->path, sizeof fixture->path, "%stest_notify.%ld",
                   abstract ? "@" : "/tmp/", (long)getpid());
    memcpy(address.sun_path, fixture->path, strlen(fixture->path));
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(fixture->path));
    if (abstract) {
        address.sun_path[0] = '\0';
    } else {
        (void)unlink(fixture->path);
    }
    fixture->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fixture->manager >= 0);
    assert_int_equal(bind(fixture->manager, (struct sockaddr *)&address, size), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", fixture->path, 1), 0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->manager = -1;
    fixture->notify.fd = -1;
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    notify_close(&fixture->notify);
    if (fixture->manager >= 0) {
        (void)close(fixture->manager);
    }
    if (fixture->path[0] == '/') {
        (void)unlink(fixture->path);
    }
    free(fixture);
    return 0;
}

static void opens(struct fixture *fixture)
{
    char reason[128] = "";

    if (!notify_open(&fixture->notify, reason, sizeof reason)) {
        fail_msg("notify_open: %s", reason);
    }
}

static const char *heard(struct fixture *fixture)
{
    static char text[1024];
    ssize_t length = recv(fixture->manager, text, sizeof text - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void every_message_is_as_documented(void **state)
{
    struct fixture *fixture = *state;

    listen_at(fixture, false);
    opens(fixture);
    notify_ready(&fixture->notify);
    assert_string_equal(heard(fixture), "READY=1");
    notify_stopping(&fixture->notify);
    assert_string_equal(heard(fixture), "STOPPING=1");
    notify_alive(&fixture->notify);
    assert_string_equal(heard(fixture), "WATCHDOG=1");
    notify_status(&fixture->notify, "%d machines, zone %s", 3, "green");
    assert_string_equal(heard(fixture), "STATUS=3 machines, zone green");
}

static void a_reload_tells_when_it_began(void **state)
{
    struct fixture *fixture = *state;
    int64_t told_us = 0;
    struct timespec now;

    listen_at(fixture, false);
    opens(fixture);
    notify_reloading(&fixture->notify);
    assert_int_equal(sscanf(heard(fixture), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64, &told_us), 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    assert_in_range((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - told_us, 0, 5000000);
}

static void an_abstract_socket_is_reached(void **state)
{
    struct fixture *fixture = *state;

    listen_at(fixture, true);
    opens(fixture);
    notify_ready(&fixture->notify);
    assert_string_equal(heard(fixture), "READY=1");
}

static void a_status_cannot_smuggle_another_message(void **state)
{
    struct fixture *fixture = *state;
    char large[1000];

    listen_at(fixture, false);
    opens(fixture);
    notify_status(&fixture->notify, "%s", "a\nREADY=1\n");
    assert_string_equal(heard(fixture), "STATUS=a READY=1 ");
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    notify_status(&fixture->notify, "%s", large);
    assert_int_equal(strlen(heard(fixture)), 255);
}

static void without_a_manager_nothing_happens(void **state)
{
    struct fixture *fixture = *state;

    opens(fixture);
    assert_int_equal(fixture->notify.fd, -1);
    notify_ready(&fixture->notify);
    notify_status(&fixture->notify, "x");
    assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
    opens(fixture);
    assert_int_equal(fixture->notify.fd, -1);
}

static void a_manager_that_went_away_or_does_not_listen_costs_no_time(void **state)
{
    struct fixture *fixture = *state;
    unsigned heard_count = 0;

    listen_at(fixture, false);
    opens(fixture);
    /* More than its queue holds. */
    for (int i = 0; i < 5000; i++) {
        notify_alive(&fixture->notify);
    }
    while (heard(fixture)[0] != '\0') {
        heard_count++;
    }
    assert_in_range(heard_count, 1, 4999);
    (void)close(fixture->manager);
    fixture->manager = -1;
    notify_alive(&fixture->notify);
}

/* A byte more than an address holds. */
static const char long_path[] =
    "/a/path/that/is/too/long/for/the/address/of/a/socket/which/holds/one/hundred/and/eight/bytes/"
    "with/the/end123";

static void an_address_that_is_none_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {
        "relative", "/", "@", "vsock:2:1234", long_path,
    };
    char reason[128];

    assert_int_equal(strlen(long_path), sizeof fixture->notify.address.sun_path);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", bad[i], 1), 0);
        reason[0] = '\0';
        assert_false(notify_open(&fixture->notify, reason, sizeof reason));
        assert_non_null(strstr(reason, "NOTIFY_SOCKET"));
        assert_int_equal(fixture->notify.fd, -1);
        notify_ready(&fixture->notify);
    }
}

static void the_watchdog_is_meant_for_this_process_only(void **state)
{
    struct fixture *fixture = *state;
    char pid[32];

    listen_at(fixture, false);
    opens(fixture);
    assert_int_equal(fixture->notify.watchdog_ms, 0);
    notify_close(&fixture->notify);
    assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
    opens(fixture);
    assert_int_equal(fixture->notify.watchdog_ms, 30000);
    notify_close(&fixture->notify);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    opens(fixture);
    assert_int_equal(fixture->notify.watchdog_ms, 30000);
    notify_close(&fixture->notify);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    opens(fixture);
    assert_int_equal(fixture->notify.watchdog_ms, 0);
}

static void a_watchdog_that_is_no_number_is_told(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {
        "", "-5", "5s", " 5", "99999999999999999999999", "18446744073709551615"
    };
    char reason[128];

    listen_at(fixture, false);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(setenv("WATCHDOG_USEC", bad[i], 1), 0);
        assert_false(notify_open(&fixture->notify, reason, sizeof reason));
        assert_non_null(strstr(reason, "WATCHDOG"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(every_message_is_as_documented),
        CASE(a_reload_tells_when_it_began),
        CASE(an_abstract_socket_is_reached),
        CASE(a_status_cannot_smuggle_another_message),
        CASE(without_a_manager_nothing_happens),
        CASE(a_manager_that_went_away_or_does_not_listen_costs_no_time),
        CASE(an_address_that_is_none_is_told),
        CASE(the_watchdog_is_meant_for_this_process_only),
        CASE(a_watchdog_that_is_no_number_is_told),
    };

    return cmocka_run_group_tests_name("tools/ballast/daemon/notify.c", tests, NULL, NULL);
}
