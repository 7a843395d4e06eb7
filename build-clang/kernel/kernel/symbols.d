build-clang/kernel/kernel/symbols.o: kernel/symbols.c kernel/symbols.h \
  arch/x86_64/boot.h

kernel/symbols.h:

arch/x86_64/boot.h:
