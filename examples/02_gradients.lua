--- Lesson 2: gradients. From a formula to its derivative, to a line fitted by descent.
--
-- Notice: nothing is declared in advance. Operators record what they do, and `backward`
-- goes back through the record.

local braid <const> = require "braid"

-- `requires_grad_` says that you want to know how a result changes with x. After `backward`,
-- `x.grad` holds the derivative: of the sum of x^3 it is 3 x^2.

local x <const> = braid.tensor{1, 2, 3}:requires_grad_()
local y <const> = (x ^ 3):sum()
y:backward()
print(y.grad_fn, x.grad)

-- Gradients add up until you clear them, so that several losses can share their parameters.

local tenfold <const> = (x * 10):sum()
tenfold:backward()
print(x.grad)
x.grad = nil

-- `braid.grad` gives gradients without storing them, and `braid.gradcheck` compares them with
-- differences, in double precision.

print(braid.grad(x:square():sum(), x)[1])
local function f(v) return v:sin():mul(v):sum() end
print(braid.gradcheck(f, {braid.rand(4, {dtype = "float64"})}))

-- In `no_grad` nothing is recorded, which is what evaluation wants. It lasts to the end of the
-- block.

do
  local _ <close> = braid.no_grad()
  print((x * 2).requires_grad, (x * 2).grad_fn)
end

-- A straight line, found by descent. Each step: predict, measure, go back, move against the
-- gradient. `braid.scope` frees the tensors of a step at its end instead of when Lua's collector
-- comes.

braid.manual_seed(1)
local inputs <const> = braid.rand(100)
local wanted <const> = inputs * 3 - 1 + braid.randn(100) * 0.05
local slope <const> = braid.zeros(1):requires_grad_()
local offset <const> = braid.zeros(1):requires_grad_()
local losses <const> = {}
for step = 1, 200 do
  local _ <close> = braid.scope()
  local loss <const> = (inputs * slope + offset - wanted):square():mean()
  loss:backward()
  losses[step] = loss:item()
  local _ <close> = braid.no_grad()
  for _, p in ipairs{slope, offset} do
    p:sub_(p.grad * 0.5)
    p.grad = nil
  end
end
print(("y = %.2f x %+.2f, loss %.4f"):format(slope:item(), offset:item(), losses[#losses]))
braid.plot.lines("build/lesson_descent.png", {loss = losses},
  {xlabel = "step", ylabel = "loss", log = "y"})

-- An optimizer does the moving. This is the same line by Adam, with a layer for slope and offset.

local layer <const> = braid.nn.Linear(1, 1)
local opt <const> = braid.optim.Adam(layer:parameters(), {lr = 0.1})
for _ = 1, 200 do
  local _ <close> = braid.scope()
  local loss <const> = braid.F.mse(layer(inputs:unsqueeze(2)), wanted:unsqueeze(2))
  opt:zero_grad()
  loss:backward()
  opt:step()
end
print(("y = %.2f x %+.2f"):format(layer.weight:item(), layer.bias:item()))

-- If a value becomes NaN, `detect_anomaly` names the operator and the line that first made it.

local _ <close> = braid.detect_anomaly()
local fine <const>, message <const> = pcall(function() return x:sub(2):log():sum() end)
print(fine, (tostring(message):gsub("^.-:%d+: ", "")))
