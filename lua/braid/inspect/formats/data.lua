--- A directory of data: published data, or pictures in folders.

local core <const> = require "braid.core"
local known <const> = require "braid.data.known"
local words <const> = require "braid.inspect.words"

local DEEPEST <const>, MOST <const> = 8, 1000000 -- folders in folders; files that are counted

-- Counts the files below a directory by their endings. Links to folders are followed no deeper than
-- DEEPEST.
local function count(path, counts, depth)
  local files <const>, folders <const> = core.list_folder(path)
  for _, name in ipairs(files or {}) do
    local ending <const> = (name:match("%.(%w+)$") or "other"):lower()
    counts[ending], counts[1] = (counts[ending] or 0) + 1, counts[1] + 1
  end
  for _, name in ipairs(depth < DEEPEST and folders or {}) do
    if counts[1] > MOST then return end
    count(path .. "/" .. name, counts, depth + 1)
  end
end

local function pictures_in(counts)
  return (counts.png or 0) + (counts.jpg or 0) + (counts.jpeg or 0)
end

return {
  is = function(place)
    if not place.directory then return false end
    if known.directory(place.path) then return true end
    local counts <const> = {0}
    count(place.path, counts, 1)
    return pictures_in(counts) > 0
  end,
  read = function(place)
    local counts <const> = {0}
    count(place.path, counts, 1)
    local pictures <const> = pictures_in(counts)
    counts[1] = nil
    return {holds = "data", reader = known.directory(place.path) or "images", pictures = pictures,
      files = counts}
  end,
  lines = function(self, put)
    put("read by data.%s (braid show data %s)", self.reader, words.word(self.path, 200))
    local list <const> = {}
    for ending in pairs(self.files) do list[#list + 1] = ending end
    table.sort(list)
    for i, ending in ipairs(list) do
      list[i] = ("%d .%s"):format(self.files[ending], words.word(ending))
    end
    put("%s: %s", words.count(self.pictures, "picture"), words.word(table.concat(list, ", "), 300))
  end,
}
