--- Where the time goes: braid.profile(f) runs f and gives a table of the operators it called.
-- @usage
-- print(braid.profile(function()
--   tasks:loss(net(batch.image), batch):backward()
-- end))

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local format <const> = require "braid.format"

local Profile <const> = class("Profile")

local function line(name, calls, forward, backward, share)
  return ("%-24s %8s %11s %11s %7s"):format(name, calls, forward, backward, share)
end

local function ms(value) return value > 0 and format("%.3f", value) or "" end

--- As a table; times are in milliseconds, shares of all that passed.
Profile.__tostring = function(self)
  local lines <const> = {line("operator", "calls", "forward ms", "backward ms", "share")}
  for _, row in ipairs(self) do
    lines[#lines + 1] = line(row.operator, ("%d"):format(row.calls), ms(row.forward_ms),
      ms(row.backward_ms), format("%.1f%%", 100 * row.share))
  end
  lines[#lines + 1] = line("(outside of operators)", "", "", "",
    format("%.1f%%", 100 * self.outside_ms / self.ms))
  lines[#lines + 1] = format("%.3f ms in all", self.ms)
  return table.concat(lines, "\n")
end

local function collect(seconds)
  local self <const> = Profile()
  self.ms, self.outside_ms = seconds * 1e3, seconds * 1e3
  for i, row in ipairs(core.profile_rows()) do
    local name <const>, calls <const>, forward <const>, back_calls <const>, back <const> =
      table.unpack(row)
    self[i] = {operator = name, calls = math.max(calls, back_calls), forward_ms = forward * 1e3,
      backward_ms = back * 1e3, share = (forward + back) / seconds}
    self.outside_ms = self.outside_ms - (forward + back) * 1e3
  end
  table.sort(self, function(a, b)
    if a.share ~= b.share then return a.share > b.share end
    return a.operator < b.operator
  end)
  return self
end

--- Runs f and says how its time was spent: rows {operator =, calls =, forward_ms =,
-- backward_ms =, share =} with the costliest first, `ms` in all and `outside_ms` of it in none
-- of them. An operator's work backward and forward is one row; what an operator calls counts
-- for what was called. Prints as a table.
return function(f)
  if type(f) ~= "function" then
    check.fail("profile: wants a function, not a %s", type(f))
  end
  core.profile_begin()
  local _ <close> = setmetatable({}, {__close = core.profile_end})
  local from <const> = core.clock()
  f()
  return collect(core.clock() - from)
end
