--- The base class of weightings: a method's name, its options, and what it computes in a step.
--
-- A file of mtl/weighting/ makes its class by base.by_losses, by_gram or by_rows. The class has at
-- least one of these methods:
--   scale(self, s)     the factors of the losses before anything is differentiated: a list
--   weigh(self, s)     coefficients of the tasks' gradients at shared parameters: a list
--   combine(self, s)   the combined gradient itself, a tensor (d), and coefficients to show
--   after(self, s)     work after a step
-- s is the step (mtl/weigh/step.lua). Parameters of a single task take the gradient of its scaled
-- loss. The object itself stores nothing, because it may serve several networks.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local format <const> = require "braid.format"

local M <const> = {}

local Weighting <const> = class("Weighting")
M.Weighting = Weighting

function Weighting:init(given) self.options = check.options(self.declared, given) end

Weighting.__tostring = function(self)
  local words <const> = {}
  for i, key in ipairs(check.sorted_keys(self.options)) do
    local value <const> = self.options[key]
    words[i] = ("%s = %s"):format(key, type(value) == "table" and M.shown_map(value)
      or check.shown(value))
  end
  return ("mtl.weighting.%s{%s}"):format(getmetatable(self).__name, table.concat(words, ", "))
end

--- A table by name as text: {a = 1, b = 2}, in the order of the names.
function M.shown_map(map)
  local words <const> = {}
  for i, key in ipairs(check.sorted_keys(map)) do
    words[i] = format("%s = %.4g", key, map[key])
  end
  return "{" .. table.concat(words, ", ") .. "}"
end

local function new(name, by, options, more, relation)
  local kind <const>, known <const> = class(name, Weighting), {}
  for _, t in ipairs{options or {}, more} do
    for key, value in pairs(t) do known[key] = value end
  end
  kind.by = by
  kind.declared = check.declare("mtl.weighting." .. name, known, relation)
  return kind
end

--- Makes the class of a method that uses only losses, with one backward pass.
function M.by_losses(name, options, relation) return new(name, "losses", options, {}, relation) end

-- The option on: gradients are weighed at the parameters that tasks share (default), or at the last
-- values that tasks share.
local function on() return {on = check.choice{"parameters", "representation"}} end

--- Makes the class of a method that uses the products of the tasks' gradients.
function M.by_gram(name, options, relation) return new(name, "gram", options, on(), relation) end

--- Makes the class of a method that uses the gradients themselves. With anywhere = true it also has
-- the option on, so it can take gradients at values, whose size differs between batches.
function M.by_rows(name, options, anywhere, relation)
  return new(name, "rows", options, anywhere and on() or {}, relation)
end

--- The kind of an option with a number for each task.
M.BY_TASK = check.map(check.number{from = 0})

local FUNCTION <const> = check.call()

-- Turns a user's function into a method: f(losses, gram, state, names) -> coefficients.
local Custom <const> = class("function", Weighting)
Custom.by = "lazy"
function Custom:init(f) self.f, self.options = f, {on = "parameters"} end
function Custom:weigh(s) return self.f(s.losses, s.gram, s.state, s.names) end
Custom.__tostring = function() return "a function of your own" end

--- Makes a method from the user's value, a weighting or a function. Other values raise an error.
function M.of(what, given)
  if class.is_a(given, Weighting) then return given end
  if class.is_class(given) and given.declared then
    check.fail("%s: wants a weighting, not the function that makes one: call it, %s{}", what,
      given.declared.what)
  end
  if not FUNCTION.accepts(given) then
    check.fail("%s: wants a weighting such as mtl.weighting.upgrad{}, or a function(losses, gram, "
      .. "state) that returns coefficients, not %s", what, check.shown(given))
  end
  return Custom(given)
end

return M
