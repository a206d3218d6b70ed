--- Writes the pictures that other modules draw, as PNG files.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

--- Checks the path of a .png file. Errors name the function `what`.
function M.path(what, path)
  check.path(what, path)
  if not path:lower():find("%.png$") then
    check.fail("%s: the path must end in .png, not '%s'", what, path)
  end
  return path
end

--- Writes a canvas (h,w,c). Errors name the function `what`.
-- @return true
function M.write(what, path, canvas)
  local ok <const>, why <const> = core.image_write(path, canvas)
  if not ok then check.fail("%s: %s", what, why) end
  return true
end

--- Checks a tensor's number of dimensions. Errors show `layout`, such as "(n,points,2)".
function M.tensor(what, name, value, layout)
  local _, commas <const> = layout:gsub(",", ",")
  if not core.is_tensor(value) or value:dim() ~= commas + 1 then
    check.fail("%s: %s must be a tensor %s, not %s", what, name, layout, core.is_tensor(value)
      and "one of shape (" .. table.concat(value.shape, ", ") .. ")" or "a " .. type(value))
  end
  return value
end

return M
