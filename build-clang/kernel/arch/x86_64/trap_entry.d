build-clang/kernel/arch/x86_64/trap_entry.o: arch/x86_64/trap_entry.S
