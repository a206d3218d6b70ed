--- Reads lists: text files whose lines have a path and numbers.

local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local numbers <const> = require "braid.io.number"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail

local M <const> = {}

local SHOWN <const> = 40 -- characters of a bad word in a message

--- The lines of a file that are not blank, as {{text, number}, ...}.
function M.read(path)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local lines <const>, number = {}, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    limits.bound("line", #line, "bytes in line %d of %s", number, path)
    local trimmed <const> = texts.trimmed(line)
    if trimmed ~= "" then lines[#lines + 1] = {trimmed, number} end
  end
  return lines
end

--- A word of a line as a number. Gives up unless it is a number from -1e6 to 1e6.
function M.number(path, line, word)
  local value <const> = numbers.plain(word)
  if not value or value ~= value or math.abs(value) > 1e6 then
    fail("%s:%d: '%s' is not a number from -1e6 to 1e6", path, line[2], word:sub(1, SHOWN))
  end
  return math.tointeger(value) or value
end

-- The words of a line and the places where each begins and ends.
local function words_of(text)
  local words <const> = {}
  for from, word, past in text:gmatch("()(%S+)()") do words[#words + 1] = {word, from, past} end
  return words
end

--- Reads a line of a path and `count` numbers -> the path, the numbers. The path comes first, or
-- last if `last` is true, and may have blanks.
function M.row(path, line, count, last)
  local words <const>, values <const> = words_of(line[1]), {}
  local names <const> = #words - count
  -- If the word of the path next to the numbers is a number too, the line has too many numbers.
  local beside <const> = names > 1 and words[last and count + 1 or names]
  if names < 1 or beside and numbers.plain(beside[1]) then
    fail("%s:%d: a path and %d numbers wanted, %d words found", path, line[2], count, #words)
  end
  for i = 1, count do values[i] = M.number(path, line, words[(last and 0 or names) + i][1]) end
  local name <const> = last and line[1]:sub(words[count + 1][2])
    or line[1]:sub(1, words[names][3] - 1)
  return name:gsub("\\", "/"), values
end

--- The class, from 1, that a number of a line stands for; numbers count from 0.
function M.class(path, line, name, value, names)
  if math.type(value) ~= "integer" or value < 0 or value >= #names then
    fail("%s:%d: %s must be from 0 to %d, not %s", path, line[2], name, #names - 1,
      tostring(value))
  end
  return value + 1
end

return M
