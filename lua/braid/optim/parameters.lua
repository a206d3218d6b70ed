--- Checks the lists of parameters that users give.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local hints <const> = require "braid.nn.hints"

local M <const> = {}

local function no_list(what, given)
  if type(given) == "table" and type(given.parameters) == "function" then
    check.fail("%s: wants the parameters, net:parameters(), not %s itself", what,
      check.shown(given))
  elseif core.is_tensor(given) then
    check.fail("%s: wants a list of parameters such as {p}, not %s", what, check.shown(given))
  elseif type(given) ~= "table" then
    check.fail("%s: wants a list of parameters such as net:parameters(), not %s", what,
      check.shown(given))
  elseif next(given) ~= nil then
    check.fail("%s: wants a list of parameters, as net:parameters() gives it, not a table by name",
      what)
  end
  check.fail("%s: there are no parameters to train", what)
end

--- Checks that a value is a table with entries from 1. The error says what it is instead.
function M.check_list(what, given)
  if type(given) ~= "table" or #given == 0 or type(given.parameters) == "function" then
    no_list(what, given)
  end
  return given
end

--- A list of tensors. A single tensor counts as a list.
function M.tensors(what, given)
  if core.is_tensor(given) then return {given} end
  for i = 1, #M.check_list(what, given) do
    if not core.is_tensor(given[i]) then
      check.fail("%s: parameter %d must be a tensor, not %s", what, i, check.shown(given[i]))
    end
  end
  return given
end

--- Raises an error for a tensor that an optimizer cannot change. It must be a leaf, have a float
-- type, and occur once. `seen` maps known tensors to their places; new tensors are added to it.
function M.check_trainable(what, list, seen)
  M.tensors(what, M.check_list(what, list))
  for i, p in ipairs(list) do
    if p.dtype ~= "float32" and p.dtype ~= "float64" then
      check.fail("%s: parameter %d is %s; only float32 and float64 can be trained", what, i,
        p.dtype)
    elseif p.grad_fn then
      check.fail("%s: parameter %d, %s, was computed by an operator, so nothing would be trained; "
        .. "give what it was computed from, or p:detach():requires_grad_()", what, i,
        check.shown(p))
    elseif seen[p] then
      check.fail("%s: parameter %d is the same tensor as %s; a step would move it twice", what, i,
        seen[p])
    end
    seen[p] = ("parameter %d%s"):format(i, seen.of or "")
  end
end

--- Notes that the parameters of `owner` are in use in their network now.
function M.set_current(owner) rawset(owner, "current", hints.last_gone()) end

--- Raises an error if a parameter that trains was replaced by another tensor. list(owner) returns
-- all parameters; it is only called if some parameter was replaced somewhere.
function M.check_current(what, owner, list)
  if owner.current == hints.last_gone() then return end
  for i, p in ipairs(list(owner)) do
    if p.requires_grad and hints.is_gone(p) then
      check.fail("%s: parameter %d (%s) is no longer in its network: net:unstack(), net:to(dtype) "
        .. "or another operation has put a new tensor in its place; make what holds it anew, with "
        .. "net:parameters()", what, i, table.concat(p.shape, ", "))
    end
  end
  M.set_current(owner)
end

--- Whether a step could change any of the parameters.
function M.any_requires_grad(list)
  for _, p in ipairs(list) do
    if p.requires_grad then return true end
  end
  return false
end

return M
