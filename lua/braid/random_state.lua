--- braid.random_state(): the state of the process's random numbers. It has state_dict and
-- load_state_dict, so it can be saved with a run and loaded when the run continues.
-- @usage
-- local saved = braid.random_state():state_dict()   -- {seed =, stream = streams used so far}
-- braid.random_state(saved)                         -- the same numbers come again

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"

local Random <const> = class("random_state")

local STATE <const> = check.declare("random_state: load_state_dict", {
  seed = check.needed(check.whole()), stream = check.needed(check.whole{from = 0}),
})

function Random.state_dict(_)
  local seed <const>, stream <const> = core.random_state()
  return {seed = seed, stream = stream}
end

function Random.load_state_dict(_, dict)
  if class.is_a(dict, Random) then
    check.fail("random_state: load_state_dict: wants a saved state, as "
      .. "braid.random_state():state_dict() returns it; braid.random_state() itself is always the "
      .. "present state")
  end
  local o <const> = check.options(STATE, dict)
  core.set_random_state(o.seed, o.stream)
end

Random.__tostring = function()
  return ("braid.random_state: seed %d, %d streams drawn"):format(core.random_state())
end

--- Returns the state, after loading `dict` (from state_dict) if that is given.
return function(dict)
  local state <const> = Random()
  if dict ~= nil then state:load_state_dict(dict) end
  return state
end
