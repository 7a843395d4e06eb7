# SPDX-License-Identifier: BSD-2-Clause
# Prints the loaded size of an image from `size -A` and fails when a limited one is too large.
# Text, read-only data and data are loaded; .bss is zeroed; .stacks are only used.
$1 ~ /^\.(text|rodata|note\.pvh|data)$/ { loaded += $2 }
$1 == ".bss" { bss = $2 }
$1 == ".text" { text = $2 }
END {
    printf "%s: %d bytes loaded (text %d), %d bytes zeroed", name, loaded, text, bss
    if (limited) printf ", limit %d", max
    print ""
    if (limited && loaded > max) exit 1
}
