--- Makes the files that editors read: ---@meta stubs from the table of operators, the declared
-- options and the comments, as help shows them. `braid library DIR` writes them.
--
-- Every class of Braid is a type with the name that users write, braid.nn.Conv2d; a table of
-- options is a type too, braid.nn.Conv2d.Options.

local class <const> = require "braid.class"
local comments <const> = require "braid.repl.comments"
local core <const> = require "braid.core"
local docs <const> = require "braid.repl.docs"
local folder <const> = require "braid.folder"
local functions <const> = require "braid.repl.library.functions"
local members <const> = require "braid.repl.members"
local names <const> = require "braid.repl.names"
local related <const> = require "braid.repl.related"
local types <const> = require "braid.repl.library.types"

local M <const> = {}

local HEAD <const> = "---@meta%s\n-- Made by `braid library`; changes here are lost.\n"

-- The types that functions of a place or of a folder return if their comments do not say it.
local GIVES <const> = {
  ["braid.F"] = "Tensor", ["braid.loss"] = "Tensor", ["braid.optim"] = "fun(...: any): any",
  ["braid/mtl/mixers"] = "Mixer_recipe",
}

local function append(lines, more) return table.move(more, 1, #more, #lines + 1, lines) end

local function is_place(value)
  if type(value) ~= "table" then return false end
  if folder.is_named(value) then return true end
  if getmetatable(value) ~= nil then return false end
  for _, f in next, value do
    if type(f) ~= "function" then return false end
  end
  return next(value) ~= nil
end

-- ---- classes ------------------------------------------------------------------------------

local EVENTS <const> = {"add", "sub", "mul", "div", "idiv", "mod", "pow"}

-- The methods that a class itself has, sorted.
local function own_methods(handle)
  local list <const> = {}
  for name, f in pairs(handle) do
    if type(f) == "function" and name:find("^%l[%w_]*$") and name ~= "init" then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

-- How methods name the object; "_" if they do not need it.
local IS_SELF <const> = {self = true, _ = true, module = true, net = true}

local function is_said(f, name) return #docs.of(f, {"", name}, nil, true).text > 0 end

local function method_lines(object, sort, name, f)
  local doc <const> = docs.of(f, {sort, name}, nil, true)
  local parameters <const> = doc.parameters or {"..."}
  local is_static <const> = not IS_SELF[parameters[1]] and not doc.row
  doc.parameters = parameters
  local lines <const> = functions.stub(doc, {path = object .. (is_static and "." or ":") .. name,
    type = sort .. "." .. name, first = not is_static and sort or nil,
    comment = functions.comment(doc)})
  lines[#lines + 1] = ""
  return lines
end

local function class_comment(handle, chain, place)
  local doc <const> = docs.of(handle, chain, place)
  return functions.comment(doc, place and related(handle, chain, doc.see))
end

-- The type of the objects of a class, and the type of the class itself, which is called to make an
-- object. Objects also have fields that no table lists.
local function class_lines(handle, sort, chain, place)
  local doc <const> = docs.of(handle, chain, place)
  local meta <const>, base <const> = class.metatable(handle), handle.base
  local text <const> = class_comment(handle, chain, place)
  local lines <const> = append({"do"}, text)
  lines[#lines + 1] = ("---@class %s%s"):format(sort, base and ": " .. types.of_class(base) or "")
  if not base then lines[#lines + 1] = "---@field [any] any" end
  if meta.__call then lines[#lines + 1] = "---@overload fun(...: any): any" end
  if meta.__len then lines[#lines + 1] = "---@operator len: integer" end
  append(lines, {"local object = {}", ""})
  for _, name in ipairs(own_methods(handle)) do
    local f <const> = class.own(handle, name)
    -- a method without its own comment is left out if the base has it: editors show the base's
    if not base or base[name] == nil or is_said(f, name) then
      append(lines, method_lines("object", sort, name, f))
    end
  end
  doc.unnamed = handle.unnamed ~= nil -- fields that may come without their names
  local options <const>, calls <const> = functions.stub(doc, {type = sort, only_calls = true,
    returns = {{type = sort}}})
  append(lines, options)
  append(lines, {("---@class %s.Class: %s"):format(sort, sort)})
  append(append(lines, calls), {"local made = {}", "end", ""})
  return lines
end

-- ---- places -------------------------------------------------------------------------------

-- The types that an operator or a function of braid.F returns.
local function results(doc)
  local returns <const> = {{type = "Tensor"}}
  for i = 2, not doc.in_place and doc.row and doc.row.results or 1 do
    returns[i] = {type = "Tensor"}
  end
  return returns
end

local function function_lines(item, sort, path)
  local doc <const> = docs.of(item.value, item.chain, item.place)
  local gives = GIVES[table.concat(item.chain, ".", 1, #item.chain - 1)]
    or doc.path and GIVES[comments.short(doc.path):match("^(.*)/")]
  gives = gives and {{type = gives}}
  local is_operator <const> = doc.row
    or rawequal(folder.find(require "braid".F, item.chain[#item.chain]), item.value)
  return functions.stub(doc, {path = path, type = sort,
    returns = is_operator and results(doc) or gives,
    comment = functions.comment(doc, related(item.value, item.chain, doc.see),
      docs.where(item.value, doc))})
end

local PLAIN <const> = {number = true, string = true, boolean = true}

-- The lines of a place between do and end, because a file may have only 200 locals.
local function closed(before, lines)
  return append(append(append(before, {"do"}), lines), {"end", ""})
end

-- The fields of a place. The classes and places in it come before it, as the first result.
local function place_lines(place, chain, seen)
  local sort <const>, name <const> = table.concat(chain, "."), chain[#chain]
  local before <const> = {}
  local lines <const> = {"---@class " .. sort, ("local %s = {}"):format(name), ""}
  seen[place] = true
  local fields <const> = members.names(place)
  for _, field in ipairs(fields) do
    local value <const> = place[field]
    local longer <const> = table.move(chain, 1, #chain, 1, {})
    longer[#longer + 1] = field
    local inner <const>, path <const> = sort .. "." .. field, name .. "." .. field
    if class.is_class(value) then
      local known <const> = types.of_class(value)
      if known == inner then append(before, class_lines(value, inner, longer, place)) end
      append(lines, class_comment(value, longer, place))
      append(lines, {"---@type " .. known .. ".Class", path .. " = nil", ""})
    elseif type(value) == "function" then
      local item <const> = {value = value, chain = longer, place = place}
      append(append(lines, function_lines(item, inner, path)), {""})
    elseif is_place(value) then
      if not seen[value] and #chain > 1 then
        append(before, closed(place_lines(value, longer, seen)))
      end
      append(lines, {"---@type " .. inner, path .. " = nil", ""})
    else
      append(lines, {"---@type " .. (PLAIN[type(value)] and type(value) or "any"),
        path .. " = nil", ""})
    end
  end
  return before, lines
end

-- ---- tensors ------------------------------------------------------------------------------

local TENSOR <const> = [=[
--- An array of numbers, with a gradient if it was asked for.
---@class braid.Tensor
---@field shape integer[] the sizes
---@field dtype braid.dtype the type of the elements
---@field requires_grad boolean whether a gradient is recorded
---@field grad braid.Tensor? the gradient that backward left
---@field grad_fn string? the operator that made it, where a gradient is recorded
---@field [integer|table] any a part: x[2], x[{ {2, 5}, {}, -1 }], or by a mask x[mask]]=]

local function tensor_lines()
  local meta <const>, methods <const> = core.tensor_metatable, core.tensor_metatable.methods
  local lines <const> = {}
  for _, alias in ipairs(types.ALIASES) do
    append(lines, {"--- " .. alias[3], ("---@alias %s %s"):format(alias[1], alias[2]), ""})
  end
  lines[#lines + 1] = TENSOR
  for _, event in ipairs(EVENTS) do
    if meta["__" .. event] then
      lines[#lines + 1] = ("---@operator %s(braid.Tensor|number): braid.Tensor"):format(event)
    end
  end
  append(lines, {"---@operator unm: braid.Tensor", "---@operator len: integer", "local x = {}", ""})
  local list <const> = {}
  for name in next, methods do list[#list + 1] = name end
  table.sort(list)
  for _, name in ipairs(list) do
    local doc <const> = docs.of(methods[name], {"x", name}, nil, true)
    if not doc.path and not doc.row then table.insert(doc.parameters, 1, "self") end
    append(lines, functions.stub(doc, {path = "x:" .. name, type = "braid.Tensor." .. name,
      first = types.TENSOR, returns = results(doc),
      comment = functions.comment(doc, nil, docs.where(methods[name], doc))}))
    lines[#lines + 1] = ""
  end
  return lines
end

-- ---- files --------------------------------------------------------------------------------

-- The globals of definitions and of the prompt.
local GLOBALS <const> = {"braid", "nn", "mtl", "data", "optim", "train", "plot", "F"}

local CLASS <const> = {
  "--- Makes a class: class(\"Mine\", nn.Module). Its init is called with the arguments.",
  "---@param name string", "---@param base? any", "---@return any"}

local function global_lines()
  local lines <const> = {}
  for _, name in ipairs(GLOBALS) do
    local sort <const> = name == "braid" and name or "braid." .. name
    append(lines, {"---@type " .. sort, name .. " = nil", ""})
  end
  return append(append(lines, CLASS), {"function class(name, base) end"})
end

-- The types of public classes by handle, the first name of each.
local function public_classes()
  local of <const> = {}
  for _, item in ipairs(names.all()) do
    if class.is_class(item.value) then
      of[item.value] = of[item.value] or table.concat(item.chain, ".")
    end
  end
  return of
end

--- All files, {name = text}; and the classes that have no public name, a list of {type, handle}.
function M.files()
  local braid <const> = require "braid"
  types.begin(public_classes())
  functions.begin()
  local files <const>, seen <const> = {}, {[braid] = true}
  local function write(name, lines, module)
    files[name .. ".lua"] = HEAD:format(module or " _") .. "\n" .. table.concat(lines, "\n") .. "\n"
  end
  for _, name in ipairs(folder.names(braid)) do
    if is_place(braid[name]) then
      write(name, closed(place_lines(braid[name], {"braid", name}, seen)))
    end
  end
  local before <const>, lines <const> = place_lines(braid, {"braid"}, seen)
  write("braid", append(append(before, lines), {"return braid"}), " braid")
  write("tensor", tensor_lines())
  -- scripts may also use braid.core, which promises nothing, braid.check and braid.class
  write("core", {"---@type table<string, any>", "local core = {}", "return core"}, " braid.core")
  write("check", {"---@type table<string, any>", "local check = {}", "return check"},
    " braid.check")
  write("class", append(append({}, CLASS),
    {"local function class(name, base) end", "return class"}), " braid.class")
  write("globals", global_lines())
  local more <const>, objects <const>, list = {}, {}, types.newly_used()
  while #list > 0 do
    for _, each in ipairs(list) do
      local sort <const>, handle <const> = table.unpack(each)
      if not seen[sort] then
        seen[sort] = true
        objects[#objects + 1] = each
        append(more, class_lines(handle, sort, {sort}))
      end
    end
    list = types.newly_used()
  end
  write("objects", more)
  return files, objects
end

return M
