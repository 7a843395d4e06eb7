build-clang/kernel/drivers/virtio/balloon_pool.o: \
  drivers/virtio/balloon_pool.c drivers/virtio/balloon_pool.h \
  include/base/err.h include/base/memory.h drivers/virtio/balloon_mem.h \
  drivers/virtio/virtq.h include/base/assert.h include/base/bits.h

drivers/virtio/balloon_pool.h:

include/base/err.h:

include/base/memory.h:

drivers/virtio/balloon_mem.h:

drivers/virtio/virtq.h:

include/base/assert.h:

include/base/bits.h:
