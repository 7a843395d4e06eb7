#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: tools/linux_guest.sh DIR INIT [INITRD]
#
# Makes a Linux guest to compare with out of Debian's packaged cloud kernel, and installs nothing:
# DIR/vmlinux (uncompressed, for a start by PVH), DIR/initrd or DIR/INITRD (INIT and the modules it
# needs) and DIR/version. The kernel is downloaded once. When it cannot be had, DIR/skipped says why and the
# exit status is still 0: the benchmark then goes without it.
set -eu

dir=$1
init=$2
initrd=${3:-initrd}
meta=linux-image-cloud-amd64
modules='virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio virtio_pci virtio_balloon'

skip() {
    echo "$*" >"$dir/skipped"
    echo "linux guest: $*" >&2
    exit 0
}

# apt-get with short time limits, and with lists of its own once $lists says so.
lists=''
apt() {
    # shellcheck disable=SC2086 # several words or none
    timeout 120 "$@" -o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o APT::Sandbox::User=root $lists
}

real_name() {
    apt apt-cache depends $meta 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1
}

# The package behind the name that follows the newest kernel, into $dir/package.
download() {
    name=$(real_name)
    [ -n "$name" ] && (cd "$dir/package" && rm -f ./*.deb && apt apt-get -qq download "$name" 2>/dev/null) &&
        ls "$dir"/package/*.deb >/dev/null 2>&1
}

# Lists as of today, where nobody else sees them: those of the system may be old, or missing.
own_lists() {
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    lists="-o Dir::State::lists=$dir/apt/lists -o Dir::Cache=$dir/apt/cache"
    apt apt-get -qq update >/dev/null 2>&1
}

# Number of $3 bytes at offset $2 of file $1.
number() {
    od -An -t "u$3" -j $(($2)) -N "$3" "$1" | tr -d ' '
}

# The kernel proper out of a bzImage: the boot protocol's header says where it lies. Its last four
# bytes are its length, which LZ4 knows nothing of.
unpack_kernel() {
    start=$((($(number "$1" 0x1f1 1) + 1) * 512 + $(number "$1" 0x248 4)))
    length=$(($(number "$1" 0x24c 4) - 4))
    tail -c +$((start + 1)) "$1" | head -c $length | lz4 -dcq >"$2"
}

make_kernel() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        skip "this is no Debian system, from where the kernel would come"
    fi
    command -v lz4 >/dev/null || sh "$(dirname "$0")/setup.sh" bench ||
        skip "lz4 is missing, which unpacks the kernel"
    mkdir -p "$dir/package"
    echo "linux guest: downloading Debian's cloud kernel" >&2
    download || { own_lists && download; } ||
        skip "Debian's cloud kernel cannot be downloaded (no network, or no package lists)"
    rm -rf "$dir/root" "$dir/apt"
    dpkg-deb -x "$dir"/package/*.deb "$dir/root"
    rm -rf "$dir/package"
    bzimage=$(ls "$dir"/root/boot/vmlinuz-*)
    unpack_kernel "$bzimage" "$dir/vmlinux.new" || skip "the downloaded kernel cannot be unpacked"
    basename "$bzimage" | sed 's/^vmlinuz-//' >"$dir/version"
    mkdir -p "$dir/modules"
    for module in $modules; do
        cp "$(find "$dir/root/lib/modules" -name "$module.ko")" "$dir/modules/" ||
            skip "the downloaded kernel has no module $module.ko"
    done
    rm -rf "$dir/root"
    mv "$dir/vmlinux.new" "$dir/vmlinux"
}

make_initrd() {
    rm -rf "$dir/tree"
    mkdir -p "$dir/tree/dev" "$dir/tree/proc" "$dir/tree/sys" "$dir/tree/modules"
    cp "$init" "$dir/tree/init"
    count=0
    for module in $modules; do # named in the order they are loaded in
        cp "$dir/modules/$module.ko" "$dir/tree/modules/$count.ko"
        count=$((count + 1))
    done
    sh "$(dirname "$0")/initrd.sh" "$dir/tree"
    rm -rf "$dir/tree"
}

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
rm -f "$dir/skipped"
[ -f "$dir/vmlinux" ] || make_kernel
make_initrd >"$dir/$initrd.new"
mv "$dir/$initrd.new" "$dir/$initrd"
