build-clang/kernel/arch/x86_64/apic.o: arch/x86_64/apic.c \
  arch/x86_64/apic.h include/base/err.h include/base/memory.h \
  include/base/bits.h arch/x86_64/cpu.h arch/x86_64/paging.h \
  arch/x86_64/segments.h

arch/x86_64/apic.h:

include/base/err.h:

include/base/memory.h:

include/base/bits.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

arch/x86_64/segments.h:
