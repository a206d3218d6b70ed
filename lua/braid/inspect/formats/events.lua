--- .jsonl: the events of a run, or a list of pictures with their labels.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local words <const> = require "braid.inspect.words"

local KINDS <const> = {string = "text", number = "number", boolean = "flag", table = "list"}

-- Adds the kinds of an object's values, by key.
local function add_columns(columns, object)
  for key, value in next, object do
    local kind <const> = value ~= json.null and KINDS[type(value)] or nil
    local known <const> = columns[key]
    columns[key] = known and kind and known ~= kind and "mixed" or known or kind
  end
end

local function read(place)
  local text <const>, why <const> = files.read(place.path)
  if not text then return nil, why end
  local self <const> = {holds = "a list", lines = 0, columns = {}, events = {}}
  local number, cut = 0, nil
  for line, newline in text:gmatch("([^\n]*)(\n?)") do
    number = number + 1
    local long <const> = limits.over("line", #line, "bytes")
    if long then return nil, ("%s:%d: %s"):format(place.path, number, long) end
    local filled <const> = line:find("%S")
    local value, message
    if filled then value, message = json.decode(line) end
    if message and newline == "" and self.lines > 0 then
      cut = number
    elseif filled then
      if type(value) ~= "table" or value == json.null or #value > 0 then
        return nil, ("%s:%d: %s"):format(place.path, number, message or "this is not an object")
      end
      self.lines = self.lines + 1
      add_columns(self.columns, value)
      local event <const> = type(value.event) == "string" and value.event
      if event then self.events[event] = (self.events[event] or 0) + 1 end
      self.last = value
    end
  end
  local is_run <const> = next(self.events) ~= nil
  self.holds = is_run and "the events of a run" or "a list of objects"
  self.problem = cut and ("line %d is cut off"):format(cut) or nil
  if not is_run then self.events, self.last = nil, nil end
  return self
end

return {
  endings = {"jsonl"}, read = read,
  lines = function(self, put)
    put("%s", words.count(self.lines, "line"))
    for _, name in ipairs(check.sorted_keys(self.events or {})) do
      put("  %s: %d", words.word(name), self.events[name])
    end
    if self.last then put("last: %s", words.word(json.encode(self.last), 300)) end
    for _, name in ipairs(self.events and {} or check.sorted_keys(self.columns)) do
      put("  %s: %s", words.word(name), self.columns[name])
    end
  end,
}
