#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tests/libc/files.sh ARCHIVE
#
# Makes the archive that tests/libc/files.c and tests/qemu/test_initrd.c read, and ARCHIVE.cut, which
# lacks its end.
set -eu

tree=$1.tree
rm -rf "$tree"
mkdir -p "$tree/sub/deep"
printf 'hello\n' >"$tree/hello.txt"
: >"$tree/empty"
seq 0 99999 >"$tree/numbers.txt"
printf 'below' >"$tree/sub/deep/er"
printf '#!\n' >"$tree/sub/run"
chmod +x "$tree/sub/run"
ln -s ../hello.txt "$tree/sub/up"
ln -s loop "$tree/loop"
SOURCE_DATE_EPOCH=1234567890 sh "$(dirname "$0")/../../tools/initrd.sh" "$tree" >"$1.new"
head -c 100000 "$1.new" >"$1.cut"
mv "$1.new" "$1"
rm -rf "$tree"
