#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/ballast/demo.sh BUILD [SECONDS]
#
# Shows ballast at work: a daemon for a host of 1000 MiB, and three guests of 512 MiB each whose
# demand comes and goes, one after the other. Memory moves between them; `ballast top` shows it for
# a minute. Everything is started here and ended here, and nothing is left behind.
set -eu

build=$1
seconds=${2:-60}
folder=$(mktemp -d /tmp/ballast-demo-XXXXXX)
pids=''

end() {
    trap - EXIT INT TERM
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $pids; do
        wait "$pid" 2>/dev/null || true
    done
    rm -r "$folder"
}
trap end EXIT
trap 'end; exit 130' INT TERM

mkdir "$folder/machines"
cat >"$folder/ballast.conf" <<END
[host]
memory = 1000M
[policy]
period = 1s
floor = 16M
settle = 2s
[qmp]
folder = $folder/machines
[api]
listen = unix:$folder/api.sock
[state]
folder = $folder
[default]
minimum = 96M
END

"$build/tools/ballastd" --config "$folder/ballast.conf" 2>"$folder/log" &
daemon=$!
pids=$daemon

# Sixteen seconds of work for each, a third of a round apart.
delay=2
for name in shop mail night; do
    "$build/tools/aerostat" run -m 512 --timeout $((seconds + 120)) --balloon off \
        --qemu-arg -device --qemu-arg virtio-balloon-pci,free-page-reporting=on \
        --qemu-arg -qmp --qemu-arg "unix:$folder/machines/$name.qmp,server=on,wait=off" \
        "$build/memwork.elf" -- \
        "hold ${delay}s; repeat 1000 { sine work 16M..360M period 18s for 18s; free all; hold 30s }" \
        >"$folder/$name.log" 2>&1 &
    pids="$pids $!"
    delay=$((delay + 16))
done

# The daemon answers within moments, or has said why not.
tries=0
until "$build/tools/ballast" --socket "$folder/api.sock" list >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 $daemon 2>/dev/null; then
        cat "$folder/log" >&2
        echo "demo: the daemon does not answer" >&2
        exit 1
    fi
    sleep 0.1
done

# Pictures in place on a terminal; where they would follow each other, fewer.
delay=1
[ -t 1 ] || delay=5
"$build/tools/ballast" --socket "$folder/api.sock" top --delay ${delay}s --number $((seconds / delay))
echo
echo "What happened, and why (ballast events):"
"$build/tools/ballast" --socket "$folder/api.sock" events --limit 15
