--- summary: the output shape, parameters and multiply-accumulates of each part of a network.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local class <const> = require "braid.class"
local grad <const> = require "braid.grad"
local walk <const> = require "braid.nn.walk"

-- {rows = {{path, kind, shape, parameters, macs}...}, parts = {{name, parameters, macs}...},
-- parameters, macs}; prints as a table.
local Summary <const> = class("Summary")

local function shape_text(value)
  if core.is_tensor(value) then return "(" .. table.concat(value.shape, ", ") .. ")" end
  if type(value) ~= "table" then return type(value) end
  local words <const> = {}
  for key, v in pairs(value) do words[#words + 1] = ("%s %s"):format(key, shape_text(v)) end
  table.sort(words)
  return table.concat(words, "  ")
end

-- A number with commas: 1234567 gives "1,234,567".
local function grouped(n)
  local text <const> = ("%d"):format(n)
  return (text:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function aligned(rows, right)
  local widths <const>, lines <const> = {}, {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do widths[c] = math.max(widths[c] or 0, #cell) end
  end
  for i, row in ipairs(rows) do
    local cells <const> = {}
    for c, cell in ipairs(row) do
      local blanks <const> = (" "):rep(widths[c] - #cell)
      cells[c] = right[c] and blanks .. cell or cell .. blanks
    end
    lines[i] = (table.concat(cells, "  "):gsub(" +$", ""))
  end
  return lines
end

local function share(part, whole)
  return format("%.1f%%", whole > 0 and 100 * part / whole or 0)
end

Summary.__tostring = function(self)
  local rows <const> = { {"path", "layer", "output", "parameters", "MACs"} }
  for _, r in ipairs(self.rows) do
    rows[#rows + 1] = {r.path, r.kind, r.shape, grouped(r.parameters), grouped(r.macs)}
  end
  rows[#rows + 1] = {"total", "", "", grouped(self.parameters), grouped(self.macs)}
  local lines <const> = aligned(rows, {[4] = true, [5] = true})
  local parts <const> = { {"part", "parameters", "", "MACs", ""} }
  for _, p in ipairs(self.parts) do
    parts[#parts + 1] = {p.name, grouped(p.parameters), share(p.parameters, self.parameters),
      grouped(p.macs), share(p.macs, self.macs)}
  end
  lines[#lines + 1] = ""
  table.move(aligned(parts, {false, true, true, true, true}), 1, #parts, #lines + 1, lines)
  return table.concat(lines, "\n")
end

-- The top-level part that a path belongs to. Each entry of a table, such as heads, is a part.
local function part_of(path, module)
  local first <const>, rest <const> = path:match("^([^.]+)%.?(.*)$")
  local holder <const> = module[tonumber(first) or first]
  -- Whether it is a table of parts, or a module with a table of parts.
  local listed <const> = getmetatable(holder) == nil or class.trusted(holder, "own_state")
  if listed and rest ~= "" then
    return first .. "." .. rest:match("^[^.]+")
  end
  return first
end

-- The parameters of a module, with those of its submodules that are never called on their own.
local function held_by(module, called)
  local list <const> = {}
  walk.walk(module, function(_, value, owner, key)
    if called[value] then return true end
    if core.is_tensor(value) and not owner.buffer_names[key] then list[#list + 1] = value end
  end)
  return list
end

--- Runs the module once, in evaluation mode, on zeros of `input_shape` (without the batch).
-- Multiply-accumulates are for one input; a layer without a count of its own counts 0.
return function(module, input_shape, trace)
  if type(input_shape) ~= "table" then
    check.fail("summary: wants the shape of one input, such as {3, 224, 224}, not a %s",
      type(input_shape))
  end
  local x <const> = core.new({1, table.unpack(input_shape)}, walk.dtype(module), 0)
  local calls
  do
    local _ <close> = module:evaluating()
    local _ <close> = grad.no_grad()
    calls = trace(module, x)
  end
  local result <const> = Summary()
  result.rows, result.parts, result.parameters, result.macs = {}, {}, 0, 0
  local parts <const>, counted <const>, called <const> = {}, {}, {}
  for _, call in ipairs(calls) do called[call.module] = true end
  for _, call in ipairs(calls) do
    local parameters = 0
    for _, p in ipairs(held_by(call.module, called)) do
      if not counted[p] then parameters = parameters + p:numel() end
      counted[p] = true
    end
    local macs <const> = call.module:macs(call.output)
    if not call.has_children then
      result.rows[#result.rows + 1] = {path = call.path, kind = getmetatable(call.module).__name,
        shape = shape_text(call.output), parameters = parameters, macs = macs}
    end
    local name <const> = call.path == "" and "(itself)" or part_of(call.path, module)
    local alone <const> = call.path ~= "" or parameters + macs > 0
    if alone and not parts[name] then
      parts[name] = {name = name, parameters = 0, macs = 0}
      result.parts[#result.parts + 1] = parts[name]
    end
    if alone then
      parts[name].parameters = parts[name].parameters + parameters
      parts[name].macs = parts[name].macs + macs
    end
    result.parameters, result.macs = result.parameters + parameters, result.macs + macs
  end
  return result
end
