--- .safetensors: networks, checkpoints, and other tensors by name.

local check <const> = require "braid.check"
local code <const> = require "braid.inspect.code"
local json <const> = require "braid.io.json"
local record <const> = require "braid.model.saved.record"
local safetensors <const> = require "braid.io.safetensors"
local words <const> = require "braid.inspect.words"
local harmless <const>, word <const> = words.harmless, words.word

local MAX_TENSORS <const> = 40
local CHECKPOINT <const> = "braid.checkpoint"

local function add_tensors(self, put)
  put("%d tensors, %d values, %s", #self.names, self.values, words.size(self.bytes))
  for i, name in ipairs(self.names) do
    local t <const> = self.tensors[name]
    if i > MAX_TENSORS and i < #self.names then
      put("  ... and %d more", #self.names - MAX_TENSORS)
      break
    end
    put(words.tensor(name, t.dtype, t.shape))
  end
end

local function lines(self, put)
  if self.format then put("format %d, written by Braid %s", self.format, self.version) end
  if self.parts then put("parts: %s", word(table.concat(self.parts, ", "), 200)) end
  for _, part in ipairs{"at", "options", "changes", "card"} do
    if self[part] and next(self[part]) ~= nil then
      put("%s: %s", part, harmless(json.encode(self[part])))
    end
  end
  for _, name in ipairs(check.sorted_keys(self.tasks or {})) do
    local task <const> = self.tasks[name]
    put("task %s: %s%s %s", word(name), task.kind, #task.list > 0 and " "
      .. harmless(json.encode(task.list)) or "", harmless(json.encode(task.options)))
  end
  for _, key in ipairs(check.sorted_keys(self.metadata)) do
    put("metadata %s: %s", word(key), word(self.metadata[key]))
  end
  add_tensors(self, put)
  if self.definition then put("definition:\n%s", harmless(self.definition)) end
  for _, name in ipairs(check.sorted_keys(self.definitions or {})) do
    put("definition %s:\n%s", word(name), harmless(self.definitions[name]))
  end
end

-- The first bytes: the length of the header, which is an object.
local function is(place)
  if place.directory or #place.head < 9 or place.head:sub(9, 9) ~= "{" then return false end
  local length <const> = string.unpack("<i8", place.head)
  return length >= 2 and length <= place.size - 8
end

-- Adds the parts of a checkpoint, and the numbers and texts of its place in the run.
local function add_checkpoint(self, metadata)
  self.holds, self.version = "a checkpoint", metadata["braid.version"]
  local tree <const>, why <const> = json.decode(metadata["braid.tree"] or "")
  if type(tree) ~= "table" or #tree > 0 then
    self.problem = "its tree is damaged: " .. (why or "it is not an object")
    return
  end
  self.parts = check.sorted_keys(tree)
  local at <const> = type(tree.at) == "table" and tree.at or {}
  for key, value in next, at do
    if type(key) == "string" and type(value) ~= "table" then
      self.at = self.at or {}
      self.at[key] = value
    end
  end
end

local function add_network(self, metadata)
  local made <const>, problem <const> = record.decode(metadata)
  for key, value in pairs(made or {problem = problem}) do self[key] = value end
  if problem then self.definition = record.definition(metadata) end
  self.holds = problem and "a network that cannot be opened" or "a network"
  if self.definition and not problem then
    self.runs = "its definition, " .. code.sandboxed(code.read(self.definition, "definition").lines)
  end
end

return {endings = {"safetensors"}, is = is, lines = lines, read = function(place)
  local header <const>, why <const> = safetensors.header(place.path)
  if not header then return nil, why end
  local metadata <const> = header.metadata or {}
  local self <const> = {holds = "tensors", names = {}, tensors = {}, metadata = {}, values = 0,
    bytes = 0}
  for i, e in ipairs(header.entries) do
    local count = 1
    for _, n in ipairs(e.shape) do count = count * n end
    self.names[i] = e.name
    self.tensors[e.name] = {shape = e.shape, dtype = e.dtype, bytes = e.last - e.first}
    self.values, self.bytes = self.values + count, self.bytes + e.last - e.first
  end
  table.sort(self.names)
  local network <const>, checkpoint <const> = record.is(metadata), metadata[CHECKPOINT] ~= nil
  for key, value in pairs(metadata) do
    local own <const> = (network or checkpoint) and key:sub(1, #record.PREFIX) == record.PREFIX
    if not own then self.metadata[key] = value end
  end
  if network then add_network(self, metadata) end
  if checkpoint then add_checkpoint(self, metadata) end
  return self
end}
