build-clang/kernel/drivers/virtio/balloon.o: drivers/virtio/balloon.c \
  drivers/virtio/balloon.h include/base/assert.h include/base/bits.h

drivers/virtio/balloon.h:

include/base/assert.h:

include/base/bits.h:
