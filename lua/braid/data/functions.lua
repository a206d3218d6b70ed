--- Runs the functions that a user gives among the transforms of a loader.
--
-- They come after all other transforms. A function is called as f(x, sample) for each sample and
-- returns x, or another tensor of the same type: x is the picture, float32 (c,h,w), or without
-- pictures the input (k), or {name = tensor} if there are several inputs. `sample` has the sample's
-- labels, which f may change in place (a missing class is -100, any other missing value NaN; points
-- are in [-1, 1] across the image), and sample.seed, a number that depends only on the loader's
-- seed, the epoch and the sample's place: a function that draws random numbers from it gives the
-- same batches again.
--
-- Their cost: the user's functions run one sample after the other, on the thread that asks for the
-- batch, after all threads have done their work. For a picture of 64 x 64 this added 30
-- microseconds to the time of f itself; all other steps took 130 microseconds on one thread. The
-- file of a network cannot hold a function, so net:predict must be given it: net:predict(x,
-- {transforms = {f}}).

local asked <const> = require "braid.data.asked"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

--- Splits a list of transforms in Braid's own and the functions after them (nil if there are none).
-- The first result is nil if there is no list, or if it has only functions.
function M.apart(transforms)
  local steps <const>, own <const> = {}, {}
  for i, step in ipairs(transforms or {}) do
    if type(step) == "function" then
      own[#own + 1] = step
    elseif #own > 0 then
      check.fail("data.loader: transforms: functions come after all other transforms, but item %d "
        .. "follows one", i)
    else
      steps[#steps + 1] = step
    end
  end
  local given <const> = #steps > 0 or transforms and #own == 0
  return given and steps or nil, #own > 0 and own or nil
end

--- The file and line where each function is written, for a recipe.
function M.places(own)
  local places <const> = {}
  for i, f in ipairs(own) do
    local info <const> = debug.getinfo(f, "S")
    places[i] = ("%s:%d"):format(info.short_src, info.linedefined)
  end
  return places
end

-- The labels of sample i of a batch, as views, so that f can change them in place.
local function sample_of(batch, names, i, seed)
  local sample <const> = {seed = seed}
  for name, t in next, batch do
    if core.is_tensor(t) and not names[name] then sample[name] = t[i] end
  end
  return sample
end

-- Row i of each input, as f takes it.
local function input_of(x, i)
  if core.is_tensor(x) then return x[i] end
  local own <const> = {}
  for name, t in pairs(x) do own[name] = t[i] end
  return own
end

local function check_result(y, x, name)
  if not core.is_tensor(y) or y.dtype ~= x.dtype then
    check.fail("data.loader: a function among the transforms must return a tensor of %s%s, not %s",
      x.dtype, name and " for " .. name or "", core.is_tensor(y) and y.dtype or check.shown(y))
  end
  return y
end

-- The results for the samples as one tensor.
local function stacked(list)
  for i, y in ipairs(list) do
    local same <const> = table.concat(y.shape, ", ") == table.concat(list[1].shape, ", ")
    if not same then
      check.fail("data.loader: a function among the transforms made (%s) of one sample and (%s) of "
        .. "another", table.concat(list[1].shape, ", "), table.concat(list[i].shape, ", "))
    end
  end
  return ops.stack(list, 1)
end

--- Applies the functions `own` to each sample of a batch and returns the batch. Without functions
-- it stays as it is.
-- @param seed the seed of the batch's first sample; the next samples have the next numbers
function M.applied(own, batch, seed)
  if not own or batch.count == 0 then return batch end
  local x <const>, names <const>, lists <const> = asked(batch), {}, {}
  local alone <const> = core.is_tensor(x)
  for _, name in ipairs(rawget(batch, "inputs") or {batch.image and "image" or "input"}) do
    names[name], lists[name] = true, {}
  end
  for i = 1, batch.count do
    local y, sample <const> = input_of(x, i), sample_of(batch, names, i, seed + i - 1)
    for _, f in ipairs(own) do y = f(y, sample) end
    for name in pairs(names) do
      local before <const> = alone and x or x[name]
      lists[name][i] = check_result(alone and y or type(y) == "table" and y[name], before, name)
    end
  end
  for name, list in pairs(lists) do batch[name] = stacked(list) end
  return batch
end

return M
