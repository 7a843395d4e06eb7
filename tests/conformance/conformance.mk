# SPDX-License-Identifier: BSD-2-Clause
# newlib's own tests, out of the archive that newlib is built from and compiled as they are: one
# image each. tests/qemu/test_conformance.c runs them; docs/LIBC.md says which are left out, and
# why. The Makefile includes this file.

CONFORMANCE_TESTS := newlib.search/hsearchtest newlib.stdio/nulprintf newlib.stdio/swprintf \
                     newlib.stdlib/atexit newlib.stdlib/size_max newlib.string/memcpy-1 \
                     newlib.string/memmove1 newlib.string/strcmp-1 newlib.string/tstring \
                     newlib.wctype/tiswctype newlib.wctype/twctype
NEWLIB_TESTS      := $(BUILD)/newlib/testsuite
CONFORMANCE_STACK := $(BUILD)/conformance/main_stack.o

$(NEWLIB_TESTS)/complete: | $(NEWLIB)/complete
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)tar -xf $(BUILD)/newlib/package/usr/src/newlib/newlib-*.tar.xz -C $(@D) --strip-components=3 \
	  --wildcards '*/newlib/testsuite/*'
	@touch $@

# What is tested is the library, not what the compiler puts in place of a call.
CONFORMANCE_CODE = $(APP_CODE) -fno-builtin -w -I$(NEWLIB_TESTS)/include

$(CONFORMANCE_STACK): tests/conformance/main_stack.c Makefile | $(NEWLIB)/complete
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(APP_FLAGS) $(DEPS) -c $< -o $@

$(CONFORMANCE_TESTS:%=$(BUILD)/conformance/%.o): $(BUILD)/conformance/%.o: $(NEWLIB_TESTS)/complete Makefile tests/conformance/conformance.mk
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(CONFORMANCE_CODE) -c $(NEWLIB_TESTS)/$*.c -o $@

$(foreach test,$(CONFORMANCE_TESTS),$(eval $(call image,$(BUILD)/conformance/$(notdir $(test)).elf,$\
    $(BUILD)/conformance/$(test).o $(CONFORMANCE_STACK) $(LIBC_OBJS),$$(NEWLIB_LIBS))))

conformance: $(foreach test,$(CONFORMANCE_TESTS),$(BUILD)/conformance/$(notdir $(test)).elf)
.PHONY: conformance
