--- Convolutions over the concatenated maps of all columns: changes them when columns are added or
-- removed.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Conv2d <const> = require "braid.nn.conv2d"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local Late <const> = require "braid.mtl.columns.late_conv2d"
local Stacked <const> = require "braid.mtl.columns.stack.conv2d"
local StackedLate <const> = require "braid.mtl.columns.stack.late_conv2d"

local M <const> = {}

--- Sorts columns: first the columns in `came`, in its order, then the other columns.
function M.arrived(came, names)
  local order <const>, left <const> = {}, {}
  for _, name in ipairs(names) do left[name] = true end
  for _, list in ipairs{came, names} do
    for _, name in ipairs(list) do
      if left[name] then order[#order + 1], left[name] = name, nil end
    end
  end
  return order
end

--- Sets the order in which a convolution over columns of c channels sums: the order `came`, in
-- which the columns were added. So its results do not change by a bit.
function M.ordered(conv, came, names, c)
  local place <const>, places <const>, fields <const>, late = {}, {}, {}, false
  for i, name in ipairs(names) do place[name] = i end
  for i, name in ipairs(came) do
    late = late or place[name] ~= i
    for k = 1, c do places[#places + 1] = (place[name] - 1) * c + k end
  end
  for key, value in class.fields(conv) do fields[key] = value end
  fields.places = late and places or nil
  if fields.stack_size then return class.adopt(late and StackedLate or Stacked, fields) end
  return class.adopt(late and Late or Conv2d, fields)
end

--- Gives a convolution over `old` columns of c channels the inputs of `names`. Channels of columns
-- that were there keep their weights; channels of new columns have weight 0.
function M.resize(conv, old, names, c)
  local place <const> = {}
  for i, name in ipairs(old) do place[name] = i end
  local w <const> = conv.weight
  local _ <close> = grad.no_grad()
  local new <const> = core.new({w:size(1), #names * c, w:size(3), w:size(4)}, w.dtype, 0)
  for i, name in ipairs(names) do
    if place[name] then
      core.ops.narrow(new, 2, (i - 1) * c + 1, c):copy_(
        core.ops.narrow(core.detach(w), 2, (place[name] - 1) * c + 1, c))
    end
  end
  conv.weight = hints.replace(w, new)
end

return M
