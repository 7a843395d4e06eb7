build-clang/kernel/drivers/virtio/balloon_ledger.o: \
  drivers/virtio/balloon_ledger.c drivers/virtio/balloon_ledger.h \
  include/base/err.h include/base/memory.h drivers/virtio/balloon_mem.h \
  include/base/assert.h

drivers/virtio/balloon_ledger.h:

include/base/err.h:

include/base/memory.h:

drivers/virtio/balloon_mem.h:

include/base/assert.h:
