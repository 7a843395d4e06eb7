# SPDX-License-Identifier: BSD-2-Clause
# Makes the kernel's symbol table (kernel/symbols.c) from `nm -n IMAGE`: assembly on standard
# output. Their number, the addresses in order, the names in the same order.
BEGIN { n = 0 }
$2 ~ /^[tTW]$/ && $3 !~ /^(text_end|image_start)$/ {
    address[n] = substr($1, 9)
    name[n] = $3
    n++
}
END {
    print "    .section .symbols, \"a\", @progbits"
    print "    .balign 8"
    printf "    .long %d\n", n
    for (i = 0; i < n; i++) printf "    .long 0x%s\n", address[i]
    for (i = 0; i < n; i++) printf "    .asciz \"%s\"\n", name[i]
    # The program's name, for its argv[0].
    print "    .section .rodata.program_name, \"a\", @progbits"
    print "    .globl program_name"
    printf "program_name: .asciz \"%s\"\n", program
    print "    .section .note.GNU-stack, \"\", @progbits"
}
