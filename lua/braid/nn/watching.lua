--- The function that watches calls of modules. While a summary or a profile is made,
-- watching.f(module, ...) is called instead of forward; otherwise it is nil. If watching.all is
-- true, the function must see every call, so no call may be left out or fused with others.

local core <const> = require "braid.core"
local walk <const> = require "braid.nn.walk"

local M <const> = {f = nil, all = false}

--- Lets f watch until the returned function is called.
function M.begin(f, all)
  local before <const>, saw <const> = M.f, M.all
  M.f, M.all = f, all
  return function() M.f, M.all = before, saw end
end

--- Numbers the places of a network's modules, and notes with each call of an operator in which
-- place it is, until the returned function is called. place_of(path) returns a module's place (any
-- value), or nil if the module belongs to the place of the module around it. The path of the
-- network itself is "".
-- @return the places by number, the function
function M.places(net, place_of, all)
  local places <const>, numbers <const> = {}, {}
  local function note(path, module)
    local place <const> = not numbers[module] and place_of(path)
    if place then
      places[#places + 1] = place
      numbers[module] = #places
    end
  end
  note("", net)
  walk.walk(net, function(path, value)
    if walk.is_module(value) then note(path, value) end
  end)
  local outside <const> = core.profile_place(0)
  local stop <const> = M.begin(function(m, ...)
    local number <const> = numbers[m]
    if not number then return m:forward(...) end
    local before <const> = core.profile_place(number)
    local results <const> = table.pack(m:forward(...))
    core.profile_place(before)
    return table.unpack(results, 1, results.n)
  end, all)
  return places, function()
    stop()
    core.profile_place(outside)
  end
end

return M
