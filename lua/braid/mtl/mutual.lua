--- mtl.mutual: mutual weight regularisation, a loss that draws the columns' weights together. It is
-- lambda times the sum over the weights theta_j of r(theta_j^1, ..., theta_j^T).
--
-- Options:
--   weight   lambda (1e-3)
--   form     the function r:
--            "l2" (default), the squared distances of all pairs (soft sharing, Duong et al. 2015)
--            "exponential", the sum over pairs of scale (exp(distance squared / scale) - 1), which
--            grows fast if columns move apart (Rozantsev, Salzmann and Fua 2016, equation 4, with
--            scale 1)
--            "trace", the trace norm of the matrix whose rows are the T weights (Yang and
--            Hospedales 2016)
--   scale    the scale of form "exponential" (default: the number of a layer's weights)
--   blocks   a block, or a list of blocks, whose weights count (default: all)
-- Only weights of two or more dimensions count: biases, norms and heads do not.
--
-- Decisions: the default scale makes the exponent a mean. New columns have a squared distance of
-- about 39 a layer. With this scale their gradient is about as large as for "l2", and not e^39
-- times as large, so lambda means the same in both forms. With a smaller scale the loss grows
-- sooner. The paper learns a_j and b_j, which map a source's weights to a target's. Tasks are not
-- sources and targets, so here a_j is 1 and b_j is 0.
-- @treturn Tensor
-- @usage
-- loss = tasks:loss(net(batch.image), batch)
-- loss = loss + mtl.mutual(net, {form = "l2", weight = 1e-3, blocks = {"conv1"}})

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local ops <const> = core.ops

local FORMS <const> = {}

-- The loss of rows (T, d), a tensor without dimensions.
function FORMS.l2(rows)
  return ops.sum(ops.square(rows - ops.mean(rows, 1, true))) * rows:size(1)
end

function FORMS.exponential(rows, scale)
  scale = scale or math.max(rows:size(2), 1)
  local total
  for i = 1, rows:size(1) do
    for j = i + 1, rows:size(1) do
      local apart <const> = ops.sum(ops.square(ops.select(rows, 1, i) - ops.select(rows, 1, j)))
      local part <const> = ops.expm1(apart / scale) * scale
      total = total and total + part or part
    end
  end
  return total
end

-- The sum of the singular values, computed from the T x T products. W = U S V^T has the gradient U
-- V^T = (W W^T)^(-1/2) W; directions with a singular value of 0 have no gradient.
function FORMS.trace(rows)
  local root, length
  do
    local _ <close> = grad.no_grad()
    local products <const> = ops.matmul(rows, ops.t(rows)):to("float64")
    local values <const>, vectors <const> = ops.eigh(products)
    local floor <const> = 1e-12 * values:max():item()
    local safe <const> = values:clamp(math.max(floor, 1e-300), math.huge)
    local inverse <const> = ops.masked_fill(safe:rsqrt(), values:le(floor), 0)
    root = ops.matmul(vectors * inverse, ops.t(vectors)):to(rows.dtype)
    length = values:clamp(0, math.huge):sqrt():sum():item()
  end
  local half <const> = ops.sum(ops.matmul(root, rows) * rows) * 0.5
  return half + (length - half:item())
end

-- Every weight of a block as a matrix, one row for each column.
local function weights_of(self, block)
  local list <const>, columns <const> = {}, self.columns
  for i, part in ipairs(columns:parts()) do
    local count <const> = i == 1 and columns.stacked and #columns.stacked_names or 1
    local k = 0
    for _, p in ipairs(part[block]:parameters()) do
      if p:dim() > 1 then
        k = k + 1
        list[k] = list[k] or {}
        table.insert(list[k], ops.reshape(p, count, -1))
      end
    end
  end
  for k, rows in ipairs(list) do list[k] = #rows > 1 and ops.cat(rows, 1) or rows[1] end
  return list
end

local OPTIONS <const> = check.declare("mtl.mutual", {
  net = check.argument(check.kind("a network of columns", function(v)
    return type(v) == "table" and type(v.recipe) == "table"
  end)),
  form = check.choice{"l2", "exponential", "trace"}, weight = check.number{1e-3, from = 0},
  scale = check.number{above = 0},
  blocks = check.either(check.text(), check.list{of = check.text()}),
})

return function(net, given)
  local o <const> = check.options(OPTIONS, given, {net = net})
  local form <const> = FORMS[o.form]
  if not net.columns or #net.names < 2 then
    check.fail("mtl.mutual: the network has no columns to compare")
  end
  local blocks <const>, total = net.recipe.plan:list(o.blocks, net.recipe.split, "mtl.mutual"), nil
  for _, block in ipairs(blocks) do
    for _, rows in ipairs(weights_of(net, block)) do
      local part <const> = form(rows, o.scale)
      total = total and total + part or part
    end
  end
  if not total then
    check.fail("mtl.mutual: %s has no weight to compare; name blocks with convolutions or linear "
      .. "layers", table.concat(blocks, ", "))
  end
  return total * o.weight
end
