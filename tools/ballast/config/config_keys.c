/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every key of the file in one table: where it stands, how its value is read, what is allowed, and
 * how a complaint says so. docs/BALLAST.md and ballast.conf tell what the keys are for; defaults
 * are config_default()'s.
 */

#include <assert.h>
#include <string.h>

#include "tools/ballast/config/config_internal.h"

#define SECOND_MS ((uint64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define AT(member)     offsetof(struct config, member)
#define POLICY(member) offsetof(struct config, policy.member)
#define OF(member)     offsetof(struct config_machine, member)
#define TEXT(member)   .offset = AT(member), .size = sizeof(((struct config *)0)->member)
#define WORD(member)   .offset = OF(member), .size = sizeof(((struct config_machine *)0)->member)

#define ANY_SIZE .high = POLICY_BYTES_MAX, .allowed = "a size from 0 to 64T, such as 512M or 1.5G"
#define PERCENTS(from, to)                                                                         \
    .low = (from), .high = (to), .allowed = "a percentage from " #from " % to " #to " %"
#define TIMES(from, to, words)                                                                     \
    .low = (from), .high = (to), .unit = 1, .allowed = "a time " words ", such as 10s or 2m"

const char *const config_section_names[CONFIG_NO_SECTION] = { "host",    "policy",  "qmp",
                                                              "libvirt", "api",     "state",
                                                              "log",     "default", "machine" };

