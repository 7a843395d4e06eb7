/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Answers of a daemon with two machines, as its API gives them.
 */

#define WEB_BODY                                                                                   \
    "{\"name\":\"web\",\"kind\":\"machine\",\"state\":\"running\",\"backend\":\"qmp\","            \
    "\"where\":\"/run/web.qmp\",\"owner\":\"alice\",\"class\":\"burst\",\"weight\":1000,"          \
    "\"managed\":true,\"size_bytes\":1610612736,\"target_bytes\":1073741824,"                      \
    "\"minimum_bytes\":536870912,\"maximum_bytes\":4294967296,\"ram_bytes\":4294967296,"           \
    "\"used_bytes\":805306368,\"available_bytes\":805306368,\"demand_bytes\":1073741824,"          \
    "\"want_bytes\":1073741824,\"floor_bytes\":1073741824,\"booked_bytes\":1610612736,\"promised_" \
    "bytes\":603979776,\"least_bytes\":1503238553,\"least_rule\":\"balloon-max\",\"smallest_"      \
    "bytes\":1503238553,\"smallest_rule\":\"balloon-max\",\"takeable_bytes\":107374183,"           \
    "\"short_bytes\":0,\"resident_bytes\":1610612736,\"overhead_bytes\":67108864,"                 \
    "\"guest\":{\"total_bytes\":1572864000,\"free_bytes\":null,\"available_bytes\":805306368,"     \
    "\"caches_bytes\":null,\"swap_in_bytes\":null,\"swap_out_bytes\":0,\"major_faults\":7,"        \
    "\"minor_faults\":8,\"alloc_stalls\":null,\"oom_kills\":2,\"age_ms\":1200},\"device\":true,"   \
    "\"driver\":\"ok\",\"features\":[\"reporting\"],\"mode\":\"total-shrinks\",\"drift\":null,"    \
    "\"ballooning\":{\"state\":\"enabled\",\"wanted\":true,\"missing_bytes\":null,"                \
    "\"text\":\"It shares memory.\"},\"decision\":{\"reason\":\"shrink-for-peak\","                \
    "\"reason_text\":\"db needs it more.\",\"hold\":null,\"hold_text\":\"\",\"hold_ms\":null},"    \
    "\"ledger\":{\"lent_mib_s\":12,\"peaks_met\":3,\"peaks_missed\":0},\"commands\":5,"            \
    "\"last_error\":\"\",\"revision\":4,\"seen_age_ms\":300}"

#define DB_BODY                                                                                    \
    "{\"name\":\"db\",\"kind\":\"machine\",\"state\":\"running\",\"backend\":\"qmp\","             \
    "\"where\":\"/run/db.qmp\",\"owner\":\"bob\",\"class\":\"guaranteed\",\"weight\":2000,"        \
    "\"managed\":true,\"size_bytes\":8589934592,\"target_bytes\":8589934592,"                      \
    "\"minimum_bytes\":4294967296,\"maximum_bytes\":8589934592,\"ram_bytes\":8589934592,"          \
    "\"used_bytes\":null,\"available_bytes\":null,\"demand_bytes\":8589934592,"                    \
    "\"want_bytes\":8589934592,\"floor_bytes\":8589934592,\"booked_bytes\":8589934592,"            \
    "\"short_bytes\":0,\"resident_bytes\":4294967296,\"overhead_bytes\":null,"                     \
    "\"guest\":{\"age_ms\":null},\"device\":false,\"driver\":\"none\",\"features\":null,"          \
    "\"mode\":\"unknown\",\"drift\":null,\"ballooning\":{\"state\":\"disabled\","                  \
    "\"wanted\":false,\"missing_bytes\":null,\"text\":\"It keeps 8.0 GiB.\"},"                     \
    "\"decision\":{\"reason\":\"keep\",\"reason_text\":\"It keeps what it has.\","                 \
    "\"hold\":\"disabled\",\"hold_text\":\"Its owner switched ballooning off.\","                  \
    "\"hold_ms\":null},\"ledger\":{\"lent_mib_s\":0,\"peaks_met\":0,\"peaks_missed\":0},"          \
    "\"commands\":0,\"last_error\":\"bad \\u001b[2J\",\"revision\":1,\"seen_age_ms\":300}"

