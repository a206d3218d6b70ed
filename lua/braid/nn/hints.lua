--- Hints: the options that a parameter asks of optimizers, {lr_mult = 100, weight_decay = 0}.
--
-- A parameter keeps its hints wherever it goes, so an optimizer needs only net:parameters(). If a
-- group of an optimizer has weight_decay, it replaces the hint; its lr_mult multiplies the hint.
-- This module also notes which tensors are parameters, frozen or not. It notes the order in which
-- tensors became parameters, were taken by optimizers and were replaced by others. This order tells
-- which optimizer trains a network now, and which optimizer did before.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}

local OPTIONS <const> = check.declare("parameter", {
  lr_mult = check.number{from = 0}, weight_decay = check.number{from = 0},
})
local function notes() return setmetatable({}, {__mode = "k"}) end

local hints <const> = notes()
local came <const> = notes() -- when the tensor became a parameter, or began to train
local taken <const> = notes() -- when an optimizer last took the tensor or the one that it replaced
local held <const> = notes() -- tensors that optimizers hold
local gone <const> = notes() -- tensors that were replaced by others

-- `now` counts all notes; `last_gone` is its value at the last replacement
local now, last_gone = 0, 0

local function next_moment()
  now = now + 1
  return now
end

--- Sets the hints of t; nil removes them.
function M.set(t, given)
  if not core.is_tensor(t) then
    check.fail("parameter: wants a tensor, not %s", check.shown(t))
  end
  hints[t] = given and check.options(OPTIONS, given)
  return t
end

--- The hints of t, or nil.
function M.get(t) return hints[t] end

--- Gives `to`, a copy of `from`, the same hints.
function M.copy(from, to)
  hints[to], came[to] = hints[from], came[from] and next_moment()
  return to
end

--- Notes that the tensors `new` replace `old`.
function M.replaced(old, new)
  local latest
  for _, t in ipairs(old) do
    gone[t] = true
    if taken[t] and taken[t] > (latest or 0) then latest = taken[t] end
  end
  for _, t in ipairs(new) do taken[t] = latest end
  last_gone = next_moment()
end

--- Replaces `from` by its copy `to`, which trains if `from` does.
function M.replace(from, to)
  M.copy(from, core.keep(to))
  M.replaced({from}, {to})
  return from.requires_grad and core.requires_grad(to) or to
end

--- Notes that t is a parameter (whether or not it has a gradient now), or begins to train.
function M.declare(t) came[t] = next_moment() end

--- Whether t was declared a parameter.
function M.is_declared(t) return came[t] ~= nil end

--- Notes that an optimizer holds t.
function M.hold(t) held[t], taken[t] = true, next_moment() end

--- Whether some optimizer holds t.
function M.is_held(t) return held[t] == true end

--- When t became a parameter, and when an optimizer took it or the tensor that it replaced; nil if
-- no optimizer did.
function M.history(t) return came[t] or 0, taken[t] end

--- The count of all notes, and the count at the last replacement. Every note changes the first
-- count; a replacement changes both.
function M.now() return now end
function M.last_gone() return last_gone end

--- Whether another tensor replaced t.
function M.is_gone(t) return gone[t] == true end

return M
