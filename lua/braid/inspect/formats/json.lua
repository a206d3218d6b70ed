--- .json: the fields of an object, or the length of a list.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local words <const> = require "braid.inspect.words"

local MOST <const> = 60

local function shown(value)
  if value == json.null then return "null" end
  return words.word(type(value) == "string" and value or json.encode(value))
end

return {
  endings = {"json"},
  read = function(place)
    local text <const>, why <const> = files.read(place.path)
    if not text then return nil, why end
    local value <const>, wrong <const> = json.decode(text)
    if wrong then return nil, ("%s: %s"):format(place.path, wrong) end
    if type(value) ~= "table" then return {holds = "a value of JSON", value = value} end
    if #value > 0 then return {holds = "a list of JSON", length = #value, value = value} end
    local run <const> = type(value.braid) == "string" and type(value.options) == "table"
    return {holds = run and "the configuration of a run" or "an object of JSON", value = value}
  end,
  lines = function(self, put)
    if self.length then return put("%s", words.count(self.length, "value")) end
    if type(self.value) ~= "table" then return put("  %s", shown(self.value)) end
    for i, key in ipairs(check.sorted_keys(self.value)) do
      if i > MOST then return put("  ...") end
      put("  %s: %s", words.word(key), shown(self.value[key]))
    end
  end,
}
