--- Stores a tree of tables, numbers, strings and tensors in one safetensors file. Tensors are
-- entries, named by their paths. Everything else is one JSON text, from which every value is read
-- again exactly.
--
-- In the JSON text, a string, a flag, an integer, a finite double and a table by name are written
-- as they are. All other values are lists that begin with a word:
--   ["t", name]  a tensor                  ["l", a, b ...]     a list
--   ["f", hex]   NaN or infinity           ["m", k, v, k, v]   a table with other keys
--   ["b", hex]   a string of any bytes     ["o", state, name]  an object's state and its class
--   ["n", name]  a long list of numbers of one type, stored as a tensor

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"

local M <const> = {}

local DEEPEST <const>, LONG <const> = 90, 32

-- ---- objects --------------------------------------------------------------------------

--- The method of a table or an object, or nil.
function M.method(value, name)
  if type(value) ~= "table" then return nil end
  local ok <const>, f <const> = pcall(function() return value[name] end)
  return ok and check.call().accepts(f) and f or nil
end

--- The name of an object's class, or "" for a plain table.
function M.class_name(value)
  local meta <const> = getmetatable(value)
  local name <const> = type(meta) == "table" and meta.__name
  return type(name) == "string" and utf8.len(name) and name or ""
end

-- ---- writing --------------------------------------------------------------------------

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

--- The name of a place in a tree, such as run.losses[3].
function M.place(path, key)
  if type(key) ~= "string" then return ("%s[%s]"):format(path, check.shown(key)) end
  if not key:find("^[%a_][%w_.]*$") then return ("%s[%s]"):format(path, check.shown(key)) end
  return path == "" and key or path .. "." .. key
end

local PACKED <const> = {float64 = "d", int64 = "j"}

-- "float64" or "int64" if a table is a long list of numbers of that type, otherwise nil.
local function number_type(t)
  if #t < LONG then return nil end
  local kind <const> = math.type(t[1])
  if not kind then return nil end
  local n = 0
  for _, v in next, t do
    if math.type(v) ~= kind then return nil end
    n = n + 1
  end
  return n == #t and (kind == "float" and "float64" or "int64") or nil
end

local Writing <const> = {}
Writing.__index = Writing

function Writing:refuse(path, value, words)
  check.fail("%s: %s is %s, which a file cannot hold; %s", self.what, path, value, words)
end

-- A name in the file for the tensor at a path.
function Writing:name(path)
  local name, n = utf8.len(path) and path ~= "__metadata__" and path or "tensor", 1
  while self.tensors[name] do
    n = n + 1
    name = ("%s#%d"):format(path, n)
  end
  return name
end

function Writing:tensor(mark, t, path)
  local name = self.names[t]
  if not name then
    name = self:name(path)
    self.names[t], self.tensors[name] = name, t
  end
  return {mark, name}
end

local function what_function(f)
  local info <const> = debug.getinfo(f, "S")
  if info.what == "C" then return "a function" end
  return ("a function (%s:%d)"):format(info.short_src, info.linedefined)
end

local function packed(list, kind)
  local parts <const> = {}
  for i, v in ipairs(list) do parts[i] = string.pack(PACKED[kind], v) end
  return core.from_bytes(table.concat(parts), 1, {#list}, kind)
end

function Writing:entries(value, path, depth)
  local kind <const> = number_type(value)
  if kind then return self:tensor("n", packed(value, kind), path) end
  local names, count = true, 0
  for key in next, value do
    names, count = names and type(key) == "string" and utf8.len(key) ~= nil, count + 1
  end
  local node <const> = {}
  if names and count > 0 then
    for _, key in ipairs(check.sorted_keys(value)) do -- sorting gives tensors a fixed order
      node[key] = self:node(value[key], M.place(path, key), depth + 1)
    end
    return node
  end
  local list <const> = count == #value
  node[1] = list and "l" or "m"
  local keys <const> = {}
  for key in next, value do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if math.type(a) and math.type(b) then return a < b end
    return type(a) .. tostring(a) < type(b) .. tostring(b)
  end)
  for _, key in ipairs(keys) do
    local place <const> = M.place(path, key)
    if not list then node[#node + 1] = self:node(key, "the key of " .. place, depth + 1) end
    node[#node + 1] = self:node(value[key], place, depth + 1)
  end
  return node
end

function Writing:table(value, path, depth)
  if depth > DEEPEST then
    check.fail("%s: %s ... has tables that are nested too deeply, which a file cannot hold",
      self.what, path:sub(1, 40))
  end
  if M.method(value, "state_dict") then
    return {"o", self:node(value:state_dict(), path, depth + 1), M.class_name(value)}
  end
  if getmetatable(value) ~= nil then
    self:refuse(path, check.shown(value), "give it a state_dict and a load_state_dict, or keep "
      .. "what it holds as a plain table")
  end
  return self:entries(value, path, depth)
end

function Writing:node(value, path, depth)
  self.count = self.count + 1
  if core.is_tensor(value) then return self:tensor("t", value, path) end
  local kind <const> = type(value)
  if kind == "boolean" or math.type(value) == "integer" then return value end
  if kind == "string" then return utf8.len(value) and value or {"b", hex(value)} end
  if kind == "number" then
    if value - value == 0 then return value end
    return {"f", hex(string.pack(">n", value))}
  end
  if kind == "table" then return self:table(value, path, depth) end
  self:refuse(path, kind == "function" and what_function(value) or check.shown(value),
    "leave it out")
end

--- The text of a table, and its tensors by name. A value that a file cannot hold raises an error of
-- the function `what` that names the value's place.
function M.encode(what, value)
  local w <const> = setmetatable({what = what, tensors = {}, names = {}, count = 0}, Writing)
  local node <const> = w:entries(value, "", 1)
  local over <const> = limits.over("values", 2 * w.count, "values in tables")
  if over then check.fail("%s: %s", what, over) end
  return json.encode(node), w.tensors
end

-- ---- reading --------------------------------------------------------------------------

local function unhex(text)
  return (text:gsub("%x%x", function(c) return string.char(tonumber(c, 16)) end))
end

local State <const> = {} -- marks an object's state

local value_of

local READERS <const> = {}

function READERS.t(node, tensors)
  return tensors[node[2]] or damage.fail("there is no tensor %s", node[2])
end

function READERS.n(node, tensors)
  local t <const>, list <const> = READERS.t(node, tensors), {}
  local bytes <const> = core.bytes(t)
  for i = 1, t:numel() do list[i] = string.unpack(PACKED[t.dtype], bytes, 8 * i - 7) end
  return list
end
function READERS.f(node) return (string.unpack(">n", unhex(node[2]))) end
function READERS.b(node) return unhex(node[2]) end

function READERS.l(node, tensors)
  local list <const> = {}
  for i = 2, #node do list[i - 1] = value_of(node[i], tensors) end
  return list
end

function READERS.m(node, tensors)
  local t <const> = {}
  for i = 2, #node, 2 do t[value_of(node[i], tensors)] = value_of(node[i + 1], tensors) end
  return t
end

function READERS.o(node, tensors)
  return setmetatable({value = value_of(node[2], tensors), class = node[3]}, State)
end

function value_of(node, tensors)
  if type(node) ~= "table" then return node end
  if node[1] ~= nil then return READERS[node[1]](node, tensors) end
  local t <const> = {}
  for key, v in pairs(node) do t[key] = value_of(v, tensors) end
  return t
end

--- The table that a text and tensors stand for; or nil and what is wrong. M.is_state recognizes the
-- states of objects in it.
function M.decode(text, tensors)
  local node <const>, why <const> = json.decode(text)
  if node == nil then return nil, why end
  local ok <const>, value <const> = pcall(value_of, node, tensors)
  if not ok or type(value) ~= "table" then return nil, "its tree does not fit its tensors" end
  return value
end

--- Whether a decoded value is an object's state, {value = the result of its state_dict, class =}.
function M.is_state(value) return getmetatable(value) == State end

--- A decoded value in which the states of objects are plain tables.
function M.plain(value)
  if M.is_state(value) then return M.plain(value.value) end
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for key, v in next, value do copy[key] = M.plain(v) end
  return copy
end

return M
