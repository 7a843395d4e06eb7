#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tests/lua/files.sh LUA51 ARCHIVE
#
# Packs the scripts of tests/qemu/test_lua.c. LUA51 is Debian's source package lua5.1, unpacked, whose
# folder `test` has programs by Lua's authors.
set -eu

here=$(dirname "$0")
tree=$2.tree
rm -rf "$tree"
mkdir -p "$tree/authors"
cp "$here"/*.lua "$tree/"
cp -r "$here/parts" "$tree/"
cp "$1"/test/*.lua "$tree/authors/"
printf 'first line\n42.5 and more\nlast, without an end' >"$tree/text.txt"
sh "$here/../../tools/initrd.sh" "$tree" >"$2.new"
mv "$2.new" "$2"
rm -rf "$tree"
