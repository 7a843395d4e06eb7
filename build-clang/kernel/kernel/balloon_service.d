build-clang/kernel/kernel/balloon_service.o: kernel/balloon_service.c \
  kernel/balloon_service.h include/base/memory.h include/base/bits.h \
  include/base/log.h include/base/string.h arch/x86_64/clock.h \
  arch/x86_64/cpu.h arch/x86_64/paging.h include/base/err.h \
  drivers/pci/pci.h drivers/virtio/balloon_dev.h \
  drivers/virtio/balloon.h drivers/virtio/balloon_ledger.h \
  drivers/virtio/balloon_mem.h drivers/virtio/balloon_pool.h \
  drivers/virtio/virtq.h drivers/virtio/virtio.h \
  drivers/virtio/virtio_pci.h drivers/pci/pci_msix.h \
  drivers/virtio/virtio_pci_caps.h kernel/machine.h arch/x86_64/trap.h \
  kernel/acpi_tables.h kernel/params.h kernel/timer.h kernel/work.h \
  mm/frame.h

kernel/balloon_service.h:

include/base/memory.h:

include/base/bits.h:

include/base/log.h:

include/base/string.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

include/base/err.h:

drivers/pci/pci.h:

drivers/virtio/balloon_dev.h:

drivers/virtio/balloon.h:

drivers/virtio/balloon_ledger.h:

drivers/virtio/balloon_mem.h:

drivers/virtio/balloon_pool.h:

drivers/virtio/virtq.h:

drivers/virtio/virtio.h:

drivers/virtio/virtio_pci.h:

drivers/pci/pci_msix.h:

drivers/virtio/virtio_pci_caps.h:

kernel/machine.h:

arch/x86_64/trap.h:

kernel/acpi_tables.h:

kernel/params.h:

kernel/timer.h:

kernel/work.h:

mm/frame.h:
