--- How readers say what is wrong: raised as {message =} inside, at the user's line outside.

local check <const> = require "braid.check"

local M <const> = {}

--- Gives up reading, with a message.
function M.fail(what, ...) error({message = what:format(...)}, 0) end

-- Results of pcall, after what was raised has been raised again.
local function passed(name, ok, value, ...)
  if ok then return value, ... end
  if type(value) == "table" and value.message then check.fail("%s: %s", name, value.message) end
  error(value, 0)
end

--- The function that users call, of one that gives up by `fail` or limits.bound.
-- @param name what they call it: "data.csv"
function M.reader(name, read)
  return function(...) return passed(name, pcall(read, ...)) end
end

--- The path that a user gave, without slashes at its end; or an error that says what is wanted.
function M.path(name, path, what)
  if type(path) ~= "string" or path == "" then
    check.fail("%s: wants %s, not %s", name, what, check.shown(path))
  end
  local last = #path
  while last > 1 and path:byte(last) == 47 do last = last - 1 end
  return path:sub(1, last)
end

return M
