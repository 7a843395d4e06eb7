#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Starts an image in QEMU, stopped, and gdb on it, stopped at the first instruction of the kernel.
# Usage: tools/gdb.sh IMAGE [gdb arguments]. QEMU ends with gdb; its serial log is IMAGE.serial,
# what it says itself IMAGE.qemu.
set -eu

image=$1
shift
socket=$(mktemp -u "${TMPDIR:-/tmp}/aerostat-gdb.XXXXXX")

timeout 7200 "${QEMU:-qemu-system-x86_64}" -accel tcg -cpu max -M q35 -m 256 -nodefaults -display none \
    -serial "file:$image.serial" -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -device virtio-balloon-pci -kernel "$image" -S \
    -chardev "socket,path=$socket,server=on,wait=off,id=gdb" -gdb chardev:gdb 2>"$image.qemu" &
qemu=$!
trap 'kill "$qemu" 2>/dev/null || true; rm -f "$socket"' EXIT INT TERM

tries=0
while [ ! -S "$socket" ] && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
if [ ! -S "$socket" ]; then
    cat "$image.qemu" >&2
    echo "gdb.sh: QEMU did not start" >&2
    exit 1
fi
gdb -q "$image" -ex "target remote $socket" -ex 'hbreak pvh_start' -ex 'continue' "$@"
