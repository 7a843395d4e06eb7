#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/run_tests.sh first|test|all      (make test-first, make test, make test-all)
#
#   first   all checks but clang-tidy, and the unit tests, which need no newlib
#   test    first; when that is green, everything else that is done within half an hour
#   all     test, and what takes longer: ballast on other versions of QEMU, valgrind, a soak,
#           fuzzers for longer
#
# Each part is a target of the Makefile; parts run in lanes beside each other. Printed are the begin
# and the end of each part, each suite with its counts, all that a failed suite said, and a total as
# the last line. All that a part said is in build/test/PART.log. The exit status is 0 when nothing
# failed, 1 otherwise, 2 for wrong usage. MAKE, BUILD and JOBS come from the environment.
set -u
cd "$(dirname "$0")/.." || exit 1

make=${MAKE:-make}
build=${BUILD:-build}
jobs=${JOBS:-$(nproc)}
logs=$build/test

say() {
    local seconds=$(($(date +%s) - RUN_STARTED))
    printf '[%2d:%02d] %s\n' $((seconds / 60)) $((seconds % 60)) "$*"
}

# ---- one part ----------------------------------------------------------------------------------

# Ends the suite whose lines are in $suite_log. One that never said how many tests it ran was ended
# in the middle.
suite_end() { # part
    [ -n "$suite" ] || return 0
    if [ "$failed" -gt 0 ] || [ "$complete" = no ]; then
        cat "$suite_log"
        say "$1: $suite FAILED"
    else
        say "$1: $suite: $passed passed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
    fi
    suite=''
}

# Writes what a part says into its log, and prints the short form of it.
follow() { # part
    local line suite='' suite_log=$logs/$1.suite passed failed skipped complete
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line" >&3
        case $line in
        '== '*)
            suite_end "$1"
            suite=${line#== } passed=0 failed=0 skipped=0 complete=no
            : >"$suite_log"
            ;;
        *' test(s) run.') complete=yes ;; # what follows are names once more
        '[       OK ] '*) passed=$((passed + 1)) ;;
        '[  SKIPPED ] '*) [ "$complete" = yes ] || skipped=$((skipped + 1)) ;;
        '[  FAILED  ] '* | '[  ERROR   ] '*) failed=$((failed + 1)) ;;
        check\ *:\ * | *' nothing found' | *' finds nothing' | builds:\ * | soak:\ * | qemu-versions:\ *) say "$1: $line" ;;
        esac
        [ -z "$suite" ] || printf '%s\n' "$line" >>"$suite_log"
    done 3>"$logs/$1.log"
    suite_end "$1"
    rm -f "$suite_log"
}

# A part whose suites did not already tell why it failed tells its last lines.
run_part() { # part target [word...]
    local part=$1 status began
    began=$(date +%s)
    shift
    say "$part: begins"
    # -k: what cannot be built does not keep the rest from running.
    $make --no-print-directory -k "$@" 2>&1 | follow "$part"
    status=${PIPESTATUS[0]}
    if [ "$status" -ne 0 ]; then
        echo "$part" >>"$logs/failed"
        grep -q '^\[  FAILED  \]' "$logs/$part.log" || tail -n 60 "$logs/$part.log"
        say "$part: FAILED; the whole log is $logs/$part.log"
    else
        say "$part: done in $(($(date +%s) - began)) s"
    fi
}

# ---- lanes -------------------------------------------------------------------------------------

if [ "${1:-}" = --lane ]; then
    shift
    for words in "$@"; do
        # shellcheck disable=SC2086 # the words of a part
        run_part $words
    done
    exit 0
fi

case ${1:-} in
first | test | all) extent=$1 ;;
*)
    echo "usage: tools/run_tests.sh first|test|all" >&2
    exit 2
    ;;
esac
RUN_STARTED=$(date +%s)
export RUN_STARTED MAKE="$make" BUILD="$build" JOBS="$jobs"
rm -rf "$logs" && mkdir -p "$logs" || exit 1

lanes=()

# Each lane is a process group of its own, so that all of it can be ended. The words of a part are
# "PART TARGET [WORD...]".
lane() { # "words of a part"...
    setsid bash tools/run_tests.sh --lane "$@" &
    lanes+=($!)
}

lanes_end() {
    local pid
    for pid in "${lanes[@]}"; do
        wait "$pid"
    done
    lanes=()
}

# shellcheck disable=SC2317 # it is called by the trap
interrupted() {
    local pid
    for pid in "${lanes[@]}"; do
        kill -TERM -- "-$pid" 2>/dev/null
    done
    say "interrupted"
    exit 130
}
trap interrupted INT TERM

finish() {
    local status=0
    if [ -e "$logs/failed" ]; then
        say "FAILED: $(xargs <"$logs/failed")"
        status=1
    else
        say "all is well"
    fi
    awk -f tools/total.awk "$logs"/*.log
    exit $status
}

# ---- what is run -------------------------------------------------------------------------------

say "first: the checks but clang-tidy, and the unit tests"
lane "check-first check-first"
lane "build-first -j$jobs first-programs"
lanes_end
[ -e "$logs/failed" ] || {
    lane "unit unit"
    lane "ballast-unit ballast-unit"
    lanes_end
}
if [ -e "$logs/failed" ]; then
    [ "$extent" = first ] || say "stopped: the rest is not run before the first part is green (make test-first)"
    finish
fi
[ "$extent" != first ] || finish

say "the rest: real machines, fuzzers, clang-tidy"
lane "build -j$jobs all test-programs ballast-test-programs"
lanes_end
[ ! -e "$logs/failed" ] || finish
lane "qemu-tests qemu-tests" "builds builds" "ballast-live ballast-live"
lane "check-later check-later" "fuzz-short fuzz-short" "ballast-fuzz ballast-fuzz"
lanes_end
[ "$extent" = all ] || finish

say "what takes longer: other versions of QEMU, valgrind, a soak, more inputs for the fuzzers"
lane "qemu-versions qemu-versions"
lanes_end
live=()
for program in "$build"/qemu/*/qemu-system-x86_64; do
    [ ! -x "$program" ] || live+=("ballast-live-$(basename "$(dirname "$program")") ballast-live QEMU=$program")
done
lane "${live[@]}" "ballast-soak ballast-soak SOAK_MINUTES=10"
lane "ballast-valgrind ballast-valgrind" "hostile hostile" "fuzz-long fuzz-short FUZZ_RUNS=200000" \
    "ballast-fuzz-long ballast-fuzz FUZZ_RUNS=200000"
lanes_end
finish
