build-clang/kernel/arch/x86_64/context.o: arch/x86_64/context.c \
  arch/x86_64/context.h include/base/assert.h

arch/x86_64/context.h:

include/base/assert.h:
