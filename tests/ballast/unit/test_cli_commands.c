/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each command against a daemon that answers: what it asks for, what people read, what programs
 * read, how it ends.
 */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ballast/unit/cli_fixture.h"
#include "tests/ballast/unit/cli_machines.h"

#include <jansson.h>

/* What happened, and what the daemon was asked. */
struct told {
    struct ran ran;
    char *log;
};

static struct told ask(const struct fake_reply *replies, size_t count, const char *line)
{
    struct told told = { .log = NULL };
    struct fake_daemon *daemon = fake_daemon_start(replies, count, NULL);
    assert_non_null(daemon);
    told.ran = run_line(fake_daemon_url(daemon), line);
    told.log = fake_daemon_log(daemon);
    fake_daemon_stop(daemon);
    return told;
}

static void told_free(struct told *told)
{
    ran_free(&told->ran);
    free(told->log);
}

#define ASK(line, ...)                                                                             \
    ask((const struct fake_reply[]){ __VA_ARGS__ },                                                \
        COUNT(((const struct fake_reply[]){ __VA_ARGS__ })), line)

static const struct fake_reply all_machines = { .path = "/v1/machines", .body = LIST_BODY };
static const struct fake_reply web = { .path = "/v1/machines/web",
                                       .body = WEB_BODY,
                                       .etag = "\"4\"" };

/* ---- what there is ---- */

static void list_is_a_table(void **state)
{
    struct told told = ASK("list", all_machines);
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(
        told.ran.out,
        "NAME  STATE     CLASS           NOW  TARGET     USED  GUARANTEED  MAXIMUM  WHY\n"
        "db    disabled  guaranteed    8 GiB   8 GiB        -       8 GiB    8 GiB  disabled\n"
        "web   running   burst       1.5 GiB   1 GiB  768 MiB     512 MiB    4 GiB  "
        "shrink-for-peak\n");
    assert_string_equal(told.ran.err, "");
    told_free(&told);
}

#define DEVICE_BODY                                                                                \
    "{\"name\":\"web\",\"ballooning\":true,\"words\":[\"-device\","                                \
    "\"virtio-balloon-pci,deflate-on-oom=on,free-page-reporting=on\"]}"

static void json_is_what_the_daemon_said(void **state)
{
    static const struct {
        const char *line, *path, *body;
    } cases[] = {
        { "list --json", "/v1/machines", LIST_BODY },
        { "--json show web", "/v1/machines/web", WEB_BODY },
        { "host --json", "/v1/host", HOST_BODY },
        { "plan --json", "/v1/plan", "{\"now\":{},\"moves\":[]}" },
        { "explain web --json", "/v1/machines/web/explain", "{\"name\":\"web\"}" },
        { "doctor web --json", "/v1/machines/web/doctor", "{\"verdict\":\"good\"}" },
        { "events --json", "/v1/events", EVENTS_BODY },
        { "device web --json", "/v1/machines/web/device", DEVICE_BODY },
        { "audit --json", "/v1/audit", "{\"entries\":[]}" },
        { "history web --json", "/v1/machines/web/history", "{\"step\":\"raw\",\"points\":[]}" },
        { "reservations --json", "/v1/reservations", "{\"reservations\":[]}" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct fake_reply reply = { .path = cases[i].path, .body = cases[i].body };
        struct told told = ask(&reply, 1, cases[i].line);
        json_t *wanted = json_loads(cases[i].body, 0, NULL);
        json_t *printed = json_loads(told.ran.out, 0, NULL);
        assert_int_equal(told.ran.status, CLI_OK);
        assert_non_null(printed);
        assert_true(json_equal(wanted, printed));
        json_decref(wanted);
        json_decref(printed);
        told_free(&told);
    }
}

static void a_host_without_machines_says_so(void **state)
{
    struct told told = ASK("list", { .path = "/v1/machines", .body = "{\"machines\":[]}" });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.ran.out, "There is no machine.\n");
    told_free(&told);
    told = ASK("plan", { .path = "/v1/plan", .body = "{\"now\":" HOST_BODY ",\"moves\":[]}" });
    assert_has(told.ran.out, "can be promised\n\nThere is no machine.\n");
    told_free(&told);
}

