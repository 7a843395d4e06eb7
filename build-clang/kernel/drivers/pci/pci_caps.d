build-clang/kernel/drivers/pci/pci_caps.o: drivers/pci/pci_caps.c \
  include/base/assert.h include/base/bits.h drivers/pci/pci.h \
  include/base/err.h include/base/memory.h drivers/pci/pci_spec.h

include/base/assert.h:

include/base/bits.h:

drivers/pci/pci.h:

include/base/err.h:

include/base/memory.h:

drivers/pci/pci_spec.h:
