--- Checks that mixers have the methods that an operation on a network calls, before it changes
-- anything. A mixer has the method `list`; its other methods are optional.

local check <const> = require "braid.check"

local M <const> = {}

-- The methods by name: how they are declared, and what they do.
local METHODS <const> = {
  list = "list(self, xs, z), which mixes maps in a list",
  resize = "resize(self, names), which changes its columns",
}

--- The name of a mixer's place and kind, for messages: "mixer.conv1 (mtl.nddr)".
function M.shown(block, kind) return ("mixer.%s (mtl.%s)"):format(block, kind.__name) end

--- Raises an error if a mixer, or the mixers of a kind, lack a method. `what` is the operation.
function M.must_have(what, method, block, mixer, kind)
  if mixer[method] == nil then
    check.fail("%s: the mixer %s has no method %s; help(\"mtl.mixer\") explains it", what,
      M.shown(block, kind or getmetatable(mixer)), METHODS[method])
  end
end

--- Raises an error if mixers of this kind cannot run.
function M.can_run(what, block, kind, base)
  if kind.forward == base.forward then M.must_have(what, "list", block, kind, kind) end
end

-- Raises an error about the result of a mixer's method.
local function wrong(what, block, mixer, format, ...)
  check.fail("%s: the mixer %s: %s; help(\"mtl.mixer\") explains it", what,
    M.shown(block, getmetatable(mixer)), format:format(...))
end

--- The names of the columns that column i takes from at a block. Without a method `needs` these are
-- all columns. When `learning`, they include columns whose weight can change.
function M.needs(what, net, block, i, learning)
  local mixer <const> = net.mixer[block]
  if not mixer.needs then return net.names end
  local list <const>, known <const> = mixer:needs(i, learning), {}
  if type(list) ~= "table" then
    wrong(what, block, mixer, "needs(%d) returned %s, not a list of columns' names", i,
      check.shown(list))
  end
  for _, name in ipairs(net.names) do known[name] = true end
  for _, name in ipairs(list) do
    if not known[name] then
      wrong(what, block, mixer, "needs(%d) names %s, which is not a column; there is %s", i,
        check.shown(name), table.concat(net.names, ", "))
    end
  end
  return list
end

--- Whether a column takes from another one at a block.
function M.connects(what, net, block)
  for i, name in ipairs(net.names) do
    for _, other in ipairs(M.needs(what, net, block, i, true)) do
      if other ~= name then return true end
    end
  end
  return false
end

return M
