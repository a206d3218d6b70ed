--- The part of a table that a data set has: its values, and the statistics by which they are
-- prepared. The statistics are those of the rows on which networks train.
--
-- A fit is {frame =, schema =, labels =, n =} of training rows; after its first use it also has
-- their recipe (fitted.lua). If the training rows are split again later, `again` is the fit of the
-- rows that are left for training. If the inputs of a table are read before it is split, it gets
-- the statistics of all its rows (`looked`), but its parts do not take these over. ds:split gives
-- the first part its own statistics, and the second part those of the first. A subset of training
-- rows keeps their statistics. A subset of a table that was not split has none until ds:prepared,
-- or train.fit, says what it is for.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local fitted <const> = require "braid.data.tabular.fitted"

local Part <const> = class("Table part")

--- The part with all rows of a table.
function Part:init(frame, schema) self.frame, self.schema, self.whole = frame, schema, true end

-- The fit that a split or ds:prepared gave, or nil; not the fit of a table that was only looked at.
local function asked_fit(part) return not (part.fit and part.fit.looked) and part.fit or nil end

--- A part with some of the rows: take(t) gives their rows of a tensor t.
function Part:cut(take)
  local frame <const> = {columns = {}, words = self.frame.words}
  for name, x in pairs(self.frame.columns) do
    frame.columns[name] = take(x)
    frame.n = frame.columns[name]:size(1)
  end
  local part <const> = Part(frame, self.schema)
  part.whole, part.fit, part.of = false, asked_fit(self), self.frame.n
  return part
end

--- A part with the same rows, whose statistics can be changed without changing this part.
function Part:copy()
  local part <const> = Part(self.frame, self.schema)
  part.whole, part.fit, part.of = self.whole, self.fit, self.of
  return part
end

-- The labels of numbers that a data set has from its table.
local function reals_of(ds)
  local list <const> = {}
  for name in pairs(ds.table.schema.reals) do list[name] = ds.labels[name] end
  return list
end

--- Gives a data set statistics of its own rows.
function Part.train(ds)
  ds.table.fit = {frame = ds.table.frame, schema = ds.table.schema, labels = reals_of(ds), n = #ds}
end

--- Gives a data set the statistics of another one.
function Part.take(ds, other)
  Part.recipe(other)
  ds.table.fit = other.table.fit
end

--- Gives a data set the statistics of a recipe, such as the one on a network's card.
function Part.take_recipe(ds, recipe)
  local frame <const> = ds.table.frame
  for _, list in ipairs{recipe.inputs, recipe.index} do
    for _, own in ipairs(list) do
      local x <const> = frame.columns[own.column]
      if not x or (own.classes ~= nil) ~= (frame.words[own.column] ~= nil) then
        check.fail("data.table: the network takes %s in column '%s', and the table has %s",
          own.classes and "words" or "numbers", own.column,
          not x and "no such input" or own.classes and "numbers" or "words")
      end
    end
  end
  ds.table.fit = {recipe = recipe}
end

--- Gives both parts of a split table the statistics of the first part, if the table has training
-- rows. Otherwise both keep the statistics of the table.
function Part.split(ds, first, second)
  if not ds.table or not ds.table:trains() then return first, second end
  Part.train(first)
  if asked_fit(ds.table) then ds.table.fit.again = first.table.fit end
  second.table.fit = first.table.fit
  return first, second
end

--- Whether the statistics of a data set are those of its own rows, or would be if it were used.
function Part:trains() return self.fit == nil or self.fit.frame == self.frame end

--- Whether nothing says on which rows networks train.
function Part:is_open() return self.fit == nil and not self.whole end

--- The recipe of a data set (fitted.lua).
function Part.recipe(ds)
  local part <const> = ds.table
  if part:is_open() then
    check.fail("data.table: these %d rows are a part of %d, and nothing says which rows the "
      .. "network trains on, whose means and deviations it needs: all:split(0.2) says it, or "
      .. "train = part:prepared() and val = other:prepared(train)", #ds, part.of)
  end
  if not part.fit then
    Part.train(ds)
    part.fit.looked = true
  end
  local fit <const> = part.fit
  if fit.again and fit.frame ~= part.frame then
    check.fail("data.table: these rows are prepared by %d training rows, which were split again: "
      .. "test:prepared(train) takes the means and deviations of the rows that are left for "
      .. "training", fit.n)
  end
  if not fit.recipe then fit.recipe = fitted.fit(fit.schema, fit.frame, fit.labels) end
  return fit.recipe
end

--- The inputs of a data set, {name = tensor of n rows}.
function Part.inputs(ds)
  local part <const>, recipe <const> = ds.table, Part.recipe(ds)
  if part.by ~= recipe then
    part.ready, part.by = fitted.apply(recipe, part.frame), recipe
  end
  return part.ready
end

--- The names of the numbers of the input.
function Part.names(ds) return fitted.names(Part.recipe(ds)) end

return Part
