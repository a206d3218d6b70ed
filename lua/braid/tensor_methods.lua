--- Gives tensors their methods: the operators, and methods that do more than one operator.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local ops <const> = core.ops
local methods <const> = core.tensor_metatable.methods

for _, row in ipairs(core.rows) do
  if row.method then methods[row.name] = ops[row.name] end
  if row.in_place then methods[row.name .. "_"] = ops[row.name .. "_"] end
end

methods.item, methods.totable, methods.dim = core.item, core.totable, core.dim
methods.numel, methods.memory_format = core.numel, core.memory_format
methods.detach, methods.keep = core.detach, core.keep
methods.requires_grad_ = core.requires_grad
--- zero_(): every element becomes 0; the tensor itself is returned.
-- @usage x:zero_()
methods.zero_ = function(t) return (ops.fill_(t, 0)) end

--- The sizes as a table, or the size of dimension d.
-- @treturn any the sizes as a list, or one size
-- @usage x:size()   x:size(-1)
function methods.size(t, d)
  local shape <const> = core.dim(t) and t.shape
  if d == nil then return shape end
  local size <const> = shape[math.type(d) == "integer" and d < 0 and #shape + 1 + d or d]
  if not size then
    check.fail("size: there is no dimension %s in a tensor of %d", tostring(d), #shape)
  end
  return size
end

--- A tensor with its elements in row-major order without gaps: t itself, or a copy.
-- @treturn Tensor
-- @usage x:t():contiguous()
function methods.contiguous(t)
  return (core.memory_format(t) == "contiguous" and t or ops.contiguous_copy(t))
end

--- The tensor converted to another element type, such as "float64". A tensor that has this type
-- already is returned itself.
-- @treturn Tensor
-- @usage x:to("int64")
function methods.to(t, dtype)
  return (core.dim(t) and t.dtype == dtype and t or ops.to(t, dtype))
end

local BACKWARD <const> = check.declare("backward", {
  gradient = check.tensor(), retain_graph = check.flag(false),
})

--- Computes the gradients of t at every leaf that asked for one, and adds them to the leaf's .grad.
-- @treturn nil
-- @usage
-- x:requires_grad_()
-- x:square():sum():backward()   -- or y:backward{gradient = dy, retain_graph = true}
-- x.grad
function methods.backward(t, given)
  local options <const> = check.options(BACKWARD, given)
  core.backward(t, options.gradient, options.retain_graph)
end

--- Calls f with t's gradient when a backward pass has completed it. If f returns a tensor, that
-- replaces the gradient. Returns a function that removes the hook.
-- @treturn fun()
-- @usage
-- x:requires_grad_()
-- remove = x:register_hook(function(dx) return dx * 0.5 end)
-- x:sum():backward()
function methods.register_hook(t, f)
  if type(f) ~= "function" then
    check.fail("register_hook: wants a function, not %s", check.shown(f))
  end
  local handle = core.register_hook(t, f)
  return function()
    if handle then core.remove_hook(t, handle) end
    handle = nil
  end
end

--- x where the mask is true, else y.
-- @treturn Tensor
-- @usage x:where(x:gt(0), y)
function methods.where(x, mask, y) return (ops.where(mask, x, y)) end
--- x:where(mask, y) in place.
-- @treturn Tensor
-- @usage x:where_(x:gt(0), 0)
function methods.where_(x, mask, y)
  local there <const> = ops.where(mask, x, y)
  if not core.is_tensor(x) or there.dtype == x.dtype then return (ops.copy_(x, there)) end
  -- The values of x that stay must not be converted to another type.
  local own <const> = core.is_tensor(y) and ops.copy_(core.new(y.shape, x.dtype), y) or
    core.new({}, x.dtype, y)
  return (ops.copy_(x, ops.where(mask, x, own)))
end
