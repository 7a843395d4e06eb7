build-clang/kernel/kernel/report.o: kernel/report.c kernel/report.h \
  kernel/balloon_service.h include/base/memory.h include/base/log.h \
  include/base/string.h arch/x86_64/clock.h kernel/params.h \
  kernel/timer.h mm/frame.h include/base/err.h

kernel/report.h:

kernel/balloon_service.h:

include/base/memory.h:

include/base/log.h:

include/base/string.h:

arch/x86_64/clock.h:

kernel/params.h:

kernel/timer.h:

mm/frame.h:

include/base/err.h:
