build-clang/kernel/kernel/string.o: kernel/string.c include/base/string.h

include/base/string.h:
