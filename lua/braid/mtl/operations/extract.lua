--- net:extract{names}: a network of its own for some of the tasks, with the same outputs: their
-- heads, and the columns that anything reaches them from. Columns whose weights in a linear
-- mixer are exactly 0 are left out; a mixer that joins all maps needs them all.

local build <const> = require "braid.mtl.build"
local check <const> = require "braid.check"
local Strands <const> = require "braid.mtl.strands"

-- The columns that those named need, through all mixers.
local function needed_columns(self, wanted)
  local needed <const>, place <const> = {}, {}
  for i, name in ipairs(self.names) do place[name] = i end
  for _, name in ipairs(wanted) do needed[name] = true end
  local blocks <const> = self.recipe.plan.names
  for b = #blocks, 1, -1 do
    local mixer <const> = self.mixer[blocks[b]]
    if mixer then
      local now <const> = {}
      for _, name in ipairs(self.names) do
        if needed[name] then now[#now + 1] = name end
      end
      for _, name in ipairs(now) do
        for _, other in ipairs(mixer:needs(place[name])) do needed[other] = true end
      end
    end
  end
  local list <const> = {}
  for _, name in ipairs(self.names) do
    if needed[name] then list[#list + 1] = name end
  end
  return list
end

return function(self, wanted)
  if not self.head then check.fail("extract: the heads are not made yet") end
  if type(wanted) == "string" then wanted = {wanted} end
  local tasks <const> = build.only(self.tasks, wanted, "extract")
  local net <const>, was <const> = self:clone(), self:stacked()
  net:unstack()
  net.tasks = tasks
  for _, name in ipairs(self.tasks.names) do
    if not tasks[name] then
      net.head[name] = nil
      if net.shared_head then net.shared_head[name] = nil end
    end
  end
  if not net.columns then return net end
  local names <const>, modules <const> = needed_columns(net, tasks.names), {}
  if #names < #net.names then
    for _, name in ipairs(names) do modules[name] = net.columns[name] end
    for _, block in ipairs(check.sorted_keys(net.mixer)) do net.mixer[block]:resize(names) end
    net.columns, net.names = Strands(names, modules), names
  end
  if was then net:stack() end
  return net
end
