-- SPDX-License-Identifier: BSD-2-Clause
-- Runs the programs that came with Lua 5.1 "to make sure Lua is built correctly", /authors/*.lua, as
-- they are, and compares what they print. Five of the nineteen use functions that Lua 5.4 has not
-- (docs/LUA.md); two need a name that changed, which they get here.

local check = require "check"

math.mod = math.fmod
table.getn = function(t) return #t end

local write, show, input = io.write, print, io.input
local ENOUGH <const> = 300

-- What the program prints; one that has written ENOUGH pieces (life) is ended. `words` are its
-- arguments; `from` is its standard input.
local function output_of(name, words, from)
  local text = {}

  N = nil -- a parameter of one, a variable of another
  function io.write(...)
    if #text >= ENOUGH then
      error(ENOUGH, 0)
    end
    for _, piece in ipairs { ... } do
      text[#text + 1] = tostring(piece)
    end
    return io.stdout
  end
  function print(...)
    local row = table.pack(...)
    for i = 1, row.n do
      row[i] = tostring(row[i])
    end
    text[#text + 1] = table.concat(row, "\t") .. "\n"
  end
  arg = words or {}
  if from then
    input(from)
  end
  local ok, message = pcall(dofile, "/authors/" .. name .. ".lua")
  debug.sethook()
  io.write, print = write, show
  check.is(name .. ": message " .. tostring(message), ok or message == ENOUGH, true)
  return table.concat(text)
end

local function prints(name, want, ...)
  check.is(name, output_of(name, ...), want)
end

-- Long outputs: how many lines, and one of them.
local function prints_among(name, count, line, ...)
  local text = output_of(name, ...)
  local _, lines = text:gsub("\n", "")

  check.is(name .. ": lines", lines, count)
  check.is(name .. ": '" .. line .. "'", text:find(line, 1, true) ~= nil, true)
end

prints("hello", "Hello world, from Lua 5.4!\n")
prints("echo", "0\tnil\n1\tone\n2\ttwo\n", { "one", "two" })
prints_among("bisect", 22,
             "after 20 steps, root is 1.3247179985046387 with error 9.5e-07, f=1.8e-07\n")
prints_among("cf", 21, "C  30  31  32  33  34  35  36  37  38  39 \nF  86  88  90  91")
prints_among("factorial", 17, "16! = 20922789888000\n")
prints_among("fib", 3, "plain\t24\t46368\t")
prints_among("fibfor", 16, "610\n987\n")
prints_among("life", 1260, "Life - generation 10\n")
prints_among("printf", 1, "Hello there from Lua 5.4 on " .. os.date("%a"))
prints_among("sieve", 168, "983\n991\n997\n")
prints_among("sort", 8, "after reverse selection sort\n\tSep,Oct,Nov,May,Mar,Jun,Jul,Jan,Feb")
prints("table", "\nfirst: line\n42: .5 and more\nlast: , without an end\n", nil, "/text.txt")
prints("xd", "00000000  66 69 72 73 74 20 6C 69 6E 65 0A 34 32 2E 35 20  first line.42.5 \n" ..
             "00000010  61 6E 64 20 6D 6F 72 65 0A 6C 61 73 74 2C 20 77  and more.last, w\n" ..
             "00000020  69 74 68 6F 75 74 20 61 6E 20 65 6E 64           ithout an end\n",
       nil, "/text.txt")
prints_among("trace-calls", 5, "return sethook [C]")
check.done()
