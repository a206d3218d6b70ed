--- The card of a network, net.card: facts for people who get the network's file. braid.save writes
-- the card, braid.open reads it back, and braid.inspect shows it.
--
-- The card is a plain table; every field may be missing:
--   text, licence, authors   words of whoever made the network; authors may be a list
--   data                     what the network was trained on, in words
--   seed                     the seed of its training
--   classes                  {TASK = {"no", "yes"}}: names of classes, if the task has no names
--   preprocessing            how a picture is prepared: loader:recipe() (data/recipe.lua)
--   metrics                  {part = "validation", data =, values = {TASK = {METRIC = number}}}
--   history                  {epoch =, step =}: how long the network was trained
-- train.fit writes seed, classes, preprocessing and, in best.safetensors, metrics and history. It
-- leaves the other fields as they are.

local check <const> = require "braid.check"
local plain <const> = require "braid.model.saved.plain"
local recipe <const> = require "braid.data.recipe"

local M <const> = {}

local MAX_TEXT <const> = 100000

local function words(most)
  return check.kind(("a text of at most %d bytes"):format(most), function(v)
    return type(v) == "string" and #v <= most
  end)
end

local TABLE <const> = check.kind("a table", function(v) return type(v) == "table" end)
local VALUES <const> = check.map(check.map(check.number()))
local METRICS <const> = check.declare("card.metrics", {
  part = words(100), data = words(1000), values = check.needed(VALUES),
})
local CARD <const> = check.declare("card", {
  text = words(MAX_TEXT), licence = words(1000), data = words(MAX_TEXT),
  authors = check.either(words(1000), check.list{of = words(1000)}), seed = check.whole{from = 0},
  classes = check.map(check.list{of = words(1000), least = 1}),
  preprocessing = TABLE, metrics = TABLE,
  history = check.map(check.number()),
})

--- A message about a card that a file cannot hold, or nil.
function M.wrong(card)
  if type(card) ~= "table" then return "the card is not a table" end
  local ok <const>, why <const> = check.caught(function()
    local o <const> = check.options(CARD, card)
    if o.metrics then check.options(METRICS, o.metrics) end
  end)
  local unfit <const> = not ok and why or plain.unfit("card", card)
  if unfit then return unfit end
  if card.preprocessing then
    local _, wrong <const> = recipe.options(card.preprocessing)
    if wrong then return "card.preprocessing: " .. wrong end
  end
end

--- A network's card, in which the fields of `more` replace its own; nil if there is no field.
-- Metrics of tasks that the network does not have are left out. Raises an error if a file cannot
-- hold the card.
function M.of(net, tasks, more)
  local card <const> = {}
  for _, part in ipairs{rawget(net, "card") or {}, more or {}} do
    if type(part) ~= "table" then check.fail("save: the card is not a table") end
    for key, value in pairs(part) do card[key] = value end
  end
  local wrong <const> = M.wrong(card)
  if wrong then check.fail("save: %s", wrong) end
  if card.metrics and tasks then
    local kept <const> = {}
    for name, values in pairs(card.metrics.values) do kept[name] = tasks[name] and values or nil end
    card.metrics = {part = card.metrics.part, data = card.metrics.data, values = kept}
  end
  return next(card) ~= nil and card or nil
end

return M
