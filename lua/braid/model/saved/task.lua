--- Converts tasks to plain values, and back by their constructors, which check the arguments.

local check <const> = require "braid.check"
local judged <const> = require "braid.mtl.measure.parts.judged"
local notice <const> = require "braid.notice"
local plain <const> = require "braid.model.saved.plain"
local weight_of <const> = require("braid.mtl.tasks.weight").of

local M <const> = {}

local LONGEST_KIND <const> = 100

-- The kind of a task: landmarks for Landmarks, landmark_bins for LandmarkBins.
local function kind_of(task)
  local meta <const> = getmetatable(task)
  return meta and type(meta.__name) == "string"
    and meta.__name:gsub("(%l)(%u)", "%1_%2"):lower() or nil
end

-- The class of a kind, or nil.
local function class_of(kind)
  if type(kind) ~= "string" or #kind > LONGEST_KIND or not kind:find("^%l[%l%d_]*$") then
    return nil
  end
  local ok <const>, known <const> = pcall(function() return require("braid.mtl")[kind] end)
  if not ok or type(known) ~= "table" or type(known.loss) ~= "function"
    or type(known.observe) ~= "function" then
    return nil
  end
  return known
end

-- The arguments that make the task again: its fields by name, except the fields in the class's
-- `unnamed`. The first of these that has a value gives the unnamed arguments. A field in
-- `option_of` has the name of its option. The number of a task's outputs follows from these
-- arguments.
local function arguments_of(task, class)
  local options <const>, list = {}, {}
  for key, value in pairs(task) do options[key] = value end
  options.size, options.chosen, options.metrics = nil, nil, options.chosen
  for field, option in pairs(class.option_of or {}) do
    options[field], options[option] = nil, task[field]
  end
  for i = #(class.unnamed or {}), 1, -1 do
    local value <const> = task[class.unnamed[i]]
    options[class.unnamed[i]] = nil
    if value ~= nil then list = type(value) == "table" and value or {value} end
  end
  return list, options
end

local told <const> = setmetatable({}, {__mode = "k"})

local function tell(name, task, own)
  if told[task] then return end
  told[task] = true
  notice.say(("save: the file does not hold the metric%s %s of the task %s: functions stay here")
    :format(#own > 1 and "s" or "", table.concat(own, ", "), name))
end

--- Makes the task of an entry from M.described; or returns nil and what is wrong.
function M.made(entry)
  local class <const> = type(entry) == "table" and class_of(entry.kind)
  if not class then return nil, "is of an unknown kind" end
  local given <const> = {}
  for key, value in pairs(entry.options) do given[key] = value end
  for i, value in ipairs(entry.list) do given[i] = value end
  local ok <const>, task <const> = check.caught(class, given)
  if not ok then return nil, task end
  return task
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- The first field in which two tasks differ, or nil.
local function differs(a, b)
  for _, t in ipairs{a, b} do
    for _, key in ipairs(check.sorted_keys(t)) do
      if not same(a[key], b[key]) then return key end
    end
  end
end

--- A task as plain values {kind =, list =, options =}: `list` has the constructor's unnamed
-- arguments, `options` the named arguments. A value that a file cannot hold raises an error of
-- braid.save. The user's own metrics are functions, so they are left out, and a line on standard
-- error says so once. A weight that is a function of the epoch is kept as its number in this epoch.
function M.described(name, task, epoch)
  local class <const> = class_of(kind_of(task))
  if not class or getmetatable(task) ~= class then
    check.fail("save: the task %s is not of a kind of mtl, and a file cannot hold other kinds",
      name)
  end
  local list <const>, options <const> = arguments_of(task, class)
  local scheduled <const> = type(options.weight) == "function"
  if scheduled then options.weight = weight_of(name, options.weight, epoch) end
  local own <const> = judged.own(task)
  if #own > 0 then
    if #options.metrics == 0 then options.metrics = nil end
    for _, mine in ipairs(own) do
      if mine == options.metric then options.metric = nil end
    end
    tell(name, task, own)
  end
  local why <const> = plain.unfit("the task " .. name, list)
    or plain.unfit("the task " .. name, options)
  if why then check.fail("save: %s, which a file cannot hold", why) end
  local entry <const> = {kind = kind_of(task), list = list, options = options}
  local again <const>, wrong <const> = M.made(entry)
  if not again then check.fail("save: the task %s could not be made again: %s", name, wrong) end
  local field <const> = #own == 0 and differs(task, again)
  if field and not (scheduled and field == "weight") then
    check.fail("save: the task %s has a field '%s' that mtl.%s does not give it: make the task "
      .. "anew", name, field, entry.kind)
  end
  return entry
end

local function is_named(value)
  if type(value) ~= "table" then return false end
  for key in pairs(value) do
    if type(key) ~= "string" then return false end
  end
  return true
end

--- Whether a value is an entry as M.described makes it, of a known kind.
function M.is(entry)
  return is_named(entry) and class_of(entry.kind) ~= nil and type(entry.list) == "table"
    and plain.is_list(entry.list) and is_named(entry.options)
end

M.is_named = is_named

return M
