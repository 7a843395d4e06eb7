-- SPDX-License-Identifier: BSD-2-Clause
-- Takes memory, and frees it, when the host says so. One line each way.

local held

local function say(word)
  print("memory: " .. word)
  return io.read()
end

say("nothing is held")
held = {}
for i = 1, 100000 do
  held[i] = { ("%06d"):format(i):rep(100) }
end
say("all is held")
held = nil
collectgarbage()
say("nothing is left")
