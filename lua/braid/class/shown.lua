--- How classes and their objects print, if they do not define it themselves.

local shown <const> = require "braid.check".shown

local M <const> = {}

local MAX_FIELDS <const> = 8 -- the most fields of an object that are printed

--- The name of a class: nn.Linear, mtl.columns.
function M.where(r)
  local folder <const>, file <const> = r.source:match("/braid/(%w+)/[%w_/]-([%w_]+)%.lua$")
  if not r.own or not folder then return r.name end
  local is_direct <const> = r.source:find("/braid/" .. folder .. "/" .. file .. ".lua", 1, true)
  if is_direct and (folder == "nn" or folder == "optim") then return folder .. "." .. r.name end
  if r.name:gsub("[_ ]", ""):lower() ~= file:gsub("_", "") then return r.name end
  return folder .. "." .. file
end

--- The names of Braid's own classes among records, by handle.
function M.names(records)
  local set <const> = {}
  for handle, r in next, records do set[handle] = r.own and M.where(r) or nil end
  return set
end

--- The name with which messages of the constructor begin: Linear, mtl.columns.
function M.called(r)
  local name <const> = M.where(r):gsub("^nn%.", ""):gsub("^optim%.", "")
  return name
end

--- A class as one line.
function M.class(r, base)
  return "class " .. M.where(r) .. (base and ", derived from " .. M.where(base) or "")
end

local PLAIN <const> = {number = true, string = true, boolean = true}

--- An object as one line: the name of its class and its plain fields.
function M.object(r, next_field, fields)
  local words <const>, names <const> = {}, {}
  for key, value in next_field, fields do
    if type(key) == "string" and PLAIN[type(value)] then names[#names + 1] = key end
  end
  table.sort(names)
  for i = 1, math.min(#names, MAX_FIELDS) do
    words[i] = ("%s = %s"):format(names[i], shown(fields[names[i]]))
  end
  if #names > MAX_FIELDS then words[MAX_FIELDS + 1] = "..." end
  return ("%s(%s)"):format(M.where(r), table.concat(words, ", "))
end

return M
