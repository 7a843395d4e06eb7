#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/install.sh install|uninstall|install-ballast|uninstall-ballast PREFIX [BUILD]
#
# There are two parts: what a person needs who writes programs, or runs ours, in a guest; and
# ballast, the host's side, which needs libraries that the guest's side does not. Each goes below
# PREFIX, and exactly that is taken away again. What was put there stands in
# PREFIX/lib/PART/manifest: files, and the folders that did not exist before, with names relative to
# PREFIX. A file that is there and that we did not put there stops us before anything is changed; a
# folder that somebody else uses by now stays, and one that the other part uses becomes that part's.
# In BUILD: make has built all there is to install, what is made for it alone in BUILD/install.
set -eu

action=$1
prefix=$2
build=${3:-build}
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
case $action in
*-ballast) part=ballast other=aerostat ;;
*) part=aerostat other=ballast ;;
esac
manifest=lib/$part/manifest

fail() {
    echo "install: $*" >&2
    exit 1
}

# Lines of: mode, where it is, a tab, where it goes.
put() { # MODE FILE DEST
    [ -f "$2" ] || fail "$2 is not there"
    printf '%s %s\t%s\n' "$1" "$2" "$3"
}

put_tree() { # FOLDER DEST
    (cd "$1" && find . -type f -name '*.h' | LC_ALL=C sort) | while read -r file; do
        put 644 "$1/${file#./}" "$2/${file#./}"
    done
}

list_aerostat() {
    put 755 "$build/tools/aerostat" bin/aerostat
    put 755 "$here/aerostat-cc" bin/aerostat-cc
    put 755 "$here/initrd.sh" bin/aerostat-initrd
    put 755 "$here/link.sh" lib/aerostat/link.sh
    put 644 "$here/symbols.awk" lib/aerostat/symbols.awk
    put 644 "$source/linker.ld" lib/aerostat/linker.ld
    put 644 "$build/install/cflags" lib/aerostat/cflags
    put 644 "$build/install/version" lib/aerostat/version
    put 644 "$build/install/libaerostat.a" lib/aerostat/lib/libaerostat.a
    put 644 "$build/newlib/sysroot/lib/libc.a" lib/aerostat/lib/libc.a
    put 644 "$build/newlib/sysroot/lib/libm.a" lib/aerostat/lib/libm.a
    put 644 "$source/include/aerostat.h" lib/aerostat/include/aerostat/aerostat.h
    put_tree "$source/libc/include" lib/aerostat/include/aerostat
    put_tree "$build/newlib/sysroot/include" lib/aerostat/include/newlib
    for image in aerostat demo hello memwork; do
        put 644 "$build/$image.elf" "share/aerostat/$image.elf"
    done
    for page in aerostat aerostat-cc aerostat-initrd memwork; do
        put 644 "$source/docs/man/$page.1" "share/man/man1/$page.1"
    done
    for document in "$source"/README.md "$source"/docs/*.md; do
        put 644 "$document" "share/doc/aerostat/${document##*/}"
    done
    put 644 "$source/LICENSE" share/doc/aerostat/LICENSE
    put 644 "$build/newlib/package/usr/share/doc/newlib-source/copyright" \
        share/doc/aerostat/LICENSE.newlib
    put 644 "$build/musl/COPYRIGHT" share/doc/aerostat/LICENSE.musl
}

list_ballast() {
    put 755 "$build/tools/ballast" bin/ballast
    put 755 "$build/tools/ballastd" sbin/ballastd
    put 644 "$build/install/ballastd.service" lib/systemd/system/ballastd.service
    for file in ballast.conf openapi.json grafana.json alerts.yaml; do
        put 644 "$here/ballast/$file" "share/ballast/$file"
    done
    put 644 "$here/ballast/completion/ballast.bash" share/bash-completion/completions/ballast
    for page in ballast.1 ballast.conf.5 ballastd.8; do
        put 644 "$source/docs/man/$page" "share/man/man${page##*.}/$page"
    done
    for document in docs/BALLAST.md docs/SIMULATOR.md LICENSE; do
        put 644 "$source/$document" "share/doc/ballast/${document##*/}"
    done
}

ours() { # DEST: whether the manifest has it
    [ -f "$prefix/$manifest" ] && grep -qxF "$1" "$prefix/$manifest"
}

# A folder that stays because the other part has something in it is taken away with that part.
hand_over() { # FOLDER/, relative; "./" is PREFIX itself
    theirs=$prefix/lib/$other/manifest
    [ -f "$theirs" ] || return 0
    awk -v folder="${1#./}" 'index($0, folder) == 1 && !/\/$/ { used = 1 } END { exit !used }' \
        "$theirs" || return 0
    grep -qxF "$1" "$theirs" || echo "$1" >>"$theirs"
}

uninstall() {
    [ -f "$prefix/$manifest" ] || fail "nothing of ours is installed in $prefix: no $manifest"
    grep -v '/$' "$prefix/$manifest" | while read -r file; do
        rm -f "$prefix/$file"
    done
    folders=$(grep '/$' "$prefix/$manifest" | LC_ALL=C sort -r)
    rm -f "$prefix/$manifest"
    echo "$folders" | while read -r folder; do
        [ -z "$folder" ] || rmdir "$prefix/${folder#./}" 2>/dev/null || hand_over "$folder"
    done
}

# Every missing folder on the way, the outermost first, and a line in the new manifest for each.
make_folder() { # FOLDER, relative
    [ ! -d "$prefix/$1" ] || return 0
    case $1 in
    . | */*) [ "$1" = . ] || make_folder "${1%/*}" ;;
    *) make_folder . ;;
    esac
    if [ "$1" = . ]; then mkdir -p "$prefix"; else mkdir "$prefix/$1"; fi
    echo "$1/" >>"$work/manifest"
}

install_all() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "list_$part" >"$work/list"
    tab=$(printf '\t')
    while IFS=$tab read -r _ dest; do
        [ ! -e "$prefix/$dest" ] || ours "$dest" ||
            fail "$prefix/$dest is there and is not ours: nothing was installed"
    done <"$work/list"
    [ ! -f "$prefix/$manifest" ] || uninstall
    : >"$work/manifest"
    make_folder "${manifest%/*}"
    while IFS=$tab read -r from dest; do
        make_folder "${dest%/*}"
        echo "$dest" >>"$work/manifest"
        install -m "${from%% *}" "${from#* }" "$prefix/$dest"
    done <"$work/list"
    install -m 644 "$work/manifest" "$prefix/$manifest"
}

case $action in
install | install-ballast) install_all ;;
uninstall | uninstall-ballast) uninstall ;;
*) fail "usage: tools/install.sh install|uninstall|install-ballast|uninstall-ballast PREFIX [BUILD]" ;;
esac