static void show_tells_all_of_a_machine(void **state)
{
    struct told told = ASK("show web", web);
    (void)state;
    assert_has(told.ran.out, "memory now       1.5 GiB\n");
    assert_has(told.ran.out, "guaranteed       512 MiB\n");
    assert_has(told.ran.out, "class, weight    burst, 1000\n");
    assert_has(told.ran.out, "ballooning       enabled: It shares memory.\n");
    assert_has(told.ran.out, "promised         576 MiB\n");
    assert_has(told.ran.out, "smallest size    1.4 GiB (balloon-max)\n");
    assert_has(told.ran.out, "can be taken     102 MiB\n");
    assert_has(told.ran.out, "statistics       1 s old; total 1.5 GiB\n");
    assert_has(told.ran.out, "out of memory    2 programs killed by the guest\n");
    assert_has(told.ran.out, "decision         shrink-for-peak: db needs it more.\n");
    assert_has_not(told.ran.out, "last error");
    told_free(&told);
    told = ASK("show db", { .path = "/v1/machines/db", .body = DB_BODY });
    assert_has(told.ran.out, "guaranteed       8 GiB\n");
    assert_has(told.ran.out, "used             -\n");
    assert_has(told.ran.out, "statistics       none yet\n");
    assert_has(told.ran.out, "held             disabled: Its owner switched ballooning off.\n");
    assert_has(told.ran.out, "last error       bad ?[2J\n");
    told_free(&told);
}

static void of_a_machine_that_nobody_reached_no_number_is_shown(void **state)
{
    static const char *const lines[] = {
        "kind, state      machine, unreachable\n",
        "trouble          another client has its socket\n",
        "memory now       -\n",
        "guaranteed       -\n",
        "used             -\n",
        "demand           -\n",
        "booked           -\n",
        "short of         -\n",
        "out of memory    -\n",
        "device, driver   -, unknown\n",
        "ballooning       -: Ballooning shall be on; whether it is, is not known.\n",
        "decision         -: nothing is decided about it: another client has its socket\n",
    };
    struct told told =
        ASK("list", { .path = "/v1/machines", .body = "{\"machines\":[" MAIL_BODY "]}" });
    (void)state;
    assert_string_equal(told.ran.out,
                        "NAME  STATE        CLASS  NOW  TARGET  USED  GUARANTEED  MAXIMUM  WHY\n"
                        "mail  unreachable  burst    -       -     -           -        -  "
                        "nothing is decided about it: another client has its socket\n");
    told_free(&told);
    told = ASK("show mail", { .path = "/v1/machines/mail", .body = MAIL_BODY });
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_has(told.ran.out, lines[i]);
    }
    told_free(&told);
    told = ASK("plan", { .path = "/v1/plan",
                         .body = "{\"now\":null,\"moves\":[{\"name\":\"mail\",\"size_bytes\":null,"
                                 "\"target_bytes\":null,\"new_target_bytes\":null,\"reason\":null,"
                                 "\"text\":\"not reached\",\"hold\":null,\"hold_text\":\"\"}]}" });
    assert_string_equal(told.ran.out, "NAME  NOW  TARGET  NEXT  RULE  WHY\n"
                                      "mail    -       -     -  -     not reached\n");
    told_free(&told);
}

/* The sentence of the decision says the hold already. */
static void a_hold_is_told_once(void **state)
{
    static const char body[] =
        "{\"name\":\"db\",\"reason\":\"keep-held\",\"text\":\"keeps 2 GiB although 1 GiB would be "
        "its share: it is paused\",\"hold\":\"paused\",\"hold_text\":\"it is paused\","
        "\"numbers\":{}}";
    struct told told = ASK("explain db", { .path = "/v1/machines/db/explain", .body = body });
    (void)state;
    assert_has(told.ran.out, "its share: it is paused\n\nmemory now");
    told_free(&told);
    told =
        ASK("plan", { .path = "/v1/plan",
                      .body = "{\"now\":null,\"moves\":[{\"name\":\"db\",\"size_bytes\":1073741824,"
                              "\"target_bytes\":1073741824,\"new_target_bytes\":1073741824,"
                              "\"reason\":\"keep-held\",\"text\":\"keeps it: it is paused\","
                              "\"hold\":\"paused\",\"hold_text\":\"it is paused\"}]}" });
    assert_has(told.ran.out, "keep-held  keeps it: it is paused\n");
    told_free(&told);
}

static void a_name_that_does_not_exist_finds_its_neighbour(void **state)
{
    struct told told = ASK("show webb", all_machines);
    (void)state;
    assert_int_equal(told.ran.status, CLI_NOT_FOUND);
    assert_string_equal(told.ran.err,
                        "ballast: no machine of that name: webb; did you mean web?\n");
    told_free(&told);
    told = ASK("doctor mail", all_machines);
    assert_int_equal(told.ran.status, CLI_NOT_FOUND);
    assert_string_equal(told.ran.err, "ballast: no machine of that name: mail\n");
    told_free(&told);
}

static void names_are_encoded_in_the_address(void **state)
{
    struct told told = ASK("show a/../b?c%20", all_machines);
    (void)state;
    assert_has(told.log, "GET /v1/machines/a/../b?c%20\n"); /* as the server decodes it */
    assert_int_equal(told.ran.status, CLI_NOT_FOUND);
    told_free(&told);
}

static void host_tells_zone_and_promises(void **state)
{
    struct told told = ASK("host", { .path = "/v1/host", .body = HOST_BODY });
    (void)state;
    assert_has(told.ran.out, "zone             soft\n");
    assert_has(told.ran.out, "pressure         some 1.25 %, full 0.00 %\n");
    assert_has(told.ran.out, "  of it left     768 MiB\n");
    assert_has(told.ran.out, "admits           yes\n");
    assert_has(told.ran.out, "swap             2 GiB, 1 GiB free\n");
    assert_has(told.ran.out, "saved by KSM     64 MiB\n");
    assert_has(told.ran.out, "own use          1 GiB\n");
    assert_has(told.ran.out, "  of it arrived  0 bytes\n");
    assert_has(told.ran.out, "can be promised  3 GiB\n");
    assert_has(told.ran.out, "decided          800 ms ago\n");
    told_free(&told);
    told = ASK("host", { .path = "/v1/host",
                         .body = "{\"zone\":null,\"total_bytes\":null,\"psi_some_percent\":null,"
                                 "\"admit\":null,\"machines\":0,\"decided_age_ms\":null}" });
    assert_has(told.ran.out, "zone             -\n");
    assert_has(told.ran.out, "total            -\n");
    assert_has(told.ran.out, "pressure         some -, full -\n");
    assert_has(told.ran.out, "admits           -\n");
    assert_has(told.ran.out, "decided          not yet\n");
    told_free(&told);
}

/* ---- why ---- */

#define PLAN_BODY                                                                                  \
    "{\"now\":" HOST_BODY ",\"moves\":[{\"name\":\"web\",\"size_bytes\":1610612736,"               \
    "\"target_bytes\":1610612736,\"new_target_bytes\":1073741824,"                                 \
    "\"reason\":\"shrink-for-peak\",\"text\":\"db needs it.\",\"hold\":null,\"hold_text\":\"\"},"  \
    "{\"name\":\"db\",\"size_bytes\":1073741824,\"target_bytes\":1073741824,"                      \
    "\"new_target_bytes\":1073741824,\"reason\":\"keep-held\",\"text\":\"keeps it\","              \
    "\"hold\":\"stale\",\"hold_text\":\"its statistics are old\"}]}"

static void plan_tells_the_next_targets_and_why(void **state)
{
    struct told told = ASK("plan", { .path = "/v1/plan", .body = PLAN_BODY });
    (void)state;
    assert_string_equal(
        told.ran.out,
        "zone soft; 512 MiB asked for, 256 MiB arrived, 768 MiB in the slush fund, 3 GiB "
        "can be promised\n\n"
        "NAME      NOW   TARGET   NEXT  RULE             WHY\n"
        "web   1.5 GiB  1.5 GiB  1 GiB  shrink-for-peak  db needs it.\n"
        "db      1 GiB    1 GiB      =  keep-held        keeps it; its statistics are old\n");
    told_free(&told);
}

static void an_owners_plan_has_no_host(void **state)
{
    struct told told = ASK("plan", { .path = "/v1/plan", .body = "{\"now\":null,\"moves\":[]}" });
    (void)state;
    assert_string_equal(told.ran.out, "There is no machine.\n");
    told_free(&told);
}

static void explain_is_sentences_and_numbers(void **state)
{
    struct told told = ASK("explain web", { .path = "/v1/machines/web/explain",
                                            .body = "{\"name\":\"web\",\"reason\":\"keep\","
                                                    "\"text\":\"web keeps 1.5 GiB.\","
                                                    "\"hold\":\"floor\",\"hold_text\":\"It is at "
                                                    "its floor.\",\"numbers\":{\"used_bytes\":"
                                                    "1048576,\"step_bytes\":null}}" });
    (void)state;
    assert_has(told.ran.out, "web keeps 1.5 GiB.\nIt is at its floor.\n\nmemory now ");
    assert_has(told.ran.out, "used             1 MiB\n");
    assert_has(told.ran.out, "largest step     -\n");
    told_free(&told);
}

static void the_doctors_verdict_is_the_exit_status(void **state)
{
    static const struct {
        const char *verdict;
        int status;
    } cases[] = {
        { "good", CLI_OK }, { "note", CLI_OK }, { "unknown", CLI_OK }, { "bad", CLI_FAILED }
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[256];
        char line[64];
        (void)snprintf(body, sizeof(body),
                       "{\"name\":\"web\",\"verdict\":\"%s\",\"text\":\"So it is.\",\"checks\":[{"
                       "\"name\":\"driver\",\"verdict\":\"%s\",\"text\":\"A driver.\"}]}",
                       cases[i].verdict, cases[i].verdict);
        struct told told = ASK("doctor web", { .path = "/v1/machines/web/doctor", .body = body });
        assert_int_equal(told.ran.status, cases[i].status);
        (void)snprintf(line, sizeof(line), "\nweb: %s: So it is.\n", cases[i].verdict);
        assert_has(told.ran.out, line);
        assert_has(told.ran.out, "driver  ");
        told_free(&told);
    }
}

/* ---- changes ---- */

#define WEB_CHANGED                                                                                \
    "{\"name\":\"web\",\"class\":\"spare\",\"owner\":\"\",\"weight\":2000,\"managed\":false,"      \
    "\"minimum_bytes\":1073741824,\"maximum_bytes\":2147483648,\"ballooning\":{"                   \
    "\"state\":\"pending-restart\",\"text\":\"It is held at 4.0 GiB.\"}}"

static const struct fake_reply web_changed = { .method = "PATCH",
                                               .path = "/v1/machines/web",
                                               .body = WEB_CHANGED };

static void set_sends_what_is_given_with_the_revision_it_read(void **state)
{
    struct told told = ASK("set web --min 1G --max=50% --weight 2000 --class spare --managed no",
                           web, web_changed);
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log,
                        "GET /v1/machines/web\n"
                        "PATCH /v1/machines/web if-match=\"4\" body={\"maximum_bytes\":2147483648,"
                        "\"minimum_bytes\":1073741824,\"weight\":2000,\"class\":\"spare\","
                        "\"managed\":false}\n");
    assert_string_equal(told.ran.out, "guaranteed       512 MiB -> 1 GiB\n"
                                      "maximum          4 GiB -> 2 GiB\n"
                                      "class            burst -> spare\n"
                                      "owner            alice -> -\n"
                                      "weight           1000 -> 2000\n"
                                      "managed          no\n");
    told_free(&told);
}

static void a_minimum_that_cannot_be_reached_is_told(void **state)
{
    static const char after[] = "{\"name\":\"web\",\"class\":\"burst\",\"owner\":\"alice\","
                                "\"weight\":1000,\"managed\":true,"
                                "\"minimum_bytes\":268435456,\"maximum_bytes\":4294967296,"
                                "\"least_bytes\":1503240192,\"least_rule\":\"balloon-max\"}";
    struct told told = ASK("set web --min 256M", web,
                           { .method = "PATCH", .path = "/v1/machines/web", .body = after });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_has(told.ran.out, "guaranteed       512 MiB -> 256 MiB\n"
                             "smallest size    1.4 GiB: no balloon is larger than balloon-max");
    told_free(&told);
}

static void a_part_that_is_guaranteed_is_of_the_new_maximum(void **state)
{
    struct told told = ASK("set web --min 50% --max 2G", web, web_changed);
    (void)state;
    assert_has(told.log, "\"minimum_bytes\":1073741824");
    told_free(&told);
}

static void values_that_are_none_change_nothing(void **state)
{
    static const char *const lines[] = { "set web --min much",      "set web --max 101%",
                                         "set web --weight 0",      "set web --weight 50001",
                                         "set web --managed maybe", "set web --owner \xff" };
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct told told = ASK(lines[i], web, web_changed);
        assert_int_equal(told.ran.status, CLI_USAGE);
        assert_has_not(told.log, "PATCH");
        told_free(&told);
    }
}

static void a_change_meanwhile_is_tried_once_more(void **state)
{
    struct told told =
        ASK("set web --weight 2000",
            { .path = "/v1/machines/web", .body = WEB_BODY, .etag = "\"4\"", .times = 1 },
            { .path = "/v1/machines/web", .body = WEB_BODY, .etag = "\"5\"" },
            { .method = "PATCH",
              .path = "/v1/machines/web",
              .status = 412,
              .body = CHANGED_BODY,
              .times = 1 },
            web_changed);
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log, "GET /v1/machines/web\n"
                                  "PATCH /v1/machines/web if-match=\"4\" body={\"weight\":2000}\n"
                                  "GET /v1/machines/web\n"
                                  "PATCH /v1/machines/web if-match=\"5\" body={\"weight\":2000}\n");
    told_free(&told);
}

