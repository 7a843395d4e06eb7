/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aerostat`: starts our guests in QEMU. This file only reads the command line; run.c and demo.c do
 * the work.
 */

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/aerostat/commands.h"

#define VERSION        "0.1"
#define MEMORY_MAX_MIB (UINT64_C(1) << 22) /* 4 TiB: what QEMU takes at most */
#define EXTRA_MAX      48U
#define APPEND_MAX     2048U

static const char help_text[] =
    "usage: aerostat run [OPTION...] IMAGE [-- WORD...]\n"
    "       aerostat demo [OPTION...]\n"
    "       aerostat --help | --version\n"
    "\n"
    "run   boots IMAGE in QEMU with its serial port on standard output. The WORDs go to the\n"
    "      application in it, behind `--` on the guest's command line.\n"
    "demo  shows the main job: the guest touches its memory, frees it, gives 256 MiB to the host\n"
    "      and gets them back, beside what the host really holds.\n"
    "\n"
    "  -m, --memory MIB     guest memory (run: 256; demo: 1024, at least 512)\n"
    "      --machine NAME   QEMU's machine, pc or q35 (default q35)\n"
    "      --cpu MODEL      QEMU's processor model (default max, with KVM host)\n"
    "      --smp N          processors (the guest parks all but one)\n"
    "      --accel kvm|tcg  default: KVM where the processor offers it, TCG elsewhere\n"
    "      --qemu PROGRAM   default $QEMU, then qemu-system-x86_64\n"
    "      --qemu-arg WORD  one more word for QEMU's command line; may be repeated\n"
    "      --timeout S      end the guest after so many seconds (run: never; demo: 60)\n"
    "run only:\n"
    "      --append TEXT    the guest's command line\n"
    "      --initrd FILE    an archive of files for the guest (tools/initrd.sh makes one)\n"
    "      --balloon on|off with or without a balloon device (default on)\n"
    "      --monitor        QEMU's monitor on the terminal, the serial port on standard error:\n"
    "                       then type, for example, `balloon 128`\n"
    "demo only:\n"
    "      --image FILE     the guest (default the demo.elf that came with this program)\n"
    "      --plain          lines, even on a terminal; NO_COLOR=1 only takes the colours away\n"
    "\n"
    "Exit status: the guest's own, 0 to 255 (demo: 0, or 1 when a step did not happen);\n"
    "0 also when the guest was switched off or told to quit; 123 the guest reset itself;\n"
    "124 the time limit of run; 125 wrong command line, or a file that cannot be read;\n"
    "126 QEMU could not be started (its own message is shown; an unknown --machine or --cpu,\n"
    "for example), failed, or stopped the guest after an internal error (demo: 1).\n"
    "A guest's own 123 to 126 comes with \"the guest ended with status N\" on standard error.\n";

enum option_id {
    OPTION_MACHINE = 256,
    OPTION_CPU,
    OPTION_SMP,
    OPTION_ACCEL,
    OPTION_QEMU,
    OPTION_QEMU_ARG,
    OPTION_TIMEOUT,
    OPTION_APPEND,
    OPTION_INITRD,
    OPTION_BALLOON,
    OPTION_MONITOR,
    OPTION_IMAGE,
    OPTION_PLAIN,
};

static const struct option common_options[] = {
    { "memory", required_argument, NULL, 'm' },
    { "machine", required_argument, NULL, OPTION_MACHINE },
    { "cpu", required_argument, NULL, OPTION_CPU },
    { "smp", required_argument, NULL, OPTION_SMP },
    { "accel", required_argument, NULL, OPTION_ACCEL },
    { "qemu", required_argument, NULL, OPTION_QEMU },
    { "qemu-arg", required_argument, NULL, OPTION_QEMU_ARG },
    { "timeout", required_argument, NULL, OPTION_TIMEOUT },
    { "append", required_argument, NULL, OPTION_APPEND },
    { "initrd", required_argument, NULL, OPTION_INITRD },
    { "balloon", required_argument, NULL, OPTION_BALLOON },
    { "monitor", no_argument, NULL, OPTION_MONITOR },
    { "image", required_argument, NULL, OPTION_IMAGE },
    { "plain", no_argument, NULL, OPTION_PLAIN },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static const char *extra[EXTRA_MAX + 1];
static size_t extra_count;
static char append[APPEND_MAX];
static char demo_image[PATH_MAX];

__attribute__((format(printf, 1, 2))) _Noreturn static void usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("aerostat: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\nTry `aerostat --help`.\n", stderr);
    va_end(args);
    exit(AEROSTAT_USAGE);
}

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max) {
        usage("%s wants a number from %llu to %llu, not '%s'", option, (unsigned long long)min,
              (unsigned long long)max, text);
    }
    return value;
}

static void append_words(const char *words)
{
    size_t used = strlen(append);
    int more = snprintf(append + used, sizeof(append) - used, "%s%s", used > 0 ? " " : "", words);

    if (more < 0 || (size_t)more >= sizeof(append) - used) {
        usage("the guest's command line is longer than %u bytes", APPEND_MAX - 1);
    }
}

/* A word of the application's. The guest splits its command line at blanks and knows double quotes,
 * but no way to write one: a word that has some is passed as it is. */
static void append_word(const char *word)
{
    bool plain = word[0] != '\0' && word[strcspn(word, " \t\n")] == '\0';
    char quoted[APPEND_MAX];

    if (plain || strchr(word, '"') != NULL) {
        append_words(word);
        return;
    }
    snprintf(quoted, sizeof(quoted), "\"%s\"", word);
    append_words(quoted);
}

static void take_accel(struct aerostat_options *options, const char *name)
{
    struct accel ignored;

    if (!accel_choose(name, &ignored)) {
        usage("--accel is kvm or tcg, not '%s'", name);
    }
    options->vm.accel = name;
}

static void take_balloon(struct aerostat_options *options, const char *word)
{
    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0) {
        usage("--balloon is on or off, not '%s'", word);
    }
    options->vm.no_balloon = strcmp(word, "off") == 0;
}

static void take_extra(const char *word)
{
    if (extra_count == EXTRA_MAX) {
        usage("more than %u --qemu-arg words", EXTRA_MAX);
    }
    extra[extra_count++] = word;
}

/* One option. `is_demo` decides about those that only one command has. */
static void take_option(struct aerostat_options *options, int id, bool is_demo)
{
    bool run_only =
        id == OPTION_APPEND || id == OPTION_INITRD || id == OPTION_BALLOON || id == OPTION_MONITOR;
    bool demo_only = id == OPTION_IMAGE || id == OPTION_PLAIN;

    if ((is_demo && run_only) || (!is_demo && demo_only)) {
        usage("that option is not for %s", is_demo ? "demo" : "run");
    }
    switch (id) {
    case 'm':
        options->vm.memory_mib = number("--memory", optarg, 1, MEMORY_MAX_MIB);
        break;
    case OPTION_MACHINE:
        options->vm.machine = optarg;
        break;
    case OPTION_CPU:
        options->vm.cpu = optarg;
        break;
    case OPTION_SMP:
        options->vm.smp = (unsigned)number("--smp", optarg, 1, 255);
        break;
    case OPTION_ACCEL:
        take_accel(options, optarg);
        break;
    case OPTION_QEMU:
        options->vm.qemu = optarg;
        break;
    case OPTION_QEMU_ARG:
        take_extra(optarg);
        break;
    case OPTION_TIMEOUT:
        options->timeout_s = (int)number("--timeout", optarg, 1, 1000000);
        break;
    case OPTION_APPEND:
        append_words(optarg);
        break;
    case OPTION_INITRD:
        options->vm.initrd = optarg;
        break;
    case OPTION_BALLOON:
        take_balloon(options, optarg);
        break;
    case OPTION_MONITOR:
        options->vm.terminal = VM_TERMINAL_MONITOR;
        break;
    case OPTION_IMAGE:
        options->vm.image = optarg;
        break;
    case OPTION_PLAIN:
        options->plain = true;
        break;
    case 'h':
        fputs(help_text, stdout);
        exit(AEROSTAT_GOOD);
    default: /* getopt has said what is wrong */
        fputs("Try `aerostat --help`.\n", stderr);
        exit(AEROSTAT_USAGE);
    }
}

/* The program is build/tools/aerostat and the guest build/demo.elf, or, installed, bin/aerostat and
 * share/aerostat/demo.elf. */
static const char *find_demo_image(void)
{
    const char *folder;
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length < 0) {
        usage("cannot find the demo's guest: say --image FILE");
    }
    self[length] = '\0';
    folder = dirname(dirname(self));
    (void)snprintf(demo_image, sizeof(demo_image), "%s/share/aerostat/demo.elf", folder);
    if (access(demo_image, R_OK) != 0) {
        (void)snprintf(demo_image, sizeof(demo_image), "%s/demo.elf", folder);
    }
    return demo_image;
}

static void need_file(const char *what, const char *file)
{
    if (access(file, R_OK) != 0) {
        fprintf(stderr, "aerostat: cannot read the %s %s: %s\n", what, file, strerror(errno));
        exit(AEROSTAT_USAGE);
    }
}

int main(int argc, char **argv)
{
    struct aerostat_options options = { 0 };
    bool is_demo;
    int id;

    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help_text, argc < 2 ? stderr : stdout);
        return argc < 2 ? AEROSTAT_USAGE : AEROSTAT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("aerostat " VERSION);
        return AEROSTAT_GOOD;
    }
    is_demo = strcmp(argv[1], "demo") == 0;
    if (!is_demo && strcmp(argv[1], "run") != 0) {
        usage("there is no command '%s'", argv[1]);
    }
    /* "+": options end at the first word that is none, so the image ends them. */
    optind = 2;
    while ((id = getopt_long(argc, argv, "+m:h", common_options, NULL)) != -1) {
        take_option(&options, id, is_demo);
    }
    if (!is_demo && optind < argc) {
        options.vm.image = argv[optind++];
    }
    if (!is_demo && optind < argc && strcmp(argv[optind], "--") == 0) {
        append_words("--");
        for (optind++; optind < argc; optind++) {
            append_word(argv[optind]);
        }
    }
    if (optind < argc) {
        usage("'%s' was not expected", argv[optind]);
    }
    if (options.vm.image == NULL && !is_demo) {
        usage("run wants an image");
    }
    if (options.vm.image == NULL) {
        options.vm.image = find_demo_image();
    }
    need_file("image", options.vm.image);
    if (options.vm.initrd != NULL) {
        need_file("initrd", options.vm.initrd);
    }
    options.vm.append = append[0] == '\0' ? NULL : append;
    options.vm.extra = extra;
    return is_demo ? aerostat_demo(&options) : aerostat_run(&options);
}
