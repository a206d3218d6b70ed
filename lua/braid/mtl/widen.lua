--- mtl.widen: finds the width at which a network has nearly the wanted number of parameters, for
-- comparisons at equal size. make(width) makes the network. The results are the network and its
-- width. It is an error if no width comes near the wanted number.
-- @usage
-- local net, width = mtl.widen(function(width)
--   return braid.model("models/tcdcn.lua", {tasks = tasks, width = width, input = 40})
-- end, 5e4)

local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

-- Widths are tried in steps of 1/1024: one step adds one channel to a layer of 1024 channels.
local STEP <const>, WIDEST <const> = 1024, 64
-- At the smallest and the largest width, the count may be wrong by this factor.
local BEYOND <const> = 1.1

local ARGUMENTS <const> = check.declare("mtl.widen", {
  make = check.argument(check.call()), count = check.argument(check.number{from = 1}),
})

return function(make, count)
  check.options(ARGUMENTS, nil, {make = make, count = count})
  local function try(steps)
    local net <const> = make(steps / STEP)
    if not Module.is(net) then
      check.fail("mtl.widen: the function returned a %s, not a module", type(net))
    end
    return net, net:count_parameters()
  end
  -- A very small width may give no network, because a layer would have no channels.
  local function try_narrow(steps)
    local ok <const>, net <const>, n <const> = pcall(try, steps)
    if ok then return net, n end
    return nil, 0
  end
  local low, low_net, low_count = 0, nil, 0
  local high = STEP
  local high_net, high_count = try(high)
  while high_count < count and high < WIDEST * STEP do
    low, low_net, low_count = high, high_net, high_count
    high = 2 * high
    high_net, high_count = try(high)
  end
  local other_count <const> = low_net and low_count or select(2, try_narrow(STEP // 16))
  if other_count == high_count then
    check.fail("mtl.widen: the network has %d parameters at any width: does make(width) use it?",
      high_count)
  end
  while high - low > 1 do
    local middle <const> = (low + high) // 2
    local net <const>, n <const> = try_narrow(middle)
    if n < count then low, low_net, low_count = middle, net, n
    else high, high_net, high_count = middle, net, n end
  end
  if high_count * BEYOND < count or not low_net and high_count > count * BEYOND then
    check.fail("mtl.widen: the %s network of the family has %d parameters, not about %s",
      high_count < count and "widest" or "narrowest", high_count, check.shown(count))
  end
  if low_net and count - low_count < high_count - count then return low_net, low / STEP end
  return high_net, high / STEP
end
