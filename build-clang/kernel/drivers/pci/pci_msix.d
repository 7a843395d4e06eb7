build-clang/kernel/drivers/pci/pci_msix.o: drivers/pci/pci_msix.c \
  drivers/pci/pci_msix.h drivers/pci/pci.h include/base/err.h \
  include/base/memory.h include/base/assert.h include/base/bits.h \
  include/base/log.h drivers/pci/pci_spec.h

drivers/pci/pci_msix.h:

drivers/pci/pci.h:

include/base/err.h:

include/base/memory.h:

include/base/assert.h:

include/base/bits.h:

include/base/log.h:

drivers/pci/pci_spec.h:
