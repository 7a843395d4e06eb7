build-clang/kernel/arch/x86_64/trap.o: arch/x86_64/trap.c \
  arch/x86_64/trap.h include/base/assert.h include/base/bits.h \
  arch/x86_64/apic.h include/base/err.h include/base/memory.h \
  arch/x86_64/cpu.h arch/x86_64/segments.h

arch/x86_64/trap.h:

include/base/assert.h:

include/base/bits.h:

arch/x86_64/apic.h:

include/base/err.h:

include/base/memory.h:

arch/x86_64/cpu.h:

arch/x86_64/segments.h:
