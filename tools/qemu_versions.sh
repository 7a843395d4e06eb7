#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/qemu_versions.sh DIR SUITE...      (make qemu-versions)
#
# Unpacks the QEMU of other suites of Debian below DIR, each as DIR/SUITE with the program
# DIR/SUITE/qemu-system-x86_64, which runs as it stands: it calls the loader and the libraries of its
# own suite, so sockets, files and processes are those of this system, and none of this system's
# packages is touched. One suite takes some minutes, 700 MB, and root, which debootstrap needs.
#
# A suite that is there already is left as it is. What an interrupted run has downloaded is used by
# the next one (DIR/packages); when all is done, that folder goes. Signatures of the archive are
# checked with Debian's keyring.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
program=qemu-system-x86_64

fail() {
    echo "qemu-versions: $*" >&2
    exit 1
}

[ $# -ge 2 ] || {
    echo "usage: $0 DIR SUITE..." >&2
    exit 2
}
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift

is_there() { # suite
    [ -x "$dir/$1/$program" ] && "$dir/$1/$program" --version >/dev/null 2>&1
}

# Whatever is mounted inside is not ours to remove.
remove() { # folder
    ! grep -qF " $1/" /proc/self/mountinfo || fail "something is mounted below $1: unmount it first"
    rm -rf --one-file-system "$1"
}

# The script is part of the tree and finds it from where it stands itself. A module that is not in the
# tree is looked for where this system has its own, of another QEMU: a command that loads all modules
# (qom-list-types, which libvirt sends) ends QEMU then. Who sends it mounts the tree's over those.
write_program() { # tree
    cat >"$1/$program" <<'END'
#!/bin/sh
# Written by tools/qemu_versions.sh: this suite's QEMU with this suite's libraries.
tree=$(dirname "$(readlink -f "$0")")
libraries=$tree/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$libraries/qemu"
exec "$tree/lib64/ld-linux-x86-64.so.2" --argv0 "$0" --library-path "$libraries" \
    "$tree/usr/bin/qemu-system-x86_64" -L "$tree/usr/share/qemu" -L "$tree/usr/share/seabios" "$@"
END
    chmod 755 "$1/$program"
}

# What debootstrap says: a line for every package and step. Shown is one in fifty.
progress() { # suite
    local line count=0
    while IFS= read -r line; do
        count=$((count + 1))
        [ $((count % 50)) -ne 1 ] || echo "qemu-versions: $1: ${line#I: }"
    done
}

unpack() { # suite
    local new=$dir/$1.new log=$dir/$1.log
    [ "$(id -u)" -eq 0 ] || fail "unpacking Debian's $1 needs root: sudo make qemu-versions"
    sh "$here/setup.sh" qemu
    [ -r "$keyring" ] || fail "Debian's keyring $keyring is not there"
    remove "$new"
    mkdir -p "$dir/packages"
    echo "qemu-versions: $1 from $mirror, some minutes and 700 MB"
    # In mount namespaces of its own: what debootstrap mounts is gone when it ends, however that is.
    unshare --mount --propagation private debootstrap --variant=minbase --include=qemu-system-x86 \
        --force-check-gpg --keyring="$keyring" --cache-dir="$dir/packages" "$1" "$new" "$mirror" 2>&1 |
        tee "$log" | progress "$1" || {
        tail -n 20 "$log" >&2
        fail "$1 could not be unpacked; what was downloaded is kept, run it again"
    }
    rm -f "$new"/var/cache/apt/archives/*.deb
    write_program "$new"
    "$new/$program" --version >/dev/null || fail "$1: its QEMU does not run here"
    [ ! -e "$dir/$1" ] || remove "$dir/$1"
    mv "$new" "$dir/$1"
}

mirror=$(sh "$here/debian.sh" mirror)
for suite in "$@"; do
    case $suite in
    '' | *[!a-z]*) fail "'$suite' is no suite of Debian" ;;
    esac
    is_there "$suite" || unpack "$suite"
    echo "qemu-versions: $suite: $("$dir/$suite/$program" --version | head -n 1)"
done
rm -rf "$dir/packages"
