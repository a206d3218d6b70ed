--- braid.resume(path, parts): continues from what braid.checkpoint(path, parts) wrote.
--
-- An object takes its state by load_state_dict. A table is filled with the fields of the table in
-- the file, and a tensor with its values. Everything is compared before anything changes. If one
-- part still cannot take its state, the parts before it get their old states back. Random numbers
-- continue where they were.
-- @treturn table<string, any> everything in the file: the filled parts, plain values, and the
--   states of objects that were not given
-- @treturn table the names of those objects, which a line on standard error lists too
-- @usage
-- braid.checkpoint("last.safetensors", {net = net, opt = opt, at = {epoch = 3}})
-- local at = braid.resume("last.safetensors", {net = net, opt = opt}).at

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local grad <const> = require "braid.grad"
local json <const> = require "braid.io.json"
local notice <const> = require "braid.notice"
local safetensors <const> = require "braid.io.safetensors"
local tree <const> = require "braid.io.tree"

local SHOWN <const> = 5 -- differences in a message

-- ---- the file -------------------------------------------------------------------------

-- A checkpoint's contents, and the state of its random numbers.
local function read(path)
  local tensors <const>, metadata <const> = safetensors.read(path)
  if not tensors then check.fail("resume: %s%s", metadata, files.hint(path)) end
  local format <const> = metadata and metadata["braid.checkpoint"]
  if not format then
    check.fail("resume: %s is not a checkpoint: it holds %s", path,
      metadata and metadata["braid.format"] and "a network, which braid.open opens"
      or "tensors, which braid.load reads")
  end
  if format ~= "1" then
    check.fail("resume: %s has format %s: a newer Braid wrote it, and this one reads format 1",
      path, check.shown(format))
  end
  local content <const>, why <const> = tree.decode(metadata["braid.tree"] or "", tensors)
  local random <const> = json.decode(metadata["braid.random"] or "")
  if not content or type(random) ~= "table" then
    check.fail("resume: %s is damaged: %s", path, why or "its random state is missing")
  end
  return content, random
end

-- ---- comparing ------------------------------------------------------------------------

local function is_holder(value) return tree.method(value, "load_state_dict") ~= nil end

local function shape_of(t) return ("%s (%s)"):format(t.dtype, table.concat(t.shape, ", ")) end

