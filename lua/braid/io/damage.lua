--- How readers say what is wrong with a file: raised inside as {message =}, which passes all that
-- is under way and is told from an accident, and nil and the message outside. It has no place in a
-- script: whoever calls the reader raises it by check.fail, at the user's line.

local M <const> = {}

--- Gives up reading with {message = ...} in a table of the reader's own.
function M.fail_with(fields, form, ...)
  fields.message = form:format(...)
  error(fields, 0)
end

--- Gives up reading, with a message.
function M.fail(form, ...) M.fail_with({}, form, ...) end

-- The results of pcall, as M.caught gives them.
local function settled(also, ok, value, ...)
  if ok then return value, ... end
  if type(value) ~= "table" or not value.message then error(value, 0) end -- an accident
  return nil, value.message, also and value[also]
end

--- f, which where it gives up returns nil and the message (and field `also` of what was raised).
-- Any other error passes through.
function M.caught(f, also)
  return function(...) return settled(also, pcall(f, ...)) end
end

return M
