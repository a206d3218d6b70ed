--- Reads numbers from one argument: whole numbers, "3", "1,2,5", "1..5", or any numbers, "0.6,0.7".

local M <const> = {}

local FEW <const> = 100000 -- a range must have fewer steps from its first to its last number

--- A number, or a list of them; nil for any other text.
function M.read(text)
  local list <const> = {}
  for item in text:gmatch("[^%s,]+") do
    local first <const>, last <const> = item:match("^(%d+)%.%.%.?(%d+)$")
    local from <const>, to <const> = math.tointeger(first or item), math.tointeger(last or item)
    if not (from and to) or from < 0 or to < from or to - from >= FEW then return nil end
    for n = from, to do list[#list + 1] = n end
  end
  if #list == 0 then return nil end
  return #list == 1 and not text:find("[,.]") and list[1] or list
end

--- A list of numbers, "0.6, 0.7"; nil for any other text.
function M.reals(text)
  local list <const> = {}
  for item in text:gmatch("[^%s,]+") do
    local value <const> = not item:find("[xXnN]") and tonumber(item)
    if not value then return nil end
    list[#list + 1] = value
  end
  return #list > 0 and list or nil
end

return M
