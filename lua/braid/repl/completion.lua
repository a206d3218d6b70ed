--- Completion: finds the words that fit at the cursor, and a line about the call around the cursor.
-- It calls none of the user's functions (members.lua).

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local members <const> = require "braid.repl.members"
local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

local KEYWORDS <const> = {"and", "break", "do", "else", "elseif", "end", "false", "for", "function",
  "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until",
  "while"}

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)repl/completion%.lua$")

-- ---- inside a string ----------------------------------------------------------------------

local function files_in(prefix)
  local folder <const>, items <const> = prefix:match("^(.*/)") or "", {}
  local home <const> = os.getenv("HOME")
  local path <const> = folder:find("^~/") and home and home .. folder:sub(2) or folder
  local files <const>, folders <const> = core.list_folder(path == "" and "." or path)
  for _, name in ipairs(folders or {}) do items[#items + 1] = {text = folder .. name .. "/"} end
  for _, name in ipairs(files or {}) do items[#items + 1] = {text = folder .. name} end
  return items
end

-- The definitions that come with Braid.
local function models()
  local items <const> = {}
  for _, place in ipairs{HOME .. "models", HOME .. "../../models"} do
    for _, name in ipairs((core.list_folder(place)) or {}) do
      if name:find("%.lua$") then items[#items + 1] = {text = "models/" .. name} end
    end
    if #items > 0 then break end
  end
  return items
end

-- "TASK.METRIC" for the tasks among the variables.
local function metrics(session)
  local items <const> = {}
  for _, value in next, session.env do
    local handle <const> = class.of(value)
    local of <const> = handle and class.own(handle, "metrics")
    local fine <const>, known <const> = pcall(of or error, value)
    for task, list in pairs(fine and type(known) == "table" and known or {}) do
      for _, metric in ipairs(list) do
        items[#items + 1] = {text = task .. "." .. metric.name, said = metric.direction}
      end
    end
  end
  return items
end

local function in_string(session, list, prefix)
  local before <const>, two_before <const> = list[#list - 1], list[#list - 2]
  local name <const> = before and (before.kind == "name" and before.text
    or before.text == "(" and two_before and two_before.text
    or before.text == "=" and two_before and two_before.text)
  if name == "best" and before.text == "=" then return metrics(session) end
  local items <const> = files_in(prefix)
  if name == "model" then table.move(models(), 1, 100, #items + 1, items) end
  return items
end

-- ---- names --------------------------------------------------------------------------------

local function kind_of(value)
  if class.is_class(value) then return "class" end
  if core.is_tensor(value) then
    return ("tensor {%s} %s"):format(table.concat(value.shape, ", "), value.dtype)
  end
  local kind <const> = type(value)
  if kind == "number" or kind == "boolean" then return tostring(value) end
  return kind ~= "nil" and kind or nil
end

local function globals(session)
  local items <const>, seen <const> = {}, {}
  for _, t in ipairs{session.env, _G} do
    for name, value in next, t do
      if type(name) == "string" and name:find("^[%a_][%w_]*$") and not seen[name] then
        seen[name] = true
        items[#items + 1] = {text = name, said = kind_of(value)}
      end
    end
  end
  for _, word in ipairs(KEYWORDS) do items[#items + 1] = {text = word} end
  return items
end

local function fields(value)
  local items <const> = {}
  for _, name in ipairs(members.names(value)) do
    items[#items + 1] = {text = name}
  end
  return items
end

-- The options of the call whose table the cursor is in.
local function options(session, text, from)
  local open <const> = calls.open_at(text, from)
  local call <const> = open and calls.called(session, open)
  local declared <const> = call and call.in_options and calls.options(call)
  local items <const> = {}
  for name, kind in pairs(declared and not open.option and declared.kinds or {}) do
    if type(name) == "string" and not kind.positional then
      local default <const> = kind.default ~= nil and ", by default " .. check.shown(kind.default)
      items[#items + 1] = {text = name .. " = ", said = kind.says .. (default or "")}
    end
  end
  return items
end

local function fitting(items, prefix)
  local list <const>, seen <const> = {}, {}
  for _, item in ipairs(items) do
    if item.text:sub(1, #prefix) == prefix and not seen[item.text]
      and (prefix ~= "" or not item.text:find("^_")) then
      seen[item.text] = true
      list[#list + 1] = item
    end
  end
  table.sort(list, function(a, b) return a.text < b.text end)
  return list
end

--- The words that may continue the text at a place: {from = where the word begins, items = {{text
-- =, said = description}, ...}}.
function M.find(session, text, at)
  local before <const> = text:sub(1, at - 1)
  local list <const> = tokens(before)
  local last <const> = list[#list]
  if last and last.kind == "comment" and last.to == #before then return {from = at, items = {}} end
  if last and last.open then
    local from <const> = last.from + (last.text:match("^%[=*%[()") or 2) - 1
    local prefix <const> = before:sub(from)
    return {from = from, items = fitting(in_string(session, list, prefix), prefix)}
  end
  local from <const> = before:match("()[%a_][%w_]*$") or at
  local prefix <const> = before:sub(from)
  if before:find("%d$") and from == at then return {from = at, items = {}} end
  if prefix ~= "" then list[#list] = nil end
  local sign <const> = list[#list]
  if sign and (sign.text == "." or sign.text == ":") and sign.kind == "sign" then
    local chain <const> = calls.chain_at(list, #list - 1)
    local value = chain and calls.value_of(session, chain)
    if not chain and list[#list - 1] and list[#list - 1].kind == "string" then value = "" end
    return {from = from, items = value ~= nil and fitting(fields(value), prefix) or {}}
  end
  local own <const> = fitting(options(session, text, from), prefix)
  if #own > 0 then return {from = from, items = own} end
  return {from = from, items = prefix ~= "" and fitting(globals(session), prefix) or {}}
end

--- The text that all items begin with.
function M.common(items)
  local common = items[1].text
  for i = 2, #items do
    local text <const> = items[i].text
    local n = 0
    while n < #common and common:byte(n + 1) == text:byte(n + 1) do n = n + 1 end
    common = common:sub(1, n)
  end
  return common
end

-- ---- showing ------------------------------------------------------------------------------

local FEW <const>, LIMIT <const> = 12, 15 -- the most items with a line each, and the most lines

--- The items as lines of at most `columns` columns. A few items have a line each, with their
-- descriptions; many are set in columns.
function M.list(items, columns)
  local wide, said, lines <const> = 0, false, {}
  for _, item in ipairs(items) do
    wide, said = math.max(wide, #item.text), said or item.said
  end
  if #items <= FEW and said then
    for _, item in ipairs(items) do
      lines[#lines + 1] = item.text .. (" "):rep(wide - #item.text + 2) .. (item.said or "")
    end
    return lines
  end
  local each <const> = math.max(1, (columns - 1) // (wide + 2))
  local count <const> = (#items + each - 1) // each
  for row = 1, math.min(count, LIMIT) do
    local words <const> = {}
    for i = row, #items, count do
      words[#words + 1] = items[i].text .. (" "):rep(wide - #items[i].text)
    end
    lines[row] = table.concat(words, "  ")
  end
  if count > LIMIT then lines[#lines + 1] = ("... %d in all"):format(#items) end
  return lines
end

-- The parameters as text, with angle brackets around the parameter that the cursor is in.
local function parameters_text(list, current)
  local words <const> = {}
  for i, name in ipairs(list) do
    local here <const> = i == current or i == #list and name == "..." and current > i
    words[i] = here and "<" .. name .. ">" or name
  end
  return "(" .. table.concat(words, ", ") .. ")"
end

-- The kind of the option whose name is before the cursor; without such an option, all names.
local function options_text(call, option)
  local declared <const> = calls.options(call)
  if not declared then return nil end
  local kind <const> = option and declared.kinds[option]
  if kind then return ("%s: %s"):format(option, kind.says) end
  local names <const> = {}
  for name, k in pairs(declared.kinds) do
    if type(name) == "string" and not k.positional then names[#names + 1] = name end
  end
  table.sort(names)
  return ("%s{%s}"):format(call.chain[#call.chain], table.concat(names, ", "))
end

--- A line about the call around a place, or nil.
function M.signature(session, text, at)
  local open <const> = calls.open_at(text, at)
  local call <const> = open and calls.called(session, open)
  if not call then return nil end
  if call.in_options then return options_text(call, open.option) end
  local name <const> = call.chain[#call.chain]
  local list <const> = calls.parameters(call.value, name)
  return list and name .. parameters_text(list, open.argument)
end

return M
