--- Lua: definitions of networks, options for --config, and scripts. The text is compiled and never
-- run.

local code <const> = require "braid.inspect.code"
local files <const> = require "braid.io.files"
local header <const> = require "braid.model.header"
local limits <const> = require "braid.limits"
local words <const> = require "braid.inspect.words"

local WORDS <const> = {takes = "options", uses = "uses", outside = "uses of Lua's"}

-- Words for the text, and for what running it would do.
local function meant(found)
  local count <const> = words.count(found.lines, "line")
  if found.problem then return "Lua that does not compile", nil end
  if next(found.outside) == nil and found.returns == "function" then
    return "a definition of a network", code.sandboxed(found.lines)
  elseif next(found.outside) == nil and found.returns == "value" then
    return "a table in Lua (--config)", code.sandboxed(found.lines)
  end
  return "a script of Lua", count .. " of Lua as a program, which may do what you may"
end

local function read(place)
  if place.head:find("^\27Lua") then
    return nil, place.path .. ": compiled Lua, which is not read here"
  end
  local text <const>, why <const> = files.read(place.path)
  if not text then return nil, why end
  local long <const> = limits.over("script", #text, "bytes of Lua")
  if long then return nil, ("%s: %s"):format(place.path, long) end
  if text:find("\0", 1, true) then return nil, place.path .. ": no text: a zero byte is in it" end
  local body <const> = text:gsub("^#[^\n]*", "")
  local found <const>, head <const> = code.read(body, place.path), header.of(text)
  found.holds, found.runs = meant(found)
  found.title, found.parameters, found.header = head.title, head.parameters, head.text
  return found
end

return {
  endings = {"lua"}, is = function(place)
    return place.head:find("^\27Lua") ~= nil or place.head:find("^#![^\n]*lua") ~= nil
      or place.head:find("^#![^\n]*braid") ~= nil
  end, read = read,
  lines = function(self, put)
    for _, name in ipairs{"takes", "uses", "outside"} do
      if self[name] and #self[name] > 0 then
        put("%s: %s", WORDS[name],
          words.word(table.concat(self[name], ", "), 400))
      end
    end
    if self.header ~= "" then put("header:\n%s", words.harmless(self.header)) end
  end,
}
