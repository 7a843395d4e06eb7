/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/alerts.yaml: promtool reads it, docs/BALLAST.md has the same alerts, and each can
 * fire where the table says so. A machine of libvirt is one of the real backend on a fake libvirt;
 * one of QMP has facts as a monitor with all statistics gives them.
 */

#include "tests/ballast/fakes/fake_libvirt.h"
#include "tests/ballast/unit/fleet_fixture.h"
#include "tools/ballast/api/api_internal.h"
#include "tools/ballast/backend/libvirt_backend.h"

#include <unistd.h>
#include <uv.h>

#define KIB     1024ULL
#define WAIT_MS 5000
#define WALL_S  1700000000ULL

static struct rig rig;
static uv_loop_t loop;
static uv_timer_t timer;
static struct libvirt_options options;
static struct libvirt_backend *backend;
static unsigned domain;
static struct fleet_machine *web; /* libvirt's */
static struct fleet_machine *db;  /* QMP's */
static uint64_t faults;
static char *text; /* scraped last */

static int64_t read_now(void *context)
{
    (void)context;
    return rig.now;
}

static int64_t read_wall(void *context)
{
    (void)context;
    return (int64_t)WALL_S * 1000 + rig.now;
}

static void on_timer(uv_timer_t *handle)
{
    (void)handle;
}

/* ---- two machines ---- */

/* What the guests of both say: so much available, so many faults since the last time. */
static void guests_say(uint64_t available_bytes, uint64_t more_faults)
{
    faults += more_faults;
    fake_libvirt_stat(domain, "balloon.last-update", WALL_S + (uint64_t)rig.now / 1000);
    fake_libvirt_stat(domain, "balloon.available", 4040 * KIB);
    fake_libvirt_stat(domain, "balloon.unused", available_bytes / 2 / KIB);
    fake_libvirt_stat(domain, "balloon.usable", available_bytes / KIB);
    fake_libvirt_stat(domain, "balloon.swap_in", 0);
    fake_libvirt_stat(domain, "balloon.swap_out", 0);
    fake_libvirt_stat(domain, "balloon.major_fault", faults);
    fake_libvirt_stat(domain, "balloon.minor_fault", faults);
    struct facts facts = rig_facts(&rig);
    facts.available_bytes = available_bytes;
    facts.free_bytes = available_bytes / 2;
    facts.swap_in_bytes = 0;
    facts.swap_out_bytes = 0;
    facts.major_faults = faults;
    facts.minor_faults = faults;
    facts.alloc_stalls = 0;
    facts.oom_kills = 0;
    fleet_told(rig.fleet, db, &facts, rig.now);
    libvirt_backend_poll(backend, rig.now);
    uint64_t until = uv_hrtime() + (uint64_t)WAIT_MS * 1000000U;
    while ((web == NULL || web->seen_ms < rig.now) && uv_hrtime() < until) {
        uv_run(&loop, UV_RUN_ONCE);
        web = fleet_find(rig.fleet, "web");
    }
    assert_true(web != NULL && web->seen_ms == rig.now);
}

static void scrape(void)
{
    const struct host_memory memory = { .total_bytes = 1, .psi = true };
    const struct api api = { .fleet = rig.fleet, .host = &memory, .version = "1" };
    size_t size;
    free(text);
    text = api_metrics(&api, rig.now, &size);
    assert_non_null(text);
}

static int set_up(void **state)
{
    const struct libvirt_backend_clock clock = { .now_ms = read_now, .wall_ms = read_wall };
    (void)state;
    fake_libvirt_reset();
    rig_begin(&rig, "");
    rig.now = 1000000;
    domain = fake_libvirt_add("web", 4096 * KIB);
    libvirt_options_default(&options);
    options.symbols = fake_libvirt_symbols();
    options.root = "/nonexistent";
    assert_int_equal(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 5, 5);
    rig.config.libvirt_uri_count = 1;
    strcpy(rig.config.libvirt_uris[0], "qemu:///system");
    web = NULL;
    db = rig_add(&rig, "db", 0);
    backend = libvirt_backend_start(&loop, rig.fleet, &rig.config, &clock, &options);
    guests_say(2 * GIB, 0);
    rig_tick(&rig);
    guests_say(2 * GIB, 0);
    rig_tick(&rig);
    scrape();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    libvirt_backend_stop(backend);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    rig_end(&rig);
    free(text);
    text = NULL;
    return 0;
}

