--- The names that help points to: names in a comment's @see, the same thing in another place
-- (F.conv2d, nn.Conv2d), and related names in the same place (conv1d, conv_transpose2d).

local folder <const> = require "braid.folder"

local MOST <const> = 6
local PLACES <const> = {"F", "nn", "loss", "mtl", "data", "optim", "train", "plot"}

local function folded(name) return (name:lower():gsub("_", "")) end

-- The word that related names have in common: conv of conv_transpose2d and Conv1d.
local function stem(name)
  local first <const> = name:gsub("(%l)(%u)", "%1_%2"):lower():gsub("%d+d?$", "")
    :match("^%a+")
  return first and #first >= 3 and first or name:lower()
end

return function(value, chain, see)
  local braid <const>, own <const> = require "braid", chain[#chain]
  local list <const>, seen <const> = {}, {[table.concat(chain, ".")] = true}
  local function add(name)
    if not seen[name] and #list < MOST then list[#list + 1] = name end
    seen[name] = true
  end
  for _, name in ipairs(see) do add(name) end
  local mine
  for _, place in ipairs(PLACES) do
    for _, name in ipairs(folder.names(braid[place])) do
      local is_same <const> = name == own and rawequal(braid[place][name], value)
      if is_same then mine = place end
      if not is_same and folded(name) == folded(own) then add(place .. "." .. name) end
    end
  end
  for _, name in ipairs(mine and folder.names(braid[mine]) or {}) do
    if name ~= own and stem(name) == stem(own) then add(mine .. "." .. name) end
  end
  return list
end
