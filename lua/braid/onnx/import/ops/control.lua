--- ONNX's operators that run graphs of their own: If, Loop and Scan.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"

local M <const> = {}

local MOST <const> = 100000 -- turns that a loop may take

M.If = {1, function(a, condition)
  local branch <const> = values.scalar(condition)
  return table.unpack(a.call((branch == true or branch == 1) and "then_branch" or "else_branch"))
end}

local function is_true(t)
  local v <const> = values.scalar(t)
  return v == true or v == 1
end

M.Loop = {0, function(a, trips, condition, ...)
  local carried, scans <const> = {...}, {}
  local n <const>, on = values.int(trips, math.maxinteger), not condition or is_true(condition)
  local turn = 0
  while on and turn < n do
    if turn == MOST then check.fail("the loop takes more than %d turns", MOST) end
    local results <const> = a.call("body", values.whole_tensor(turn),
      core.new({}, "bool", true), table.unpack(carried))
    on, turn = is_true(results[1]), turn + 1
    carried = {table.unpack(results, 2, 1 + select("#", ...))}
    for k = select("#", ...) + 2, #results do
      scans[k] = scans[k] or {}
      scans[k][turn] = results[k]
    end
  end
  local k = #carried + 2
  while scans[k] do
    carried[#carried + 1] = core.ops.stack(scans[k], 1)
    k = k + 1
  end
  return table.unpack(carried)
end}

M.Scan = {0, function(a, ...)
  local given <const>, count <const> = {...}, a.num_scan_inputs or 1
  local states = {table.unpack(given, 1, #given - count)}
  if #given < count or a.opset < 9 then values.lacks("this form of Scan") end
  local function axis_of(list, i, t) return values.dim(list and list[i] or 0, t:dim()) end
  local first <const> = given[#states + 1] or check.fail("it scans nothing")
  local steps <const>, scans <const> = first:size(axis_of(a.scan_input_axes, 1, first)), {}
  for turn = 1, steps do
    local row <const> = {table.unpack(states)}
    for i = 1, count do
      local t <const> = given[#given - count + i]
      local back <const> = a.scan_input_directions and a.scan_input_directions[i] == 1
      row[#row + 1] = t:select(axis_of(a.scan_input_axes, i, t), back and steps + 1 - turn or turn)
    end
    local results <const> = a.call("body", table.unpack(row))
    for k = #states + 1, #results do
      local i <const> = k - #states
      local back <const> = a.scan_output_directions and a.scan_output_directions[i] == 1
      scans[i] = scans[i] or {}
      scans[i][back and steps + 1 - turn or turn] = results[k]
    end
    states = {table.unpack(results, 1, #states)}
  end
  for i, list in ipairs(scans) do
    local axis <const> = a.scan_output_axes and a.scan_output_axes[i] or 0
    states[#states + 1] = core.ops.stack(list, values.dim(axis, list[1]:dim() + 1))
  end
  return table.unpack(states)
end}

return M
