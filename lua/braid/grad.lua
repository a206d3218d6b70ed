--- Autograd's modes, scopes, and the check of gradients against differences.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local tensor <const> = require "braid.tensor"

local M <const> = {}
local FUNCTION <const> = check.call()

core.set_notice(function(text) io.stderr:write("braid: ", text, "\n") end)

--- Records nothing while f runs, or until the returned value is closed. This holds in the running
-- coroutine and in coroutines that it resumes. If the returned value is collected unclosed, the
-- mode ends and a notice says so.
-- @treturn any
-- @usage local _ <close> = braid.no_grad()
-- @usage braid.no_grad(function() return net(batch.image) end)
function M.no_grad(f)
  if f == nil then return core.set_recording(false) end
  check.value("no_grad", "what it runs", f, FUNCTION)
  local _ <close> = core.set_recording(false)
  return f()
end

--- Finds the first NaN or Inf. While f runs, or until the returned value is closed, an operator
-- raises an error if its result or gradient has a NaN or Inf. The error has the operator's name and
-- its line.
-- @usage local _ <close> = braid.detect_anomaly()
function M.detect_anomaly(f)
  if f == nil then return core.set_anomaly(true) end
  check.value("detect_anomaly", "what it runs", f, FUNCTION)
  local _ <close> = core.set_anomaly(true)
  return f()
end

local GRAD <const> = check.declare("grad", {
  y = check.argument(check.tensor()),
  inputs = check.argument(check.either(check.tensor(), check.list{of = check.tensor(), least = 1})),
  gradient = check.tensor(), retain_graph = check.flag(false), allow_unused = check.flag(false),
})

--- The gradients of y at each of `inputs`, which may be anywhere in the graph. No leaf accumulates
-- anything. It is an error if y does not depend on an input. With {allow_unused = true} the
-- gradient of such an input is false.
-- @treturn (Tensor|false)[]
-- @usage
-- x:requires_grad_()
-- local dx <const> = table.unpack(braid.grad(x:square():sum(), {x}))
function M.grad(y, inputs, given)
  local o <const> = check.options(GRAD, given, {y = y, inputs = inputs})
  if tensor.is_tensor(inputs) then inputs = {inputs} end
  if not y.requires_grad then
    check.fail("grad: y does not depend on any tensor that requires a gradient: x:requires_grad_() "
      .. "asks for one, before y is computed and outside braid.no_grad")
  end
  local grads <const> = core.grad(y, inputs, o.gradient, o.retain_graph)
  for i, g in ipairs(grads) do
    if not g and not o.allow_unused then
      check.fail("grad: y does not depend on input %d; allow_unused = true gives false for it", i)
    end
  end
  return grads
end

local OF_FUNCTION <const> = check.declare("Function", {
  forward = check.needed(check.call()), backward = check.needed(check.call()),
})

--- Makes a function with its own gradient. forward(ctx, ...) gets the arguments and returns
-- tensors. backward(ctx, dy...) returns a gradient for each argument, or nil for an argument
-- without one. It gets the same ctx, with everything that forward stored there.
-- @usage
-- local double <const> = braid.Function{
--   forward = function(_, x) return x * 2 end, backward = function(_, dy) return dy * 2 end}
function M.Function(given)
  local o <const> = check.options(OF_FUNCTION, given)
  return function(...)
    local arguments <const>, ctx <const> = table.pack(...), {}
    local inputs <const>, places <const> = {}, {}
    for i = 1, arguments.n do
      if tensor.is_tensor(arguments[i]) then
        inputs[#inputs + 1], places[#places + 1] = arguments[i], i
      end
    end
    local results <const> = M.no_grad(function()
      return table.pack(o.forward(ctx, table.unpack(arguments, 1, arguments.n)))
    end)
    if results.n == 0 then
      check.fail("Function: forward returned nothing, not a tensor; is a `return` missing?")
    end
    for i = 1, results.n do
      if not tensor.is_tensor(results[i]) then
        check.fail("Function: result %d is a %s, not a tensor", i, type(results[i]))
      end
      results[i] = results[i]:detach() -- an argument that is returned must not be changed
    end
    core.record_function(inputs, results, function(...)
      local grads <const>, chosen <const> = table.pack(o.backward(ctx, ...)), {}
      for i, place in ipairs(places) do chosen[i] = grads[place] end
      return table.unpack(chosen, 1, #places)
    end)
    return table.unpack(results, 1, results.n)
  end
end

--- Releases tensors early: when the returned value is closed, it releases all tensors that this
-- coroutine made since, except those that keep() was called on. Using a released tensor is an
-- error that says so. A scope that is collected unclosed releases nothing.
-- @usage local _ <close> = braid.scope()
M.scope = core.scope

-- The sum of all results of f, weighted by fixed numbers so that errors do not cancel.
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
    check.fail("gradcheck: input %s lies in memory in an order that cannot be flattened", which)
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
      return format("input %d, element %d: backward gives %.10g, differences give %.10g", which, i,
        analytic, numeric)
    end
  end
end

local GRADCHECK <const> = check.declare("gradcheck", {
  f = check.argument(check.call()),
  inputs = check.argument(check.kind("a list of tensors", function(v)
    return type(v) == "table"
  end)),
  eps = check.number{1e-6, above = 0}, atol = check.number{1e-6, from = 0},
  rtol = check.number{1e-5, from = 0},
})

--- Compares the gradients of f at `inputs` with central differences. Checked inputs are float64
-- tensors with requires_grad; others are passed to f as they are. f may return several tensors and
-- must be deterministic.
-- @treturn true? nil if they differ
-- @treturn string? a message that names the element
-- @usage braid.gradcheck(function(a) return a:tanh() end, {x:to("float64"):requires_grad_()})
function M.gradcheck(f, inputs, given)
  local o <const> = check.options(GRADCHECK, given, {f = f, inputs = inputs})
  local weights <const> = {}
  for _, x in ipairs(inputs) do
    if tensor.is_tensor(x) and x.requires_grad then
      if x.dtype ~= "float64" then
        check.fail("gradcheck: inputs must be float64, not %s", x.dtype)
      end
      x.grad = nil
    end
  end
  local total <const> = weighted(f, inputs, weights)
  if not total then check.fail("gradcheck: f returned no float tensor") end
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

core.name_functions(M)

return M
