build-clang/kernel/arch/x86_64/segments.o: arch/x86_64/segments.c \
  arch/x86_64/segments.h include/base/assert.h arch/x86_64/cpu.h \
  arch/x86_64/stacks.h arch/x86_64/trap.h

arch/x86_64/segments.h:

include/base/assert.h:

arch/x86_64/cpu.h:

arch/x86_64/stacks.h:

arch/x86_64/trap.h:
