--- The recipe of a loader: what it does to every picture, as plain values that a file can hold.
--
-- {size = side in pixels, channels = 1 or 3, whiten = true or false, filter = "area" or "bilinear",
-- which resizes}; or with the loader's own
-- transforms {channels =, transforms = {{"crop", 1.2}, {"resize", 64}, {"whiten"}}}, each the name
-- of a transform and its arguments. A recipe holds nothing random, since it says how a network is
-- to be asked.

local check <const> = require "braid.check"
local copied <const> = require "braid.copied"
local fit <const> = require "braid.data.fit"
local transforms <const> = require "braid.data.transforms"

local M <const> = {}

-- Transforms that do the same to a picture each time.
local STEADY <const> = {crop = true, resize = true, align = true, whiten = true, normalize = true}
local MAX_STEPS <const> = 20

local RECIPE <const> = check.declare("recipe", {
  size = check.whole{from = 1, to = 4096}, channels = check.needed(check.choice{1, 3}),
  whiten = check.flag(true), filter = check.choice{"area", "bilinear"},
  transforms = check.list{least = 1, of = check.kind("a transform's name and arguments",
    function(v) return type(v) == "table" and STEADY[v[1]] ~= nil end)},
}, function(o)
  if o.transforms and #o.transforms > MAX_STEPS then return "fewer transforms" end
end)

local function same(value) return value end

--- The recipe of a loader; or nil and why it has none.
function M.of(loader)
  local sets <const>, o <const> = loader.ds.parts or {loader.ds}, loader.o
  if loader.ds.inputs then return nil, "its samples are not pictures" end
  local recipe <const> = {channels = fit.channels(sets, o)}
  if o.augment then return nil, "it augments pictures at random" end
  if not o.transforms then
    local side <const> = fit.size(sets, o)
    recipe.size, recipe.whiten = side > 0 and side or nil, o.whiten
    recipe.filter = sets[1].images and "bilinear" or "area"
    return recipe
  end
  recipe.transforms = {}
  for _, step in ipairs(o.transforms) do
    if step.step and not STEADY[step.step[1]] then
      return nil, ("data.%s changes pictures at random"):format(step.step[1])
    end
    -- A step of labels, such as data.landmark_bins, does nothing to a picture.
    if step.step then
      recipe.transforms[#recipe.transforms + 1] = copied(step.call, same)
    end
  end
  return recipe
end

-- The steps of a recipe without transforms, as in usual_steps.lua.
local function usual(o, cut)
  local steps <const> = {transforms.crop{by = cut},
    transforms.augment{size = o.size, filter = o.filter}}
  if o.whiten then steps[3] = transforms.whiten() end
  return steps
end

--- The loader options of a recipe, which may come from a stranger's file; or nil and what is wrong.
-- For pictures that are in no data set of a reader, `cut` says what is to be seen: the sample's
-- "box", or the whole picture about its "middle".
function M.options(recipe, cut)
  local ok <const>, result <const> = check.caught(function()
    local o <const> = check.options(RECIPE, recipe)
    local own <const> = {size = o.size, channels = o.channels, enlarge = true}
    if not o.transforms then
      own.whiten = o.whiten
      if cut and o.size then own.size, own.whiten, own.transforms = nil, nil, usual(o, cut) end
      return own
    end
    own.size, own.transforms = nil, {}
    for i, call in ipairs(o.transforms) do
      own.transforms[i] = transforms[call[1]](table.unpack(call, 2))
    end
    return own
  end)
  if not ok then return nil, result end
  return result
end

return M
