build-clang/kernel/arch/x86_64/stacks.o: arch/x86_64/stacks.S
