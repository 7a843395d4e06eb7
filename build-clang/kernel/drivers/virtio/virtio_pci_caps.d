build-clang/kernel/drivers/virtio/virtio_pci_caps.o: \
  drivers/virtio/virtio_pci_caps.c drivers/virtio/virtio_pci_caps.h \
  include/base/err.h drivers/pci/pci.h include/base/memory.h \
  include/base/assert.h drivers/pci/pci_spec.h

drivers/virtio/virtio_pci_caps.h:

include/base/err.h:

drivers/pci/pci.h:

include/base/memory.h:

include/base/assert.h:

drivers/pci/pci_spec.h:
