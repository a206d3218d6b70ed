--- An operator may write its gradient into the memory of the incoming gradient. This changes none
-- of the numbers.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local ops <const> = core.ops

-- Numbers for which kernels may use other code, among usual ones.
local ODD <const> = {0, 1e-30, -1e-25, 1e30, 0.5, -0.0, 2, 1e-3, -3, 1e19, 7, 0 / 0, 1 / 0, -1, 0.1}

-- A list of n such numbers. It starts at a different number for each operand.
local function numbers(n, operand, dtype)
  local list <const> = {}
  for i = 1, n do list[i] = ODD[(i * (2 * operand - 1) + operand) % #ODD + 1] end
  return braid.tensor(list, {dtype = dtype})
end

-- The gradients of f's operands as text. The incoming gradient is all ones. If `is_held`, it is the
-- caller's tensor, which must not change; otherwise nothing else needs its memory.
local function gradients(f, operands, is_held)
  local own <const> = {}
  for i, t in ipairs(operands) do own[i] = t:clone():requires_grad_() end
  local y <const> = f(table.unpack(own))
  local ones <const> = braid.ones(y.shape, {dtype = y.dtype})
  local above <const> = is_held and y or y * ones
  above:backward{gradient = ones}
  local texts <const> = {}
  for i, t in ipairs(own) do
    local values <const> = t.grad and t.grad:totable() or {}
    for k, v in ipairs(values) do values[k] = v == v and ("%a"):format(v) or "nan" end
    texts[i] = table.concat(values, " ")
  end
  return texts
end

-- Whether an operator takes this number of tensors of one shape, and returns a tensor of the same
-- shape.
local function takes(f, count, dtype)
  local operands <const> = {}
  for i = 1, count do operands[i] = braid.rand(5, {dtype = dtype}):requires_grad_() end
  local ok <const>, y <const> = pcall(f, table.unpack(operands))
  return ok and core.is_tensor(y) and #y.shape == 1 and y:size(1) == 5 and y.requires_grad
end

describe("a gradient that may be written into the memory of the incoming one", function()
  local seen = 0
  for _, row in ipairs(core.rows) do
    for count = 1, 3 do
      local f <const> = ops[row.name]
      if f and row.name ~= "dropout" and takes(f, count, "float32") then
        seen = seen + 1
        it(("is right for %s of %d operands"):format(row.name, count), function()
          for _, dtype in ipairs{"float32", "float64"} do
            for _, n in ipairs{1, 5, 64, 131} do
              local operands <const> = {}
              for i = 1, count do operands[i] = numbers(n, i, dtype) end
              assert.same(gradients(f, operands, true), gradients(f, operands, false))
            end
          end
        end)
      end
    end
  end

  it("is tested for more than 40 operators", function() assert.is_true(seen > 40) end)
end)
