build-clang/kernel/drivers/virtio/virtio_pci_ops.o: \
  drivers/virtio/virtio_pci_ops.c include/base/assert.h \
  include/base/bits.h include/base/log.h drivers/virtio/virtio_pci.h \
  include/base/err.h drivers/pci/pci.h include/base/memory.h \
  drivers/pci/pci_msix.h drivers/virtio/virtio.h drivers/virtio/virtq.h \
  drivers/virtio/virtio_pci_caps.h

include/base/assert.h:

include/base/bits.h:

include/base/log.h:

drivers/virtio/virtio_pci.h:

include/base/err.h:

drivers/pci/pci.h:

include/base/memory.h:

drivers/pci/pci_msix.h:

drivers/virtio/virtio.h:

drivers/virtio/virtq.h:

drivers/virtio/virtio_pci_caps.h:
