build-clang/kernel/drivers/pci/pci.o: drivers/pci/pci.c drivers/pci/pci.h \
  include/base/err.h include/base/memory.h include/base/assert.h \
  include/base/bits.h include/base/log.h drivers/pci/pci_spec.h

drivers/pci/pci.h:

include/base/err.h:

include/base/memory.h:

include/base/assert.h:

include/base/bits.h:

include/base/log.h:

drivers/pci/pci_spec.h:
