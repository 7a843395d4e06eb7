build-clang/kernel/kernel/log.o: kernel/log.c kernel/log.h \
  include/base/log.h arch/x86_64/clock.h arch/x86_64/cpu.h \
  arch/x86_64/serial.h kernel/format.h

kernel/log.h:

include/base/log.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/serial.h:

kernel/format.h:
