--- The form of a network as text: everything except the values of its tensors. Two networks of the
-- same form compute the same outputs if their tensors have the same values.
--
-- A line has the path of a field, a tab, and a description. Stacked columns are written as the list
-- of columns that they stand for.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local PerColumn <const> = require "braid.mtl.columns.per_column"
local stack <const> = require "braid.mtl.columns.stack"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

-- Modes, which a file does not keep, and the field that only stacked modules have.
local PASSED_OVER <const> = {training = true, frozen = true, stack_size = true}
local WAITS <const> = "waits for its first input"
local MAX_SHOWN <const> = 3

local visit

-- The text of a tensor, which may belong to `count` stacked modules.
local function tensor_text(t, count)
  if count > 1 then t = stack.slice(t, 1, count) end
  return "a tensor (" .. table.concat(t.shape, ", ") .. ")"
end

local function plain_text(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if math.type(value) == "float" then return format("%.17g", value) end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return "a " .. type(value)
end

-- Visits each column by itself, whether the columns are stacked or not.
local function visit_columns(lines, seen, prefix, columns)
  local stacked <const> = rawget(columns, "stacked")
  for i, name in ipairs(columns.order) do
    lines[#lines + 1] = ("%sorder.%d\t%q"):format(prefix, i, name)
    if rawget(columns, name) then
      visit(lines, seen, prefix .. name, rawget(columns, name), 1)
    elseif stacked then
      visit(lines, {}, prefix .. name, stacked, #rawget(columns, "stacked_names"))
    end
  end
end

local function visit_fields(lines, seen, prefix, value, count)
  for _, key in ipairs(walk.fields(value)) do
    local card <const> = prefix == "" and key == "card" -- no part of what the network computes
    if not (PASSED_OVER[key] or card) then
      visit(lines, seen, prefix .. tostring(key), rawget(value, key), count)
    end
  end
end

local function class_of(module)
  local meta <const> = getmetatable(module)
  return rawget(module, "stack_size") and meta.base or meta
end

function visit(lines, seen, path, value, count)
  local function put(text) lines[#lines + 1] = path .. "\t" .. text end
  local prefix <const> = path == "" and "" or path .. "."
  if core.is_tensor(value) then return put(tensor_text(value, count)) end
  if type(value) ~= "table" then return put(plain_text(value)) end
  local module <const> = walk.is_module(value)
  local meta <const> = getmetatable(value)
  if not module and class.is_class(meta) and meta.apart then return end -- not a part of the network
  if not module and not walk.is_plain(value) then return put("an object") end
  if seen[value] then return put("the same as " .. seen[value]) end
  seen[value] = path == "" and "the network" or path
  if not module then return visit_fields(lines, seen, prefix, value, count) end
  local kind <const> = class_of(value)
  put(rawget(value, "unsized") and kind.__name .. ", which " .. WAITS or kind.__name)
  if kind == PerColumn then return visit_columns(lines, seen, prefix, value) end
  visit_fields(lines, seen, prefix, value, count)
end

--- The form of a network.
function M.look(net)
  local lines <const> = {}
  visit(lines, {}, "", net, 1)
  return table.concat(lines, "\n")
end

local function parsed(form)
  local paths <const>, what <const> = {}, {}
  for line in (form .. "\n"):gmatch("([^\n]*)\n") do
    local path <const>, text <const> = line:match("^([^\t]*)\t(.*)$")
    if path then paths[#paths + 1], what[path] = path, text end
  end
  return paths, what
end

-- The path prefixes of modules that wait for their first input. The sizes that they take from it do
-- not count as a difference, so they are removed from `what`.
local function waiting(paths, what)
  local prefixes <const> = {}
  for _, path in ipairs(paths) do
    if what[path]:sub(-#WAITS) == WAITS then
      prefixes[#prefixes + 1] = path == "" and "" or path .. "."
      what[path] = what[path]:gsub(", which .*$", "")
    end
  end
  return prefixes
end

local function is_under(path, prefixes)
  for _, prefix in ipairs(prefixes) do
    if path:sub(1, #prefix) == prefix then return true end
  end
  return false
end

--- How the form `now` differs from `was`, as a text; nil if only sizes differ that layers took from
-- their first input.
function M.difference(was, now)
  if was == now then return nil end
  local old <const>, before <const> = parsed(was)
  local new <const>, after <const> = parsed(now)
  local open <const>, found <const> = waiting(old, before), {}
  waiting(new, after)
  local function name(path) return path == "" and "the network" or path end
  for _, path in ipairs(old) do
    local own <const> = path:match("([^.]*)$") == "unsized" and is_under(path, open)
    if not after[path] and not own then
      found[#found + 1] = ("%s is missing, but the definition makes it %s"):format(name(path),
        before[path])
    elseif after[path] ~= before[path] and not own then
      found[#found + 1] = ("%s is %s, but the definition makes it %s"):format(name(path),
        after[path], before[path])
    end
  end
  for _, path in ipairs(new) do
    if not before[path] and not is_under(path, open) then
      found[#found + 1] = ("%s (%s) is not in its definition"):format(name(path), after[path])
    end
  end
  if #found == 0 then return nil end
  local more <const> = #found - MAX_SHOWN
  return table.concat(found, "; ", 1, math.min(#found, MAX_SHOWN))
    .. (more > 0 and ("; and %d more"):format(more) or "")
end

return M
