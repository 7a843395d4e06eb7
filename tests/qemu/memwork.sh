#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tests/qemu/memwork.sh ARCHIVE
#
# Makes an initrd with scripts for memwork: one that is right, and one that is wrong in line 4, column 12.
set -eu

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cat >"$folder/good.mw" <<'END'
# The comment is line 1.
alloc a 16M
repeat 2 {
    fill a
    verify a
}
END
cat >"$folder/bad.mw" <<'END'
alloc a 16M

repeat 2 {
    fill a sead 7
}
END
sh "$(dirname "$0")/../../tools/initrd.sh" "$folder" >"$1"
