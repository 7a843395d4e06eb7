build-clang/kernel/drivers/virtio/balloon_life.o: \
  drivers/virtio/balloon_life.c drivers/virtio/balloon_life.h \
  include/base/err.h drivers/virtio/balloon_dev.h include/base/memory.h \
  drivers/virtio/balloon.h drivers/virtio/balloon_ledger.h \
  drivers/virtio/balloon_mem.h drivers/virtio/balloon_pool.h \
  drivers/virtio/virtq.h drivers/virtio/virtio.h include/base/assert.h \
  include/base/bits.h include/base/log.h drivers/virtio/balloon_move.h \
  drivers/virtio/balloon_stats.h

drivers/virtio/balloon_life.h:

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

drivers/virtio/balloon_move.h:

drivers/virtio/balloon_stats.h:
