build-clang/kernel/drivers/virtio/balloon_move.o: \
  drivers/virtio/balloon_move.c drivers/virtio/balloon_move.h \
  include/base/err.h drivers/virtio/balloon_dev.h include/base/memory.h \
  drivers/virtio/balloon.h drivers/virtio/balloon_ledger.h \
  drivers/virtio/balloon_mem.h drivers/virtio/balloon_pool.h \
  drivers/virtio/virtq.h drivers/virtio/virtio.h include/base/assert.h \
  include/base/bits.h include/base/log.h

drivers/virtio/balloon_move.h:

include/base/err.h:

drivers/virtio/balloon_dev.h:

include/base/memory.h:

drivers/virtio/balloon.h:

drivers/virtio/balloon_ledger.h:

drivers/virtio/balloon_mem.h:

drivers/virtio/balloon_pool.h:

drivers/virtio/virtq.h:

drivers/virtio/virtio.h:

include/base/assert.h:

include/base/bits.h:

include/base/log.h:
