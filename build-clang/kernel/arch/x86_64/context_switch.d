build-clang/kernel/arch/x86_64/context_switch.o: \
  arch/x86_64/context_switch.S
