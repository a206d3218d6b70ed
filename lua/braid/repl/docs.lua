--- The help on a value: how to call it, the comment on it, arguments and options with their
-- defaults, examples, related names, and where it is written.
--
-- The help on an operator comes from its row in the core's table. For other functions of the core
-- it comes from core_docs.lua, and for all other values from the comments of their file.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local comments <const> = require "braid.repl.comments"
local core <const> = require "braid.core"
local core_docs <const> = require "braid.repl.core_docs"
local examples <const> = require "braid.repl.examples"
local folder <const> = require "braid.folder"
local members <const> = require "braid.repl.members"
local paragraphs <const> = require "braid.repl.paragraphs"

local M <const> = {}

-- The row of an operator, and whether the value is the operator's in-place form.
local function row_of(value)
  for _, row in ipairs(core.rows) do
    if core.ops[row.name] == value then return row, false end
    if core.ops[row.name .. "_"] == value then return row, true end
  end
end

-- Finds a function that the class itself defines. Its file has the class's comment.
local function own_method(handle)
  local first
  for name, member in pairs(handle) do
    if type(name) == "string" and type(member) == "function" and not (first and first < name) then
      first = name
    end
  end
  return class.own(handle, "init") or first and class.own(handle, first)
end

-- The value before any wrapping, and the path of its own file if it has one.
local function origin_of(value, name, place)
  if not place or not folder.is_named(place) then return value end
  local origin <const>, path <const> = folder.origin(place, name)
  return origin == nil and value or origin, path
end

-- Where the function of a value is written: its path and line.
local function place_of(value)
  local f <const> = class.is_class(value) and own_method(value) or calls.function_of(value)
  local info <const> = type(f) == "function" and debug.getinfo(f, "S")
  local path <const> = info and info.source:match("^@(.*)")
  return path, path and info.linedefined
end

