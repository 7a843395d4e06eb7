#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/newlib.sh DIR
#
# Builds newlib out of Debian's package newlib-source into DIR/sysroot (include, lib), once. Nothing
# is installed. The options are explained in docs/LIBC.md. A build takes one to three minutes; its
# log is DIR/build.log.
set -eu

dir=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[ -f "$dir/sysroot/complete" ] && exit 0

"$here/debian.sh" package newlib-source "$dir/package"
rm -rf "$dir/source" "$dir/build" "$dir/sysroot"
mkdir -p "$dir/source" "$dir/build"
tar -xf "$dir"/package/usr/src/newlib/newlib-*.tar.xz -C "$dir/source" --strip-components=1

# A compiler for Linux serves, once it no longer says that this is one. Whoever includes newlib's
# headers needs the same (tools/newlib.flags).
flags=$(cat "$here/newlib.flags")
flags="$flags -O2 -g0 -ffreestanding -fno-pic -fno-pie -mno-red-zone -mcmodel=small"
flags="$flags -fno-stack-protector -fcf-protection=none -U_FORTIFY_SOURCE -ffunction-sections"
flags="$flags -fdata-sections -fno-asynchronous-unwind-tables -w"
# The build asks for makeinfo, for documents that are not made here.
build() {
    cd "$dir/build"
    ../source/configure --target=x86_64-elf --prefix="$dir/install" --disable-multilib \
        --disable-libgloss --disable-newlib-supplied-syscalls --enable-newlib-io-long-long \
        --enable-newlib-io-c99-formats --enable-newlib-io-long-double \
        --enable-newlib-retargetable-locking --enable-newlib-long-time_t \
        CC_FOR_TARGET=gcc AS_FOR_TARGET=as AR_FOR_TARGET=ar RANLIB_FOR_TARGET=ranlib \
        NM_FOR_TARGET=nm LD_FOR_TARGET=ld READELF_FOR_TARGET=readelf OBJDUMP_FOR_TARGET=objdump \
        STRIP_FOR_TARGET=strip CFLAGS_FOR_TARGET="$flags"
    make -j"$(nproc)" all-target-newlib MAKEINFO=true
    make install-target-newlib MAKEINFO=true
}

echo "building newlib, once (a minute or three)" >&2
# Not under the flags of a make that may have started this.
if ! (unset MAKEFLAGS MFLAGS MAKELEVEL && build) >"$dir/build.log" 2>&1; then
    tail -n 30 "$dir/build.log" >&2
    echo "newlib could not be built: $dir/build.log" >&2
    exit 1
fi
mkdir -p "$dir/sysroot"
cp -r "$dir/install/x86_64-elf/include" "$dir/install/x86_64-elf/lib" "$dir/sysroot/"
# gcc 12 has a better one of its own, and this one does not work with it.
rm -f "$dir/sysroot/include/stdatomic.h"
rm -rf "$dir/source" "$dir/build" "$dir/install"
touch "$dir/sysroot/complete"
