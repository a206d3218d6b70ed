--- The gradients of tasks at the parameters or values that the tasks share, as T rows of one
-- tensor. Their weighted sum becomes the gradient. T backward passes over one graph fill the rows.
--
-- With on = "parameters", the rows are for the parameters that two or more losses depend on in the
-- graph. A parameter that was shared once counts as shared in steps of fewer tasks, too.
-- With on = "representation", the rows are for the last values that tasks share, where the parts of
-- single losses begin. The weighted sum then goes back through the shared part once.
-- Parameters that only one loss depends on get its gradient in the same passes.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local class <const> = require "braid.class"
local pieces <const> = require "braid.mtl.weigh.pieces"
local ops <const> = core.ops

local Shared <const> = class("Shared")

--- Chooses the parameters that the rows have columns for, and notes their names and sizes.
-- `counts` says how many losses depend on each parameter; self.known {name = true} has the
-- parameters that were shared before.
function Shared:choose(trained, names, counts)
  local known <const> = self.known
  local least <const> = #self.losses == 1 and next(known) == nil and 1 or 2
  for i, p in ipairs(trained) do
    local name <const> = names[i]
    local alone <const> = self.pieces and self.pieces:alone(p)
    if counts[i] >= least and least > 1 and not alone then known[name] = true end
    if (counts[i] >= least or known[name]) and not alone then
      self.targets[#self.targets + 1] = p
      self.layout[#self.layout + 1] = ("%s %d"):format(name, p:numel())
    end
  end
end

local function find_parameters(self, losses)
  local trained <const>, names <const> = {}, {}
  for name, p in self.parameters() do
    if p.requires_grad then trained[#trained + 1], names[#names + 1] = p, name end
  end
  self:choose(trained, names, core.reach(losses, trained))
end

--- The element type that holds the gradients of all targets.
function Shared.widest(targets)
  for _, t in ipairs(targets) do
    if t.dtype == "float64" then return "float64" end
  end
  return "float32"
end

--- losses are scalars; parameters() iterates over names and parameters; known {name = true} has the
-- parameters that were shared before; net is the network, whose columns may have pieces.
function Shared:init(losses, on, parameters, known, net)
  self.losses, self.on, self.parameters, self.known = losses, on, parameters, known
  self.targets, self.layout = {}, {}
  self.pieces = pieces.of(net)
  if on == "representation" then
    if self.pieces and self.pieces:is_stacked() then
      check.fail("weighing: on = \"representation\": the columns are stacked, which hides the last "
        .. "maps that tasks share; net:unstack() before the optimizer is made")
    end
    self.targets = core.frontier(losses)
  else
    find_parameters(self, losses)
  end
  local size = 0
  for _, t in ipairs(self.targets) do size = size + t:numel() end
  self.dtype = Shared.widest(self.targets)
  self.rows = core.new({#losses, size}, self.dtype)
end

--- Writes the losses' gradients, each multiplied by its factor, into the rows. Parameters that only
-- one loss depends on accumulate its gradient.
function Shared:differentiate(factors)
  local last <const> = #self.losses
  for i, loss in ipairs(self.losses) do
    core.backward_rows({loss}, {core.new({}, loss.dtype, factors[i])}, self.targets, self.rows, i,
      i < last)
  end
  if self.pieces and self.on == "parameters" then self.own = self.pieces:part(self) end
end

--- The products of the gradients, as T rows of T.
function Shared:gram() return ops.gram(self.rows):totable() end

--- The sum of the rows, each multiplied by its coefficient.
function Shared:sum(coefficients)
  return ops.weighted_rows(self.rows, core.from_table(coefficients, self.dtype))
end

--- Sets p.grad to the gradient, or adds it.
function Shared.add_gradient(p, gradient)
  if p.dtype ~= gradient.dtype then gradient = ops.to(gradient, p.dtype) end
  if core.has_grad(p) then ops.add_(p.grad, gradient) else p.grad = gradient end
end

--- Adds the vector (d), a sum of rows, to the gradients of the shared parameters, or sends it back
-- from the shared values.
function Shared:accumulate(vector)
  if #self.targets == 0 then return end
  local gradients <const> = core.split_row(ops.reshape(vector, 1, -1), 1, self.targets)
  if self.on == "representation" then
    for i, t in ipairs(self.targets) do
      if t.dtype ~= gradients[i].dtype then gradients[i] = ops.to(gradients[i], t.dtype) end
    end
    core.backward_rows(self.targets, gradients)
    return
  end
  for i, p in ipairs(self.targets) do self.add_gradient(p, gradients[i]) end
  if self.own then self.pieces:give_back(self.own) end
end

return Shared