static void a_second_change_meanwhile_is_told(void **state)
{
    struct told told =
        ASK("set web --weight 2000", web,
            { .method = "PATCH", .path = "/v1/machines/web", .status = 412, .body = CHANGED_BODY });
    (void)state;
    assert_int_equal(told.ran.status, CLI_CONFLICT);
    assert_string_equal(told.ran.err, "ballast: somebody else changed it\n");
    told_free(&told);
}

static void what_the_host_refuses_is_told_with_the_missing_amount(void **state)
{
    struct told told =
        ASK("disable web --json", web,
            { .method = "PATCH", .path = "/v1/machines/web", .status = 409, .body = REFUSED_BODY });
    (void)state;
    assert_int_equal(told.ran.status, CLI_REFUSED);
    assert_has(told.ran.err, "missing: 1.5 GiB\n");
    assert_has(told.ran.out, "\"missing_bytes\": 1610612736");
    told_free(&told);
}

static void the_switch_is_one_member(void **state)
{
    struct told told = ASK("disable web", web, web_changed);
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_has(told.log, "if-match=\"4\" body={\"ballooning\":false}\n");
    assert_string_equal(told.ran.out, "ballooning       pending-restart: It is held at 4.0 GiB.\n");
    told_free(&told);
    told = ASK("enable web", web, web_changed);
    assert_has(told.log, "if-match=\"4\" body={\"ballooning\":true}\n");
    told_free(&told);
}

static void adopt_is_a_request_of_its_own(void **state)
{
    struct told told =
        ASK("adopt web", { .method = "POST", .path = "/v1/machines/web/adopt", .body = WEB_BODY });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log, "POST /v1/machines/web/adopt\n");
    assert_has(told.ran.out, "is controlled again, from 1.5 GiB");
    told_free(&told);
    told = ASK("adopt wep", all_machines);
    assert_int_equal(told.ran.status, CLI_NOT_FOUND);
    assert_has(told.ran.err, "did you mean web?");
    told_free(&told);
}

static void forget_and_expect_are_requests_of_their_own(void **state)
{
    struct told told =
        ASK("forget web", { .method = "DELETE", .path = "/v1/machines/web", .status = 204 });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_has(told.log, "DELETE /v1/machines/web\n");
    assert_has(told.ran.out, "forgotten");
    told_free(&told);
    told = ASK("forget web", { .method = "DELETE",
                               .path = "/v1/machines/web",
                               .status = 409,
                               .body = "{\"error\":{\"code\":\"unsupported\",\"text\":"
                                       "\"The machine runs.\"}}" });
    assert_int_equal(told.ran.status, CLI_REFUSED);
    assert_has(told.ran.err, "The machine runs.");
    told_free(&told);
    told = ASK("expect web --for 2h", { .method = "POST", .path = "/v1/machines/web/expect" });
    assert_int_equal(told.ran.status, CLI_OK);
    assert_has(told.log, "POST /v1/machines/web/expect body={\"seconds\":7200}\n");
    told_free(&told);
    told = ASK("expect web --cancel",
               { .method = "DELETE", .path = "/v1/machines/web/expect", .status = 204 });
    assert_int_equal(told.ran.status, CLI_OK);
    assert_has(told.ran.out, "not expected any more");
    told_free(&told);
    static const char *const wrong[] = { "expect web --for 2d", "expect web --for 1ms",
                                         "expect web --for soon", "expect web --cancel --for 1m" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        told = ASK(wrong[i], web);
        assert_int_equal(told.ran.status, CLI_USAGE);
        assert_string_equal(told.log, "");
        told_free(&told);
    }
}

static void device_prints_words_only_when_they_are_wanted(void **state)
{
    static const char words[] =
        "-device virtio-balloon-pci,deflate-on-oom=on,free-page-reporting=on\n";
    struct told told =
        ASK("device web", { .path = "/v1/machines/web/device", .body = DEVICE_BODY });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.ran.out, words);
    assert_string_equal(told.log, "GET /v1/machines/web/device\n");
    told_free(&told);
    told = ASK("device db", { .path = "/v1/machines/db/device",
                              .body = "{\"name\":\"db\",\"ballooning\":false,\"words\":[]}" });
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.ran.out, "");
    told_free(&told);
    told = ASK("device wep", all_machines);
    assert_int_equal(told.ran.status, CLI_NOT_FOUND);
    assert_string_equal(told.ran.out, "");
    assert_has(told.ran.err, "did you mean web?");
    told_free(&told);
}

