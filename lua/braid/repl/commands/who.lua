--- who(): lists the variables of this session, the largest tensors first.

local core <const> = require "braid.core"
local format <const> = require "braid.format"
local printing <const> = require "braid.repl.printing"

local BYTES <const> = {float32 = 4, float64 = 8, int64 = 8, int32 = 4, uint8 = 1, bool = 1}

local function bytes_of(v) return core.is_tensor(v) and v:numel() * (BYTES[v.dtype] or 4) or 0 end

return function(session)
  local rows <const>, width = {}, 0
  for name, value in next, session.env do
    if type(name) == "string" and session.given[name] ~= value and not name:find("^_") then
      rows[#rows + 1] = {name = name, bytes = bytes_of(value), text = printing.line(value)}
      width = math.max(width, #name)
    end
  end
  table.sort(rows, function(a, b)
    if a.bytes ~= b.bytes then return a.bytes > b.bytes end
    return a.name < b.name
  end)
  for _, row in ipairs(rows) do
    local size <const> = row.bytes > 0 and format("%9.1f kB", row.bytes / 1024) or (" "):rep(12)
    local line <const> = ("%s%s %s  %s"):format(row.name, (" "):rep(width - #row.name), size,
      row.text)
    print(#line < session.width() and line or line:sub(1, session.width() - 5) .. " ...")
  end
end
