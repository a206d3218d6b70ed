--- net:extract{names}: a separate network for some of the tasks, with the same outputs. It has
-- their heads and every column that they depend on. A column whose weights in a linear mixer are
-- exactly 0 is left out. A mixer that concatenates all maps needs all columns, and so does a mixer
-- of your own without a method needs (help mtl.mixer).

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local groups <const> = require "braid.mtl.columns.groups"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local restrict <const> = require "braid.mtl.columns.restrict"

-- The columns that the named tasks need, through all mixers.
local function needed_columns(self, wanted)
  local needed <const>, place <const> = {}, {}
  for i, name in ipairs(self.names) do place[name] = i end
  for _, name in ipairs(wanted) do needed[name] = true end
  local blocks <const> = self.recipe.plan.names
  for b = #blocks, 1, -1 do
    if self.mixer[blocks[b]] then
      local now <const> = {}
      for _, name in ipairs(self.names) do
        if needed[name] then now[#now + 1] = name end
      end
      for _, name in ipairs(now) do
        for _, other in ipairs(mixer_methods.needs("extract", self, blocks[b], place[name])) do
          needed[other] = true
        end
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
  if not self.head then
    check.fail("extract: the heads are not made yet: call net:heads() first")
  end
  if type(wanted) == "string" then wanted = {wanted} end
  if type(wanted) ~= "table" or #wanted == 0 then
    check.fail("extract: wants the names of tasks; there is %s",
      table.concat(self.tasks.names, ", "))
  end
  local tasks <const> = build.names(build.only(self.tasks, wanted, "extract"))
  local net <const> = self:clone()
  return restrict("extract", net, tasks,
    net.columns and needed_columns(net, groups.columns(net.home, tasks)) or tasks)
end
