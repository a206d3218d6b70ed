--- Searches the public names of Braid, first by name, then in their descriptions.

local class <const> = require "braid.class"
local docs <const> = require "braid.repl.docs"
local methods <const> = require "braid.repl.methods"
local names <const> = require "braid.repl.names"
local nearest <const> = require "braid.nearest"

local M <const> = {}

local function path_of(item)
  if item.method and not item.class then return "x:" .. item.chain[#item.chain] end
  local first <const> = item.chain[1] == "braid" and #item.chain > 2 and 2 or 1
  if item.class then
    return table.concat(item.chain, ".", first, #item.chain - 1) .. ":" .. item.chain[#item.chain]
  end
  return table.concat(item.chain, ".", first)
end

M.path_of = path_of

-- Whether a text has a word, or its plural, by itself; not inside other words.
local function has_word(text, word)
  local from, to = text:find(word, 1, true)
  while from do
    local after <const> = text:match("^%w*", to + 1)
    local begins <const> = from == 1 or not text:find("^%w%w", from - 1)
    if begins and (after == "" or after == "s" or after == "es" or not word:find("%w$")) then
      return true
    end
    from, to = text:find(word, from + 1, true)
  end
  return false
end

--- Two lists: the names that contain a word, and the other names whose description has it: first
-- those with an option of this name. A description that has the word only inside other words counts
-- if nothing else is found.
function M.search(word)
  local named <const>, optional <const>, said <const>, inside <const> = {}, {}, {}, {}
  local seen <const> = {}
  local wanted <const>, items <const> = word:lower(), names.all()
  for _, item in ipairs(names.methods()) do items[#items + 1] = item end
  for _, item in ipairs(items) do
    local value <const>, chain <const> = item.value, item.chain
    local list = not seen[value] and chain[#chain]:lower():find(wanted, 1, true) and named
    if not seen[value] and not list then
      local text, options <const> = docs.words(value, chain, item.place, item.method)
      text = text:lower()
      list = options[wanted] and optional or has_word(text, wanted) and said
        or text:find(wanted, 1, true) and inside
    end
    if list then
      list[#list + 1] = item
      seen[value] = true
    end
  end
  local found <const> = table.move(said, 1, #said, #optional + 1, optional)
  return named, #named + #found > 0 and found or inside
end

--- The items whose last name is the word. With "nn.Conv2d", only Conv2d of nn.
function M.exact(chain)
  local found <const> = {}
  for _, item in ipairs(names.all()) do
    local fits = #item.chain >= #chain
    for i = 0, #chain - 1 do
      fits = fits and item.chain[#item.chain - i] == chain[#chain - i]
    end
    if fits then found[#found + 1] = item end
  end
  return found
end

--- The methods of public classes that a text names: predict, net:predict, Module:predict. With the
-- name of a class, only its own, and with net those of networks.
function M.methods(text)
  local owner <const>, name <const> = text:match("^%s*([%w_.]-):?([%w_]+)%s*$")
  if not name or owner ~= "" and not text:find(":", 1, true) then return {} end
  local all <const>, close <const> = {}, {}
  for _, item in ipairs(names.methods()) do
    if item.chain[#item.chain] == name then
      all[#all + 1] = item
      if owner:match("[%w_]*$") == item.chain[#item.chain - 1]
        or owner == methods.object(item.class) then
        close[#close + 1] = item
      end
    end
  end
  return #close > 0 and close or all
end

--- The classes of Braid's that have no public name, by the name that they print: mtl.per_column, or
-- PerColumn. Only classes whose files were read before.
function M.classes(text)
  local function folded(name) return (name:lower():gsub("_", "")) end
  local wanted <const>, found <const> = folded(text), {}
  for handle, name in pairs(class.names()) do
    if folded(name) == wanted or folded(name:match("[^.]*$")) == wanted then
      found[#found + 1] = {chain = {name}, value = handle}
    end
  end
  table.sort(found, function(a, b) return a.chain[1] < b.chain[1] end)
  return found
end

--- A hint that lists known names similar to an unknown name.
function M.hint(name)
  local known <const>, seen <const> = {}, {}
  for _, item in ipairs(names.all()) do
    local last <const> = item.chain[#item.chain]
    if not seen[last] then known[#known + 1] = last end
    seen[last] = true
  end
  return nearest.hint(name, known)
end

--- A line for each item, cut to the width: its name and the first sentence on it.
function M.lines(items, width, most)
  local lines <const>, wide = {}, 0
  for i = 1, math.min(#items, most) do wide = math.max(wide, #path_of(items[i])) end
  for i = 1, math.min(#items, most) do
    local item <const> = items[i]
    local path <const> = path_of(item)
    local said <const> = docs.summary(item.value, item.chain, item.place, item.method)
    local line <const> = ("  %s%s  %s"):format(path, (" "):rep(wide - #path), said)
    lines[i] = #line < width and line or line:sub(1, math.max(1, width - 4)) .. "..."
  end
  if #items > most then lines[#lines + 1] = ("  ... %d in all"):format(#items) end
  return lines
end

return M
