#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/debian.sh package NAME DIR     the newest NAME_*.deb of this Debian, unpacked below DIR
#        tools/debian.sh source NAME DIR      Debian's source package NAME, unpacked and patched as DIR
#        tools/debian.sh mirror               prints from where this system has its packages
#
# Fetches what we build from and do not install. Nothing outside DIR changes: where the system's
# package lists do not do (they are old, missing, or without sources), lists of our own are read
# into DIR.apt. DIR exists afterwards only if all went well; when it exists already, nothing is done.
set -eu

fail() {
    echo "debian.sh: $*" >&2
    exit 1
}

# The mirror this system uses, or Debian's own.
mirror() {
    # shellcheck disable=SC2016 # the $() is apt's
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
        'Label: Debian' 2>/dev/null | head -n 1)
    echo "${found:-http://deb.debian.org/debian/}"
}

if [ "$*" = mirror ]; then
    mirror
    exit 0
fi
[ $# -eq 3 ] || fail "usage: $0 package|source NAME DIR, or $0 mirror"
kind=$1
name=$2
mkdir -p "$(dirname "$3")"
dir=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")
[ -d "$dir" ] && exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    fail "this is no Debian system, from where $name would come"
fi

# apt-get with short time limits, and with lists of its own once $lists says so.
lists=''
apt() {
    # shellcheck disable=SC2086 # several words or none
    timeout 300 apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o APT::Sandbox::User=root $lists "$@"
}

own_lists() {
    # shellcheck disable=SC1091
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    from=$(mirror)
    mkdir -p "$dir.apt/lists/partial" "$dir.apt/cache/archives/partial"
    for type in deb deb-src; do
        echo "$type $from $suite main"
    done >"$dir.apt/sources.list"
    lists="-o Dir::State::lists=$dir.apt/lists -o Dir::Cache=$dir.apt/cache
        -o Dir::Etc::sourcelist=$dir.apt/sources.list -o Dir::Etc::sourceparts=/dev/null"
    apt update >/dev/null 2>&1
}

try_package() {
    rm -rf "$dir.new" && mkdir -p "$dir.new.deb" &&
        (cd "$dir.new.deb" && rm -f ./*.deb && apt download "$name" >/dev/null 2>&1) &&
        dpkg-deb -x "$dir.new.deb"/*.deb "$dir.new" && rm -rf "$dir.new.deb"
}

# Unpacked by us and not by dpkg-source, which would be a package to install: the archive, then
# the patches of the series.
try_source() {
    rm -rf "$dir.new" && mkdir -p "$dir.new" "$dir.new.src" &&
        (cd "$dir.new.src" && rm -f ./* && apt source --download-only "$name" >/dev/null 2>&1) &&
        tar -xf "$(find "$dir.new.src" -name '*.orig.tar.*' ! -name '*.asc')" -C "$dir.new" \
            --strip-components=1 &&
        tar -xf "$(find "$dir.new.src" -name '*.debian.tar.*')" -C "$dir.new" || return 1
    [ -f "$dir.new/debian/patches/series" ] || return 0
    sed 's/[[:space:]]*#.*//; /^$/d; s/[[:space:]].*//' "$dir.new/debian/patches/series" |
        while read -r patch; do
            patch -s -p1 -d "$dir.new" -i "$dir.new/debian/patches/$patch" || exit 1
        done
}

echo "fetching Debian's $kind $name" >&2
case $kind in
package) try_package || { own_lists && try_package; } ;;
source) try_source || { own_lists && try_source; } ;;
*) fail "usage: $0 package|source NAME DIR" ;;
esac || fail "Debian's $kind $name cannot be had (no network, or no package lists?)"
rm -rf "$dir.apt" "$dir.new.src"
mv "$dir.new" "$dir"
