--- Paths: many paths in little memory, as one string and the places where each path ends.
--
-- Fields, which C reads too: `text`, all paths one after the other; `ends`, for each path a native
-- 64-bit integer with the place in `text` where it ends. 200,000 names of 10 bytes take 4 MB.
-- @usage local paths <const> = Paths{"a.jpg", "b.jpg"}   print(#paths, paths:at(2))

local class <const> = require "braid.class"

local Paths <const> = class("Paths")

local WIDTH <const> = string.packsize("j")
local AT_ONCE <const> = 4096

-- Packs integers one after the other.
local function packed(list)
  local parts <const> = {}
  for first = 1, #list, 100 do
    local last <const> = math.min(first + 99, #list)
    parts[#parts + 1] = ("j"):rep(last - first + 1):pack(table.unpack(list, first, last))
  end
  return table.concat(parts)
end

--- Makes Paths from a list of strings, or from `text` and `ends` as C makes them.
function Paths:init(list, ends)
  if type(list) == "string" then
    self.text, self.ends = list, ends
    return
  end
  local offsets <const>, total = {}, 0
  for i, path in ipairs(list) do
    total = total + #path
    offsets[i] = total
  end
  self.text, self.ends = table.concat(list), packed(offsets)
end

Paths.__len = function(self) return #self.ends // WIDTH end

--- Path number i, from 1.
function Paths:at(i)
  local first <const> = i > 1 and string.unpack("j", self.ends, (i - 2) * WIDTH + 1) or 0
  local last <const> = string.unpack("j", self.ends, (i - 1) * WIDTH + 1)
  return self.text:sub(first + 1, last)
end

--- Iterates over the numbers and the paths.
function Paths:each()
  local i, n <const>, first = 0, #self, 1
  local ends, at = {}, AT_ONCE
  return function()
    if i == n then return nil end
    if at == AT_ONCE then
      local count <const> = math.min(AT_ONCE, n - i)
      ends = {("j"):rep(count):unpack(self.ends, i * WIDTH + 1)}
      at = 0
    end
    i, at = i + 1, at + 1
    local path <const> = self.text:sub(first, ends[at])
    first = ends[at] + 1
    return i, path
  end
end

return Paths
