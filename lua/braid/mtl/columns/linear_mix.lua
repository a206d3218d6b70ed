--- Linear mixing of columns, y_i = sum_j alpha_ij x_j, with a row of alpha for each column.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local grad <const> = require "braid.grad"
local hints <const> = require "braid.nn.hints"
local Module <const> = require "braid.nn.module"
local ops <const> = core.ops

local M <const> = {}

-- One column's row of a T x T table: (T), or (T, c) with a value for each channel.
local Row <const> = class("Row", Module)
Row.channelwise = true

function Row:init(weight, hint) self.weight = Module.parameter(weight, hint) end

M.Row = Row

--- A tensor of value(j) for j = 1 .. count: (count), or (count, channels) with copies of each
-- value.
function M.values(count, channels, value)
  local values <const> = core.new(channels and {count, channels} or {count}, "float32")
  local _ <close> = grad.no_grad()
  for j = 1, count do values[j]:fill_(value(j)) end
  return values
end

--- A Row with these values.
function M.row(count, channels, hint, value) return Row(M.values(count, channels, value), hint) end

--- The first weight with which a column takes from each of `others` other columns: the option
-- `off`, or by default an equal share of 0.1.
function M.off(off, others) return off or (others > 0 and 0.1 / others or 0) end

--- Mixes maps in a list: xs[j] (n,c,...), rows[i] (T) or (T,c) -> ys[i], which share no memory.
-- With `toward`, y_i = x_i + sum_j alpha_ij (x_j - x_i).
function M.list(xs, rows, toward)
  local alpha <const>, ys <const> = {}, {}
  for i, row in ipairs(rows) do alpha[i] = ops.unsqueeze(row, 1) end
  local y <const> = ops.mix(ops.cat(xs, 2), ops.cat(alpha, 1), toward)
  local c <const> = xs[1]:size(2)
  for i in ipairs(xs) do ys[i] = ops.clone(ops.narrow(y, 2, (i - 1) * c + 1, c)) end
  return ys
end

--- Mixes stacked maps: x (n, T*c, ...), rows (T*T) or (T*T, c) -> y like x.
function M.braid(x, rows, count, toward)
  return ops.mix(x, ops.reshape(rows, count, count, table.unpack(rows.shape, 2)), toward)
end

--- The multiply-accumulates for one input, for Module:macs: each value of a column needs one for
-- each of `count` maps. y is a list, or the maps of all columns in one tensor.
function M.macs(y, count)
  if core.is_tensor(y) then return y:numel() // y:size(1) * count end
  local total = 0
  for _, map in ipairs(y) do total = total + map:numel() // map:size(1) * count end
  return total
end

--- Changes row[key] from values for the columns `old` to values for `names`, in their order. New
-- columns get `value`.
function M.resize(row, key, old, names, value)
  local place <const> = {}
  for i, name in ipairs(old) do place[name] = i end
  local was <const> = row[key]
  local new <const> = core.new({#names, table.unpack(was.shape, 2)}, was.dtype, 0)
  local _ <close> = grad.no_grad()
  for i, name in ipairs(names) do
    if place[name] then new[i]:copy_(was[place[name]]) else new[i]:fill_(value) end
  end
  row[key] = hints.replace(was, new)
end

--- The mean of each weight over the channels, as numbers.
function M.means(row)
  local w <const> = core.detach(row)
  return (w:dim() == 2 and w:mean(2) or w):totable()
end

return M
