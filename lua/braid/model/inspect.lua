--- braid.inspect: shows what is in a .safetensors file, without running its code or reading values.

local check <const> = require "braid.check"
local format <const> = require "braid.format"
local files <const> = require "braid.io.files"
local record <const> = require "braid.model.saved.record"
local json <const> = require "braid.io.json"
local safetensors <const> = require "braid.io.safetensors"

local MAX_TENSORS <const>, LONGEST <const> = 40, 60

-- Makes a stranger's text safe for a terminal: control characters are shown as \xNN, except line
-- ends and tabs.
local function harmless(text)
  text = utf8.len(text) and text or text:gsub("[\x80-\xff]", "?")
  return (text:gsub("[%c\127]", function(c)
    return (c == "\n" or c == "\t") and c or ("\\x%02x"):format(c:byte())
  end):gsub("\xC2[\x80-\x9f]", "?"))
end

local function word(text)
  text = harmless(text):gsub("[\n\t]", " ")
  return #text > LONGEST and text:sub(1, LONGEST - 3):gsub("[\xC0-\xff][\x80-\xBF]*$", "") .. "..."
    or text
end

local function size_text(bytes)
  if bytes < 10000 then return ("%d bytes"):format(bytes) end
  if bytes < 1e7 then return format("%.1f kB", bytes / 1e3) end
  return format("%.1f MB", bytes / 1e6)
end

local function add_tensors(lines, self)
  lines[#lines + 1] = ("%d tensors, %d values, %s"):format(#self.names, self.values,
    size_text(self.bytes))
  for i, name in ipairs(self.names) do
    local t <const> = self.tensors[name]
    if i > MAX_TENSORS and i < #self.names then
      lines[#lines + 1] = ("  ... and %d more"):format(#self.names - MAX_TENSORS)
      break
    end
    lines[#lines + 1] = ("  %s  %s (%s)"):format(word(name), t.dtype, table.concat(t.shape, ", "))
  end
end

local Contents <const> = {}
Contents.__index = Contents
Contents.__name = "Contents"

function Contents:__tostring()
  local lines <const> = {("%s: %s, %s"):format(word(self.path), self.problem
    and "a network that cannot be opened" or self.definition and "a network" or "tensors",
    size_text(self.size))}
  local function put(form, ...) lines[#lines + 1] = format(form, ...) end
  if self.problem then put("problem: %s", word(self.problem)) end
  if self.format then put("format %d, written by Braid %s", self.format, self.version) end
  for _, part in ipairs{"options", "changes"} do
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
  add_tensors(lines, self)
  if self.definition then put("definition:\n%s", harmless(self.definition)) end
  return table.concat(lines, "\n")
end

--- Reads the contents of a .safetensors file as a table: print(braid.inspect("net.safetensors")).
--
-- The fields are path, size (bytes), names (of the tensors, in order), tensors {name = {shape =,
-- dtype =, bytes =}}, values and bytes (of all tensors), and metadata (without a network's). A file
-- from braid.save(path, net) also has format, version, definition (its text), options, tasks ({name
-- = {kind =, list =, options =}}) and changes. If these are damaged, `problem` says how.
-- @usage
-- braid.save("net.safetensors", net)
-- print(braid.inspect("net.safetensors"))
return function(path)
  check.path("inspect", path)
  local header <const>, why <const> = safetensors.header(path)
  if not header then check.fail("inspect: %s%s", why, files.hint(path)) end
  local self <const> = {path = path, size = header.size, names = {}, tensors = {}, metadata = {},
    values = 0, bytes = 0}
  for i, e in ipairs(header.entries) do
    local count = 1
    for _, n in ipairs(e.shape) do count = count * n end
    self.names[i] = e.name
    self.tensors[e.name] = {shape = e.shape, dtype = e.dtype, bytes = e.last - e.first}
    self.values, self.bytes = self.values + count, self.bytes + e.last - e.first
  end
  table.sort(self.names)
  local network <const> = record.is(header.metadata)
  for key, value in pairs(header.metadata or {}) do
    local own <const> = network and key:sub(1, #record.PREFIX) == record.PREFIX
    if not own then self.metadata[key] = value end
  end
  local made, problem
  if network then made, problem = record.decode(header.metadata) end
  for key, value in pairs(made or {problem = problem}) do self[key] = value end
  if problem then self.definition = record.definition(header.metadata) end
  return setmetatable(self, Contents)
end
