--- How classes and their objects are printed, where they have nothing of their own to say.

local M <const> = {}

local MOST <const> = 8 -- fields of an object

--- The name that a class goes by: nn.Linear, mtl.columns.
function M.where(r)
  local folder <const>, file <const> = r.source:match("/braid/(%w+)/[%w_/]-([%w_]+)%.lua$")
  if not r.own or not folder then return r.name end
  local plain <const> = r.name:gsub("[_ ]", ""):lower()
  if plain ~= file:gsub("_", "") then return r.name end
  if folder == "nn" or folder == "optim" then return folder .. "." .. r.name end
  return folder .. "." .. file
end

--- A class in one line.
function M.class(r, base)
  return "class " .. M.where(r) .. (base and ", derived from " .. M.where(base) or "")
end

local function shown(value)
  if type(value) == "string" then return ("%q"):format(value:sub(1, 40)) end
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  return tostring(value)
end

local PLAIN <const> = {number = true, string = true, boolean = true}

--- An object in one line: the name of its class and its plain fields.
function M.object(r, next_field, fields)
  local words <const>, names <const> = {}, {}
  for key, value in next_field, fields do
    if type(key) == "string" and PLAIN[type(value)] then names[#names + 1] = key end
  end
  table.sort(names)
  for i = 1, math.min(#names, MOST) do
    words[i] = ("%s = %s"):format(names[i], shown(fields[names[i]]))
  end
  if #names > MOST then words[MOST + 1] = "..." end
  return ("%s(%s)"):format(M.where(r), table.concat(words, ", "))
end

return M
