--- How readers report a damaged file. Inside a reader, a fault is raised as {message =}, so that it
-- differs from other errors. The reader then returns nil and the message. Scripts do not see this:
-- the reader's caller raises the message with check.fail, at the user's line.

local M <const> = {}

--- Gives up reading: raises `fields`, a table of the reader's own, with the message in it.
function M.fail_with(fields, form, ...)
  fields.message = form:format(...)
  error(fields, 0)
end

--- Gives up reading with a message.
function M.fail(form, ...) M.fail_with({}, form, ...) end

-- Turns the results of pcall into the results that M.caught returns.
local function settled(also, ok, value, ...)
  if ok then return value, ... end
  -- Any other error is not about the file.
  if type(value) ~= "table" or not value.message then error(value, 0) end
  return nil, value.message, also and value[also]
end

--- Wraps f. If f gives up, the results are nil, the message and the field `also` of the error. Any
-- other error passes through.
function M.caught(f, also)
  return function(...) return settled(also, pcall(f, ...)) end
end

return M
