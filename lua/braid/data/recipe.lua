--- The recipe of a loader: what it does to every picture, as plain values that a file can hold.
--
-- For pictures it is {size = side in pixels, channels = 1 or 3, whiten = true or false, filter =
-- how to resize, "area" or "bilinear"}. If the loader has the option `transforms`, it is {channels
-- =, transforms = {{"crop", 1.2}, {"resize", 64}, {"whiten"}}}, each the name of a transform and
-- its arguments. Without pictures it is {table = what is done to the columns (tabular/fitted.lua)}
-- or {tensors = {name = shape of a sample}}. functions = {"train.lua:12"} lists where the user's
-- functions are written, because a recipe cannot hold them. Nothing in a recipe is random, since a
-- trained network needs its inputs prepared in one fixed way.

local check <const> = require "braid.check"
local copied <const> = require "braid.copied"
local fit <const> = require "braid.data.fit"
local functions <const> = require "braid.data.functions"
local named <const> = require "braid.data.named"
local Part <const> = require "braid.data.tabular.part"
local stored <const> = require "braid.data.tabular.stored"
local transforms <const> = require "braid.data.transforms"

local M <const> = {}

-- Transforms that do the same to a picture each time.
local STEADY <const> = {crop = true, resize = true, align = true, whiten = true, normalize = true}
local MAX_STEPS <const> = 20

local TABLE <const> = check.kind("a table", function(v) return type(v) == "table" end)
local FUNCTIONS <const> = check.list{of = check.text()}
local SHAPE <const> = check.list{of = check.whole{from = 0}}

local ROWS <const> = check.declare("recipe of rows", {
  table = TABLE, tensors = check.map(SHAPE), functions = FUNCTIONS,
})

local RECIPE <const> = check.declare("recipe", {
  functions = FUNCTIONS,
  size = check.whole{from = 1, to = 4096}, channels = check.needed(check.choice{1, 3}),
  whiten = check.flag(true), filter = check.choice{"area", "bilinear"},
  transforms = check.list{least = 1, of = check.kind("a transform's name and arguments",
    function(v) return type(v) == "table" and STEADY[v[1]] ~= nil end)},
}, function(o)
  if o.transforms and #o.transforms > MAX_STEPS then return "fewer transforms" end
end)

local function same(value) return value end

-- The recipe of a data set without pictures.
local function of_rows(ds, own)
  if ds.table then return {table = Part.recipe(ds), functions = own} end
  local tensors <const> = {}
  for name, t in pairs(named.of(ds)) do
    tensors[name] = t.shape
    table.remove(tensors[name], 1)
  end
  return {tensors = tensors, functions = own}
end

--- The recipe of a loader; or nil and why it has none.
function M.of(loader)
  local sets <const>, o <const> = loader.sets, loader.o
  local own <const> = loader.functions and functions.places(loader.functions)
  if not sets[1]:has_pictures() then return of_rows(sets[1], own) end
  local recipe <const> = {channels = fit.channels(sets, o), functions = own}
  if o.augment then return nil, "it augments pictures at random" end
  if not loader.steps then
    local side <const> = fit.size(sets, o)
    recipe.size, recipe.whiten = side > 0 and side or nil, o.whiten
    recipe.filter = sets[1].images and "bilinear" or "area"
    return recipe
  end
  recipe.transforms = {}
  for _, step in ipairs(loader.steps) do
    if step.step and not STEADY[step.step[1]] then
      return nil, ("data.%s changes pictures at random"):format(step.step[1])
    end
    if step.blend then return nil, ("data.%s mixes pictures at random"):format(step.blend) end
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

--- Whether a recipe is for rows, and not for pictures.
function M.is_of_rows(recipe) return recipe.table ~= nil or recipe.tensors ~= nil end

--- The loader options of a recipe, which may come from a stranger's file; or nil and what is wrong.
-- Rows have no options. For pictures that are not in a reader's data set, `cut` says which part is
-- shown: the sample's "box", or the whole picture about its "middle".
function M.options(recipe, cut)
  local ok <const>, result <const> = check.caught(function()
    if M.is_of_rows(recipe) then
      local rows <const> = check.options(ROWS, recipe)
      if rows.table then stored.check(rows.table) end
      return {}
    end
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
