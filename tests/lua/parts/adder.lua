-- SPDX-License-Identifier: BSD-2-Clause
-- A module in a folder, for `require`.

local name = ...

return { name = name, add = function(a, b) return a + b end }
