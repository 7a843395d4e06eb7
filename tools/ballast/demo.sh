#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/ballast/demo.sh BUILD [SECONDS]
#
# Shows ballast at work: a daemon for a host of 1200 MiB, and three guests of 512 MiB each whose
# demand comes and goes, the next before the last has ended. Memory moves between them; `ballast
# top` shows it for a minute. Everything is started here and ended here, and nothing is left behind.
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
memory = 1200M
# A minute has to show what else takes a quarter of an hour.
[policy]
period = 1s
margin = 16M
inflate = 10%
settle = 2s
swing-first = 3s
swing-again = 3s
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

# Eighteen seconds of work for each, and thirteen from one's begin to the next's. They do not report
# what they free: that would give it back without moving their size, and there would be less to see.
delay=2
for name in shop mail night; do
    "$build/tools/aerostat" run -m 512 --timeout $((seconds + 120)) --balloon off \
        --qemu-arg -device --qemu-arg virtio-balloon-pci \
        --qemu-arg -qmp --qemu-arg "unix:$folder/machines/$name.qmp,server=on,wait=off" \
        "$build/memwork.elf" -- \
        "hold ${delay}s; repeat 1000 { sine work 16M..360M period 18s for 18s; free all; hold 21s }" \
        >"$folder/$name.log" 2>&1 &
    pids="$pids $!"
    delay=$((delay + 13))
done

# Machines that run, with memory now and a target.
count() {
    "$build/tools/ballast" --socket "$folder/api.sock" list 2>/dev/null |
        grep -Ec 'running +[a-z]+ +[0-9]+ MiB +[0-9]+ MiB' || true
}

# All three are there within moments, or the daemon has said why not.
tries=0
until [ "$(count)" = 3 ]; do
    tries=$((tries + 1))
    if [ $tries -gt 600 ] || ! kill -0 $daemon 2>/dev/null; then
        cat "$folder/log" >&2
        echo "demo: the machines are not there" >&2
        exit 1
    fi
    sleep 0.1
done

# Pictures in place on a terminal; where they follow each other, fewer.
delay=1
[ -t 1 ] || delay=5
"$build/tools/ballast" --socket "$folder/api.sock" top --delay ${delay}s \
    --number $(((seconds + delay - 1) / delay))
echo
echo "What happened, and why (ballast events):"
"$build/tools/ballast" --socket "$folder/api.sock" events --limit 15
