--- The record of a network in the metadata of its file: definition, options, tasks, changes.
--
-- All fields are strings, whose names begin with "braid.". A file may come from a stranger, so each
-- field is checked before use, and reading runs no code.

local cards <const> = require "braid.model.card"
local check <const> = require "braid.check"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local options_of <const> = require "braid.model.saved.options"
local plain <const> = require "braid.model.saved.plain"
local task <const> = require "braid.model.saved.task"
local version <const> = require "braid.version"

local M <const> = {}

M.FORMAT = 1
M.PREFIX = "braid."
local LONGEST_WORD <const>, MAX_CHANGES <const> = 100, 1000

local function described_tasks(tasks)
  local list <const> = {}
  for name, t in tasks:each() do list[name] = task.described(name, t, tasks:get_epoch()) end
  return list
end

local function described_changes(changes)
  local list <const> = {}
  for i, c in ipairs(changes) do
    if type(c.head) == "function" then
      check.fail("save: the head of the added task %s is a function, which a file cannot hold: "
        .. "leave `head` out of add_task, or write it into the definition", c.add)
    end
    local why = plain.unfit("the argument of net:mutual", c.mutual or {})
    if why then check.fail("save: %s, which a file cannot hold", why) end
    local mix <const> = options_of.described(c.mix)
    why = c.mix and plain.unfit("the mixer of net:mix", mix)
    if why then check.fail("save: %s, which a file cannot hold", why) end
    list[i] = {add = c.add, init = c.init, head = c.head, column = c.column, mutual = c.mutual,
      task = c.add and task.described(c.add, c.task, 1), mix = mix, at = c.at,
      tasks = c.tasks, columns = c.columns}
  end
  return list
end

-- ---- writing --------------------------------------------------------------------------

-- Metadata must be UTF-8. If the text is not, each of its bytes becomes the character with the same
-- number.
local function widened(text)
  return (text:gsub("[\x80-\xff]", function(c) return utf8.char(c:byte()) end))
end

local function narrowed(text)
  local bytes <const> = {}
  for _, code in utf8.codes(text) do
    if code > 255 then return nil end
    bytes[#bytes + 1] = string.char(code)
  end
  return table.concat(bytes)
end

-- Definitions by name, as JSON.
local function encoded(definitions)
  local why <const> = plain.unfit("the definition", definitions)
  if why then check.fail("save: %s, which a file cannot hold", why) end
  return json.encode(definitions)
end

--- The metadata of a network, from its record `r` (origin.lua) and its card or nil.
function M.encode(r, card)
  if r.unfit then check.fail("save: the %s, which a file cannot hold", r.unfit) end
  local utf <const> = utf8.len(r.text) ~= nil
  return {
    ["braid.format"] = tostring(M.FORMAT), ["braid.version"] = version,
    ["braid.definition"] = utf and r.text or nil,
    ["braid.definition.bytes"] = not utf and widened(r.text) or nil,
    ["braid.options"] = r.options,
    ["braid.tasks"] = r.tasks and json.encode(described_tasks(r.tasks)) or nil,
    ["braid.definitions"] = r.definitions and next(r.definitions) and encoded(r.definitions) or nil,
    ["braid.card"] = card and json.encode(card) or nil,
    ["braid.changes"] = #r.changes > 0 and json.encode(described_changes(r.changes)) or nil,
  }
end

-- ---- reading --------------------------------------------------------------------------

local function is_names(value)
  if type(value) ~= "table" or #value == 0 or not plain.is_list(value) then return false end
  for _, name in ipairs(value) do
    if type(name) ~= "string" then return false end
  end
  return true
end

local function wrong_tasks(tasks)
  if not task.is_named(tasks) then return "its tasks are not an object" end
  for _, name in ipairs(check.sorted_keys(tasks)) do
    if not task.is(tasks[name]) then
      return ("the task %s is of an unknown kind"):format(name)
    end
  end
end

local function is_change(c)
  if not task.is_named(c) then return false end
  if c.mutual ~= nil then return task.is_named(c.mutual) end
  if c.mix ~= nil then return task.is_named(c.mix) and is_names(c.at) end
  if c.add == nil then return is_names(c.tasks) and is_names(c.columns) end
  return type(c.add) == "string" and task.is(c.task)
    and (c.init == nil or type(c.init) == "string") and (c.head == nil or type(c.head) == "string")
    and (c.column == nil or type(c.column) == "string")
end

local function wrong_changes(changes)
  if type(changes) ~= "table" or not plain.is_list(changes) then
    return "its changes are not a list"
  end
  if #changes > MAX_CHANGES then return ("it has %d changes"):format(#changes) end
  for i, c in ipairs(changes) do
    if not is_change(c) then return ("its change %d is of an unknown kind"):format(i) end
  end
end

local function wrong_definitions(definitions)
  if not task.is_named(definitions) then return "its definitions are not an object" end
  local bytes = 0
  for name, text in pairs(definitions) do
    if not name:find("^[%w_]+$") or type(text) ~= "string" then
      return "its definitions are not texts by name"
    end
    bytes = bytes + #text
  end
  return limits.over("script", bytes, "bytes of definitions")
end

-- Decodes a value from JSON. It may only contain what M.encode writes.
local function decoded(metadata, name)
  local text <const> = metadata[M.PREFIX .. name]
  if text == nil then return nil end
  local value <const>, why <const> = json.decode(text)
  if value == nil then return nil, ("its %s: %s"):format(name, why) end
  local bad <const> = plain.unfit("its " .. name, value)
  if bad then return nil, bad end
  return value
end

--- The text of a definition; or nil and what is wrong.
function M.definition(metadata)
  local text = metadata["braid.definition"]
  if not text then
    local wide <const> = metadata["braid.definition.bytes"]
    if not wide then return nil, "it has no definition" end
    text = utf8.len(wide) and narrowed(wide)
    if not text then return nil, "its definition is damaged" end
  end
  local long <const> = limits.over("script", #text, "bytes of definition")
  if long then return nil, long end
  return text
end

local function wrong_format(format)
  local number <const> = format:find("^%d%d?%d?%d?$") and math.tointeger(tonumber(format))
  if number == M.FORMAT then return nil end
  if not number then return "its format is damaged" end
  return ("it has format %d, but this Braid (%s) knows format %d: a newer Braid wrote it"):format(
    number, version, M.FORMAT)
end

--- Whether metadata belong to a network.
function M.is(metadata) return metadata ~= nil and metadata["braid.format"] ~= nil end

--- The record in the metadata of a network: {format, version, definition, options, tasks, changes,
-- card, definitions}, with tasks and changes as they are in the file; or nil and what is wrong.
function M.decode(metadata)
  local wrong <const> = wrong_format(metadata["braid.format"])
  if wrong then return nil, wrong end
  local r <const> = {format = M.FORMAT, version = metadata["braid.version"]}
  if not r.version or #r.version > LONGEST_WORD or not r.version:find("^[%w.+-]+$") then
    return nil, "its version is damaged"
  end
  local why
  r.definition, why = M.definition(metadata)
  for _, name in ipairs{"options", "tasks", "changes", "card", "definitions"} do
    if why then return nil, why end
    r[name], why = decoded(metadata, name)
  end
  why = why or not task.is_named(r.options) and "its options are not an object"
    or r.tasks ~= nil and wrong_tasks(r.tasks) or wrong_changes(r.changes or {})
    or r.card ~= nil and cards.wrong(r.card) or wrong_definitions(r.definitions or {})
  if why then return nil, why end
  r.changes = r.changes or {}
  return r
end

--- Makes the tasks of a record. Returns nil if it has none; nil and what is wrong if they cannot be
-- made.
function M.tasks(list)
  if list == nil then return nil end
  local tasks <const> = {}
  for _, name in ipairs(check.sorted_keys(list)) do
    local t <const>, why <const> = task.made(list[name])
    if not t then return nil, ("the task %s: %s"):format(name, why) end
    tasks[name] = t
  end
  local ok <const>, result <const> = check.caught(require("braid.mtl").tasks, tasks)
  if not ok then return nil, result end
  return result
end

return M