-- Notes where tensors of the file differ in type or shape from the user's. For a network
-- (complete), it also notes tensors that only one of the two has.
local function compare(list, path, own, there, complete)
  if core.is_tensor(own) then
    if core.is_tensor(there) and shape_of(own) ~= shape_of(there) then
      list[#list + 1] = ("%s is %s in the file and %s here"):format(path, shape_of(there),
        shape_of(own))
    end
    return
  end
  if type(own) ~= "table" or type(there) ~= "table" then return end
  for _, key in ipairs(check.sorted_keys(own)) do
    local mine <const>, theirs = own[key], there[key]
    if mine == nil then goto next end -- a key that is not a string
    if complete and theirs == nil then
      list[#list + 1] = ("%s is not in the file"):format(tree.place(path, key))
    end
    compare(list, tree.place(path, key), mine, theirs, false)
    ::next::
  end
  for _, key in ipairs(complete and check.sorted_keys(there) or {}) do
    if own[key] == nil then
      list[#list + 1] = ("%s is not here"):format(tree.place(path, key))
    end
  end
end

local function say(list)
  local words <const> = table.concat(list, "; ", 1, math.min(#list, SHOWN))
  return #list > SHOWN and ("%s; and %d more"):format(words, #list - SHOWN) or words
end

local function names_in(content)
  return table.concat(check.sorted_keys(content), ", ")
end

local Plan <const> = {}
Plan.__index = Plan

function Plan:differs(form, ...)
  self.differences[#self.differences + 1] = form:format(...)
end

-- Compares what the user gave with the file's contents, and notes what has to be done.
function Plan:look(given, there, path)
  if is_holder(given) then
    if type(there) ~= "table" then
      check.fail("resume: %s has no state of '%s'", self.path, path)
    end
    local class <const>, own <const> = there.class or "", tree.class_name(given)
    if tree.is_state(there) and class ~= own and not given.is_module then
      return self:differs("%s is the state of %s in the file and %s here", path, class, own)
    end
    local state <const> = tree.plain(there)
    local before <const> = given.state_dict and given:state_dict()
    compare(self.differences, path, before, state, given.is_module)
    self.holders[#self.holders + 1] = {path = path, object = given, state = state, before = before,
      last = class == "log"} -- logs come last, because lines that a log cuts off cannot be restored
  elseif core.is_tensor(given) then
    if not core.is_tensor(there) then
      return self:differs("%s is %s in the file and a tensor here", path, check.shown(there))
    end
    compare(self.differences, path, given, there)
    self.tensors[#self.tensors + 1] = {given, there}
  elseif type(given) == "table" and getmetatable(given) == nil and there ~= nil then
    if type(there) == "table" then
      return self:look_in(given, tree.is_state(there) and there.value or there, path)
    end
    self:differs("%s is %s in the file and a table here", path, check.shown(there))
  end
end

function Plan:look_in(given, there, path)
  for key, value in next, given do self:look(value, there[key], tree.place(path, key)) end
end

-- ---- changing -------------------------------------------------------------------------

local function copied(value)
  if core.is_tensor(value) then return core.ops.clone(core.detach(value)) end
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for key, v in next, value do copy[key] = copied(v) end
  return copy
end

local function load_states(plan)
  for _, h in ipairs(plan.holders) do h.before = copied(h.before) end
  for i, h in ipairs(plan.holders) do
    local ok <const>, why <const> = check.caught(h.object.load_state_dict, h.object, h.state)
    if not ok then
      for j = i - 1, 1, -1 do
        local done <const> = plan.holders[j]
        if done.before then done.object:load_state_dict(done.before) end
      end
      check.fail("resume: %s: %s: %s", plan.path, h.path, why)
    end
  end
end

-- The result's entry for a value of the file. The user's table is filled.
local function merged(given, there)
  if is_holder(given) or core.is_tensor(given) then return given end
  if core.is_tensor(there) then return core.keep(there) end
  if type(there) ~= "table" then return there end
  local source <const> = tree.is_state(there) and tree.plain(there.value) or there
  local t <const> = type(given) == "table" and getmetatable(given) == nil and given or {}
  for key in next, t do
    if math.type(key) == "integer" and source[key] == nil then t[key] = nil end
  end
  for key, value in next, source do t[key] = merged(t[key], value) end
  return t
end

-- The objects of the file that the user did not give.
local function left_over(given, content)
  local left <const> = {}
  for _, name in ipairs(check.sorted_keys(content)) do
    local value <const> = content[name]
    if tree.is_state(value) and value.class ~= "random_state" and not is_holder(given[name]) then
      left[#left + 1] = name
    end
  end
  return left
end

return check.public("resume", function(path, given)
  check.path("resume", path)
  if given ~= nil and (type(given) ~= "table" or check.is_object(given)) then
    check.fail("resume: wants the table that braid.checkpoint was given, such as {net = net, "
      .. "opt = opt}, not %s", check.shown(given))
  end
  given = given or {}
  local content <const>, random <const> = read(path)
  local plan <const> = setmetatable({path = path, differences = {}, holders = {}, tensors = {}},
    Plan)
  for _, name in ipairs(check.sorted_keys(given)) do
    if content[name] == nil then
      check.fail("resume: %s has no '%s'; it has %s", path, name, names_in(content))
    end
  end
  plan:look_in(given, content, "")
  if #plan.differences > 0 then
    check.fail("resume: %s belongs to another run: %s", path, say(plan.differences))
  end
  table.sort(plan.holders, function(a, b)
    if a.last ~= b.last then return b.last end
    return a.path < b.path
  end)
  local _ <close> = grad.no_grad()
  load_states(plan)
  for _, pair in ipairs(plan.tensors) do core.ops.copy_(pair[1], pair[2]) end
  local left <const> = left_over(given, content)
  local result <const> = {}
  for name, value in next, content do result[name] = merged(given[name], value) end
  core.set_random_state(random.seed, random.stream)
  if #left > 0 and next(given) ~= nil then
    notice.say(("resume: %s also holds the state of %s, which you did not pass"):format(path,
      table.concat(left, ", ")))
  end
  return result, left
end)
