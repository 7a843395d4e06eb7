#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: libvirt_two.sh
#
# Two private libvirts at once, as two test programs have them, with a folder that the host has when
# the first begins and no more when the second does. The first ends, and the second must still have
# its own; the first had its own, too, after the host's was removed. Status 0: so it is, and nothing
# was made on the host; 77: namespaces cannot be made here.
set -eu
cd "$(dirname "$0")"

spaces='unshare --mount --pid --fork --kill-child --mount-proc'
$spaces true 2>/dev/null || exit 77
folder=$(mktemp -d /tmp/ballast-two-XXXXXX)
export PRIVATE_FOLDERS="/run/${folder##*/}"
trap 'rm -rf "$folder"; rmdir "$PRIVATE_FOLDERS" 2>/dev/null || true' EXIT
for name in first second; do
    mkdir "$folder/$name"
    mkfifo "$folder/$name.in" "$folder/$name.go"
done

# Says that it is in, waits, and looks whether its folder is the one that was mounted.
# shellcheck disable=SC2016 # the other shell's
inside='touch "$PRIVATE_FOLDERS/mine"; echo in >"$1.in"; read -r word <"$1.go"; [ -e "$PRIVATE_FOLDERS/mine" ]'
mkdir "$PRIVATE_FOLDERS"
for name in first second; do
    $spaces sh libvirt_private.sh "$folder/$name" sh -c "$inside" sh "$folder/$name" &
    eval "$name=$!"
    read -r word <"$folder/$name.in"
    [ ! -e "$PRIVATE_FOLDERS" ] || rmdir "$PRIVATE_FOLDERS"
done
echo "$word" >"$folder/first.go"
# shellcheck disable=SC2154 # set by eval
wait "$first"
echo "$word" >"$folder/second.go"
# shellcheck disable=SC2154 # set by eval
wait "$second"
[ ! -e "$PRIVATE_FOLDERS" ]
