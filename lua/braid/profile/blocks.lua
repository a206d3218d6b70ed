--- Finds the block and the task of a network that an operator's call belongs to, for profiles.

local Module <const> = require "braid.nn.module"
local watching <const> = require "braid.nn.watching"

local M <const> = {}

M.is_network = Module.is

local SHARED <const>, STACKED <const> = "(shared by all)", "(all columns)"

-- The block and the task of the module at a path; nil if the module is not a block.
local function place_of(path)
  local parts <const> = {}
  for part in path:gmatch("[^.]+") do parts[#parts + 1] = part end
  local first <const>, second <const>, third <const>, more <const> = table.unpack(parts)
  if first == "columns" then
    if not third or more then return nil end
    return {block = third, task = second == "stacked" and STACKED or second}
  elseif first == "head" or first == "shared_head" then
    if not second or third then return nil end
    return {block = first, task = second}
  elseif first == "trunk" or first == "shared" then
    if not second or third then return nil end
    return {block = second, task = SHARED}
  elseif first == "mixer" then
    if not second or third then return nil end
    return {block = second .. ", mixer", task = STACKED}
  end
  return first and not second and {block = first, task = SHARED} or nil
end

--- Assigns calls of operators to the blocks of a network, by numbers of places, until the returned
-- function is called.
-- @return {{block =, task =}, ...}, the function
function M.watch(net) return watching.places(net, place_of, false) end

return M