/* ---- alerts and samples ---- */

struct alert {
    char expr[128];
    char libvirt[16]; /* the first word of the table's column */
};

/* The rows of the table; how many. */
static size_t read_table(struct alert *alerts, size_t most)
{
    FILE *file = fopen("docs/BALLAST.md", "r");
    char line[512];
    size_t count = 0;
    bool inside = false;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        inside = inside || strncmp(line, "| expression |", 14) == 0;
        if (inside && line[0] != '|') {
            break;
        }
        struct alert *alert = &alerts[count];
        if (inside &&
            sscanf(line, "| `%127[^`]` | %*[^|] | %15[a-z]", alert->expr, alert->libvirt) >= 1) {
            assert_true(++count < most);
        }
    }
    fclose(file);
    return count;
}

/* The value of a family's first sample, of this machine where it is not NULL. */
static const char *sample(const char *family, const char *machine)
{
    char begin[160];
    snprintf(begin, sizeof(begin), machine == NULL ? "\n%s%s" : "\n%s{machine=\"%s\",", family,
             machine == NULL ? "" : machine);
    const char *at = strstr(text, begin);
    return at == NULL ? NULL : strpbrk(at + 1, " ") + 1;
}

static void every_alert_rests_on_metrics_that_its_machines_have(void **state)
{
    (void)state;
    struct alert alerts[32];
    memset(alerts, 0, sizeof(alerts));
    size_t count = read_table(alerts, 32);
    assert_true(count > 8);
    for (size_t i = 0; i < count; i++) {
        bool of_machines = alerts[i].libvirt[0] != '\0';
        bool never = strncmp(alerts[i].libvirt, "never", 5) == 0;
        unsigned used = 0;
        for (const char *at = alerts[i].expr; (at = strstr(at, "ballast_")) != NULL; used++) {
            char family[96];
            size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            snprintf(family, sizeof(family), "%.*s", (int)length, at);
            at += length;
            if (sample(family, of_machines ? "db" : NULL) == NULL) {
                fail_msg("%s: no machine has it", family);
            }
            if (of_machines && (sample(family, "web") == NULL) != never) {
                fail_msg("%s: the table is wrong about libvirt", family);
            }
        }
        assert_true(used > 0);
    }
}

static void the_rules_and_the_table_have_the_same_alerts(void **state)
{
    (void)state;
    struct alert alerts[32];
    memset(alerts, 0, sizeof(alerts));
    size_t count = read_table(alerts, 32);
    size_t rules = 0;
    FILE *file = fopen("tools/ballast/alerts.yaml", "r");
    char line[512];
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char expr[256];
        bool found = false;
        if (sscanf(line, " expr: %255[^\n]", expr) != 1) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            found = found || strcmp(alerts[i].expr, expr) == 0;
        }
        if (!found) {
            fail_msg("not in the table: %s", expr);
        }
        rules++;
    }
    fclose(file);
    assert_int_equal(rules, count);
}

/* ---- what fires ---- */

static bool is_one(const char *family, const char *machine)
{
    const char *value = sample(family, machine);
    assert_non_null(value);
    return strtod(value, NULL) == 1;
}

/* libvirt tells no kills: what comes before them is seen. */
static void a_libvirt_guest_that_suffers_is_alerted_of_without_kills(void **state)
{
    (void)state;
    assert_false(is_one("ballast_machine_suffers", "web"));
    assert_false(is_one("ballast_machine_suffers", "db"));
    for (int i = 0; i < 4; i++) {
        guests_say(64 * MIB, 20000);
        rig_tick(&rig);
    }
    scrape();
    assert_true(is_one("ballast_machine_suffers", "web"));
    assert_true(is_one("ballast_machine_suffers", "db"));
    double available = strtod(sample("ballast_guest_available_bytes", "web"), NULL);
    double size = strtod(sample("ballast_machine_size_bytes", "web"), NULL);
    assert_true(available < 0.03 * size);
    assert_null(sample("ballast_guest_oom_kills_total", "web"));
    assert_null(sample("ballast_guest_alloc_stalls_total", "web"));
    assert_non_null(sample("ballast_guest_oom_kills_total", "db"));
}

