--- Strands: equal things of several columns, one module for each, by name.
--
-- They stand in a list, each under its name; or joined, as one module over all their channels
-- (mtl/join). The state is the same either way: every tensor under its column's name.

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local join <const> = require "braid.mtl.join"
local Module <const> = require "braid.nn.module"

local Strands <const> = class("Strands", Module)

--- `names` in their order, `modules` by name.
function Strands:init(names, modules)
  self.order = table.move(names, 1, #names, 1, {})
  for _, name in ipairs(names) do
    if Strands[name] ~= nil or name == "order" or name == "joined" then
      check.fail("columns: a task cannot be called '%s'", name)
    end
    self[name] = modules[name]
  end
end

function Strands:modules()
  local list <const> = {}
  for i, name in ipairs(self.order) do list[i] = self[name] end
  return list
end

--- Whether they can be joined; or false, and why not.
function Strands:can_stack()
  if self.joined then return true end
  if #self.order < 2 then return false, "there is one column" end
  return join.possible(self:modules())
end

--- Joins them. The parameters are new tensors.
function Strands:stack()
  if self.joined then return end
  self.joined = join.join(self:modules())
  for _, name in ipairs(self.order) do self[name] = nil end
end

--- Parts them. The parameters are new tensors.
function Strands:unstack()
  if not self.joined then return end
  for i, m in ipairs(join.split(self.joined, #self.order)) do self[self.order[i]] = m end
  self.joined = nil
end

--- The tensors by name, those of a joined module as views of each column's rows.
function Strands:own_state()
  local state <const> = {}
  if self.joined then
    for path, t in pairs(self.joined:state_dict()) do
      for i, name in ipairs(self.order) do
        state[name .. "." .. path] = join.slice(t, i, #self.order)
      end
    end
    return state
  end
  for _, name in ipairs(self.order) do
    for path, t in pairs(self[name]:state_dict()) do state[name .. "." .. path] = t end
  end
  return state
end

--- Each tensor's rows of a column, for parameters of joined and parted columns alike:
-- iterates over path, rows.
function Strands:rows(name)
  local list <const> = {}
  for path, t in pairs(self:own_state()) do
    local own <const> = path:match("^" .. name .. "%.(.+)$")
    if own then list[own] = t end
  end
  return list
end

--- xs[i] through the i-th module.
function Strands:forward(xs)
  local ys <const> = {}
  for i, name in ipairs(self.order) do ys[i] = self[name](xs[i]) end
  return ys
end

function Strands:describe() return self.joined and table.concat(self.order, ", ") or "" end

-- Whether what a module does first with its input, which it names in `first`, takes an input
-- that is that of all columns.
local function takes_shared(m)
  if m.takes_shared then return true end
  return m.first ~= nil and takes_shared(m[m.first])
end

--- Whether the joined module takes one image for all columns as it is.
function Strands:takes_image() return takes_shared(self.joined) end

--- An input of one column as that of all.
function Strands:spread(x)
  local times <const> = {1, #self.order}
  for d = 3, x:dim() do times[d] = 1 end
  return core.ops.repeat_(x, times)
end

return Strands
