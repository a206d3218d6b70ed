--- ONNX's recurrent layers RNN, GRU and LSTM.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops

local M <const> = {}

local ACTIVATIONS <const> = {
  sigmoid = ops.sigmoid, tanh = ops.tanh, relu = ops.relu, softplus = ops.softplus,
  softsign = function(x) return x / (x:abs() + 1) end,
  hardsigmoid = function(x) return (x * 0.2 + 0.5):clamp(0, 1) end,
}

local function activations(a, d, usual)
  local list <const> = {}
  for i, name in ipairs(usual) do
    name = a.activations and a.activations[(d - 1) * #usual + i] or name
    list[i] = ACTIVATIONS[name:lower()] or values.lacks("the activation %s", name)
    if a.clip then
      local f <const>, most <const> = list[i], a.clip
      list[i] = function(x) return f(x:clamp(-most, most)) end
    end
  end
  return list
end

-- Part k of n equal parts of the last dimension.
local function part(x, k, n)
  local size <const> = x:size(-1) // n
  return x:narrow(-1, (k - 1) * size + 1, size)
end

local CELLS <const> = {}

CELLS.RNN = {gates = 1, usual = {"tanh"}, step = function(c, x, h)
  return c.f[1](x + ops.linear(h, c.r) + c.rb)
end}

CELLS.LSTM = {gates = 4, usual = {"sigmoid", "tanh", "tanh"}, step = function(c, x, h, state)
  local z <const> = x + ops.linear(h, c.r) + c.rb
  local input, output, forget = part(z, 1, 4), part(z, 2, 4), part(z, 3, 4)
  if c.p then input, forget = input + part(c.p, 1, 3) * state, forget + part(c.p, 3, 3) * state end
  input = c.f[1](input)
  forget = c.coupled and -input + 1 or c.f[1](forget)
  local new <const> = forget * state + input * c.f[2](part(z, 4, 4))
  if c.p then output = output + part(c.p, 2, 3) * new end
  return c.f[1](output) * c.f[3](new), new
end}

CELLS.GRU = {gates = 3, usual = {"sigmoid", "tanh"}, step = function(c, x, h)
  local n <const> = h:size(-1)
  local function row(k) return c.r:narrow(1, (k - 1) * n + 1, n) end
  local function product(k, t) return ops.linear(t, row(k)) end
  local update <const> = c.f[1](part(x, 1, 3) + product(1, h) + part(c.rb, 1, 3))
  local reset <const> = c.f[1](part(x, 2, 3) + product(2, h) + part(c.rb, 2, 3))
  local last
  if c.linear_before then
    last = reset * (product(3, h) + part(c.rb, 3, 3))
  else
    last = product(3, reset * h) + part(c.rb, 3, 3)
  end
  return (-update + 1) * c.f[2](part(x, 3, 3) + last) + update * h
end}

-- Runs one direction over x (steps, n, inputs). Returns h of all steps, the last h, and the state.
local function run(cell, c, x, lengths, backwards, h, state)
  local steps <const>, outputs <const> = x:size(1), {}
  local wide <const> = ops.linear(x, c.w) + c.wb
  for i = 1, steps do
    local t <const> = backwards and steps + 1 - i or i
    local new <const>, new_state <const> = cell.step(c, wide:select(1, t), h, state)
    if lengths then
      local on <const> = lengths:gt(t - 1):unsqueeze(2)
      outputs[t] = ops.where(on, new, values.zero(new))
      h, state = ops.where(on, new, h), state and ops.where(on, new_state or new, state)
    else
      outputs[t], h, state = new, new, new_state
    end
  end
  return ops.stack(outputs, 1), h, state
end

local function directions(a)
  local direction <const> = a.direction or "forward"
  if direction == "bidirectional" then return {false, true} end
  if direction == "forward" then return {false} end
  if direction == "reverse" then return {true} end
  check.fail("there is no direction '%s'", direction)
end

-- Row d of an input (directions, n, hidden), or zeros.
local function start(t, d, x, hidden, by_batch)
  if not t then return core.new({x:size(2), hidden}, x.dtype, 0) end
  return by_batch and t:select(2, d) or t:select(1, d)
end

local function layer(name)
  local cell <const> = CELLS[name]
  return {3, function(a, x, w, r, b, lengths, h0, c0, p)
    local by_batch <const> = a.layout == 1
    if by_batch then x = x:transpose(1, 2) end
    local hidden <const>, all <const> = r:size(3), {}
    local lasts <const>, states <const> = {}, {}
    lengths = lengths and lengths:to("int64")
    for d, backwards in ipairs(directions(a)) do
      local bias <const> = b and b:select(1, d) or core.new({2 * cell.gates * hidden}, x.dtype, 0)
      local c <const> = {w = w:select(1, d), r = r:select(1, d), f = activations(a, d, cell.usual),
        wb = part(bias, 1, 2), rb = part(bias, 2, 2), p = p and p:select(1, d),
        coupled = a.input_forget == 1, linear_before = a.linear_before_reset == 1}
      local state <const> = name == "LSTM" and start(c0, d, x, hidden, by_batch) or nil
      all[d], lasts[d], states[d] = run(cell, c, x, lengths, backwards,
        start(h0, d, x, hidden, by_batch), state)
    end
    local y, last <const> = ops.stack(all, 2), ops.stack(lasts, by_batch and 2 or 1)
    if by_batch then y = y:permute({3, 1, 2, 4}) end
    return y, last, #states > 0 and ops.stack(states, by_batch and 2 or 1) or nil
  end}
end

for name in pairs(CELLS) do M[name] = layer(name) end

return M
