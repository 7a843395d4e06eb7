-- SPDX-License-Identifier: BSD-2-Clause
-- What Lua's libraries ask of the system beneath them. The command line is
--     env.NAME="a value" -- /basic.lua one "two words"

local check = require "check"
local is, fails, refused = check.is, check.fails, check.refused
local ENOENT, ENOTDIR, EISDIR, EROFS = 2, 20, 21, 30

-- The command line and the environment.
is("arg[-1]", arg[-1], "lua")
is("arg[0]", arg[0], "/basic.lua")
is("arg[1]", arg[1], "one")
is("arg[2]", arg[2], "two words")
is("#arg", #arg, 2)
is("...", select("#", ...), 2)
is("getenv", os.getenv("NAME"), "a value")
is("getenv of nothing", os.getenv("NOBODY"), nil)

-- Modules from the initrd, and none that would have to be loaded as machine code.
local adder = require "parts.adder"
is("module's name", adder.name, "parts.adder")
is("module", adder.add(2, 3), 5)
fails("no module", "module 'nobody' not found", require, "nobody")
refused("loadlib", "absent", package.loadlib("./x.so", "*"))

-- Time.
local clock, time = os.clock(), os.time()
is("time is after 2020", time > 1577836800, true)
is("date of time", os.date("!%Y", time) >= "2021", true)
is("date", os.date("!%a %b %d %H:%M:%S %Y", 1e9 // 1 | 0), "Sun Sep 09 01:46:40 2001")
is("time of date", os.time { year = 2020, month = 2, day = 30, hour = 12 }, 1583064000)
is("date as table", os.date("!*t", 951782400).yday, 60)
repeat until os.clock() > clock
is("difftime", os.difftime(time + 5, time), 5.0)

-- Numbers as text and back, by newlib's printf and strtod.
is("%.3f", ("%.3f"):format(2.5), "2.500")
is("%5.1f", ("%5.1f|%-8.2e|%+g"):format(-0.05, 12345.678, 1e300), " -0.1|1.23e+04|+1e+300")
is("%a", ("%a"):format(1.0), "0x1p+0")
is("%.17g", ("%.17g"):format(0.1), "0.10000000000000001")
is("1/3", tostring(1 / 3), "0.33333333333333")
is("inf", tostring(math.huge), "inf")
is("nan", tostring(0 / 0):gsub("-", ""), "nan")
is("tonumber", tonumber("0x1.8p3"), 12.0)
is("the least number", tonumber("4.9406564584124654e-324"), 2.0 ^ -1074)
is("mininteger", math.mininteger, -9223372036854775807 - 1)
is("sqrt", math.sqrt(2) * math.sqrt(2), 2.0000000000000004)
is("sin", math.abs(math.sin(math.pi)) < 1e-15, true)

-- Reading files.
local file = assert(io.open("/text.txt"))
is("line", file:read(), "first line")
is("number", file:read("n"), 42.5)
is("rest of line", file:read("L"), " and more\n")
is("bytes", file:read(4), "last")
is("seek", file:seek("set", 6), 6)
is("all", file:read("a"), "line\n42.5 and more\nlast, without an end")
is("end", file:read(), nil)
is("close", file:close(), true)
is("type", io.type(file), "closed file")
local lines = {}
for line in io.lines("/text.txt") do
  lines[#lines + 1] = line
end
is("lines", #lines, 3)
is("a relative path", io.open("parts/../text.txt") ~= nil, true)
is("io.input", io.input("/text.txt") and io.read(), "first line")
io.input(io.stdin)
fails("lines of nothing", "No such file", io.lines, "/nothing")
fails("dofile of nothing", "nothing.lua", dofile, "/nothing.lua")
refused("open of nothing", ENOENT, io.open("/nothing"))
refused("open below a file", ENOTDIR, io.open("/text.txt/more"))
refused("read of a folder", EISDIR, assert(io.open("/parts")):read())

-- Nothing can be written, and no process started.
for _, mode in ipairs { "w", "a", "r+", "w+" } do
  refused("open, " .. mode, EROFS, io.open("/text.txt", mode))
end
refused("a new file", EROFS, io.open("/new", "w"))
refused("tmpfile", EROFS, io.tmpfile())
refused("remove", EROFS, os.remove("/text.txt"))
refused("rename", EROFS, os.rename("/text.txt", "/other.txt"))
fails("io.output", "Read-only file system", io.output, "/new")
is("execute", os.execute(), false)
fails("popen", "not supported", io.popen, "ls")
is("write", io.stdout:write("") == io.stdout, true)

-- What goes too deep, or asks for too much, is an error that a script can catch.
local function down(n) return 1 + down(n + 1) end
local function nested(n) return (("x"):gsub("x", function() return nested(n + 1) end)) end
local function coroutines(n) return coroutine.wrap(coroutines)(n + 1) end
fails("recursion in Lua", "stack overflow", down, 1)
fails("recursion in C", "C stack overflow", nested, 1)
fails("coroutines in coroutines", "C stack overflow", coroutines, 1)
is("nested brackets", load(("("):rep(1000) .. "1" .. (")"):rep(1000)), nil)
is("a deep pattern", pcall(string.match, ("a"):rep(300000), (".-"):rep(300000) .. "b"), false)
fails("a long string", "not enough memory", string.rep, "x", 1 << 30)
fails("a table without end", "not enough memory", function()
  local all = {}
  for i = 1, math.huge do
    all[i] = ("%d"):format(i):rep(100000)
  end
end)
collectgarbage()
is("memory again", #("x"):rep(1 << 20), 1 << 20)
is("a finalizer", pcall(function()
  local ended
  setmetatable({}, { __gc = function() ended = true end })
  collectgarbage()
  assert(ended)
end), true)

check.done()
