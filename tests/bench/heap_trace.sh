#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: heap_trace.sh PROGRAM DIR: one trace through our heap and those of the host. The other
# allocators are Debian's packages, unpacked below DIR and not installed. Without them (no network)
# their lines are left out, and that is said.
set -eu

program=$1
dir=$2
here=$(cd "$(dirname "$0")/../.." && pwd)

# Runs `program host PART NAME` with a library of a package.
with() {
    if sh "$here/tools/debian.sh" package "$2" "$dir/$2"; then
        LD_PRELOAD=$(find "$dir/$2" -name "$3" | head -n 1) "$program" host "$part" "$1"
    else
        echo "$1: left out"
    fi
}

all() {
    part=$1
    "$program" ours "$part" aerostat
    "$program" host "$part" glibc
    with jemalloc libjemalloc2 'libjemalloc.so.2'
    with mimalloc libmimalloc2.0 'libmimalloc.so.2'
}

echo "One million blocks of 16 bytes to 64 KiB; a random 90 % freed; then all"
echo "               MiB at   overhead  given back, %:       possible  held   CPU ns:"
echo "               most     %         at once   11 s later           /live  fill   free"
all trace
echo
echo "100000 such blocks, 9.6 million replacements: held / live after each 1.6 million; CPU ns of one"
all run
