--- Errors at the prompt. An error shows the message, the user's own line with a caret, and the
-- user's calls that led there, without the library's.

local frames <const> = require "braid.repl.frames"
local printing <const> = require "braid.repl.printing"

local M <const> = {}

local LIMIT <const> = 8 -- calls that are printed

-- The text of an error value. A value that is not a string is printed like a result, because its
-- __tostring may fail or run for ever.
local function text_of(value) return type(value) == "string" and value or printing.text(value) end

--- For xpcall: an error as a table {value =, message =, calls =, trace =}.
function M.caught(value)
  return {value = value, message = text_of(value), calls = frames.calls(),
    trace = debug.traceback(nil, 2)}
end

--- A table as M.caught makes it, for any failure. The handler itself may have failed, if the stack
-- was full.
function M.described(failure)
  if type(failure) == "table" and rawget(failure, "calls") then return failure end
  return {value = failure, message = text_of(failure), calls = {}}
end

--- A table as M.caught makes it, for a message of Lua's compiler.
function M.of_syntax(message) return {value = message, message = message, calls = {}} end

local function line_of(source, number)
  local i = 0
  for line in (source .. "\n"):gmatch("(.-)\n") do
    i = i + 1
    if i == number then return line end
  end
end

local function read_line(path, number)
  local file <close> = io.open(path)
  if not file then return nil end
  local i = 0
  for line in file:lines() do
    i = i + 1
    if i == number then return line end
  end
end

-- The column for the caret: the place in the line of a token that the message quotes, or of the
-- name that the message begins with; otherwise the start of the line.
local function column_of(line, message)
  local words <const> = {message:match("near '(.-)'$") or message:match("near (%S+)$") or false}
  for word in message:gmatch("'(.-)'") do words[#words + 1] = word end
  words[#words + 1] = message:match("^([%a_][%w_.]*):") or false
  for _, word in ipairs(words) do
    local last <const> = word and word:match("[%w_]+$") or word
    local at = last and line:find(last, 1, true)
    if at and last:find("^[%w_]") then at = line:find("%f[%w_]" .. last .. "%f[^%w_]") end
    if at then return at end
  end
  return line:match("^%s*()")
end

-- The line that failed, with a caret below it.
local function pointed(place, number, message, sources)
  local line <const> = sources[place] and line_of(sources[place], number)
    or not sources[place] and read_line(place, number)
  if not line or not line:find("%S") then return nil end
  local column <const> = column_of(line, message)
  local before <const> = line:sub(1, column - 1):gsub("[^\t]", " ")
  return "  " .. line .. "\n  " .. before .. "^"
end

-- The calls as lines; repeated calls at the same place become one line.
local function call_lines(list)
  local lines <const>, times <const> = {}, {}
  for _, call in ipairs(list) do
    local name <const> = call.name == "main chunk" and "" or ", in " .. call.name
    local line <const> = ("  %s:%d%s"):format(call.place, call.line, name)
    if lines[#lines] ~= line then lines[#lines + 1] = line end
    times[#lines] = (times[#lines] or 0) + 1
  end
  for i, n in ipairs(times) do
    if n > 1 then lines[i] = ("%s, %d times"):format(lines[i], n) end
  end
  return lines
end

--- The lines that an error prints. `sources` has the source texts by the names of their chunks.
function M.text(failure, sources)
  local lines <const> = {failure.message}
  local place <const>, number <const>, rest <const> = failure.message:match("^(.-):(%d+): (.*)$")
  if place then lines[2] = pointed(place, tonumber(number), rest, sources) end
  local shown <const> = call_lines(failure.calls)
  if #failure.calls > 1 then table.move(shown, 1, math.min(#shown, LIMIT), #lines + 1, lines) end
  if #shown > LIMIT then
    lines[#lines + 1] = ("  ... and %d more (:trace shows all)"):format(#shown - LIMIT)
  end
  return table.concat(lines, "\n")
end

return M