/* One that nobody has reached. */
#define MAIL_BODY                                                                                  \
    "{\"name\":\"mail\",\"kind\":\"machine\",\"state\":\"unreachable\",\"trouble\":"               \
    "\"another client has its socket\",\"backend\":\"qmp\",\"where\":\"/run/mail.qmp\","           \
    "\"owner\":\"\",\"class\":\"burst\",\"weight\":1000,\"managed\":true,\"size_bytes\":null,"     \
    "\"target_bytes\":null,\"minimum_bytes\":null,\"maximum_bytes\":null,\"ram_bytes\":null,"      \
    "\"used_bytes\":null,\"available_bytes\":null,\"demand_bytes\":null,\"want_bytes\":null,"      \
    "\"floor_bytes\":null,\"booked_bytes\":null,\"short_bytes\":null,\"resident_bytes\":null,"     \
    "\"overhead_bytes\":null,\"guest\":{\"total_bytes\":null,\"free_bytes\":null,"                 \
    "\"available_bytes\":null,\"caches_bytes\":null,\"swap_in_bytes\":null,"                       \
    "\"swap_out_bytes\":null,\"major_faults\":null,\"minor_faults\":null,"                         \
    "\"alloc_stalls\":null,\"oom_kills\":null,\"age_ms\":null},\"device\":null,"                   \
    "\"driver\":\"unknown\",\"features\":null,\"mode\":\"unknown\",\"drift\":null,"                \
    "\"ballooning\":{\"state\":null,\"wanted\":true,\"missing_bytes\":null,"                       \
    "\"text\":\"Ballooning shall be on; whether it is, is not known.\"},\"decision\":{"            \
    "\"reason\":null,\"reason_text\":\"nothing is decided about it: another client has its "       \
    "socket\",\"hold\":null,\"hold_text\":\"\",\"hold_ms\":null},\"ledger\":{\"lent_mib_s\":0,"    \
    "\"peaks_met\":0,\"peaks_missed\":0},\"commands\":0,\"last_error\":\"\",\"revision\":0,"       \
    "\"seen_age_ms\":null}"

#define LIST_BODY "{\"machines\":[" DB_BODY "," WEB_BODY "]}"

#define HOST_BODY                                                                                  \
    "{\"zone\":\"soft\",\"total_bytes\":17179869184,\"available_bytes\":2147483648,"               \
    "\"swap_total_bytes\":2147483648,\"swap_free_bytes\":1073741824,\"ksm_saved_bytes\":67108864," \
    "\"psi_some_percent\":1.25,\"psi_full_percent\":0.0,\"reserve_bytes\":536870912,"              \
    "\"slush_bytes\":1073741824,\"slush_left_bytes\":805306368,\"ceiling_bytes\":15032385536,"     \
    "\"booked_bytes\":10200547328,\"arrived_bytes\":268435456,\"asked_bytes\":536870912,"          \
    "\"short_bytes\":268435456,\"granted_bytes\":268435456,\"coming_bytes\":0,"                    \
    "\"taken_bytes\":536870912,\"reserved_bytes\":0,\"promised_bytes\":9126805504,"                \
    "\"missing_for_promises_bytes\":0,\"own_bytes\":1073741824,\"resident_bytes\":8589934592,"     \
    "\"overhead_bytes\":134217728,\"reserved_arrived_bytes\":0,\"could_promise_bytes\":"           \
    "3221225472,\"admit\":true,\"machines\":2,\"decided_age_ms\":800}"

#define EVENT_1                                                                                    \
    "{\"number\":41,\"time_s\":1234567890,\"kind\":\"target\",\"machine\":\"web\","                \
    "\"code\":\"shrink-for-peak\",\"bytes\":1073741824,\"text\":\"web is asked for 1.0 GiB.\"}"
#define EVENT_2                                                                                    \
    "{\"number\":42,\"time_s\":1234567892,\"kind\":\"zone\",\"machine\":null,"                     \
    "\"code\":\"soft\",\"bytes\":null,\"text\":\"The host gets short.\"}"
#define EVENTS_BODY "{\"events\":[" EVENT_1 "," EVENT_2 "]}"

#define REFUSED_BODY                                                                               \
    "{\"error\":{\"code\":\"refused\",\"text\":\"the host cannot promise this\","                  \
    "\"missing_bytes\":1610612736}}"
#define CHANGED_BODY "{\"error\":{\"code\":\"changed\",\"text\":\"somebody else changed it\"}}"
