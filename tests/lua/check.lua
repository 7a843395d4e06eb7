-- SPDX-License-Identifier: BSD-2-Clause
-- Checks that go on after one that fails. The last line is for tests/qemu/test_lua.c, and so is the
-- status.

local check = { count = 0, failed = 0 }

function check.is(name, got, want)
  check.count = check.count + 1
  if got ~= want then
    check.failed = check.failed + 1
    print(("not true: %s is %s, not %s"):format(name, tostring(got), tostring(want)))
  end
end

-- The function must fail, with a message that contains `text`.
function check.fails(name, text, f, ...)
  local ok, message = pcall(f, ...)
  check.is(name .. ": ended well", ok, false)
  check.is(name .. ": message '" .. tostring(message) .. "' with '" .. text .. "'",
           tostring(message):find(text, 1, true) ~= nil, true)
end

-- What was returned must be nil, a message and this number of <errno.h>.
function check.refused(name, number, result, message, code)
  check.is(name, result, nil)
  check.is(name .. ": message", type(message), "string")
  check.is(name .. ": number", code, number)
end

function check.done()
  print(("lua: %d checks, %d failed"):format(check.count, check.failed))
  os.exit(check.failed == 0, true)
end

return check
