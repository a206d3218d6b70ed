--- How readers report a damaged file. Inside a reader the fault is raised as {message =}, which
-- tells it from other errors; outside, the reader returns nil and the message. Scripts do not see
-- this: the caller of the reader raises the message with check.fail, at the user's line.

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

--- Wraps f: where f gives up, the result is nil, the message and the field `also` of the error.
-- Any other error passes through.
function M.caught(f, also)
  return function(...) return settled(also, pcall(f, ...)) end
end

return M
