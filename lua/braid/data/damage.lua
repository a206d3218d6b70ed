--- How readers say what is wrong with a file: raised inside, nil and a message outside.

local M <const> = {}

--- Gives up reading, with a message.
function M.fail(what, ...) error({message = what:format(...)}, 0) end

--- What f(...) returns; nil and a message when it gave up.
function M.caught(f, ...)
  local ok <const>, value <const> = pcall(f, ...)
  if ok then return value end
  if type(value) ~= "table" then error(value, 0) end
  return nil, value.message
end

return M
