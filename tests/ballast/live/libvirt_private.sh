#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage: libvirt_private.sh FOLDER PROGRAM [ARGUMENT...]
#
# Runs the program where the folders of a libvirtd are in FOLDER, so that one of its own sees nothing
# of the host's, and the host nothing of it. To be called as process 1 of namespaces of its own
# (unshare --mount --pid --fork --kill-child --mount-proc): when it ends, whatever libvirtd started
# ends, too. PRIVATE_FOLDERS names other folders than libvirt's.
#
# Nothing is made or removed on the host, and nothing is mounted on a folder of the host's: whoever
# removes a folder takes away what is mounted on it in every other namespace.
set -eu

folder=$1
shift
paths=${PRIVATE_FOLDERS:-/var/lib/libvirt /var/log/libvirt /var/cache/libvirt /run/libvirt}

# The folder $1 of the host becomes one of ours, here only: an empty one into which all that is in it
# is mounted, private folders excepted.
make_room() {
    room=$folder/room$1
    [ ! -d "$room" ] || return 0
    mkdir -p "$room"
    for entry in "$1"/* "$1"/.[!.]*; do
        copy=$room/${entry##*/}
        case " $paths " in *" $entry "*) continue ;; esac
        if [ -L "$entry" ]; then
            cp -P "$entry" "$copy"
        elif [ -d "$entry" ]; then
            mkdir "$copy" && mount --rbind "$entry" "$copy"
        elif [ -e "$entry" ]; then
            : >"$copy" && mount --bind "$entry" "$copy"
        fi
    done
    mount --rbind "$room" "$1"
}

# All of /etc, not single files: whoever replaces a file of the host's, as adding a user does, takes
# away what is mounted on it here.
cp -a /etc "$folder/etc"
rm -rf "$folder/etc/libvirt" && mkdir "$folder/etc/libvirt"
mount --bind "$folder/etc" /etc
for path in $paths; do
    mkdir -p "$folder$path"
    make_room "${path%/*}"
    mkdir "$path"
    mount --bind "$folder$path" "$path"
done

# Another version's QEMU finds no modules but its own (tools/qemu_versions.sh).
modules=usr/lib/x86_64-linux-gnu/qemu
if [ -n "${QEMU:-}" ] && [ -d "$(dirname "$QEMU")/$modules" ] && [ -d "/$modules" ]; then
    mount --bind "$(dirname "$QEMU")/$modules" "/$modules"
fi

# libvirt wants this user, even where qemu.conf names another one.
grep -q '^libvirt-qemu:' /etc/passwd ||
    echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
grep -q '^libvirt-qemu:' /etc/group || echo 'libvirt-qemu:x:64055:' >> /etc/group

# No cgroups, no security labels, no helper daemons: a container has none of them.
cat > /etc/libvirt/qemu.conf <<'END'
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
END
cat > /etc/libvirt/libvirtd.conf <<'END'
auth_unix_ro = "none"
auth_unix_rw = "none"
END

"$@"
