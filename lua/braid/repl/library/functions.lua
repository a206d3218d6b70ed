--- The stub of a function: its comment, arguments, options and results with their types.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local comments <const> = require "braid.repl.comments"
local examples <const> = require "braid.repl.examples"
local types <const> = require "braid.repl.library.types"

local M <const> = {}

local function add(lines, form, ...)
  lines[#lines + 1] = select("#", ...) > 0 and form:format(...) or form
end

--- The lines of a comment that editors show: text, examples as code, what else to look at, and
-- where it is written.
function M.comment(doc, see, where)
  local lines <const> = {}
  local function part()
    if #lines > 0 then lines[#lines + 1] = "---" end
  end
  for _, line in ipairs(doc.text) do lines[#lines + 1] = ("--- " .. line):gsub("%s+$", "") end
  for i, example in ipairs(doc.examples) do
    if i == 1 then
      part()
      add(lines, "--- ```lua")
    end
    for _, line in ipairs(example) do
      for _, entry in ipairs(examples.entries(line)) do lines[#lines + 1] = "--- " .. entry end
    end
    if i == #doc.examples then add(lines, "--- ```") end
  end
  if see and #see > 0 then
    part()
    lines[#lines + 1] = "--- See also: " .. table.concat(see, ", ")
  end
  local place <const> = where or doc.path and ("%s:%d"):format(comments.short(doc.path), doc.line)
  if place then
    part()
    lines[#lines + 1] = "--- (" .. place .. ")"
  end
  return lines
end

-- ---- arguments ----------------------------------------------------------------------------

-- An argument is {name =, type =, optional =, said =, is_row = whether its numbers may also be
-- passed as several arguments}.

local function of_row(row)
  local list <const>, options <const> = {}, {}
  for i, argument in ipairs(calls.arguments_of(row)) do
    local each <const> = {name = argument.name, type = types.of_argument(argument),
      optional = argument.optional, said = calls.said(argument)}
    list[i] = each
    each.is_row = argument.kind == "I" or argument.kind == "D" and not argument.optional
    if not argument.kind:find("[tnl]") or argument.optional then options[#options + 1] = each end
  end
  return list, options
end

local function of_kind(name, kind)
  local default <const> = kind.default ~= nil and ", by default " .. check.shown(kind.default) or ""
  return {name = name, type = types.of_kind(kind), optional = not kind.needed,
    said = kind.says .. default}
end

local function declared_options(declared)
  local list <const> = {}
  for key in pairs(declared.kinds) do
    if math.type(key) then
      list[1] = {name = "[integer]", type = "any", optional = true,
        said = "what comes without a name"}
    end
  end
  for _, name in ipairs(check.sorted_keys(declared.kinds)) do
    local kind <const> = declared.kinds[name]
    if kind and not kind.positional then list[#list + 1] = of_kind(name, kind) end
  end
  return list
end

-- The arguments of a function in Lua. An argument without a declared kind and without @tparam may
-- be anything, and may be missing.
local function of_lua(doc)
  local list <const>, declared <const> = {}, doc.declared
  for i, name in ipairs(doc.parameters or {}) do
    local kind <const> = declared and declared.kinds[name]
    local each
    if (name == "given" or name == "options") and i == #doc.parameters and not doc.types[name] then
      each = {name = "options", is_options = true, optional = true, type = "table"}
    elseif kind then
      each = of_kind(name, kind)
    else
      each = {name = name:gsub("^_+", ""):gsub("%.", "_"), type = "any", optional = true}
    end
    if name == "..." then each.name, each.optional = "...", false end
    if each.name == "" then each.name = "argument" .. i end
    local said <const> = doc.types[name]
    if said then
      each.optional = said:find("%?$") ~= nil
      each.type = types.resolved((said:gsub("%?$", "")))
    end
    list[i] = each
  end
  return list, declared and declared_options(declared)
end

-- ---- writing ------------------------------------------------------------------------------

local function parameter(each)
  return ("%s%s: %s"):format(each.name, each.optional and each.name ~= "..." and "?" or "",
    each.type)
end

local function result_of(returns)
  local words <const> = {}
  for i, result in ipairs(returns) do words[i] = result.type end
  return ": " .. table.concat(words, ", ")
end

-- The class of a table of options.
local function options_class(name, options)
  local lines <const> = {"---@class " .. name}
  for _, each in ipairs(options) do
    add(lines, "---@field %s%s %s %s", each.name,
      each.optional and each.name ~= "[integer]" and "?" or "", each.type, each.said)
  end
  add(lines, "")
  return lines
end

-- Other ways to call: with a table of options in place of optional arguments, without the optional
-- arguments that come before needed ones, with numbers as several arguments.
local function overloads(list, options, returns, first)
  local found <const> = {}
  local function one(chosen)
    local words <const> = {first}
    for _, each in ipairs(chosen) do words[#words + 1] = parameter(each) end
    found[#found + 1] = ("---@overload fun(%s)%s"):format(table.concat(words, ", "),
      result_of(returns))
  end
  local needed, short <const> = 0, {}
  for i, each in ipairs(list) do
    if not each.optional and each.name ~= "..." then needed = i end
  end
  for i, each in ipairs(list) do
    local is_skipped <const> = i < needed and each.optional and each.type ~= "any"
    if not is_skipped then short[#short + 1] = each end
    if each.is_row then
      local row <const> = table.move(list, 1, i - 1, 1, {})
      row[i] = {name = each.name, type = "braid.whole"}
      row[i + 1] = {name = "...", type = "any"}
      one(row)
    end
  end
  if #short < #list then one(short) end
  local last <const> = list[#list]
  local top <const> = last and last.is_options and #list - 2 or #list - 1
  for i = needed, options and top or -1 do
    if i + 1 <= #list and list[i + 1].type ~= "any" then
      local cut <const> = table.move(list, 1, i, 1, {})
      cut[i + 1] = {name = "options", type = options}
      one(cut)
    end
  end
  return found
end

local ANYTHING <const> = {{type = "any"}} -- results of a function whose comment does not say them

local named = {} -- the class of a table of options, by declaration or row

--- Forgets the options that were written.
function M.begin() named = {} end

-- The results with the full names of types.
local function results_of(returns)
  local list <const> = {}
  for i, result in ipairs(returns) do
    list[i] = {type = types.resolved(result.type), said = result.said or ""}
  end
  return list
end

-- The class of a call's options, and its lines. There are none if an earlier call had the same
-- options.
local function class_of(doc, options, sort)
  if not options or #options == 0 then return nil, {} end
  local source <const> = doc.row or doc.declared
  if named[source] then return named[source], {} end
  named[source] = sort .. ".Options"
  return named[source], options_class(named[source], options)
end

-- Gives the argument that is the table of options its type.
local function type_options(list, name, options, takes_list)
  local is_needed = false
  for _, each in ipairs(options) do
    is_needed = is_needed or not each.optional
    takes_list = takes_list or each.name == "[integer]"
  end
  for _, each in ipairs(list) do
    if each.is_options then
      each.type = (name or "table") .. (takes_list and "|any[]" or "")
      each.optional = not is_needed
    end
  end
end

-- Adds the lines of a function's arguments and results, and the line of the function itself.
local function definition(lines, path, list, returns, others)
  local words <const> = {}
  for i, each in ipairs(list) do
    add(lines, "---@param %s%s %s%s", each.name, each.optional and each.name ~= "..." and "?" or "",
      each.type, each.said and " " .. each.said or "")
    words[i] = each.name
  end
  for _, result in ipairs(returns) do
    add(lines, "---@return %s%s", result.type, result.said ~= "" and " # " .. result.said or "")
  end
  table.move(others, 1, #others, #lines + 1, lines)
  add(lines, "function %s(%s) end", path, table.concat(words, ", "))
  return lines
end

--- The lines of a function's stub, after the lines of its options' class.
-- o: path = what it is called ("F.relu", "x:relu"), type = the name of its options' class without
-- ".Options", returns = a list of results if the comment has none, first = the type of the object
-- that a method has before its arguments, comment = lines. only_calls = true returns two lists for
-- the stub of a class: the lines of the options, and the lines of the ways to call it.
function M.stub(doc, o)
  local list, options
  if doc.row then list, options = of_row(doc.row) else list, options = of_lua(doc) end
  local returns <const> = results_of(#doc.returns > 0 and doc.returns or o.returns or ANYTHING)
  local name <const>, lines <const> = class_of(doc, options, o.type)
  type_options(list, name, not doc.row and options or {}, doc.unnamed)
  if o.first then table.remove(list, 1) end
  local others <const> = overloads(list, name, returns, o.first and "self: " .. o.first or nil)
  for _, each in ipairs(doc.overloads) do
    others[#others + 1] = "---@overload " .. types.resolved(each)
  end
  if o.only_calls then
    local words <const> = {}
    for i, each in ipairs(list) do words[i] = parameter(each) end
    table.insert(others, 1, ("---@overload fun(%s)%s"):format(table.concat(words, ", "),
      result_of(returns)))
    return lines, others
  end
  table.move(o.comment, 1, #o.comment, #lines + 1, lines)
  return definition(lines, o.path, list, returns, others)
end

return M