/* The words end in root's command line. */
static void device_copies_nothing_from_the_answer(void **state)
{
    static const char words[] =
        "-device virtio-balloon-pci,deflate-on-oom=on,free-page-reporting=on\n";
    static const char *const others[] = {
        "{\"name\":\"web\"}",
        "{\"name\":\"web\",\"ballooning\":\"-runas evil\",\"words\":[\"-runas\",\"evil\"]}",
        "{\"name\":\"web\",\"ballooning\":null,\"words\":[\"-runas\",\"evil\"]}",
    };
    struct told told =
        ASK("device web", { .path = "/v1/machines/web/device",
                            .body = "{\"name\":\"web\",\"ballooning\":true,"
                                    "\"words\":[\"-device\",\"x\",\"-runas\",\"evil\"]}" });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.ran.out, words);
    told_free(&told);
    told = ASK("device web", { .path = "/v1/machines/web/device",
                               .body = "{\"ballooning\":false,\"words\":[\"-runas\",\"evil\"]}" });
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.ran.out, "");
    told_free(&told);
    for (size_t i = 0; i < COUNT(others); i++) {
        told = ASK("device web", { .path = "/v1/machines/web/device", .body = others[i] });
        assert_int_equal(told.ran.status, CLI_FAILED);
        assert_string_equal(told.ran.out, "");
        told_free(&told);
    }
}

static void memory_is_reserved_and_released(void **state)
{
    struct told told = ASK("reserve 4G --for build", { .method = "POST",
                                                       .path = "/v1/reservations",
                                                       .status = 201,
                                                       .body = "{\"name\":\"build\"}" });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log,
                        "POST /v1/reservations body={\"name\":\"build\",\"bytes\":4294967296}\n");
    told_free(&told);
    told = ASK("release build",
               { .method = "DELETE", .path = "/v1/reservations/build", .status = 204 });
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log, "DELETE /v1/reservations/build\n");
    told_free(&told);
    told = ASK("release other", all_machines);
    assert_int_equal(told.ran.status, CLI_NOT_FOUND);
    told_free(&told);
    told =
        ASK("reservations", { .path = "/v1/reservations",
                              .body = "{\"reservations\":[{\"name\":\"build\",\"bytes\":4294967296,"
                                      "\"arrived_bytes\":1073741824,\"age_ms\":5000}]}" });
    assert_string_equal(told.ran.out, "NAME    SIZE  ARRIVED  AGE\n"
                                      "build  4 GiB    1 GiB  5 s\n");
    told_free(&told);
}

/* ---- what happened ---- */

static void events_are_lines(void **state)
{
    struct told told =
        ASK("events --after 40 --limit 7", { .path = "/v1/events", .body = EVENTS_BODY });
    (void)state;
    assert_string_equal(told.log, "GET /v1/events?after=40&limit=7\n");
    assert_string_equal(told.ran.out,
                        "2009-02-13 23:31:30  web          target       shrink-for-peak    "
                        "web is asked for 1.0 GiB.\n"
                        "2009-02-13 23:31:32  host         zone         soft               "
                        "The host gets short.\n");
    told_free(&told);
    told = ASK("events -m web", { .path = "/v1/events", .body = EVENTS_BODY });
    assert_string_equal(told.log, "GET /v1/events?limit=100&machine=web\n");
    assert_has(told.ran.out, "web is asked");
    told_free(&told);
}

/* However many there are, the daemon gives the newest at once. */
static void the_latest_events_are_one_question(void **state)
{
    struct told told = ASK("events --limit 2", { .path = "/v1/events", .body = EVENTS_BODY });
    (void)state;
    assert_string_equal(told.log, "GET /v1/events?limit=2\n");
    assert_has(told.ran.out, "The host gets short.\n");
    told_free(&told);
    told = ASK("events", { .path = "/v1/events", .status = 403, .body = REFUSED_BODY });
    assert_int_equal(told.ran.status, CLI_NOT_ALLOWED);
    told_free(&told);
}

static void events_that_are_followed_go_on_after_a_lost_connection(void **state)
{
    struct told told = ASK(
        "events -f --limit 2",
        { .path = "/v1/events",
          .body = ": hello\n\nid: 41\r\nevent: target\r\ndata: " EVENT_1 "\r\n\r\ndata: broken\n\n",
          .times = 1 },
        { .path = "/v1/events", .body = "data:" EVENT_2 "\n\n" });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log, "GET /v1/events\nGET /v1/events after=41\n");
    assert_has(told.ran.out, "web is asked for 1.0 GiB.\n");
    assert_has(told.ran.out, "The host gets short.\n");
    assert_string_equal(told.ran.err, "ballast: the connection ended; connecting again\n");
    told_free(&told);
}

static void events_for_programs_are_lines_of_json(void **state)
{
    struct told told =
        ASK("events -f --limit 1 --json -m web",
            { .path = "/v1/events", .body = "data: " EVENT_1 "\n\n", .hold_ms = 5000 });
    (void)state;
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(told.log, "GET /v1/events?machine=web\n");
    assert_string_equal(told.ran.out, EVENT_1 "\n");
    told_free(&told);
}

