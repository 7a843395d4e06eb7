/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `make install` puts below a prefix is all that a program needs: here it is installed below a
 * temporary one, programs are built with it in a folder of their own, booted with its launcher, and
 * at the end nothing is left. Commands are shell commands as a person would type them, run in that
 * folder; $P is the prefix and $R this repository.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/aerostat-install-XXXXXX";
static char said[65536]; /* standard output and error of the last command */

/* A serial port ends its lines with two characters. */
static void without_returns(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '\r') {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* Runs a command and returns its exit status. */
__attribute__((format(printf, 1, 2))) static int sh(const char *format, ...)
{
    char command[4096];
    size_t length;
    va_list args;
    FILE *pipe;
    int status;

    va_start(args, format);
    assert_in_range(vsnprintf(command, sizeof(command), format, args), 1, sizeof(command) - 1);
    va_end(args);
    assert_int_equal(setenv("COMMAND", command, 1), 0);
    /* A shell is what is wanted. NOLINTNEXTLINE(cert-env33-c) */
    pipe = popen("exec 2>&1; cd \"$F\" && eval \"$COMMAND\"", "re");
    assert_non_null(pipe);
    length = fread(said, 1, sizeof(said) - 1, pipe);
    said[length] = '\0';
    without_returns(said);
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same, and this must be the status. */
#define ENDS_WITH(status, ...)                                                                     \
    do {                                                                                           \
        int got = sh(__VA_ARGS__);                                                                 \
                                                                                                   \
        if (got != (status)) {                                                                     \
            fail_msg("status %d instead of %d: %s", got, (status), said);                          \
        }                                                                                          \
    } while (0)

#define SUCCEEDS(...) ENDS_WITH(0, __VA_ARGS__)

static void says(const char *text)
{
    if (strstr(said, text) == NULL) {
        fail_msg("'%s' is not in: %s", text, said);
    }
}

#define RUN "timeout 60 $P/bin/aerostat run --timeout 30 "

static int set_up(void **state)
{
    char prefix[PATH_MAX];
    char here[PATH_MAX];

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(here, sizeof(here)));
    (void)snprintf(prefix, sizeof(prefix), "%s/usr", folder);
    assert_int_equal(setenv("F", folder, 1), 0);
    assert_int_equal(setenv("P", prefix, 1), 0);
    assert_int_equal(setenv("R", here, 1), 0);
    /* Not under the flags of a make that may have started this. */
    assert_int_equal(setenv("MAKE_HERE",
                            "env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -s -C $R "
                            "BUILD=${BUILD:-build}",
                            1),
                     0);
    SUCCEEDS("eval $MAKE_HERE install PREFIX=$P");
    SUCCEEDS("cat > status.c <<'END'\n"
             "#include <stdlib.h>\n"
             "int main(int argc, char **argv) { exit(argc > 1 ? atoi(argv[1]) : 0); }\n"
             "END\n"
             "$P/bin/aerostat-cc status.c -o status.elf");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return sh("cd / && rm -rf \"$F\"");
}

static void the_program_of_the_document_compiles_and_boots(void **state)
{
    (void)state;
    SUCCEEDS(
        "awk '/^```c/ { on = 1; next } /^```/ && on { exit } on' $R/docs/PROGRAMS.md > hello.c");
    SUCCEEDS("$P/bin/aerostat-cc -Wall -Wextra -Werror hello.c -o hello.elf");
    SUCCEEDS(RUN "hello.elf -- world");
    says("Hello, world\n");
    ENDS_WITH(3, RUN "hello.elf");
    says("usage: hello NAME\n");
}

static void clang_serves_too(void **state)
{
    (void)state;
    if (sh("command -v clang") != 0) {
        skip();
    }
    SUCCEEDS("CC=clang $P/bin/aerostat-cc status.c -o clang.elf");
    ENDS_WITH(5, RUN "clang.elf -- 5");
}

static void every_status_reaches_the_host(void **state)
{
    static const int statuses[] = { 0, 1, 111, 112, 123, 124, 126, 200, 255 };

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char line[64];

        ENDS_WITH(statuses[i], RUN "status.elf -- %d", statuses[i]);
        (void)snprintf(line, sizeof(line), "the guest ended with status %d\n", statuses[i]);
        assert_true((strstr(said, line) != NULL) == (statuses[i] != 0));
        assert_null(strstr(said, "warning"));
    }
    ENDS_WITH(255, RUN "status.elf -- -1");
    ENDS_WITH(1, RUN "status.elf -- 257");
}

static void the_launchers_own_statuses_are_told_apart(void **state)
{
    (void)state;
    SUCCEEDS(
        "echo 'int main(void) { for (;;) { } }' > ever.c && $P/bin/aerostat-cc ever.c -o ever.elf");
    ENDS_WITH(124, "timeout 60 $P/bin/aerostat run --timeout 1 ever.elf");
    says("the guest still ran after 1 s");
    assert_null(strstr(said, "the guest ended with status"));
    ENDS_WITH(125, RUN "nothing.elf");
    assert_null(strstr(said, "the guest ended with status"));
}

#define QEMU                                                                                       \
    "timeout 30 ${QEMU:-qemu-system-x86_64} -accel tcg -cpu max -M q35 -m 64 -nodefaults "         \
    "-display none -no-reboot -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 "

/* QEMU's exit code is 33 + 2 * status. */
static void other_launchers_have_what_they_had_and_can_have_all(void **state)
{
    (void)state;
    ENDS_WITH(33 + 2 * 110, QEMU "-kernel status.elf -append '-- 110'");
    ENDS_WITH(33 + 2 * 111, QEMU "-kernel status.elf -append '-- 200'");
    says("the status 200 is told as 111");
    ENDS_WITH(33 + 2 * 111, QEMU "-kernel status.elf -append '-- 200' -chardev file,id=s,path=told "
                                 "-device isa-debugcon,iobase=0xf8,chardev=s");
    assert_null(strstr(said, "is told as"));
    SUCCEEDS("[ \"$(od -An -tu1 told | tr -d ' ')\" = 200 ]");
}

static void several_files_objects_and_libraries_become_one_image(void **state)
{
    (void)state;
    SUCCEEDS(
        "mkdir -p 'a folder/inc' lib && cd 'a folder' &&"
        "echo '#define TWO 2' > 'inc/two two.h' &&"
        "printf '#include \"two two.h\"\\nint two(void) { return TWO * FACTOR; }\\n' > 'two 2.c' &&"
        "echo 'int three(void) { return 3; }' > three.c &&"
        "printf '#include <math.h>\\nint two(void); int three(void); int four(void);\\n"
        "int main(int c, char **v) { return (int)sqrt((two() + three() + four()) * c) + "
        "(v[0][0] == 112 ? 0 : 50); }\\n' > main.c && echo 'int four(void) { return 4; }' > "
        "four.c");
    SUCCEEDS("cd 'a folder' && $P/bin/aerostat-cc -c -O0 -Wall three.c four.c && "
             "ar rcs ../lib/libfour.a four.o && "
             "$P/bin/aerostat-cc -I inc -DFACTOR=1 'two 2.c' three.o main.c -L../lib -lfour -lm "
             "-o 'a program.elf'");
    ENDS_WITH(53, RUN "'a folder/a program.elf'");
    SUCCEEDS(
        "cd 'a folder' && mv 'a program.elf' p && $P/bin/aerostat-cc -I inc -DFACTOR=1 *.c -MMD "
        "-Wl,--warn-common -o program.elf && rm p");
    ENDS_WITH(3, RUN "'a folder/program.elf'");
}

static void make_and_other_compilers_can_use_it(void **state)
{
    (void)state;
    SUCCEEDS("mkdir made && cp status.c made && make -s -C made CC=$P/bin/aerostat-cc CFLAGS=-Wall "
             "status && mv made/status made/status.elf");
    ENDS_WITH(7, RUN "made/status.elf -- 7");
    SUCCEEDS("eval gcc $($P/bin/aerostat-cc --cflags) -c status.c -o own.o && "
             "$P/bin/aerostat-cc own.o -o own.elf");
    ENDS_WITH(8, RUN "own.elf -- 8");
}

static void cmake_can_use_it(void **state)
{
    (void)state;
    if (sh("command -v cmake") != 0) {
        skip();
    }
    SUCCEEDS("mkdir cmade && cp status.c cmade && cd cmade && PATH=$P/bin:$PATH &&"
             "awk '/^set\\(CMAKE/' $R/docs/PROGRAMS.md > aerostat.cmake &&"
             "printf 'cmake_minimum_required(VERSION 3.13)\\nproject(status C)\\n"
             "add_executable(status status.c)\\n' > CMakeLists.txt &&"
             "cmake -DCMAKE_TOOLCHAIN_FILE=aerostat.cmake -B b . && cmake --build b");
    ENDS_WITH(9, RUN "cmade/b/status.elf -- 9");
}

/* newlib has functions of the same names. */
static void what_lies_beneath_newlib_is_ours(void **state)
{
    (void)state;
    SUCCEEDS("cat > abort.c <<'END'\n"
             "#include <stdlib.h>\n"
             "int main(int argc, char **argv)\n"
             "{\n"
             "    char *volatile p = malloc(100);\n"
             "    free(p);\n"
             "    if (argc > 1) { free(p); }\n"
             "    abort();\n"
             "}\n"
             "END\n"
             "$P/bin/aerostat-cc -w abort.c -o abort.elf");
    ENDS_WITH(134, RUN "abort.elf");
    says("signal 6, which nobody handles");
    ENDS_WITH(1, RUN "abort.elf -- twice");
    says("backtrace");
    SUCCEEDS("nm abort.elf");
    says(" heap_malloc\n");
    assert_null(strstr(said, "_sbrk_r\n"));
    assert_null(strstr(said, "_init_signal"));
}

static void a_program_may_use_the_kernels_names(void **state)
{
    (void)state;
    SUCCEEDS("cat > names.c <<'END'\n"
             "#include <stdlib.h>\n"
             "void panic(int status);\n"
             "void panic(int status) { exit(status); }\n"
             "int serial_write = 41, heap_free = 1;\n"
             "int timer_set(void);\n"
             "int timer_set(void) { return serial_write + heap_free; }\n"
             "int main(void) { free(malloc(9)); panic(timer_set()); }\n"
             "END\n"
             "$P/bin/aerostat-cc -Wall -Werror names.c -o names.elf");
    ENDS_WITH(42, RUN "names.elf");
}

static void the_examples_compile_outside_this_repository(void **state)
{
    (void)state;
    SUCCEEDS("for e in tasks timers pages memory pressure log hello; do cp $R/apps/$e/$e.c . && "
             "$P/bin/aerostat-cc -Wall -Wextra -Werror -std=c11 $e.c -o $e.elf || exit 1; done");
    SUCCEEDS(RUN "tasks.elf");
    says("app: the sum of 1 to 100 is 5050\n");
}

static void a_program_reads_files_that_were_packed(void **state)
{
    (void)state;
    SUCCEEDS(
        "mkdir files && echo 'what the file says' > files/note && "
        "$P/bin/aerostat-initrd files > files.cpio && cat > show.c <<'END'\n"
        "#include <stdio.h>\n"
        "int main(int argc, char **argv)\n"
        "{\n"
        "    FILE *file = fopen(argv[argc - 1], \"r\");\n"
        "    char text[64];\n"
        "    return file != NULL && fgets(text, 64, file) != NULL && puts(text) >= 0 ? 0 : 1;\n"
        "}\n"
        "END\n"
        "$P/bin/aerostat-cc show.c -o show.elf");
    SUCCEEDS(RUN "--initrd files.cpio show.elf -- /note");
    says("what the file says\n");
}

static void installed_images_boot(void **state)
{
    (void)state;
    SUCCEEDS(RUN "$P/share/aerostat/hello.elf -- again");
    says("Hello, again\n");
    SUCCEEDS(RUN "$P/share/aerostat/memwork.elf -- 'alloc a 8M; fill a; verify a'");
    says("@memwork end status=0");
}

static void mistakes_are_named(void **state)
{
    (void)state;
    ENDS_WITH(1, "$P/bin/aerostat-cc");
    says("no input");
    ENDS_WITH(1, "$P/bin/aerostat-cc nothing.o");
    says("nothing.o: there is no such file");
    ENDS_WITH(1, "$P/bin/aerostat-cc -pthread status.c");
    says("there are no POSIX threads");
    ENDS_WITH(1, "touch a.cc && $P/bin/aerostat-cc a.cc");
    says("there is no C++ library");
    ENDS_WITH(1, "$P/bin/aerostat-cc -c status.c hello.c -o both.o");
    says("-o and -c with several sources");
    ENDS_WITH(1, "echo 'int main(void) { return absent(); }' > absent.c; "
                 "$P/bin/aerostat-cc -w absent.c -o absent.elf");
    says("absent");
    ENDS_WITH(1, "ls absent.elf*; [ -e absent.elf ]");
}

static void manual_pages_are_there_and_clean(void **state)
{
    (void)state;
    SUCCEEDS("for p in aerostat aerostat-cc aerostat-initrd memwork; do "
             "[ -f $P/share/man/man1/$p.1 ] || exit 1; done");
    if (sh("command -v groff") != 0) {
        skip();
    }
    SUCCEEDS("groff -man -Tutf8 -ww $P/share/man/man1/*.1 2>&1 >/dev/null");
    assert_string_equal(said, "");
}

static void a_foreign_file_in_the_way_stops_it(void **state)
{
    (void)state;
    SUCCEEDS("mkdir -p other/bin && echo mine > other/bin/aerostat-cc");
    assert_int_not_equal(sh("eval $MAKE_HERE install PREFIX=$F/other"), 0);
    says("is not ours");
    SUCCEEDS(
        "[ \"$(cat other/bin/aerostat-cc)\" = mine ] && [ $(find other -type f | wc -l) = 1 ]");
    assert_int_not_equal(sh("eval $MAKE_HERE uninstall PREFIX=$F/other"), 0);
    says("nothing of ours is installed");
}

static void a_stage_folder_is_filled_and_emptied(void **state)
{
    (void)state;
    SUCCEEDS("mkdir stage && eval $MAKE_HERE install DESTDIR=$F/stage PREFIX=/opt/aerostat");
    ENDS_WITH(6, "stage/opt/aerostat/bin/aerostat-cc status.c -o s.elf && " RUN "s.elf -- 6");
    SUCCEEDS("eval $MAKE_HERE uninstall DESTDIR=$F/stage PREFIX=/opt/aerostat && "
             "[ ! -e stage/opt/aerostat ]");
}

/* The last case: installs over itself, and removes all but what is somebody else's. */
static void uninstalling_leaves_only_what_is_not_ours(void **state)
{
    (void)state;
    SUCCEEDS("echo theirs > $P/bin/theirs && mkdir $P/share/aerostat/own && "
             "echo theirs > $P/lib/aerostat/include/newlib/own.h");
    SUCCEEDS("eval $MAKE_HERE install PREFIX=$P && eval $MAKE_HERE uninstall PREFIX=$P");
    SUCCEEDS("[ \"$(cd $P && find . -type f | sort | tr '\\n' ' ')\" = "
             "'./bin/theirs ./lib/aerostat/include/newlib/own.h ' ] && "
             "[ -d $P/share/aerostat/own ] && [ ! -e $P/share/man ]");
    SUCCEEDS("rm $P/bin/theirs $P/lib/aerostat/include/newlib/own.h && "
             "rmdir $P/share/aerostat/own $P/bin");
}

static void what_was_not_there_before_is_not_there_after(void **state)
{
    (void)state;
    SUCCEEDS(
        "rm -rf $P && eval $MAKE_HERE install PREFIX=$P && eval $MAKE_HERE uninstall PREFIX=$P");
    SUCCEEDS("[ ! -e $P ]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_of_the_document_compiles_and_boots),
        cmocka_unit_test(clang_serves_too),
        cmocka_unit_test(every_status_reaches_the_host),
        cmocka_unit_test(the_launchers_own_statuses_are_told_apart),
        cmocka_unit_test(other_launchers_have_what_they_had_and_can_have_all),
        cmocka_unit_test(several_files_objects_and_libraries_become_one_image),
        cmocka_unit_test(make_and_other_compilers_can_use_it),
        cmocka_unit_test(cmake_can_use_it),
        cmocka_unit_test(what_lies_beneath_newlib_is_ours),
        cmocka_unit_test(a_program_may_use_the_kernels_names),
        cmocka_unit_test(the_examples_compile_outside_this_repository),
        cmocka_unit_test(a_program_reads_files_that_were_packed),
        cmocka_unit_test(installed_images_boot),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(manual_pages_are_there_and_clean),
        cmocka_unit_test(a_foreign_file_in_the_way_stops_it),
        cmocka_unit_test(a_stage_folder_is_filled_and_emptied),
        cmocka_unit_test(uninstalling_leaves_only_what_is_not_ours),
        cmocka_unit_test(what_was_not_there_before_is_not_there_after),
    };

    return cmocka_run_group_tests_name("tests/qemu/test_install.c", tests, set_up, tear_down);
}
