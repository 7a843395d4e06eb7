build-clang/kernel/arch/x86_64/clock.o: arch/x86_64/clock.c \
  arch/x86_64/clock.h include/base/assert.h include/base/bits.h \
  include/base/log.h arch/x86_64/apic.h include/base/err.h \
  include/base/memory.h arch/x86_64/cpu.h

arch/x86_64/clock.h:

include/base/assert.h:

include/base/bits.h:

include/base/log.h:

arch/x86_64/apic.h:

include/base/err.h:

include/base/memory.h:

arch/x86_64/cpu.h:
