--- Optimizer: groups of parameters, their state, and the step over all of them.
--
-- A group's rate is lr * its lr_mult * factor, where the factor is what a schedule sets:
--   opt.factor = optim.cosine(epoch - 1, epochs)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"

local Optimizer <const> = class("Optimizer")

-- `parameters` is a list of tensors, or of groups {params = {...}, lr = ..., lr_mult =
-- ...}.
local function groups_of(name, parameters, options)
  if #parameters == 0 then error(name .. ": there are no parameters to train", 4) end
  if core.is_tensor(parameters[1]) then parameters = {{params = parameters}} end
  local groups <const>, known <const> = {}, {lr_mult = 1, params = check.none}
  for key, value in pairs(options) do known[key] = value end
  for i, group in ipairs(parameters) do
    if type(group) ~= "table" or not group.params then
      error(("%s: group %d must be {params = {...}}"):format(name, i), 4)
    end
    groups[i] = check.options(name, group, known)
    for j, p in ipairs(group.params) do
      if not core.is_tensor(p) then
        error(("%s: parameter %d of group %d is no tensor"):format(name, j, i), 4)
      end
    end
  end
  return groups
end

function Optimizer:init(parameters, given, defaults)
  local name <const> = getmetatable(self).__name
  local options <const> = check.options(name, given, defaults)
  self.groups = groups_of(name, parameters, options)
  self.state = {}
  self.steps = 0
  self.factor = 1
end

--- A tensor of zeros in p's shape and type that outlives the scope it is made in.
function Optimizer.zeros_like(p) return core.keep(core.like(p, p.dtype, 0)) end

--- Lets every parameter follow its gradient; those without one stay.
function Optimizer:step()
  local _ <close> = grad.no_grad()
  self.steps = self.steps + 1
  for _, group in ipairs(self.groups) do
    local lr <const> = group.lr * group.lr_mult * self.factor
    for _, p in ipairs(group.params) do
      local g <const> = p.grad
      if g then
        self.state[p] = self.state[p] or self:new_state(p, group)
        self:update(p, g, self.state[p], group, lr)
      end
    end
  end
end

--- Forgets the gradients, so that the next backward pass starts afresh.
function Optimizer:zero_grad()
  for _, group in ipairs(self.groups) do
    for _, p in ipairs(group.params) do p.grad = nil end
  end
end

return Optimizer
