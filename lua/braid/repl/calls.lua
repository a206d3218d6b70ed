--- The call around the cursor: its function, its argument and its option.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local members <const> = require "braid.repl.members"
local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

-- ---- finding the call ---------------------------------------------------------------------

--- The chain of names that ends at token i, such as braid.nn.Conv2d or net:forward. The first name
-- of the list is the outermost.
function M.chain_at(list, i)
  local names <const> = {}
  while list[i] and list[i].kind == "name" do
    table.insert(names, 1, list[i].text)
    local sign <const> = list[i - 1]
    if not sign or (sign.text ~= "." and sign.text ~= ":") then return names end
    i = i - 2
  end
  return nil
end

--- The value of a chain of names, or nil; and the value that has it as a field.
function M.value_of(session, chain)
  local value = rawget(session.env, chain[1])
  if value == nil then value = rawget(_G, chain[1]) end
  local owner
  for i = 2, #chain do
    if value == nil then return nil end
    owner = value
    value = members.get(value, chain[i])
  end
  return value, owner
end

-- The tokens before a place, without comments; nil if the place is inside a string.
local function code_before(text, at)
  local list <const> = {}
  for _, token in ipairs(tokens(text:sub(1, at - 1))) do
    if token.kind ~= "comment" then list[#list + 1] = token end
  end
  return list
end

--- The innermost bracket that is open at a place, or nil: {list =, at = its token, argument = the
-- number of the item around the place, option = the name before "=" in that item}.
function M.open_at(text, at)
  local list <const> = code_before(text, at)
  local depth, argument, option = 0, 1, nil
  for i = #list, 1, -1 do
    local token <const> = list[i]
    local word <const> = (token.kind == "sign" or token.kind == "keyword") and token.text
    if word == ")" or word == "]" or word == "}" or word == "end" then
      depth = depth + 1
    elseif word == "(" or word == "[" or word == "{" or word == "function" then
      if depth == 0 then
        return word ~= "function" and {list = list, at = i, argument = argument, option = option}
          or nil
      end
      depth = depth - 1
    elseif depth == 0 and word == "," then
      argument = argument + 1
    elseif depth == 0 and word == "=" and argument == 1 then
      option = option or list[i - 1] and list[i - 1].text
    end
  end
end

-- The token of the parenthesis that encloses token i.
local function enclosing(list, i)
  local depth = 0
  for j = i - 1, 1, -1 do
    local word <const> = list[j].kind == "sign" and list[j].text
    if word == ")" or word == "]" or word == "}" then depth = depth + 1 end
    if word == "(" or word == "[" or word == "{" then
      if depth == 0 then return word == "(" and j or nil end
      depth = depth - 1
    end
  end
end

--- The function whose call has the open bracket, or nil if no function is called by name there:
-- {chain =, value =, in_options = whether the place is in the table of options}.
function M.called(session, open)
  local list, at = open.list, open.at
  local in_options <const> = list[at].text == "{"
  if list[at].text == "[" then return nil end
  if in_options and list[at - 1] and (list[at - 1].text == "(" or list[at - 1].text == ",") then
    at = enclosing(list, at)
    if not at then return nil end
  end
  local chain <const> = M.chain_at(list, at - 1)
  if not chain then return nil end
  local value <const>, owner <const> = M.value_of(session, chain)
  if value == nil then return nil end
  return {chain = chain, value = value, owner = owner, in_options = in_options}
end

-- ---- describing it ------------------------------------------------------------------------

--- The declared options of a call, or nil.
function M.options(call)
  local chain <const> = call.chain
  for from = 1, #chain do
    local declared <const> = check.declared[table.concat(chain, ".", from)]
    if declared then return declared end
  end
end

-- The Lua function that a call runs: a class's init, or the innermost function that Braid wrapped,
-- or the function that it reads from a file when it is first called.
local function function_of(value)
  if class.is_class(value) then
    local handle = value
    while handle do
      local init <const> = class.own(handle, "init")
      if init then return init, true end
      handle = handle.base
    end
    return nil
  end
  if type(value) ~= "function" then return nil end
  local info <const> = debug.getinfo(value, "Su")
  if info.isvararg and info.source:find("braid/[%w_/]+%.lua$") then
    for i = 1, info.nups do
      local name <const>, inner <const> = debug.getupvalue(value, i)
      if name == "f" and type(inner) == "function" then return function_of(inner) end
      if name == "module" and type(inner) == "string" and inner:find("^braid%.[%w_.]+$") then
        return function_of(require(inner))
      end
    end
  end
  return value
end

M.function_of = function_of

local rows -- the rows of operators, by name

local function row_of(name)
  if not rows then
    rows = {}
    for _, row in ipairs(core.rows) do rows[row.name] = row end
  end
  return rows[name] or rows[(name:gsub("_$", ""))]
end

-- The kinds of an operator's arguments, by the letters of csrc/op/signature.c.
local KINDS <const> = {t = "a tensor", n = "a tensor or a number", l = "a list of tensors",
  f = "a number", v = "a number, true or false", i = "a whole number", b = "true or false",
  s = "a string", y = 'an element type, such as "float32"',
  d = "a dimension, negative from the end", k = "an index, negative from the end",
  D = "dimensions, in a row or a list", I = "whole numbers, in a row or a list",
  p = "a number or {h, w}", P = 'a number, {h, w} or "same"'}

-- The words of a range such as (0,inf).
local function range_words(range)
  local open <const>, low <const>, high <const>, close <const> =
    range:match("^([%[(])(.-),(.-)([%])])$")
  local words <const> = {}
  if low and low ~= "-inf" then words[1] = (open == "(" and "above " or "from ") .. low end
  if low and high ~= "inf" then words[#words + 1] = (close == ")" and "below " or "to ") .. high end
  return #words > 0 and " " .. table.concat(words, " ") or ""
end

--- The arguments of a row: {name =, kind =, optional =, default =, range =}; dimensions and indices
-- from 1, as users count.
local function arguments_of(row)
  local list <const> = {}
  for argument in row.args:gmatch("%S+") do
    local name <const>, kind <const>, optional <const>, rest <const> =
      argument:match("^([%w_]+):(%a)(%??)(.*)$")
    if not name then return nil end
    local default = rest:match("^=([^%[(]+)")
    if default and (kind == "d" or kind == "k") and not default:find("^%-") then
      default = tostring(math.tointeger(default) + 1)
    end
    if default and kind == "s" then default = ("%q"):format(default) end
    list[#list + 1] = {name = name, kind = kind, optional = optional ~= "" or default ~= nil,
      default = default, range = rest:match("[%[(].*$") or ""}
  end
  return list
end

M.arguments_of = arguments_of

--- The values that an argument of an operator accepts, in words.
function M.said(argument)
  return KINDS[argument.kind] .. range_words(argument.range)
    .. (argument.default and ", by default " .. argument.default
    or argument.optional and ", may be left out" or "")
end

--- A line on each argument of an operator's row. For a method the first argument, its object, is
-- left out.
function M.argument_lines(row, is_method)
  local lines <const> = {}
  for i, argument in ipairs(arguments_of(row) or {}) do
    if i == 1 and not is_method or i == 2 and is_method then lines[1] = "arguments:" end
    if i > 1 or not is_method then
      lines[#lines + 1] = ("  %s: %s"):format(argument.name, M.said(argument))
    end
  end
  return lines
end

--- The names of a function's parameters.
function M.parameters(value, name)
  local list <const> = {}
  local row <const> = row_of(name)
  if row and (core.ops[name] == value) then
    for i, argument in ipairs(arguments_of(row) or {}) do
      list[i] = argument.name .. (argument.default and " = " .. argument.default
        or argument.optional and "?" or "")
    end
    return #list > 0 and list or nil
  end
  local f <const>, is_init <const> = function_of(value)
  local info <const> = f and debug.getinfo(f, "Su")
  if not info or info.what == "C" then return nil end
  for i = is_init and 2 or 1, info.nparams do list[#list + 1] = debug.getlocal(f, i) end
  if info.isvararg then list[#list + 1] = "..." end
  return list
end

return M
