--- Autograd's modes, scopes, and the check of gradients against differences.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local tensor <const> = require "braid.tensor"

local M <const> = {}

--- Nothing is recorded while f runs, or until the returned value closes.
-- @usage local _ <close> = braid.no_grad()
-- @usage braid.no_grad(function() w:sub_(w.grad * 0.1) end)
function M.no_grad(f)
  if not f then return core.set_recording(false) end
  local _ <close> = core.set_recording(false)
  return f()
end

--- Tensors made from here on are released when the returned value closes, but for those
-- that keep() was called on. Using one afterwards is an error that says so.
-- @usage local _ <close> = braid.scope()
M.scope = core.scope

-- The sum of all results of f, each weighted by fixed numbers so that no error cancels.
local function weighted(f, inputs, weights)
  local out <const> = table.pack(f(table.unpack(inputs)))
  local total
  for i = 1, out.n do
    if tensor.is_tensor(out[i]) and (out[i].dtype == "float64" or out[i].dtype == "float32") then
      weights[i] = weights[i] or core.ops.uniform_(core.new(out[i].shape, "float64"), 0.5, 1.5)
      local part <const> = (out[i] * weights[i]):sum()
      total = total and total + part or part
    end
  end
  return total
end

local function compare(f, inputs, which, weights, o)
  local x <const> = inputs[which]
  local grad <const> = x.grad
  local flat <const> = x:detach():reshape(-1)
  if not core.shares_memory(flat, x) then
    error("gradcheck: input " .. which .. " lies in memory in an order that cannot be flattened", 3)
  end
  local dx <const> = grad and grad:reshape(-1):totable() or {}
  for i = 1, flat:numel() do
    local value <const> = flat[i]:item()
    flat[i] = value + o.eps
    local above <const> = weighted(f, inputs, weights):item()
    flat[i] = value - o.eps
    local below <const> = weighted(f, inputs, weights):item()
    flat[i] = value
    local numeric <const>, analytic <const> = (above - below) / (2 * o.eps), dx[i] or 0
    if not (math.abs(numeric - analytic) <= o.atol + o.rtol * math.abs(numeric)) then
      return ("input %d, element %d: backward gives %.10g, differences give %.10g"):format(
        which, i, analytic, numeric)
    end
  end
end

--- Compares the gradients of f at `inputs` with central differences. Inputs are float64
-- tensors with requires_grad; others are passed through. f may return several tensors,
-- and must be deterministic.
-- @return true, or nil and a message that names the element
-- @usage braid.gradcheck(function(x) return x:tanh() end, {x})
function M.gradcheck(f, inputs, given)
  local o <const> = check.options("gradcheck", given, {eps = 1e-6, atol = 1e-6, rtol = 1e-5})
  local weights <const> = {}
  for _, x in ipairs(inputs) do
    if tensor.is_tensor(x) and x.requires_grad then
      if x.dtype ~= "float64" then
        error("gradcheck: inputs must be float64, not " .. x.dtype, 2)
      end
      x.grad = nil
    end
  end
  local total <const> = weighted(f, inputs, weights)
  if not total then error("gradcheck: f returned no float tensor", 2) end
  if total.requires_grad then total:backward() end
  local _ <close> = M.no_grad()
  for i, x in ipairs(inputs) do
    if tensor.is_tensor(x) and x.requires_grad then
      local message <const> = compare(f, inputs, i, weights, o)
      if message then return nil, message end
    end
  end
  return true
end

return M