static void a_stream_that_is_refused_is_told(void **state)
{
    struct told told =
        ASK("events -f", { .path = "/v1/events", .status = 401, .body = REFUSED_BODY });
    (void)state;
    assert_int_equal(told.ran.status, CLI_NOT_ALLOWED);
    assert_has(told.ran.err, "ballast: the host cannot promise this\n");
    told_free(&told);
}

static void who_shows_no_token_is_told_how(void **state)
{
    struct told told = ASK("list", { .path = "/v1/machines", .status = 401, .body = REFUSED_BODY });
    (void)state;
    assert_int_equal(told.ran.status, CLI_NOT_ALLOWED);
    assert_has(told.ran.err, "Show a token with --token-file FILE.\n");
    told_free(&told);
    told = ASK("list", { .path = "/v1/machines", .status = 403, .body = REFUSED_BODY });
    assert_null(strstr(told.ran.err, "--token-file"));
    told_free(&told);
}

static void audit_is_a_table(void **state)
{
    struct told told =
        ASK("audit --from 1234567890",
            { .path = "/v1/audit",
              .body = "{\"entries\":[{\"time_s\":1234567890,\"who\":\"operator\",\"action\":"
                      "\"set\",\"target\":\"web\",\"detail\":\"weight 1 -> 2\",\"done\":true}]}" });
    (void)state;
    assert_string_equal(told.log, "GET /v1/audit?from=1234567890&limit=100\n");
    assert_string_equal(told.ran.out,
                        "TIME                 WHO       ACTION  TARGET  DONE  DETAIL\n"
                        "2009-02-13 23:31:30  operator  set     web     yes   weight 1 -> 2\n");
    told_free(&told);
}

#define POINTS_BODY                                                                                \
    "{\"step\":\"raw\",\"points\":[{\"time_s\":1234567890,\"size_bytes\":1073741824,"              \
    "\"target_bytes\":1073741824,\"used_bytes\":null,\"available_bytes\":0,"                       \
    "\"resident_bytes\":1048576,\"demand_bytes\":5,\"short_bytes\":0,\"zone\":\"hard\"}]}"

static void history_is_a_table_or_values(void **state)
{
    struct told told = ASK("history web --from 1234567800 --to 1234567900",
                           { .path = "/v1/machines/web/history", .body = POINTS_BODY });
    (void)state;
    assert_string_equal(
        told.log,
        "GET /v1/machines/web/history?step=raw&from=1234567800&to=1234567900&limit=1000\n");
    assert_has(told.ran.out, "2009-02-13 23:31:30  1 GiB   1 GiB     -");
    assert_has_not(told.ran.out, "hard");
    told_free(&told);
    told = ASK("history --csv --step minute --limit 5 --from 2009-02-13 --to 2009-02-14",
               { .path = "/v1/host/history", .body = POINTS_BODY });
    assert_string_equal(told.log,
                        "GET /v1/host/history?step=minute&from=1234483200&to=1234569600&limit=5\n");
    assert_string_equal(told.ran.out, "time_s,size_bytes,target_bytes,used_bytes,available_bytes,"
                                      "resident_bytes,demand_bytes,short_bytes,zone\n"
                                      "1234567890,1073741824,1073741824,,0,1048576,5,0,hard\n");
    told_free(&told);
}

static void the_step_follows_from_the_length_of_time(void **state)
{
    static const struct {
        const char *line, *step;
    } cases[] = { { "history web --from 0 --to 7200", "step=raw" },
                  { "history web --from 0 --to 7201", "step=minute" },
                  { "history web --from 0 --to 172801", "step=quarter" } };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct told told =
            ASK(cases[i].line, { .path = "/v1/machines/web/history", .body = POINTS_BODY });
        assert_has(told.log, cases[i].step);
        told_free(&told);
    }
}

/* ---- recordings ---- */

