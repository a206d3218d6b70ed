--- Reads data so that they fit networks: in colour if a network takes colours, with as many pixels
-- as it takes.

local check <const> = require "braid.check"
local fit_of <const> = require "braid.data.fit"
local given <const> = require "braid.cli.given.data"
local grad <const> = require "braid.grad"
local tensor <const> = require "braid.tensor"

local M <const> = {}

-- Sides that networks with fully connected layers usually take.
local USUAL <const> = {32, 40, 48, 60, 64, 80, 96, 112, 128, 150, 160, 192, 224, 227, 256}

-- Whether the network accepts a picture with so many channels and pixels; if not, also the reason.
local function answers(net, channels, size)
  return check.caught(net, tensor.zeros(1, channels, size, size))
end

-- The side for which a network of columns was planned, or nil.
local function planned(net)
  local recipe <const> = rawget(net, "recipe")
  local input <const> = recipe and recipe.plan and recipe.plan.input
  return input and input[1] == input[2] and input[1] or nil
end

--- The channels and the side that a network takes: `channels` and `size` if it accepts them,
-- otherwise usual values. Raises the network's own error if it accepts none of these.
function M.takes(net, channels, size, fixed)
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  local sizes <const> = {size or planned(net)}
  local function add(side) sizes[#sizes + 1] = side end
  if not fixed then
    add(planned(net))
    if size then table.move(USUAL, 1, #USUAL, #sizes + 1, sizes) end
  end
  if #sizes == 0 then
    check.fail("--size is missing: the pictures have several sizes, and the network accepts any "
      .. "size")
  end
  local why
  for _, side in ipairs(sizes) do
    for _, c in ipairs{channels, 4 - channels} do
      local ok <const>, message <const> = answers(net, c, side)
      if ok then return c, side end
      why = why or message
    end
  end
  check.fail("the network does not accept pictures of %d x %d pixels (--size): "
    .. "%s", sizes[1], sizes[1],
    why)
end

-- The side and the channels of the pictures of a set as they are read. An unknown side is nil.
local function own_of(set)
  local ok <const>, size <const> = check.caught(fit_of.size, {set}, {})
  return ok and size and size > 0 and size or nil, fit_of.channels({set}, {})
end

-- The options of the loader for a network that takes `channels` and `side`.
local function loader_of(set, channels, side)
  local own_side <const>, own <const> = own_of(set)
  local fits <const> = check.caught(fit_of.size, {set}, {size = side})
  return {size = side ~= 0 and side or nil, channels = own ~= channels and channels or nil,
    enlarge = (not fits or own < channels or own_side and own_side < side) or nil}
end

--- Opens the data that the options name, for the networks that make(sets) lists. --size, if given,
-- is the side for all.
-- @return the sets, the options of a loader for each network
function M.open(o, make)
  local takes <const>, said <const> = given.takes(o)
  local labels_only <const> = takes.store and not said.store
  local sets = given.open(o, labels_only and {store = "files"} or nil)
  local set <const> = sets.train or sets.val or sets.test
  local nets <const>, loaders <const> = make(sets), {}
  if not set:has_pictures() then
    for i in ipairs(nets) do loaders[i] = {} end
    return sets, loaders
  end
  local own_side <const>, own <const> = own_of(set)
  local wants <const>, again <const> = {}, {}
  for i, net in ipairs(nets) do
    local channels <const>, side <const> = M.takes(net, own, o.size or own_side, o.size ~= nil)
    wants[i] = {channels, side}
    if takes.channels and not said.channels and channels > own then again.channels = channels end
    if takes.size and not said.size and side > (own_side or side) then
      again.size = math.max(side, again.size or 0)
    end
  end
  if labels_only or next(again) then sets = given.open(o, again) end
  for i, want in ipairs(wants) do
    loaders[i] = loader_of(sets.train or sets.val or sets.test, want[1], want[2])
  end
  return sets, loaders
end

return M
