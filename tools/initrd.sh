#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/initrd.sh FOLDER > ARCHIVE
#
# Packs what lies in FOLDER into a cpio archive of the format newc: the files of a guest, for QEMU's
# -initrd. Two runs over the same files write the same bytes: names are sorted, owners are 0, modes
# are 0755 or 0644, and every time is SOURCE_DATE_EPOCH, or 0. Files, folders and symbolic links are
# packed; a file with several names is packed as often; anything else is an error.
set -eu
# Lengths of names are counted in bytes, and the order is the same everywhere.
LC_ALL=C
export LC_ALL

fail() {
    echo "initrd.sh: $*" >&2
    exit 1
}

pad() { # length
    head -c $(((4 - $1 % 4) % 4)) /dev/zero
}

# A header of hexadecimal numbers, the name with its zero, all padded to 4. What follows is as long
# as `size` says, and padded too.
inode=0
entry() { # name mode size
    inode=$((inode + 1))
    length=$((${#1} + 1))
    printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\0' \
        $inode $(($2)) 0 0 1 "$time" "$3" 0 0 0 0 $length 0 "$1"
    pad $((110 + length))
}

file() { # path
    mode=0100644
    [ ! -x "./$1" ] || mode=0100755
    size=$(stat -c %s "./$1")
    entry "$1" $mode "$size"
    cat "./$1"
    pad "$size"
}

link() { # path
    target=$(readlink "./$1")
    entry "$1" 0120777 ${#target}
    printf %s "$target"
    pad ${#target}
}

[ $# -eq 1 ] || fail "usage: $0 FOLDER > ARCHIVE"
time=${SOURCE_DATE_EPOCH:-0}
cd "$1" || fail "there is no folder $1"
newline='
'
[ -z "$(find . -name "*$newline*")" ] || fail "a name with a line end in it cannot be packed"

# Not in a pipe, where a failure would be lost.
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find . ! -name . | sed 's|^\./||' | sort >"$list"
entry . 0040755 0
while IFS= read -r path; do
    if [ -h "./$path" ]; then
        link "$path"
    elif [ -d "./$path" ]; then
        entry "$path" 0040755 0
    elif [ -f "./$path" ]; then
        file "$path"
    else
        fail "$1/$path is neither a file, a folder nor a symbolic link"
    fi
done <"$list"
time=0
inode=-1
entry 'TRAILER!!!' 0 0
