--- braid.diff(a, b): how one network differs from another. Each is a network or the path of a file;
-- no code in a file runs.
--
-- The result prints, and has the fields
--   definition   {removed = lines, added = lines}, or nil if both have the same text or no text
--   options, tasks, card, changes   lists of {name, was, is}, for values that differ
--   tensors      {same = how many, changed = {{name =, largest =, relative =}}, removed = names,
--                added = names, shapes = {{name, was, is}}}; `largest` is the largest difference of
--                two values, and `relative` the norm of all differences over the norm of a's values
--   same         whether nothing differs
-- @usage
-- local net <const> = braid.model("tcdcn", {tasks = tasks})
-- print(braid.diff(net, net:clone()))

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local format <const> = require "braid.format"
local grad <const> = require "braid.grad"
local json <const> = require "braid.io.json"
local origin <const> = require "braid.origin"
local record <const> = require "braid.model.saved.record"
local safetensors <const> = require "braid.io.safetensors"
local state <const> = require "braid.nn.state"
local walk <const> = require "braid.nn.walk"
local ops <const> = core.ops

local PARTS <const> = {"options", "tasks", "changes", "card"}
local MAX_SHOWN <const> = 20

-- ---- what is compared -----------------------------------------------------------------------

-- The tensors of a network or a file, and its record or nil.
local function contents(what, x)
  if walk.is_module(x) then
    local made <const>, card <const> = origin.of(x), rawget(x, "card")
    if not made then return state.state_dict(x) end
    return state.state_dict(x), assert(record.decode(record.encode(made, card)))
  end
  if type(x) ~= "string" then
    check.fail("diff: the %s value is a network or the path of a file, not %s", what,
      check.shown(x))
  end
  local tensors <const>, metadata <const> = safetensors.read(x)
  if not tensors then check.fail("diff: %s%s", metadata, files.hint(x)) end
  if not record.is(metadata) then return tensors end
  local made <const>, why <const> = record.decode(metadata)
  if not made then check.fail("diff: %s: %s", x, why) end
  return tensors, made
end

-- ---- plain values -----------------------------------------------------------------------------

-- Puts the numbers, texts and flags in a value into `flat`, by their paths.
local function flatten(flat, path, value)
  if type(value) ~= "table" or next(value) == nil then
    flat[path] = value
    return flat
  end
  for key, v in next, value do
    flatten(flat, (path == "" and "" or path .. ".") .. tostring(key), v)
  end
  return flat
end

-- The values that differ, as a list of {name, was, is}.
local function differing(a, b)
  local was <const>, is <const> = flatten({}, "", a or {}), flatten({}, "", b or {})
  was[""], is[""] = nil, nil
  local names <const>, list <const> = {}, {}
  for _, flat in ipairs{was, is} do
    for name in next, flat do names[name] = true end
  end
  for _, name in ipairs(check.sorted_keys(names)) do
    local before <const>, after <const> = was[name], is[name]
    local same <const> = before == after
      or type(before) == "table" and type(after) == "table" -- both are empty
    if not same then list[#list + 1] = {name, before, after} end
  end
  return list
end

local function lines_of(text)
  local list <const> = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do list[#list + 1] = line end
  return list
end

-- The lines of a that b lacks, and the reverse, by count and in their order.
local function lines_apart(a, b)
  local function beyond(these, those)
    local count <const>, list <const> = {}, {}
    for _, line in ipairs(those) do count[line] = (count[line] or 0) + 1 end
    for _, line in ipairs(these) do
      if (count[line] or 0) > 0 then
        count[line] = count[line] - 1
      else
        list[#list + 1] = line
      end
    end
    return list
  end
  local was <const>, is <const> = lines_of(a), lines_of(b)
  return {removed = beyond(was, is), added = beyond(is, was)}
end

-- ---- tensors ----------------------------------------------------------------------------------

local function kind_of(t) return ("%s (%s)"):format(t.dtype, table.concat(t.shape, ", ")) end

-- The largest difference of two tensors of the same kind, and their relative difference; nil if
-- they have the same values (NaN is the same as NaN).
local function distance(a, b)
  local _ <close> = grad.no_grad()
  local _ <close> = core.scope()
  local x <const>, y <const> = core.detach(a):to("float64"), core.detach(b):to("float64")
  local both_nan <const> = ops.logical_and(x:ne(x), y:ne(y))
  local apart <const> = ops.masked_fill(ops.logical_not(x:eq(y)), both_nan, 0)
  if not ops.any(apart):item() then return nil end
  local by <const> = ops.masked_fill(ops.abs(x - y), ops.logical_not(apart), 0)
  return by:max():item(), (by:square():sum():sqrt() / x:square():sum():sqrt()):item()
end

local function tensors_apart(a, b)
  local found <const> = {same = 0, changed = {}, removed = {}, added = {}, shapes = {}}
  for _, name in ipairs(check.sorted_keys(a)) do
    local was <const>, is <const> = a[name], b[name]
    if not is then
      found.removed[#found.removed + 1] = name
    elseif kind_of(was) ~= kind_of(is) then
      found.shapes[#found.shapes + 1] = {name, kind_of(was), kind_of(is)}
    else
      local largest <const>, relative <const> = distance(was, is)
      if largest then
        found.changed[#found.changed + 1] = {name = name, largest = largest, relative = relative}
      else
        found.same = found.same + 1
      end
    end
  end
  for _, name in ipairs(check.sorted_keys(b)) do
    if not a[name] then found.added[#found.added + 1] = name end
  end
  return found
end

-- ---- in words -----------------------------------------------------------------------------------

local function shown(value)
  if value == nil then return "nothing" end
  local text <const> = type(value) == "number" and format("%.6g", value)
    or type(value) == "table" and json.encode(value) or tostring(value)
  return #text > 60 and text:sub(1, 57) .. "..." or text
end

local function put_list(lines, list, form)
  for i, entry in ipairs(list) do
    if i > MAX_SHOWN and #list > MAX_SHOWN + 1 then
      lines[#lines + 1] = ("  ... and %d more"):format(#list - MAX_SHOWN)
      break
    end
    lines[#lines + 1] = "  " .. form(entry)
  end
end

local Diff <const> = {__name = "diff"}

function Diff.__tostring(self)
  if self.same then return ("the same: %d tensors"):format(self.tensors.same) end
  local lines <const>, t <const> = {}, self.tensors
  local function change(c) return ("%s: %s -> %s"):format(c[1], shown(c[2]), shown(c[3])) end
  if self.definition then
    lines[1] = "definition:"
    put_list(lines, self.definition.removed, function(line) return "- " .. line end)
    put_list(lines, self.definition.added, function(line) return "+ " .. line end)
  end
  for _, part in ipairs(PARTS) do
    if #self[part] > 0 then
      lines[#lines + 1] = part .. ":"
      put_list(lines, self[part], change)
    end
  end
  lines[#lines + 1] = ("tensors: %d the same, %d changed, %d of another shape, %d removed, "
    .. "%d added"):format(t.same, #t.changed, #t.shapes, #t.removed, #t.added)
  put_list(lines, t.changed, function(c)
    return format("%s: by %.3g at most, %.3g of its norm", c.name, c.largest, c.relative)
  end)
  put_list(lines, t.shapes, change)
  put_list(lines, t.removed, function(name) return "- " .. name end)
  put_list(lines, t.added, function(name) return "+ " .. name end)
  return table.concat(lines, "\n")
end

return function(a, b)
  local old <const>, before <const> = contents("first", a)
  local new <const>, after <const> = contents("second", b)
  local self <const> = {tensors = tensors_apart(old, new)}
  local was <const>, is <const> = before or {}, after or {}
  local texts <const> = lines_apart(was.definition or "", is.definition or "")
  self.definition = (was.definition or "") ~= (is.definition or "") and texts or nil
  local t <const> = self.tensors
  local count = #t.changed + #t.removed + #t.added + #t.shapes + (self.definition and 1 or 0)
  for _, part in ipairs(PARTS) do
    self[part] = differing(was[part], is[part])
    count = count + #self[part]
  end
  self.same = count == 0
  return setmetatable(self, Diff)
end
