#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/link.sh OUT SCRIPT WORD...
#
# Links an image by the linker script SCRIPT out of the objects, archives and options given. It is
# linked twice: the second time with the table of its own symbols, which lies behind the text and
# moves none of it. The compiler is $CC.
set -eu

out=$1
script=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
symbols=$out.symbols
trap 'rm -f "$out.first" "$symbols.S" "$symbols.o"' EXIT

link() {
    ld -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
        --gc-sections --build-id=none -T "$script" "$@"
}

link "$@" -o "$out.first"
nm -n "$out.first" | LC_ALL=C awk -v program="$(basename "$out" .elf)" -f "$here/symbols.awk" >"$symbols.S"
"${CC:-gcc}" -c "$symbols.S" -o "$symbols.o"
link "$symbols.o" "$@" -o "$out"
