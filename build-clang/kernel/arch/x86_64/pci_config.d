build-clang/kernel/arch/x86_64/pci_config.o: arch/x86_64/pci_config.c \
  arch/x86_64/pci_config.h include/base/memory.h include/base/assert.h \
  arch/x86_64/cpu.h arch/x86_64/paging.h include/base/err.h

arch/x86_64/pci_config.h:

include/base/memory.h:

include/base/assert.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

include/base/err.h:
