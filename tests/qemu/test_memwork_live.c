/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memwork that is told what to do while it runs: over the serial console, and over a virtio-serial
 * port with this program at its other end; scripts in the initrd; and a live migration between two
 * QEMUs in the middle of its work. Status 0 says that every word it wrote was checked and right.
 */

#include "tests/qemu/qtest.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LONG_MS (6 * QTEST_STEP_MS)
#define NAME    "org.aerostat.memwork"
#define LINES   500U

/* The port of which port_chardev is the other end. */
#define PORT_DEVICE "virtserialport,chardev=port,name=org.aerostat.memwork"

/* Sockets are in a folder of this run; the rest of a machine's words follows from that. */
static char folder[] = "/tmp/aerostat-live-XXXXXX";
static char port_path[64];
static char port_chardev[128];
static char migration_path[64];
static char migration_uri[80];

static uint64_t number(const char *line, const char *key)
{
    uint64_t value = 0;

    if (!record_u64(line, key, &value)) {
        fail_msg("no number '%s' in '%s'", key, line);
    }
    return value;
}

/* ---- what the serial port tells ---- */

/* The answer to the next statement like "1 what=fill". */
static const char *answer(struct qtest *t, const char *line_and_what)
{
    char text[64];

    snprintf(text, sizeof(text), "@memwork ok line=%s ", line_and_what);
    return qtest_line(t, text, LONG_MS);
}

static void error_at(struct qtest *t, unsigned line, unsigned column, const char *why)
{
    const char *error = qtest_line(t, "@memwork error ", QTEST_STEP_MS);

    assert_int_equal(number(error, "line"), line);
    assert_int_equal(number(error, "column"), column);
    assert_non_null(strstr(error, why));
}

static void ends_with(struct qtest *t, unsigned status)
{
    assert_int_equal(number(qtest_line(t, "@memwork end ", LONG_MS), "status"), status);
    qtest_status(t, status, QTEST_STEP_MS);
}

/* ---- the console ---- */

static void type(struct qtest *t, const char *text)
{
    assert_true(vm_type(t->vm, text, QTEST_STEP_MS));
}

static void the_console_runs_each_line_at_once(struct qtest *t)
{
    qtest_line(t, "@memwork ready", QTEST_STEP_MS);
    type(t, "alloc a 16M; fill a\n");
    assert_int_equal(number(answer(t, "1 what=alloc"), "bytes"), 16 * QTEST_MIB);
    answer(t, "1 what=fill");
    type(t, "repeat 2 {\n  verify a\n}\n");
    answer(t, "3 what=verify");
    assert_int_equal(number(answer(t, "3 what=verify"), "bytes"), 16 * QTEST_MIB);
    qtest_ask(t, t->ram_bytes / 2);
    type(t, "wait balloon 64M within 20s\n");
    answer(t, "5 what=wait");
    type(t, "quit\n");
    ends_with(t, 0);
}

static void an_error_on_the_console_has_its_place_and_ends_its_line_only(struct qtest *t)
{
    qtest_line(t, "@memwork ready", QTEST_STEP_MS);
    type(t, "# nothing\nalloc a 1M; fill b; print never\n");
    answer(t, "2 what=alloc");
    error_at(t, 2, 13, "why=name");
    type(t, "  fill a sead 7\n");
    error_at(t, 3, 10, "why=script");
    type(t, "fill a seed 7\n");
    answer(t, "4 what=fill");
    type(t, "quit\n");
    ends_with(t, 2);
    assert_int_equal(vm_count_lines(t->vm, "text=\"never\""), 0);
}

static void the_power_button_ends_the_console_with_a_check_of_everything(struct qtest *t)
{
    qtest_line(t, "@memwork ready", QTEST_STEP_MS);
    type(t, "alloc a 32M; fill a\n");
    answer(t, "1 what=fill");
    qtest_sleep(t, 100);
    qtest_press_power(t);
    ends_with(t, 0);
}

static void the_power_button_ends_a_line_that_runs(struct qtest *t)
{
    qtest_line(t, "@memwork ready", QTEST_STEP_MS);
    type(t, "alloc a 32M; fill a; hold 3600s; print never\n");
    answer(t, "1 what=fill");
    qtest_press_power(t);
    ends_with(t, 0);
    assert_int_equal(vm_count_lines(t->vm, "what=print "), 0);
}

/* ---- files ---- */

static void a_script_in_the_initrd_is_run(struct qtest *t)
{
    answer(t, "2 what=alloc");
    answer(t, "5 what=verify");
    answer(t, "5 what=verify");
    ends_with(t, 0);
}

static void an_error_in_a_file_has_its_place_and_nothing_is_run(struct qtest *t)
{
    error_at(t, 4, 12, "why=script");
    ends_with(t, 2);
    assert_int_equal(vm_count_lines(t->vm, "@memwork ok "), 0);
}

static void a_file_that_is_not_there_ends_with_2(struct qtest *t)
{
    error_at(t, 1, 1, "why=script");
    ends_with(t, 2);
}

/* ---- a port: this program is at the host's end ---- */

static struct {
    int fd;
    char text[16384]; /* what came and was not taken */
    size_t bytes;
    char line[512]; /* the one taken last */
} peer = { .fd = -1 };

static void peer_come(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", port_path);
    peer.bytes = 0;
    peer.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer.fd >= 0);
    assert_int_equal(connect(peer.fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void peer_leave(void)
{
    assert_int_equal(close(peer.fd), 0);
    peer.fd = -1;
}

static void peer_type(const char *text)
{
    assert_int_equal(write(peer.fd, text, strlen(text)), strlen(text));
}

/* The next whole line that came, or null. */
static const char *peer_take(void)
{
    char *end = memchr(peer.text, '\n', peer.bytes);
    size_t length;

    if (end == NULL) {
        return NULL;
    }
    length = (size_t)(end - peer.text);
    assert_true(length < sizeof(peer.line));
    memcpy(peer.line, peer.text, length);
    peer.line[length] = '\0';
    peer.bytes -= length + 1;
    memmove(peer.text, end + 1, peer.bytes);
    return peer.line;
}

/* Reads what comes within 20 ms. */
static void peer_pump(void)
{
    struct pollfd poll_fd = { .fd = peer.fd, .events = POLLIN };
    ssize_t got;

    if (poll(&poll_fd, 1, 20) > 0) {
        got = read(peer.fd, peer.text + peer.bytes, sizeof(peer.text) - peer.bytes);
        peer.bytes += got > 0 ? (size_t)got : 0;
    }
}

/* Waits for a line that contains the text. */
static const char *peer_line(struct qtest *t, const char *text)
{
    int64_t end = vm_now_ms() + LONG_MS;
    const char *line;

    while (vm_now_ms() < end) {
        while ((line = peer_take()) != NULL) {
            if (strstr(line, text) != NULL) {
                return line;
            }
        }
        peer_pump();
        vm_pump(t->vm, 0);
    }
    fail_msg("'%s' never came over the port", text);
    return NULL;
}

static void a_port_is_a_console_with_a_name(struct qtest *t)
{
    peer_come();
    peer_line(t, "@memwork ready");
    peer_type("alloc a 16M; fill a\nfill b\n");
    assert_int_equal(number(peer_line(t, "what=alloc "), "bytes"), 16 * QTEST_MIB);
    assert_int_equal(number(peer_line(t, "@memwork error "), "line"), 2);
    peer_type("repeat 2 { verify a }\nquit\n");
    peer_line(t, "what=verify ");
    peer_line(t, "what=verify ");
    peer_line(t, "@memwork end status=1 ");
    ends_with(t, 1);
    assert_int_equal(vm_count_lines(t->vm, "what=verify "),
                     2); /* the serial port has it all, too */
}

/* Before anybody is there the guest waits; regions stay from one to the next. */
static void a_port_is_served_to_one_after_the_other(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_sleep(t, 300);
    assert_int_equal(vm_count_lines(t->vm, "@memwork ready"), 0);
    for (unsigned i = 0; i < 3; i++) {
        peer_come();
        peer_line(t, "@memwork ready");
        peer_type("alloc a 4M; fill a\n");
        assert_int_equal(number(peer_line(t, "what=fill "), "bytes"), (i + 1) * 4 * QTEST_MIB);
        peer_leave();
        qtest_sleep(t, 100);
    }
    qtest_press_power(t);
    ends_with(t, 0);
}

/* One who does not read for a while makes the guest wait, and misses nothing. */
static void many_lines_pass_over_a_port_in_order(struct qtest *t)
{
    char text[32];

    peer_come();
    peer_line(t, "@memwork ready");
    for (unsigned i = 0; i < LINES; i++) {
        snprintf(text, sizeof(text), "print number-%u.\n", i);
        peer_type(text);
    }
    qtest_sleep(t, 500);
    for (unsigned i = 0; i < LINES; i++) {
        snprintf(text, sizeof(text), "number-%u.", i);
        assert_non_null(strstr(peer_line(t, "what=print "), text));
    }
    peer_type("quit\n");
    peer_line(t, "@memwork end status=0 ");
    ends_with(t, 0);
}

static void the_power_button_ends_a_port_with_a_check_of_everything(struct qtest *t)
{
    peer_come();
    peer_line(t, "@memwork ready");
    peer_type("alloc a 32M; fill a\n");
    peer_line(t, "what=fill ");
    qtest_sleep(t, 100);
    qtest_press_power(t);
    peer_line(t, "@memwork end status=0 ");
    ends_with(t, 0);
}

/* A cache answers when it is asked, and that may be in the middle of an allocation. */
static void a_cache_that_gives_says_so_over_the_port(struct qtest *t)
{
    peer_come();
    peer_line(t, "@memwork ready");
    peer_type("cache web 60M\nalloc own 80M; fill own; verify all\n");
    peer_line(t, "@memwork gave name=web ");
    assert_int_equal(number(peer_line(t, "what=alloc "), "bytes"), 80 * QTEST_MIB);
    peer_line(t, "what=verify ");
    peer_type("quit\n");
    ends_with(t, 0);
}

static void a_port_that_is_not_there_ends_with_2(struct qtest *t)
{
    qtest_line(t, "'org.example.other' cannot be opened", LONG_MS);
    ends_with(t, 2);
}

static void a_machine_without_ports_ends_with_2(struct qtest *t)
{
    qtest_line(t, "'" NAME "' cannot be opened", QTEST_STEP_MS);
    ends_with(t, 2);
}

/* ---- migration ---- */

/* Memory that is no multiple of 256 KiB: see test_migration.c. */
static const char *const odd_memory[] = { "-m", "262152K", NULL };
static const char *const odd_incoming[] = { "-incoming", migration_uri, "-m", "262152K", NULL };

/* The balloon moves while it is sent, and so does what memwork holds. */
static void a_live_migration_between_two_machines_loses_no_byte(struct qtest *t)
{
    struct vm_config config = t->config;
    unsigned seed = 4;
    bool done = false;

    config.extra = odd_incoming;
    struct qtest *other = qtest_beside(t, &config);

    qtest_line(t, "text=\"go\"", LONG_MS);
    json_decref(
        qtest_command(t, "migrate-set-parameters", json_pack("{s:i}", "max-bandwidth", 64 << 20)));
    json_decref(qtest_command(t, "migrate", json_pack("{s:s}", "uri", migration_uri)));
    for (unsigned i = 0; !done && i < 3000; i++) {
        json_t *reply = qtest_command(t, "query-migrate", NULL);
        const char *status = json_string_value(json_object_get(reply, "status"));

        assert_true(status == NULL || strcmp(status, "failed") != 0);
        done = status != NULL && strcmp(status, "completed") == 0;
        json_decref(reply);
        if (!done) {
            qtest_ask(t, (200 + (uint64_t)rand_r(&seed) % 56) * QTEST_MIB);
            qtest_sleep(t, 20);
        }
    }
    assert_true(done);
    qtest_line(other, "what=verify ", LONG_MS);
    qtest_line(other, "what=verify ", LONG_MS);
    qtest_press_power(other);
    ends_with(other, 0);
    assert_true(vm_count_lines(t->vm, "what=churn ") > 0);
}

static int end_and_leave(void **state)
{
    if (peer.fd >= 0) {
        peer_leave();
    }
    return qtest_end(state);
}

static const char *const port[] = { "-device", "virtio-serial-pci", "-chardev", port_chardev,
                                    "-device", PORT_DEVICE,         NULL };
static const char *const second_port[] = {
    "-device",  "virtio-serial-pci,disable-modern=on",
    "-chardev", "null,id=agent",
    "-device",  "virtserialport,chardev=agent,name=org.example.agent",
    "-chardev", port_chardev,
    "-device",  PORT_DEVICE,
    NULL
};

/* As QTEST(), and the socket is left. */
#define LIVE(function, ...)                                                                        \
    {                                                                                              \
#function, qtest_run, NULL, end_and_leave, &(struct qtest_case)                            \
        {                                                                                          \
            .name = #function, .body = function, .vm = {.image = "memwork.elf", __VA_ARGS__ }      \
        }                                                                                          \
    }
#define CONSOLE .append = "-- console"
#define PORT    .append = "-- port=" NAME

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        LIVE(the_console_runs_each_line_at_once, CONSOLE),
        LIVE(an_error_on_the_console_has_its_place_and_ends_its_line_only, CONSOLE),
        LIVE(the_power_button_ends_the_console_with_a_check_of_everything, CONSOLE),
        LIVE(the_power_button_ends_a_line_that_runs, CONSOLE),
        LIVE(a_script_in_the_initrd_is_run, .initrd = "memwork.cpio", .append = "-- file=/good.mw"),
        LIVE(an_error_in_a_file_has_its_place_and_nothing_is_run, .initrd = "memwork.cpio",
             .append = "-- file=/bad.mw"),
        LIVE(a_file_that_is_not_there_ends_with_2, .initrd = "memwork.cpio",
             .append = "-- file=/none.mw"),
        LIVE(a_port_is_a_console_with_a_name, PORT, .extra = port),
        LIVE(a_port_is_served_to_one_after_the_other, PORT, .extra = second_port),
        LIVE(many_lines_pass_over_a_port_in_order, PORT, .extra = port),
        LIVE(the_power_button_ends_a_port_with_a_check_of_everything, PORT, .extra = port),
        LIVE(a_cache_that_gives_says_so_over_the_port, PORT, .extra = port),
        LIVE(a_port_that_is_not_there_ends_with_2, .extra = port,
             .append = "-- port=org.example.other"),
        LIVE(a_machine_without_ports_ends_with_2, PORT),
        LIVE(a_live_migration_between_two_machines_loses_no_byte, .memory_mib = 256,
             .extra = odd_memory,
             .append = "-- alloc a 128M; fill a; free a 50% random; print go; "
                       "repeat 1000000 { churn a 20M/s for 100ms; verify a }"),
    };
    int result;

    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    snprintf(port_path, sizeof(port_path), "%s/port", folder);
    snprintf(port_chardev, sizeof(port_chardev), "socket,id=port,path=%s,server=on,wait=off",
             port_path);
    snprintf(migration_path, sizeof(migration_path), "%s/migration", folder);
    snprintf(migration_uri, sizeof(migration_uri), "unix:%s", migration_path);
    result = qtest_main("tests/qemu/test_memwork_live.c", tests, sizeof(tests) / sizeof(tests[0]),
                        argc, argv);
    (void)unlink(port_path);
    (void)unlink(migration_path);
    (void)rmdir(folder);
    return result;
}