static const char *const exits[] = { "leave", "restore", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const formats[] = { "text", "json", NULL };
static const char *const classes[] = { "guaranteed", "burst", "spare", NULL };
static_assert(POLICY_GUARANTEED == 0 && POLICY_BURST == 1 && POLICY_SPARE == 2,
              "the order of the names is that of the enum");
static_assert(CONFIG_EXIT_LEAVE == 0 && CONFIG_LOG_ERROR == 0 && CONFIG_LOG_TEXT == 0,
              "the order of the names is that of the enum");

#define ABSOLUTE "an absolute path that fits, or nothing for none"
#define MARGIN   "a size, a percentage or both, such as 64M 5%"
#define A_RAM    "a size such as 512M, or a percentage of the machine's RAM such as 50%"
#define A_SWITCH "on or off"

const struct config_key config_keys[] = {
    { CONFIG_HOST, "memory", CONFIG_SIZE, AT(host_memory_bytes), ANY_SIZE },
    { CONFIG_HOST, "cgroup", CONFIG_FOLDER, TEXT(host_cgroup), .allowed = ABSOLUTE },

    { CONFIG_POLICY, "period", CONFIG_TIME, AT(period_ms),
      TIMES(200, MINUTE_MS, "from 200ms to 1m") },
    { CONFIG_POLICY, "on-exit", CONFIG_CHOICE, AT(on_exit), .choices = exits,
      .allowed = "leave or restore" },
    { CONFIG_POLICY, "host-reserve", CONFIG_SIZE, POLICY(reserve_bytes), ANY_SIZE },
    { CONFIG_POLICY, "slush", CONFIG_SIZE, POLICY(slush_bytes), ANY_SIZE },
    { CONFIG_POLICY, "margin", CONFIG_MARGIN, POLICY(margin_bytes),
      .second = POLICY(margin_percent), .high = 50, .allowed = MARGIN ", at most 50 %" },
    { CONFIG_POLICY, "buffer", CONFIG_PERCENT, POLICY(buffer_percent), PERCENTS(0, 200) },
    { CONFIG_POLICY, "balloon-max", CONFIG_PERCENT, POLICY(balloon_max_percent), PERCENTS(1, 90) },
    { CONFIG_POLICY, "idle-tax", CONFIG_PERCENT, POLICY(idle_tax_percent), PERCENTS(0, 95) },
    { CONFIG_POLICY, "overcommit", CONFIG_PERCENT, POLICY(overcommit_percent), PERCENTS(10, 400) },
    { CONFIG_POLICY, "reporting-trust", CONFIG_PERCENT, POLICY(reporting_trust_percent),
      PERCENTS(0, 100) },
    { CONFIG_POLICY, "inflate", CONFIG_PERCENT, POLICY(inflate_percent), PERCENTS(1, 100) },
    { CONFIG_POLICY, "deadband", CONFIG_MARGIN, POLICY(deadband_bytes),
      .second = POLICY(deadband_percent), .high = 25, .allowed = MARGIN ", at most 25 %" },
    { CONFIG_POLICY, "psi-some", CONFIG_PERCENT, POLICY(psi_some_percent), PERCENTS(1, 100) },
    { CONFIG_POLICY, "psi-full", CONFIG_PERCENT, POLICY(psi_full_percent), PERCENTS(1, 100) },
    { CONFIG_POLICY, "stale", CONFIG_TIME, POLICY(stale_ms),
      TIMES(SECOND_MS, 10 * MINUTE_MS, "from 1s to 10m") },
    { CONFIG_POLICY, "settle", CONFIG_TIME, POLICY(settle_ms), TIMES(0, HOUR_MS, "of at most 1h") },
    { CONFIG_POLICY, "stall-time", CONFIG_TIME, POLICY(stall_ms),
      TIMES(SECOND_MS, 10 * MINUTE_MS, "from 1s to 10m") },
    { CONFIG_POLICY, "stall-rate", CONFIG_SIZE, POLICY(stall_bytes_per_s), ANY_SIZE },
    { CONFIG_POLICY, "stall-pause", CONFIG_TIMES, POLICY(stall_pause_ms),
      .second = POLICY(stall_pause_max_ms), .low = SECOND_MS, .high = DAY_MS, .unit = 1,
      .allowed =
          "one time or two, the first pause and the longest, from 1s to 1d, such as 60s 15m" },
    { CONFIG_POLICY, "swing-first", CONFIG_TIME, POLICY(swing_first_ms),
      TIMES(0, HOUR_MS, "of at most 1h") },
    { CONFIG_POLICY, "swing-again", CONFIG_TIME, POLICY(swing_again_ms),
      TIMES(0, HOUR_MS, "of at most 1h") },
    { CONFIG_POLICY, "reversals", CONFIG_NUMBER, POLICY(reversals_per_hour), .low = 1, .high = 3600,
      .allowed = "a number from 1 to 3600" },

    { CONFIG_QMP, "folder", CONFIG_FOLDER, TEXT(qmp_folder), .allowed = ABSOLUTE },
    { CONFIG_QMP, "timeout", CONFIG_TIME, AT(qmp_timeout_ms),
      TIMES(100, 10 * MINUTE_MS, "from 100ms to 10m") },

    { CONFIG_LIBVIRT, "uri", CONFIG_URI,
      .allowed = "a libvirt URI such as qemu:///system; eight at most" },

    { CONFIG_API, "listen", CONFIG_LISTEN,
      .allowed = "unix:/PATH, or ADDRESS:PORT with an address of the loopback interface "
                 "(127.0.0.1, [::1], localhost); four at most" },
    { CONFIG_API, "tokens", CONFIG_FOLDER, TEXT(tokens), .allowed = ABSOLUTE },

    { CONFIG_STATE, "folder", CONFIG_FOLDER, TEXT(state_folder), .low = 1,
      .allowed = "an absolute path that fits" },
    { CONFIG_STATE, "raw", CONFIG_TIME, AT(raw_hours), .low = 1, .high = 8760, .unit = HOUR_MS,
      .allowed = "whole hours or days from 1h to 365d" },
    { CONFIG_STATE, "minutes", CONFIG_TIME, AT(minute_days), .low = 1, .high = 3650, .unit = DAY_MS,
      .allowed = "whole days from 1d to 3650d" },
    { CONFIG_STATE, "quarters", CONFIG_TIME, AT(quarter_days), .low = 1, .high = 36500,
      .unit = DAY_MS, .allowed = "whole days from 1d to 36500d" },

    { CONFIG_LOG, "level", CONFIG_CHOICE, AT(log_level), .choices = levels,
      .allowed = "error, warning, info or debug" },
    { CONFIG_LOG, "format", CONFIG_CHOICE, AT(log_format), .choices = formats,
      .allowed = "text or json" },

    { CONFIG_DEFAULT, "class", CONFIG_CHOICE, OF(class), .choices = classes,
      .given = CONFIG_GIVEN_CLASS, .allowed = "guaranteed, burst or spare" },
    { CONFIG_DEFAULT, "minimum", CONFIG_OF_RAM, OF(min), .given = CONFIG_GIVEN_MIN,
      .allowed = A_RAM },
    { CONFIG_DEFAULT, "maximum", CONFIG_OF_RAM, OF(max), .low = 1, .given = CONFIG_GIVEN_MAX,
      .allowed = A_RAM ", and more than 0" },
    { CONFIG_DEFAULT, "weight", CONFIG_NUMBER, OF(weight), .low = 1, .high = POLICY_WEIGHT_MAX,
      .given = CONFIG_GIVEN_WEIGHT, .allowed = "a number from 1 to 50000" },
    { CONFIG_DEFAULT, "owner", CONFIG_NAME, WORD(owner), .given = CONFIG_GIVEN_OWNER,
      .allowed = "a name of at most 63 letters, digits and -_.@, or nothing for none" },
    { CONFIG_DEFAULT, "ballooning", CONFIG_SWITCH, OF(ballooning), .given = CONFIG_GIVEN_BALLOONING,
      .allowed = A_SWITCH },
    { CONFIG_DEFAULT, "managed", CONFIG_SWITCH, OF(managed), .given = CONFIG_GIVEN_MANAGED,
      .allowed = A_SWITCH },
    { CONFIG_MACHINE, "socket", CONFIG_FOLDER, WORD(socket), .low = 1, .given = CONFIG_GIVEN_SOCKET,
      .allowed = "an absolute path of at most 107 characters" },
    { CONFIG_MACHINE, "cgroup", CONFIG_FOLDER, WORD(cgroup), .low = 1, .given = CONFIG_GIVEN_CGROUP,
      .allowed = "an absolute path that fits" },
    { CONFIG_MACHINE, "uuid", CONFIG_UUID, WORD(uuid), .given = CONFIG_GIVEN_UUID,
      .allowed = "a UUID of 32 hexadecimal digits with 4 dashes, not all zeros" },
};

/* A floor is the size below which a machine is not made smaller; what is reserved is somebody's who
 * will start. */
const struct config_rename config_renames[CONFIG_RENAMED] = {
    { CONFIG_POLICY, "reserve", "host-reserve" },
    { CONFIG_POLICY, "floor", "margin" },
};

const size_t config_key_count = sizeof config_keys / sizeof config_keys[0];
static_assert(sizeof config_keys / sizeof config_keys[0] <= CONFIG_KEYS_MAX, "lines[] has room");
static_assert(POLICY_BYTES_MAX == (uint64_t)64 << 40, "complaints name 64T");
static_assert(POLICY_WEIGHT_MAX == 50000, "complaints name 50000");