-- The text of the comments on a value: the first comment of its own file, and the comment above its
-- function.
local function commented(value, name, place)
  local origin <const>, file <const> = origin_of(value, name, place)
  local path <const>, line <const> = place_of(origin)
  local own, parts, is_class <const> = file, nil, class.is_class(value)
  local block = path and not own and (comments.on(path, name)
    or not is_class and not comments.is_of(path, name) and comments.above(path, line))
  if not block and (is_class or path and comments.is_of(path, name)) then own = own or path end
  if own then
    parts = comments.parts(comments.first(own))
    block = not is_class and path == own and comments.above(path, line) or nil
    if block and block.from == 1 then block = nil end
  end
  local more <const> = block and comments.parts(block)
  if not parts then return more or comments.parts(nil), path or own, line end
  if more then
    parts.text[#parts.text + 1] = ""
    for _, key in ipairs{"text", "examples", "see", "returns", "overloads"} do
      table.move(more[key], 1, #more[key], #parts[key] + 1, parts[key])
    end
    for argument, sort in pairs(more.types) do parts.types[argument] = sort end
  end
  return parts, own, path == own and line or 1
end

-- The name as it is called: braid.F.relu(x), x:relu().
local function signature(chain, parameters, is_method)
  local last <const> = #chain
  local before <const> = table.concat(chain, ".", 1, last - 1)
  local name <const> = (before == "" and "" or before .. (is_method and ":" or ".")) .. chain[last]
  if not parameters then return name end
  local words <const> = table.move(parameters, is_method and 2 or 1, #parameters, 1, {})
  for i, word in ipairs(words) do words[i] = word == "given" and "{options}" or word end
  return ("%s(%s)"):format(name, table.concat(words, ", "))
end

local function add_all(lines, more) table.move(more, 1, #more, #lines + 1, lines) end

local function kind_line(name, kind)
  local default <const> = kind.default ~= nil and ", by default " .. check.shown(kind.default)
  local must <const> = kind.needed and not kind.positional and "; it must be given"
  return ("  %s: %s%s"):format(name, kind.says, default or must
    or kind.may_miss and kind.positional and ", may be left out" or "")
end

local function options_of(declared)
  local arguments <const>, options <const> = {}, {}
  for name, kind in pairs(declared and declared.kinds or {}) do
    local list <const> = kind.positional and arguments or options
    list[#list + 1] = kind_line(type(name) == "string" and name or ("[%s]"):format(name), kind)
  end
  table.sort(arguments)
  table.sort(options)
  if #arguments > 0 then table.insert(arguments, 1, "arguments:") end
  if #options > 0 then table.insert(options, 1, "options:") end
  add_all(arguments, options)
  return arguments
end

local function example_lines(list)
  local lines <const> = {}
  for _, example in ipairs(list) do
    lines[#lines + 1] = #lines == 0 and (#list > 1 and "examples:" or "example:") or nil
    for _, line in ipairs(examples.given(example)) do
      local shown <const> = "  " .. line
      local is_there = false
      for _, other in ipairs(lines) do is_there = is_there or other == shown end
      if not is_there then lines[#lines + 1] = shown end
    end
    for _, line in ipairs(example) do
      for _, entry in ipairs(examples.entries(line)) do lines[#lines + 1] = "  " .. entry end
    end
  end
  return lines
end

-- If a method only calls the function of the same name in braid.F, help describes that function.
local function function_of_method(value, name, place)
  if type(value) ~= "function" or rawget(core.tensor_metatable.methods, name) ~= value
    or row_of(value) or core_docs.of(value) then
    return value, place
  end
  local F <const> = require "braid".F
  local f <const> = folder.find(F, name)
  return f or value, f and F or place
end

-- The example of an operator, changed to its in-place form.
local function in_place_example(usage, row)
  local changed <const>, n <const> = usage:gsub(":" .. row.name .. "(%f[^%w_])", ":" .. row.name
    .. "_%1")
  if n > 0 then return changed end
  if usage:find(":" .. row.name .. "_(", 1, true) then return usage end
  return ("x:%s_(%s)"):format(row.name, row.args:find(" ", 1, true) and "2" or "")
end

-- The arguments as the comment on a function writes them, if a line begins with the call:
-- "data.mtfl(dir) -> ...". Declared options are added if the comment does not name them.
local function said_call(text, name, declared)
  local pattern <const> = "^[%w_.:]*%f[%w_]" .. name .. "(%b())"
  for _, line in ipairs(text) do
    local said <const> = line:match(pattern)
    if said then
      local has_options <const> = not declared or said:find("options", 1, true)
      if has_options then return said end
      return said:sub(1, -2) .. (said == "()" and "" or ", ") .. "{options})"
    end
  end
end

-- The names of arguments in "([path,] data, {options})".
local function names_in(said)
  local list <const> = {}
  local plain <const> = said:sub(2, -2):gsub("%b{}", "options"):gsub("=[^,]*", "")
  for word in plain:gmatch("[%w_.]+") do
    if list[#list] ~= word then list[#list + 1] = word end
  end
  return list
end

--- The facts about a value that can be called: {signature =, text =, options =, examples =, see =,
-- path =, line =, row = an operator's, parameters = names, declared = options; returns =, types =,
-- overloads = as comments.parts has them}. `place` is the table of names that it is a field of;
-- is_method tells that it is called with a colon.
function M.of(value, chain, place, is_method)
  local name <const> = chain[#chain]
  value, place = function_of_method(value, name, place)
  local row <const>, in_place <const> = row_of(value)
  local doc <const> = {options = {}, examples = {}, see = {}, returns = {}, types = {},
    overloads = {}}
  if row then
    doc.row, doc.in_place = row, in_place
    doc.signature = signature(chain, calls.parameters(value, name), is_method)
    doc.text = {row.doc .. (in_place and ", in place" or "")}
    doc.options = calls.argument_lines(row, is_method)
    local usage = row.usage
    if in_place and usage then usage = in_place_example(usage, row) end
    doc.examples = {{usage}}
    return doc
  end
  local own <const> = core_docs.of(value)
  if own then
    local parts <const> = comments.parts(own)
    local said <const> = table.remove(parts.text, 1):match("%(.*%)$") or "()"
    doc.signature, doc.parameters = signature(chain, nil, is_method) .. said, names_in(said)
    doc.text, doc.examples, doc.returns, doc.types = parts.text, parts.examples, parts.returns,
      parts.types
    return doc
  end
  local parts <const>, path <const>, line <const> = commented(value, name, place)
  local origin <const> = origin_of(value, name, place)
  local parameters = calls.parameters(origin, name)
  doc.signature = signature(chain, parameters, is_method)
  doc.declared = calls.options{chain = chain}
  if not parameters or parameters[1] == "..." then
    local said <const> = said_call(parts.text, name, doc.declared)
    if said then
      doc.signature, parameters = signature(chain, nil, is_method) .. said, names_in(said)
    end
  end
  doc.text, doc.examples, doc.see = parts.text, parts.examples, parts.see
  doc.returns, doc.types, doc.overloads = parts.returns, parts.types, parts.overloads
  doc.parameters = parameters
  doc.options = options_of(doc.declared)
  doc.path, doc.line = path, line
  return doc
end

--- Where a function or class is written, in words.
function M.where(value, doc)
  if doc and doc.path then return ("%s:%d"):format(comments.short(doc.path), doc.line) end
  if row_of(value) then return "an operator of the core, in C" end
  local f <const> = class.is_class(value) and own_method(value) or calls.function_of(value)
  local info <const> = type(f) == "function" and debug.getinfo(f, "S")
  if not info or info.what == "C" then return "in C" end
  return ("%s:%d"):format(comments.short(info.source:sub(2)), info.linedefined)
end

-- The results of a call, a line for each.
local function returned(doc)
  local lines <const> = {}
  for i, result in ipairs(doc.returns) do
    lines[i] = ("%s %s%s"):format(i == 1 and "returns" or "and", result.type,
      result.said ~= "" and ": " .. result.said or "")
  end
  return lines
end

local function is_called(value) return type(value) == "function" or class.is_class(value) end

--- The text of help on a value that a chain of names leads to, or nil. If a width is given, the
-- paragraphs of the comment are filled to it.
function M.text(value, chain, place, is_method, width)
  if is_called(value) then
    local doc <const> = M.of(value, chain, place, is_method)
    local lines <const> = {doc.signature}
    add_all(lines, width and paragraphs.filled(doc.text, width) or doc.text)
    add_all(lines, returned(doc))
    add_all(lines, doc.options)
    if class.is_class(value) then add_all(lines, require "braid.repl.methods".lines(value)) end
    add_all(lines, example_lines(doc.examples))
    local see <const> = require "braid.repl.related"(value, chain, doc.see)
    if #see > 0 then lines[#lines + 1] = "see also: " .. table.concat(see, ", ") end
    lines[#lines + 1] = "(" .. M.where(value, doc) .. ")"
    return table.concat(lines, "\n")
  end
  if type(value) == "table" and folder.is_named(value) then return M.contents(value, chain) end
  local handle <const> = class.of(value)
  if not handle then return nil end
  return table.concat({
    M.text(handle, {tostring(handle):match("^class ([%w_.]+)")}, nil, nil, width),
    "methods: " .. table.concat(members.names(handle), ", ")}, "\n")
end

--- The words in which a search looks: the comment and the options; and the options by name.
function M.words(value, chain, place, is_method)
  if not is_called(value) then return "", {} end
  local doc <const> = M.of(value, chain, place, is_method)
  return table.concat(doc.text, " ") .. " " .. table.concat(doc.options, " "),
    doc.declared and doc.declared.kinds or {}
end

--- A line on a value: the first sentence of its description.
function M.summary(value, chain, place, is_method)
  if not is_called(value) then return "" end
  local doc <const> = M.of(value, chain, place, is_method)
  local text <const> = table.concat(doc.text, "\n"):gsub("\n%s*\n.*", ""):gsub("%s+", " ")
  return (text:gsub("%.%s+%u.*$", "."):gsub("%.$", ""))
end

--- The names in a folder, each with the first sentence on it.
function M.contents(place, chain)
  local path <const> = table.concat(chain, ".")
  local lines <const>, wide = {path ~= "" and path or tostring(place):match("^[%w.]+")}, 0
  local names <const> = folder.names(place)
  for _, name in ipairs(names) do wide = math.max(wide, #name) end
  for _, name in ipairs(names) do
    local value <const> = place[name]
    local line <const> = ("  %s%s  %s"):format(name, (" "):rep(wide - #name),
      M.summary(value, {lines[1], name}, place))
    lines[#lines + 1] = #line <= 100 and line or line:sub(1, 97) .. "..."
  end
  return table.concat(lines, "\n")
end

return M
