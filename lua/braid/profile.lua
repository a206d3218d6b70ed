--- braid.profile(f): runs f and returns a table of how long each operator took.
-- @usage
-- print(braid.profile(function()
--   tasks:loss(net(batch.image), batch):backward()
-- end))
-- print(braid.profile(function() net(batch.image) end, {net = net}))      -- by block as well

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local format <const> = require "braid.format"
local blocks <const> = require "braid.profile.blocks"

local Profile <const> = class("Profile")

local OPTIONS <const> = check.declare("profile", {
  net = check.kind("a network", blocks.is_network),
})

local function line(name, calls, forward, backward, share)
  return ("%-24s %8s %11s %11s %7s"):format(name, calls, forward, backward, share)
end

local function ms(value) return value > 0 and format("%.3f", value) or "" end
local function percent(share) return format("%.1f%%", 100 * share) end

-- Adds the lines of a table whose first column is row[key].
local function add_rows(lines, rows, key, outside)
  lines[#lines + 1] = line(key, "calls", "forward ms", "backward ms", "share")
  for _, row in ipairs(rows) do
    lines[#lines + 1] = line(row[key], ("%d"):format(row.calls), ms(row.forward_ms),
      ms(row.backward_ms), percent(row.share))
  end
  if outside then lines[#lines + 1] = line(outside[1], "", "", "", percent(outside[2])) end
end

-- The share of the time that belongs to no row.
local function rest(rows)
  local sum = 0
  for _, row in ipairs(rows) do sum = sum + row.share end
  return math.max(0, 1 - sum)
end

--- The profile as tables. Times are in milliseconds; shares are of the whole time.
Profile.__tostring = function(self)
  local lines <const> = {}
  if self.blocks then
    add_rows(lines, self.blocks, "block", {"(elsewhere)", rest(self.blocks)})
    lines[#lines + 1] = ""
    add_rows(lines, self.tasks, "task", {"(elsewhere)", rest(self.tasks)})
    lines[#lines + 1] = ""
  end
  add_rows(lines, self, "operator", {"(outside of operators)", self.outside_ms / self.ms})
  lines[#lines + 1] = format("%.3f ms in all", self.ms)
  return table.concat(lines, "\n")
end

-- Groups the core's rows by the result of key_of(name, place), the most costly group first.
local function gathered(rows, seconds, key, key_of)
  local list <const>, by <const> = {}, {}
  for _, row in ipairs(rows) do
    local operator <const>, calls <const>, forward <const>, back_calls <const>, back <const>,
      place <const> = table.unpack(row)
    local name <const> = key_of(operator, place)
    if name then
      local own = by[name]
      if not own then
        own = {[key] = name, forward_calls = 0, back_calls = 0, forward_ms = 0.0, backward_ms = 0.0}
        by[name], list[#list + 1] = own, own
      end
      own.forward_calls, own.back_calls = own.forward_calls + calls, own.back_calls + back_calls
      own.forward_ms, own.backward_ms = own.forward_ms + forward * 1e3, own.backward_ms + back * 1e3
    end
  end
  for _, own in ipairs(list) do
    own.calls = math.max(own.forward_calls, own.back_calls)
    own.forward_calls, own.back_calls = nil, nil
    own.share = (own.forward_ms + own.backward_ms) / (seconds * 1e3)
  end
  table.sort(list, function(a, b)
    if a.share ~= b.share then return a.share > b.share end
    return a[key] < b[key]
  end)
  return list
end

local function collect(seconds, places)
  local self <const>, rows <const> = Profile(), core.profile_rows()
  self.ms, self.outside_ms = seconds * 1e3, seconds * 1e3
  for i, row in ipairs(gathered(rows, seconds, "operator", function(name) return name end)) do
    self[i] = row
    self.outside_ms = self.outside_ms - row.forward_ms - row.backward_ms
  end
  if places then
    local function of(key)
      return function(_, place) return places[place] and places[place][key] end
    end
    self.blocks = gathered(rows, seconds, "block", of("block"))
    self.tasks = gathered(rows, seconds, "task", of("task"))
  end
  return self
end

--- Runs f and measures its operators -> rows {operator =, calls =, forward_ms =, backward_ms =,
-- share =}, the most costly first; `ms`, the whole time; and `outside_ms`, the time outside of
-- operators. It prints as a table. An operator's forward and backward work is one row; operators
-- that it calls inside count as part of it. With net = a network there are also rows `blocks`
-- {block =} and `tasks` {task =}. A block has one row for all columns, and its mixer has another.
-- Parts that all tasks share, and columns that run as one tensor, have rows of their own.
return function(f, given)
  local o <const> = check.options(OPTIONS, given)
  if type(f) ~= "function" then
    check.fail("profile: wants a function, not a %s", type(f))
  end
  core.profile_begin()
  local places, watch
  local _ <close> = setmetatable({}, {__close = function()
    if watch then watch() end
    core.profile_end()
  end})
  if o.net then places, watch = blocks.watch(o.net) end
  local from <const> = core.clock()
  f()
  local profile <const> = collect(core.clock() - from, places)
  return profile
end
