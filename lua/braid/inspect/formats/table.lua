--- .csv, .tsv and .txt: tables and lists of pictures. Any other text is a list of lines.

local files <const> = require "braid.io.files"
local gzip <const> = require "braid.io.gzip"
local sheet <const> = require "braid.io.sheet"
local texts <const> = require "braid.io.text"
local words <const> = require "braid.inspect.words"

local MOST <const> = 40 -- columns that are listed

local function is_number(cell) return tonumber(cell) ~= nil end

-- Whether every cell of a column is a number or blank, from row `first` on.
local function numbers(rows, column, first)
  for r = first, #rows do
    local cell <const> = rows[r][column]
    if cell:find("%S") and not is_number(cell) then return false end
  end
  return true
end

local function read(place)
  local bytes <const>, why <const> = files.read(place.path)
  if not bytes then return nil, why end
  local text <const>, wrong <const> = texts.decode(bytes)
  if not text then return nil, ("%s: %s"):format(place.path, wrong) end
  local rows <const>, odd <const> = sheet.read(text, {whole = true})
  local width <const> = rows and rows[1] and #rows[1] or 1
  if width == 1 then
    local _, lines <const> = text:gsub("[^\n]*%S[^\n]*", "")
    if not rows and place.ending ~= "txt" then return nil, ("%s: %s"):format(place.path, odd) end
    local first <const> = text:match("[^\n]*%S[^\n]*") or ""
    return {holds = "a list", rows = lines, first = texts.trimmed(first)}
  end
  local header = #rows > 1
  for _, cell in ipairs(rows[1]) do header = header and not is_number(cell) end
  local columns <const> = {}
  for c = 1, width do
    columns[c] = {name = header and texts.trimmed(rows[1][c]) or tostring(c),
      kind = numbers(rows, c, header and 2 or 1) and "numbers" or "texts"}
  end
  return {holds = "a table", rows = #rows - (header and 1 or 0), columns = columns,
    separator = rows.separator, header = header}
end

return {
  endings = {"csv", "tsv", "txt"}, is = function(place)
    return gzip.is(place.head) and place.path:find("%.[ct]sv%.gz$") ~= nil
  end, read = read,
  lines = function(self, put)
    if not self.columns then
      put("%s", words.count(self.rows, "line"))
      return put("first: %s", words.word(self.first or "", 200))
    end
    put("%s, %s, separated by %q%s", words.count(self.rows, "row"),
      words.count(#self.columns, "column"), self.separator,
      self.header and "" or ", without a header")
    for i, column in ipairs(self.columns) do
      if i > MOST then return put("  ... and %d more", #self.columns - MOST) end
      put("  %s: %s", words.word(column.name), column.kind)
    end
  end,
}