static char *file_text(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

static void a_recording_is_copied_line_by_line(void **state)
{
    char path[] = "/tmp/ballast_record_XXXXXX";
    char line[96];
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(line, sizeof(line), "record -o %s --for 300ms", path);
    struct told told =
        ASK(line, { .path = "/v1/record", .body = "{\"a\":1}\n{\"b\":2}\n{\"cu", .hold_ms = 5000 });
    assert_int_equal(told.ran.status, CLI_OK);
    assert_string_equal(file_text(path), "{\"a\":1}\n{\"b\":2}\n");
    assert_has(told.ran.err, "2 lines written to ");
    told_free(&told);
    (void)unlink(path);
}

static void a_recording_that_the_daemon_ends_is_a_failure(void **state)
{
    struct told told = ASK("record", { .path = "/v1/record", .body = "{\"a\":1}\n" });
    (void)state;
    assert_int_equal(told.ran.status, CLI_FAILED);
    assert_string_equal(told.ran.out, "{\"a\":1}\n");
    assert_string_equal(told.ran.err, "ballast: the daemon ended the recording\n");
    told_free(&told);
}

static void a_signal_ends_a_recording_well(void **state)
{
    static const struct fake_reply reply = { .path = "/v1/record",
                                             .body = "{\"a\":1}\n",
                                             .hold_ms = 20000 };
    struct fake_daemon *daemon = fake_daemon_start(&reply, 1, NULL);
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ran ran = run_line(fake_daemon_url(daemon), "record");
        _exit(ran.status == CLI_OK && strcmp(ran.out, "{\"a\":1}\n") == 0 ? 0 : 1);
    }
    int status = -1;
    (void)usleep(500000);
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    fake_daemon_stop(daemon);
}

static void what_is_no_recording_is_named_with_its_line(void **state)
{
    char path[] = "/tmp/ballast_replay_XXXXXX";
    char line[96];
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{}\n", 3), 3);
    (void)close(fd);
    (void)snprintf(line, sizeof(line), "replay %s", path);
    struct ran ran = run_line("", line);
    assert_int_equal(ran.status, CLI_FAILED);
    assert_has(ran.err, ":1: this is no recording of ballast");
    ran_free(&ran);
    (void)unlink(path);
    ran = run_line("", line);
    assert_int_equal(ran.status, CLI_FAILED);
    assert_has(ran.err, "No such file or directory");
    ran_free(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_is_a_table),
        cmocka_unit_test(json_is_what_the_daemon_said),
        cmocka_unit_test(a_host_without_machines_says_so),
        cmocka_unit_test(show_tells_all_of_a_machine),
        cmocka_unit_test(of_a_machine_that_nobody_reached_no_number_is_shown),
        cmocka_unit_test(a_hold_is_told_once),
        cmocka_unit_test(a_name_that_does_not_exist_finds_its_neighbour),
        cmocka_unit_test(names_are_encoded_in_the_address),
        cmocka_unit_test(host_tells_zone_and_promises),
        cmocka_unit_test(plan_tells_the_next_targets_and_why),
        cmocka_unit_test(an_owners_plan_has_no_host),
        cmocka_unit_test(explain_is_sentences_and_numbers),
        cmocka_unit_test(the_doctors_verdict_is_the_exit_status),
        cmocka_unit_test(set_sends_what_is_given_with_the_revision_it_read),
        cmocka_unit_test(a_minimum_that_cannot_be_reached_is_told),
        cmocka_unit_test(a_part_that_is_guaranteed_is_of_the_new_maximum),
        cmocka_unit_test(values_that_are_none_change_nothing),
        cmocka_unit_test(a_change_meanwhile_is_tried_once_more),
        cmocka_unit_test(a_second_change_meanwhile_is_told),
        cmocka_unit_test(what_the_host_refuses_is_told_with_the_missing_amount),
        cmocka_unit_test(the_switch_is_one_member),
        cmocka_unit_test(adopt_is_a_request_of_its_own),
        cmocka_unit_test(forget_and_expect_are_requests_of_their_own),
        cmocka_unit_test(device_prints_words_only_when_they_are_wanted),
        cmocka_unit_test(device_copies_nothing_from_the_answer),
        cmocka_unit_test(memory_is_reserved_and_released),
        cmocka_unit_test(events_are_lines),
        cmocka_unit_test(the_latest_events_are_one_question),
        cmocka_unit_test(events_that_are_followed_go_on_after_a_lost_connection),
        cmocka_unit_test(events_for_programs_are_lines_of_json),
        cmocka_unit_test(a_stream_that_is_refused_is_told),
        cmocka_unit_test(who_shows_no_token_is_told_how),
        cmocka_unit_test(audit_is_a_table),
        cmocka_unit_test(history_is_a_table_or_values),
        cmocka_unit_test(the_step_follows_from_the_length_of_time),
        cmocka_unit_test(a_recording_is_copied_line_by_line),
        cmocka_unit_test(a_recording_that_the_daemon_ends_is_a_failure),
        cmocka_unit_test(a_signal_ends_a_recording_well),
        cmocka_unit_test(what_is_no_recording_is_named_with_its_line),
    };
    return cmocka_run_group_tests_name("tools/ballast/cli/commands.c", tests, NULL, NULL);
}
