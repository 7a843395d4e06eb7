build-clang/kernel/arch/x86_64/power.o: arch/x86_64/power.c \
  arch/x86_64/power.h arch/x86_64/cpu.h

arch/x86_64/power.h:

arch/x86_64/cpu.h:
