--- Networks in directories: model.lua, the definition; model.json, its options and tasks;
-- weights.safetensors.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local walk <const> = require "braid.nn.walk"
local safetensors <const> = require "braid.io.safetensors"

local M <const> = {}

local FORMAT <const> = 1
local NAMES <const> = {"model.lua", "model.json", "weights.safetensors"}

-- ---- writing --------------------------------------------------------------------------

-- Numbers, strings, booleans and tables of them; else an error that names what is none.
local function plain(what, value)
  if not pcall(json.encode, value) then
    check.fail("save: %s is a %s or holds what a file cannot", what, type(value))
  end
  return value
end

-- landmarks of Landmarks, hinge_points of HingePoints.
local function file_name(class_name)
  return (class_name:gsub("(%l)(%u)", "%1_%2"):lower())
end

local function described_task(name, task)
  local fields <const> = {}
  for key, value in pairs(task) do
    fields[key] = plain(("%s of the task %s"):format(key, name), value)
  end
  return {kind = file_name(getmetatable(task).__name), fields = fields}
end

local function described(tasks)
  if tasks == nil then return nil end
  local list <const> = {}
  for name, task in tasks:each() do list[name] = described_task(name, task) end
  return list
end

-- What became of a network of columns since its definition made it.
local function described_changes(changes)
  local list <const> = {}
  for i, c in ipairs(changes or {}) do
    list[i] = {add = c.add, init = c.init,
      head = c.head and plain(("the head of the added task %s"):format(c.add), c.head),
      task = c.add and described_task(c.add, c.task), tasks = c.tasks, columns = c.columns}
  end
  return list
end

local function remove(directory)
  for _, name in ipairs(NAMES) do os.remove(directory .. "/" .. name) end
  os.remove(directory)
end

-- All or nothing: into a directory beside, which then takes the name.
local function write(directory, contents)
  local beside <const>, old <const> = directory .. ".part", directory .. ".old"
  local ok, why = core.make_folder(beside)
  for i, name in ipairs(NAMES) do
    if ok then ok, why = contents[i](beside .. "/" .. name) end
  end
  if ok then
    remove(old)
    local had <const> = os.rename(directory, old)
    ok, why = os.rename(beside, directory)
    if not ok and had then os.rename(old, directory) end
    if ok then remove(old) end
  end
  if not ok then remove(beside) end
  return ok, why
end

--- Gives a network a method save(directory) -> true, or nil and a message.
function M.remember(net, text, tasks, options)
  function net.save(self, directory)
    if type(directory) ~= "string" then
      error(("save: wants the path of a directory, not a %s"):format(type(directory)), 2)
    end
    local record <const> = json.encode{format = FORMAT, options = plain("an option", options),
      tasks = described(tasks), changes = described_changes(self.changes)}
    return write(directory:gsub("(.)/+$", "%1"), {
      function(path) return files.write(path, {text}) end,
      function(path) return files.write(path, {record}) end,
      function(path) return safetensors.write(path, self:state_dict()) end,
    })
  end
end

-- ---- reading --------------------------------------------------------------------------

local function is_table_of(value, kind)
  if type(value) ~= "table" then return false end
  for key in pairs(value) do
    if type(key) ~= kind then return false end
  end
  return true
end

-- A task as it was, or nil.
local function restored_task(entry)
  local kind <const> = type(entry) == "table" and entry.kind
  local known <const> = type(kind) == "string" and kind:find("^[%l%d_]+$")
    and require "braid.mtl"[kind]
  if type(known) ~= "table" or not known.loss or not known.observe
    or not is_table_of(entry.fields, "string") then
    return nil
  end
  return setmetatable(entry.fields, known)
end

-- The tasks as they were, or nil and a message.
local function restored(list)
  if list == nil then return nil end
  local tasks <const> = {}
  if not is_table_of(list, "string") then return nil, "its tasks are no object" end
  for name, entry in pairs(list) do
    tasks[name] = restored_task(entry)
    if not tasks[name] then return nil, ("the task %s is of no known kind"):format(name) end
  end
  local ok <const>, result <const> = pcall(require("braid.mtl").tasks, tasks)
  if not ok then return nil, result end
  return result
end

local function is_list_of_names(value)
  if not is_table_of(value, "number") or #value == 0 then return false end
  for _, name in ipairs(value) do
    if type(name) ~= "string" then return false end
  end
  return true
end

local function is_change(c)
  if type(c) ~= "table" then return false end
  if c.add == nil then return is_list_of_names(c.tasks) and is_list_of_names(c.columns) end
  return type(c.add) == "string" and restored_task(c.task) ~= nil
    and (c.init == nil or type(c.init) == "string")
end

-- What is wrong with the record of a network's changes, or nil.
local function wrong_changes(changes)
  if changes == nil then return nil end
  if not is_table_of(changes, "number") then return "its changes are no list" end
  for i, c in ipairs(changes) do
    if not is_change(c) then return ("its change %d is of no known kind"):format(i) end
  end
end

-- Makes of a fresh network what became of the one that was saved.
local function change_again(net, changes)
  for _, c in ipairs(changes or {}) do
    if not net.changes then error("its definition makes no network that could change", 0) end
    if c.add then
      net:add_task(c.add, restored_task(c.task), {init = c.init})
    else
      require("braid.mtl.restrict")(net, c.tasks, c.columns)
    end
  end
end

-- Layers that take their size from the first input take it from the weights.
local function give_sizes(net, weights)
  walk.walk(net, function(path, m)
    local weight <const> = walk.is_module(m) and m.unsized and weights[path .. ".weight"]
    if weight and weight:dim() > 1 then
      m:set_inputs(weight:size(2) * (m.options and m.options.groups or 1), weight)
    end
  end)
end

local function is_double(weights)
  for _, t in pairs(weights) do
    if t.dtype == "float64" then return true end
  end
  return false
end

local function decoded(path)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then return nil, message end
  local record <const>, why <const> = json.decode(bytes)
  if not record then return nil, ("%s: %s"):format(path, why) end
  if type(record) ~= "table" or record.format ~= FORMAT or type(record.options) ~= "table" then
    return nil, ("%s: is no record of a network in format %d"):format(path, FORMAT)
  end
  return record
end

-- A message without the line of this file that it may begin with.
local function without_own_line(message)
  return (tostring(message):gsub("^[^\n]-braid/saved%.lua:%d+: ", ""))
end

--- build(text, path, tasks, options) makes the network of a definition.
function M.open(directory, build)
  local text, message = files.read(directory .. "/" .. NAMES[1])
  if not text and files.read(directory .. ".old/" .. NAMES[1]) then -- ended while it was saved
    directory = directory .. ".old"
    text, message = files.read(directory .. "/" .. NAMES[1])
  end
  if not text then return nil, message end
  local record <const>, why <const> = decoded(directory .. "/" .. NAMES[2])
  if not record then return nil, why end
  local weights <const>, problem <const> = safetensors.read(directory .. "/" .. NAMES[3])
  if not weights then return nil, problem end
  local tasks <const>, wrong <const> = restored(record.tasks)
  local failed <const> = wrong or wrong_changes(record.changes)
  if failed then return nil, ("%s/%s: %s"):format(directory, NAMES[2], failed) end
  local ok <const>, net <const> = pcall(build, text, directory .. "/" .. NAMES[1], tasks,
    record.options)
  if not ok then return nil, ("%s: %s"):format(directory, without_own_line(net)) end
  if not walk.is_module(net) then return nil, directory .. ": its definition makes no network" end
  local loaded <const>, unfit <const> = pcall(function()
    change_again(net, record.changes)
    give_sizes(net, weights)
    if is_double(weights) then net:to("float64") end
    net:load_state_dict(weights)
  end)
  if not loaded then
    return nil, ("%s: %s"):format(directory, without_own_line(unfit))
  end
  return net, tasks and net.tasks or tasks
end

return M
