build-clang/kernel/drivers/virtio/balloon_stats.o: \
  drivers/virtio/balloon_stats.c drivers/virtio/balloon_stats.h \
  include/base/assert.h include/base/memory.h

drivers/virtio/balloon_stats.h:

include/base/assert.h:

include/base/memory.h:
