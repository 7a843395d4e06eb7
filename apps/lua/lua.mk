# SPDX-License-Identifier: BSD-2-Clause
# Lua 5.4, the interpreter as Debian's source package has it (docs/LUA.md). The Makefile includes
# this file.

LUA      ?= $(BUILD)/lua
LUA_SRCS := lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump lfunc lgc linit liolib \
            llex lmathlib lmem loadlib lobject lopcodes loslib lparser lstate lstring lstrlib ltable \
            ltablib ltm lua lundump lutf8lib lvm lzio
LUA_OBJS := $(LUA_SRCS:%=$(BUILD)/apps/lua/src/%.o)
EXTRA_OBJS_lua := $(LUA_OBJS)

$(LUA)/README:
	$(Q)sh tools/debian.sh source lua5.4 $(LUA) || { echo "Lua needs the network once, for Debian's source\
	 package lua5.4" >&2; exit 1; }

# Its own warnings and its own compatibility, as Debian builds it. The folder apps/lua/include has
# the header that Debian's build makes.
$(LUA_OBJS): $(BUILD)/apps/lua/src/%.o: Makefile apps/lua/lua.mk | $(LUA)/README $(NEWLIB)/complete
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(APP_CODE) -Wall -Wextra -DLUA_COMPAT_5_3 -Iapps/lua/include $(DEPS) \
	  -c $(LUA)/src/$*.c -o $@

# The scripts of tests/qemu/test_lua.c. Debian's source package lua5.1 has programs by Lua's authors.
LUA51 ?= $(BUILD)/lua5.1
TEST_FILES += $(BUILD)/lua-files.cpio

$(LUA51)/README:
	$(Q)sh tools/debian.sh source lua5.1 $(LUA51) || { echo "the tests of Lua need the network once, for\
	 Debian's source package lua5.1" >&2; exit 1; }

$(BUILD)/lua-files.cpio: $(wildcard tests/lua/* tests/lua/parts/*) tools/initrd.sh | $(LUA51)/README
	$(Q)sh tests/lua/files.sh $(LUA51) $@
