--- printing.text(value, width): a result as the prompt prints it. Tables print as Lua source that
-- fits the width. Deep or long tables are cut; a table inside itself prints as a name.

local class <const> = require "braid.class"
local comments <const> = require "braid.repl.comments"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local names <const> = require "braid.repl.names"
local number_text <const> = require "braid.format"

local M <const> = {}

local DEPTH <const> = 4
local LIMIT <const> = 40 -- entries of a table that are printed
local LONGEST <const> = 2000 -- bytes of a string that are printed
local SECONDS <const> = 1      -- seconds that a user's __tostring may take
local PARTS <const> = 1000 -- values of a result that are printed

local KEYWORDS <const> = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local function quoted(s)
  local cut <const> = #s > LONGEST
  local escapes <const> = {["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["\\"] = "\\\\",
    ['"'] = '\\"'}
  local text = (cut and s:sub(1, LONGEST) or s):gsub('[\\"%c\127]', function(c)
    return escapes[c] or ("\\x%02x"):format(c:byte())
  end)
  if not utf8.len(text) then
    text = text:gsub("[\128-\255]", function(c) return ("\\x%02x"):format(c:byte()) end)
  end
  return '"' .. text .. '"' .. (cut and (" .. (%d bytes)"):format(#s) or "")
end

local function of_number(v)
  if math.type(v) == "integer" then return tostring(v) end
  if v == 0 and 1 / v < 0 then return "-0.0" end
  return (number_text("%.14g", v):gsub("^(%-?%d+)$", "%1.0"))
end

-- A function by its name, if a loaded module has it, and by the line where it is defined.
local function of_function(f)
  local info <const> = debug.getinfo(f, "Su")
  local item <const> = names.of(f)
  local name = item and table.concat(item.chain, item.method and ":" or ".")
  for module, t in pairs(package.loaded) do
    if type(t) == "table" and type(module) == "string" and not name then
      for key, value in next, t do
        if rawequal(value, f) and type(key) == "string" then
          name = module == "_G" and key or module .. "." .. key
        end
      end
    end
  end
  if info.what == "C" then return ("function %s(in C)"):format(name and name .. " " or "") end
  local words <const> = {}
  for i = 1, info.nparams do words[i] = debug.getlocal(f, i) end
  if info.isvararg then words[#words + 1] = "..." end
  return ("function %s(%s) (%s:%d)"):format(name or "", table.concat(words, ", "),
    comments.short(info.source:match("^@(.*)") or info.short_src), info.linedefined)
end

-- tostring(v) for a value whose __tostring may be the user's. It runs in a coroutine of its own,
-- with a time limit. -> the text, or nil and the reason
local function limited(v)
  local thread <const>, ends <const> = coroutine.create(tostring), core.clock() + SECONDS
  debug.sethook(thread, function()
    if core.clock() > ends then error(("it takes more than %d s"):format(SECONDS), 0) end
  end, "", 10000)
  local fine <const>, text <const> = coroutine.resume(thread, v)
  if fine and type(text) == "string" then return text end
  return nil, type(text) == "string" and (text:match("^[^\n]*")) or "it fails"
end

-- Breaks a long line at its ", " into lines of the width.
local function filled_line(text, width)
  if #text <= width then return text end
  local lines <const>, indent <const>, line = {}, text:match("^ *") .. "  ", nil
  for word in (text .. ", "):gmatch("(.-), ") do
    if line and #line + #word + 3 > width then
      lines[#lines + 1] = line .. ","
      line = nil
    end
    line = line and line .. ", " .. word or (#lines > 0 and indent or "") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function filled(text, width)
  return (text:gsub("[^\n]+", function(line) return filled_line(line, width) end))
end

-- The text that an object's class gives it, or nil.
local function own_text(v, width)
  local meta <const> = debug.getmetatable(v)
  if type(meta) ~= "table" then return nil end
  local as_table <const> = class.of(v) and rawget(meta, "__tostring") and class.trusted(v, "table")
  if as_table then return tostring(as_table(v)) end
  if type(v) == "table" and folder.is_named(v) then return filled(tostring(v), width) end
  if core.is_tensor(v) then return tostring(v) end
  if type(v) ~= "table" or rawget(meta, "__tostring") or rawget(meta, "__name") then
    local text <const>, why <const> = limited(v)
    if text and class.names()[class.of(v)] then return filled(text, width) end
    return text, why
  end
end

-- A tensor inside a table: its shape and type, and its value if it has only one.
local function tensor_line(t)
  local line <const> = ("tensor {%s} %s"):format(table.concat(t.shape, ", "), t.dtype)
  return t:numel() == 1 and ("%s %s"):format(line, t:item()) or line
end

local text_of

local function key_text(key, state)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") and not KEYWORDS[key] then return key end
  return "[" .. text_of(key, state, DEPTH) .. "]"
end

local RANK <const> = {number = 1, string = 2, boolean = 3}

local function by_key(a, b)
  local x <const>, y <const> = RANK[type(a)] or 4, RANK[type(b)] or 4
  if x ~= y then return x < y end
  if x <= 2 then return a < b end
  return tostring(a) < tostring(b)
end

-- A table's entries as source: first the array, then the other entries by their keys.
local function entries_of(t, state, depth)
  local words <const>, n <const> = {}, rawlen(t)
  for i = 1, math.min(n, LIMIT) do words[i] = text_of(rawget(t, i), state, depth + 1) end
  if n > LIMIT then words[#words + 1] = ("... (%d in all)"):format(n) end
  local keys <const> = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then keys[#keys + 1] = key end
  end
  if #keys <= 10000 then table.sort(keys, by_key) end
  for i = 1, math.min(#keys, LIMIT) do
    words[#words + 1] = key_text(keys[i], state) .. " = "
      .. text_of(rawget(t, keys[i]), state, depth + 1)
  end
  if #keys > LIMIT then words[#words + 1] = ("... (%d keys in all)"):format(#keys) end
  return words
end

-- Sets numbers in columns if their array needs several lines.
local function in_columns(words, room)
  local wide = 0
  local last <const> = words[#words]:find("^%.%.%.") and table.remove(words)
  for _, word in ipairs(words) do wide = math.max(wide, #word) end
  local each <const>, rows <const> = math.max(1, room // (wide + 2)), {}
  for i = 1, #words, each do
    local row <const> = {}
    for j = i, math.min(i + each - 1, #words) do
      row[#row + 1] = (" "):rep(wide - #words[j]) .. words[j]
    end
    rows[#rows + 1] = table.concat(row, ", ")
  end
  rows[#rows + 1] = last or nil
  return rows
end

local function is_numbers(words)
  for _, word in ipairs(words) do
    if not (word:find("^%-?%.?%d") or word:find("^%.%.%.")
      or word == "nan" or word:find("^%-?inf$")) then
      return false
    end
  end
  return true
end

local function count_of(t)
  local count = 0
  for _ in next, t do count = count + 1 end
  return count
end

-- The cells of a row, numbers and short strings such as {1, 2.5, "a"}; nil for other words.
local function cells_of(word)
  local inner <const> = word:match("^{([^{}\n]+)}$")
  local cells <const>, at = {}, 1
  while inner and at <= #inner do
    local cell <const> = inner:match('^"[^"\\]*"', at) or inner:match('^[^,"]+', at)
    if not cell or not (cell:find('^"') or is_numbers{cell}) then return nil end
    cells[#cells + 1], at = cell, at + #cell
    if at <= #inner then
      if inner:sub(at, at + 1) ~= ", " then return nil end
      at = at + 2
    end
  end
  return inner and cells
end

-- Rows that all have the same number of cells, {{1, 2.5, "a"}, {30, 4, "b"}}, below each other:
-- numbers at the right of their column, strings at the left. Other words stay as they are.
local function aligned(words)
  local rows <const>, wide <const> = {}, {}
  for i, word in ipairs(words) do
    rows[i] = cells_of(word)
    if not rows[i] or #rows[i] ~= #rows[1] then return words end
    for k, cell in ipairs(rows[i]) do wide[k] = math.max(wide[k] or 0, utf8.len(cell) or #cell) end
  end
  for i, row in ipairs(rows) do
    local line = ""
    for k, cell in ipairs(row) do
      local pad <const>, comma <const> = (" "):rep(wide[k] - (utf8.len(cell) or #cell)),
        k < #row and ", " or ""
      line = line .. (cell:find('^"') and cell .. comma .. (comma ~= "" and pad or "")
        or pad .. cell .. comma)
    end
    rows[i] = "{" .. line .. "}"
  end
  return rows
end

local function of_table(t, state, depth)
  if next(t) == nil then return "{}" end
  if state.within[t] then return ("<%s>"):format(state.within[t]) end
  if depth >= DEPTH then return ("{... %d}"):format(count_of(t)) end
  state.within[t] = depth == 0 and "itself" or ("%d levels up"):format(depth)
  local words = entries_of(t, state, depth)
  state.within[t] = nil
  local line <const> = "{" .. table.concat(words, ", ") .. "}"
  local room <const> = state.width - 2 * depth
  if #line <= room and not line:find("\n", 1, true) then return line end
  words = is_numbers(words) and in_columns(words, room - 2) or aligned(words)
  local indent <const> = ("  "):rep(depth + 1)
  return "{\n" .. indent .. table.concat(words, ",\n" .. indent) .. "\n" .. ("  "):rep(depth) .. "}"
end

function text_of(v, state, depth)
  state.parts = state.parts + 1
  if state.parts > PARTS then return "..." end
  local kind <const> = type(v)
  if kind == "nil" or kind == "boolean" then return tostring(v) end
  if kind == "number" then return of_number(v) end
  if kind == "string" then return quoted(v) end
  if kind == "function" then return of_function(v) end
  if depth > 0 and core.is_tensor(v) then return tensor_line(v) end
  local own <const>, why <const> = own_text(v, state.width)
  if own then return depth > 0 and own:gsub("\n.*", " ...") or own end
  local note <const> = why and (" (its __tostring: %s)"):format(why) or ""
  if kind == "table" then return of_table(v, state, depth) .. note end
  return why and kind .. note or tostring(v)
end

--- The text of a value as one line.
function M.line(v)
  local text <const> = text_of(v, {within = {}, parts = 0, width = math.huge}, 1)
  return (text:gsub("\n.*", " ..."))
end

--- Breaks a text at its ", " into lines of at most `width` columns.
M.filled = filled

--- The text of a value in lines of at most `width` columns, if its parts can be broken so.
function M.text(v, width) return text_of(v, {within = {}, parts = 0, width = width or 80}, 0) end

return M
