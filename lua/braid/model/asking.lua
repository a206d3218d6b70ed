--- Asks a network about a data set of pictures and makes the answers (answers.lua).
--
-- An Asking has a network, its tasks, and the steps that prepare a picture. The network runs
-- without gradients; the caller sets evaluation mode. An Asking may be used many times, as a server
-- does, as long as the network's parts stay the same.

local answers <const> = require "braid.model.answers"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local data <const> = require "braid.data"
local grad <const> = require "braid.grad"
local origin <const> = require "braid.origin"
local recipe <const> = require "braid.data.recipe"
local tensor <const> = require "braid.tensor"
local walk <const> = require "braid.nn.walk"
local ops <const> = core.ops

-- The number of channels that a network takes, found by trying. In evaluation mode this leaves the
-- network's running statistics as they are.
local function channels_of(net, size)
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  local why
  for _, channels in ipairs{3, 1} do
    local ok <const>, message <const> = check.caught(net, tensor.zeros(1, channels, size, size))
    if ok then return channels end
    why = message
  end
  check.fail("predict: the network takes no pictures of %d x %d pixels (size): %s", size, size, why)
end

local WRITTEN <const> = check.list{of = check.text()}

-- Raises an error unless the user gave the functions that the card cannot hold.
local function check_functions(known, o)
  local wanted <const>, own <const> = known.functions or {}, o.transforms or {}
  check.value("predict", "card.preprocessing.functions", wanted, WRITTEN)
  if #wanted == #own then return end
  check.fail("predict: %s: net:predict(x, {transforms = {f}}) takes as many",
    #wanted == 0 and "the network's loader had no functions of Lua"
    or ("the network's loader had %d function%s of Lua, which no file can hold (%s)"):format(
      #wanted, #wanted == 1 and "" or "s", table.concat(wanted, ", ")))
end

-- The loader's options, from the card; the user's size counts if the card has none. `cut` is as in
-- data/recipe.lua.
local function prepared(net, known, o, cut)
  if o.size and not known.transforms then
    local channels <const> = channels_of(net, o.size)
    known.size, known.channels = o.size, known.channels or channels
  end
  if not (known.size or known.transforms) then
    check.fail("predict: size is missing: the network's card does not say how large its pictures "
      .. "were; net.card = {preprocessing = loader:recipe()} keeps that")
  end
  local own <const>, why <const> = recipe.options(known, cut)
  if not own then check.fail("predict: card.preprocessing: %s", why) end
  if o.transforms then
    own.transforms = table.move(o.transforms, 1, #o.transforms, 1 + #(own.transforms or {}),
      own.transforms or {})
  end
  return own
end

-- ---- places -------------------------------------------------------------------------------

-- Every transform of a recipe is an affine map, which these three places of a picture determine.
local SPAN <const> = 1024
local PLACES <const> = {{0, 0}, {SPAN, 0}, {0, SPAN}}
local LABEL <const> = "places_of_predict"

-- The map from the network's coordinates, [-1, 1] across what it sees, to pixels of the picture.
local function pixels_of(seen)
  local x0 <const>, y0 <const> = seen[1][1], seen[1][2]
  local ax <const>, ay <const> = (seen[2][1] - x0) / SPAN, (seen[2][2] - y0) / SPAN
  local bx <const>, by <const> = (seen[3][1] - x0) / SPAN, (seen[3][2] - y0) / SPAN
  local det <const> = ax * by - bx * ay
  return function(x, y)
    local dx <const>, dy <const> = x - x0, y - y0
    return (dx * by - bx * dy) / det, (ax * dy - dx * ay) / det
  end
end

-- A data set with the three places as a label of every sample.
local function placed(ds)
  local n <const> = #ds
  local places <const> = core.from_table(PLACES, "float32")
  return ds:labelled({[LABEL] = ops.contiguous_copy(ops.expand(ops.unsqueeze(places, 1), n, 3, 2))},
    {[LABEL] = "points"})
end

-- ---- asking -------------------------------------------------------------------------------

local Asking <const> = class("Asking")

--- The tasks of a network, or the tasks in the options of net:predict.
function Asking.tasks_of(net, o)
  local record <const> = origin.of(net)
  local tasks <const> = o.tasks or rawget(net, "tasks") or record and record.tasks
  if not class.of(tasks) then
    check.fail("predict: the network has no tasks that say what its outputs are: give tasks")
  end
  answers.check(tasks)
  return tasks
end

--- A copy of the loader's recipe on the network's card. Raises an error unless the user gives as
-- many functions as the recipe has.
function Asking.known_of(net, o)
  local card <const> = rawget(net, "card")
  local known <const> = {}
  for key, value in pairs(type(card) == "table" and card.preprocessing or {}) do
    known[key] = value
  end
  check_functions(known, o)
  return known
end

--- o has tasks, size, transforms and batch, as the options of net:predict.
function Asking:init(net, o, cut)
  local card <const> = rawget(net, "card")
  self.net, self.tasks = net, Asking.tasks_of(net, o)
  self.loader = prepared(net, Asking.known_of(net, o), o, cut)
  self.loader.batch = o.batch
  self.classes = type(card) == "table" and type(card.classes) == "table" and card.classes or {}
  self.dtype = Asking.dtype_of(net)
end

--- The type of a network's numbers.
function Asking.dtype_of(net)
  return (net:parameters()[1] or net:buffers()[1] or {dtype = "float32"}).dtype
end

--- Whether a value is a network that can be asked.
Asking.is_network = walk.is_module

--- Adds the answers for the samples of a data set to the list.
function Asking:ask(ds, facts, list)
  local _ <close> = grad.no_grad()
  for batch in data.loader(placed(ds), self.loader) do
    local _ <close> = core.scope()
    local image <const> = self.dtype == "float64" and batch.image:to(self.dtype) or batch.image
    local outputs <const>, maps <const> = self.net(image), {}
    for i, seen in ipairs(batch[LABEL]:totable()) do maps[i] = pixels_of(seen) end
    for _, answer in ipairs(answers.all(self.tasks, outputs, {count = batch.count,
      classes = self.classes, maps = maps})) do
      list[#list + 1] = answer
      answer.picture = facts[#list]
    end
  end
end

return Asking
