--- braid.random_state(): what stands for the random numbers of the process, to be saved with a run
-- and to go on from, like everything that has a state.
-- @usage
-- local saved = braid.random_state():state_dict()   -- {seed =, stream = how many were drawn}
-- braid.random_state():load_state_dict(saved)       -- the same numbers come again

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
  local o <const> = check.options(STATE, dict)
  core.set_random_state(o.seed, o.stream)
end

return function() return Random() end
