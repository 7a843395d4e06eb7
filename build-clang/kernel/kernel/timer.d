build-clang/kernel/kernel/timer.o: kernel/timer.c kernel/timer.h \
  include/base/assert.h arch/x86_64/clock.h arch/x86_64/cpu.h \
  arch/x86_64/segments.h arch/x86_64/trap.h kernel/work.h

kernel/timer.h:

include/base/assert.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/segments.h:

arch/x86_64/trap.h:

kernel/work.h:
