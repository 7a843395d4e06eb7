#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/setup.sh [--check] GROUP...     groups: build apps run ballast libvirt test valgrind qemu gdb bench
#
# Installs what is missing for building, running or testing. --check only tells. Nothing is done,
# and nothing is printed, when all is there. Written for Debian 12; other systems without dpkg get
# a list of the programs that are missing.
set -eu

# Per group: what it is for, Debian packages (a|b: either will do, a is installed), programs.
why_build='compiling the kernel'
packages_build='gcc make binutils libc6-dev'
programs_build='gcc make ld objcopy'
why_apps='building newlib and programs on it'
packages_apps="$packages_build patch xz-utils"
programs_apps="$programs_build patch xz"
why_run='starting virtual machines'
packages_run="$packages_build libjansson-dev qemu-system-x86"
programs_run="$programs_build qemu-system-x86_64"
why_ballast='ballast, which distributes memory over machines'
packages_ballast="$packages_run libuv1-dev libsqlite3-dev libmicrohttpd-dev nettle-dev libinih-dev
    libcurl4-openssl-dev|libcurl4-gnutls-dev libvirt-dev libxml2-dev"
programs_ballast="$programs_run"
why_libvirt="ballast's tests with a libvirtd of their own"
packages_libvirt="$packages_ballast libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients"
programs_libvirt="$programs_ballast libvirtd virsh"
why_test='unit tests, fuzzers and source checks'
packages_test="$packages_build libjansson-dev libcmocka-dev clang libclang-rt-dev|libclang-rt-14-dev clang-tidy
    clang-format shellcheck git"
why_valgrind="ballast's unit tests under valgrind"
packages_valgrind="$packages_build valgrind"
programs_valgrind="$programs_build valgrind"
why_qemu='unpacking other versions of QEMU'
packages_qemu='debootstrap debian-archive-keyring util-linux'
programs_qemu='debootstrap unshare'
why_gdb='debugging the kernel'
packages_gdb="$packages_run gdb"
programs_gdb="$programs_run gdb"
why_bench='unpacking the Linux guest of the benchmark'
packages_bench="$packages_run lz4"
programs_bench="$programs_run lz4"
programs_test="$programs_build clang clang-tidy clang-format shellcheck git"

say() {
    echo "setup: $*" >&2
}

fail() {
    say "$@"
    exit 1
}

# Of the packages given, those that are not installed. One dpkg-query for all of them.
missing_packages() {
    # shellcheck disable=SC2046,SC2016 # the names are split on purpose, the ${} are dpkg's
    installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package} ' $(echo "$*" | tr '|' ' ') \
        2>/dev/null || true)"
    for wish in "$@"; do
        for name in $(echo "$wish" | tr '|' ' '); do
            case $installed in *" installed $name "*) continue 2 ;; esac
        done
        echo "${wish%%|*}"
    done
}

missing_programs() {
    for name in "$@"; do
        command -v "$name" >/dev/null || echo "$name"
    done
}

check_only=no
reasons=''
packages=''
programs=''
for word in "$@"; do
    case $word in
    --check) check_only=yes ;;
    build) reasons="$reasons, $why_build" packages="$packages $packages_build" \
        programs="$programs $programs_build" ;;
    apps) reasons="$reasons, $why_apps" packages="$packages $packages_apps" \
        programs="$programs $programs_apps" ;;
    run) reasons="$reasons, $why_run" packages="$packages $packages_run" \
        programs="$programs $programs_run" ;;
    ballast) reasons="$reasons, $why_ballast" packages="$packages $packages_ballast" \
        programs="$programs $programs_ballast" ;;
    libvirt) reasons="$reasons, $why_libvirt" packages="$packages $packages_libvirt" \
        programs="$programs $programs_libvirt" ;;
    test) reasons="$reasons, $why_test" packages="$packages $packages_test" \
        programs="$programs $programs_test" ;;
    valgrind) reasons="$reasons, $why_valgrind" packages="$packages $packages_valgrind" \
        programs="$programs $programs_valgrind" ;;
    qemu) reasons="$reasons, $why_qemu" packages="$packages $packages_qemu" \
        programs="$programs $programs_qemu" ;;
    gdb) reasons="$reasons, $why_gdb" packages="$packages $packages_gdb" \
        programs="$programs $programs_gdb" ;;
    bench) reasons="$reasons, $why_bench" packages="$packages $packages_bench" \
        programs="$programs $programs_bench" ;;
    *) fail "unknown group '$word'; usage: tools/setup.sh [--check] build|apps|run|ballast|libvirt|test|valgrind|qemu|gdb|bench ..." ;;
    esac
done
[ -n "$packages" ] || fail "usage: tools/setup.sh [--check] build|run|test ..."
reasons=${reasons#, }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 # names without blanks
    missing=$(missing_programs $programs | sort -u | xargs)
    [ -z "$missing" ] && exit 0
    say "missing for $reasons: $missing"
    fail "this is no Debian system: install them, and the headers of the C library, jansson and" \
        "(for tests) cmocka, by the means of yours"
fi

# shellcheck disable=SC2086
missing=$(missing_packages $packages | sort -u | xargs)
[ -z "$missing" ] && exit 0
say "missing for $reasons: $missing"
command="apt-get install -y --no-install-recommends $missing"
if [ $check_only = yes ] || [ "$(id -u)" -ne 0 ]; then
    fail "install with: sudo $command"
fi

say "installing"
export DEBIAN_FRONTEND=noninteractive
# Another apt-get may be at work, as on a freshly started machine: wait two minutes for its locks.
# A refresh that fails is no reason to stop: the lists of yesterday may do.
apt-get -qq -o DPkg::Lock::Timeout=120 update ||
    say "the package lists could not be refreshed, trying with the old ones"
# shellcheck disable=SC2086
apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing >/dev/null ||
    fail "apt-get failed: is the network there? When it is, run: $command"
say "done"