static void without_statistics_nobody_says_that_all_is_well(void **state)
{
    (void)state;
    rig.now += 120000; /* both guests are silent meanwhile */
    rig_tick(&rig);
    scrape();
    static const char *const unknown[] = { "ballast_machine_suffers", "ballast_machine_used_bytes",
                                           "ballast_machine_demand_bytes",
                                           "ballast_machine_short_bytes" };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_null(sample(unknown[i], "web"));
        assert_null(sample(unknown[i], "db"));
    }
    assert_true(strtod(sample("ballast_guest_statistics_age_seconds", "web"), NULL) > 60);
    assert_true(strtod(sample("ballast_guest_statistics_age_seconds", "db"), NULL) > 60);
}

/* ---- promtool ---- */

static bool there_is_promtool(void)
{
    /* A shell is what is wanted. NOLINTNEXTLINE(cert-env33-c) */
    return system("command -v promtool > /dev/null") == 0;
}

/* Each sample as a series that stays so for half an hour. */
static void write_series(FILE *out)
{
    fputs("    input_series:\n", out);
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line[0] != '#' && length > 0) {
            int name = (int)length;
            while (line[name] != ' ') {
                name--;
            }
            fprintf(out, "      - series: '%.*s'\n        values: '%.*s+0x30'\n", name, line,
                    (int)length - name - 1, line + name + 1);
        }
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

/* How often an alert fires for a machine after ten minutes. */
static void write_expectation(FILE *out, const char *alert, const char *machine, bool fires)
{
    fprintf(out,
            "      - expr: count(ALERTS{alertname=\"%s\",alertstate=\"firing\",machine=\"%s\"})\n"
            "        eval_time: 10m\n",
            alert, machine);
    fputs(fires ? "        exp_samples: [{labels: '{}', value: 1}]\n" : "        exp_samples: []\n",
          out);
}

static void promtool_fires_for_a_libvirt_guest_that_suffers(void **state)
{
    (void)state;
    char path[] = "/tmp/ballast-alerts-XXXXXX";
    char command[128];
    if (!there_is_promtool()) {
        print_message("skipped: there is no promtool, which is in the package prometheus\n");
        skip();
    }
    for (int i = 0; i < 4; i++) {
        guests_say(64 * MIB, 20000);
        rig_tick(&rig);
    }
    scrape();
    char *folder = getcwd(NULL, 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    assert_non_null(out);
    fprintf(out, "rule_files: ['%s/tools/ballast/alerts.yaml']\nevaluation_interval: 1m\ntests:\n",
            folder);
    fputs("  - interval: 1m\n", out);
    write_series(out);
    fputs("    promql_expr_test:\n", out);
    write_expectation(out, "BallastGuestSuffers", "web", true);
    write_expectation(out, "BallastGuestNearlyEmpty", "web", true);
    write_expectation(out, "BallastGuestSuffers", "db", true);
    write_expectation(out, "BallastGuestKills", "web", false);
    write_expectation(out, "BallastMachineDrifts", "web", false);
    assert_int_equal(fclose(out), 0);
    free(folder);
    snprintf(command, sizeof(command), "promtool test rules %s >&2", path);
    /* A shell is what is wanted. NOLINTNEXTLINE(cert-env33-c) */
    int status = system(command);
    unlink(path);
    assert_int_equal(status, 0);
    /* NOLINTNEXTLINE(cert-env33-c) */
    assert_int_equal(system("promtool check rules tools/ballast/alerts.yaml > /dev/null"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_alert_rests_on_metrics_that_its_machines_have, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_rules_and_the_table_have_the_same_alerts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_libvirt_guest_that_suffers_is_alerted_of_without_kills,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_statistics_nobody_says_that_all_is_well, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(promtool_fires_for_a_libvirt_guest_that_suffers, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("tools/ballast/alerts.yaml", tests, NULL, NULL);
}
