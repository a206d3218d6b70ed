--- Tables of tensors by name, for formats that hold several tensors.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

--- The names in order; a wrong table or name raises an error of braid.save. `ending` is the file's
-- ending. `more` is added to the message about a value that is not a tensor. is_name(name) says
-- whether the format allows a name.
function M.names(ending, tensors, is_name, more)
  if type(tensors) ~= "table" then
    check.fail("save: a .%s wants a table of tensors by name, such as {weight = t}, not a %s",
      ending, core.is_tensor(tensors) and "tensor" or type(tensors))
  end
  local names <const> = {}
  for name, t in pairs(tensors) do
    if type(name) ~= "string" or not is_name(name) then
      check.fail("save: a .%s wants tensors by name, and %q cannot be the name of one", ending,
        tostring(name))
    end
    if not core.is_tensor(t) then
      check.fail("save: a .%s wants tensors by name, and '%s' is a %s%s", ending, name, type(t),
        more or "")
    end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

return M
