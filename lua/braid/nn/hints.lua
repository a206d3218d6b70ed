--- What a parameter asks of optimizers: {lr_mult = 100, weight_decay = 0}.
--
-- A parameter carries its hints wherever it goes, so that net:parameters() is all that an
-- optimizer needs; a group that names an option itself overrides weight_decay and multiplies
-- lr_mult. Which tensors are parameters, also while they are frozen, and which some optimizer
-- holds, is noted here as well.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}

local OPTIONS <const> = check.declare("parameter", {
  lr_mult = check.number{from = 0}, weight_decay = check.number{from = 0},
})
local hints <const> = setmetatable({}, {__mode = "k"})
local held <const> = setmetatable({}, {__mode = "k"})
local declared <const> = setmetatable({}, {__mode = "k"})

--- Gives t its hints; nil takes them away.
function M.set(t, given)
  if not core.is_tensor(t) then
    check.fail("parameter: wants a tensor, not %s", check.shown(t))
  end
  hints[t] = given and check.options(OPTIONS, given)
  return t
end

--- The hints of t, or nil.
function M.get(t) return hints[t] end

--- Gives `to` the hints of `from`, which it stands for.
function M.copy(from, to)
  hints[to], declared[to] = hints[from], declared[from]
  return to
end

--- Notes that t is a parameter, whether or not it takes a gradient just now.
function M.declare(t) declared[t] = true end

--- Whether t was declared a parameter.
function M.is_declared(t) return declared[t] == true end

--- Notes that an optimizer holds t.
function M.hold(t) held[t] = true end

--- Whether some optimizer holds t.
function M.is_held(t) return held[t] == true end

return M
