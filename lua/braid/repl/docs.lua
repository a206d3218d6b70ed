--- The help text of a value: how to call it, the comment above it, its options, its file.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"

local M <const> = {}

-- The lines of a comment without its marks and without the blanks that all lines begin with.
local function plain(lines)
  for i, line in ipairs(lines) do lines[i] = line:gsub("^%s*%-%-%-? ?", "") end
  return lines
end

-- The comment above a line of a file.
local function comment_above(path, number)
  local file <close> = io.open(path)
  if not file then return {} end
  local lines, i = {}, 0
  for line in file:lines() do
    i = i + 1
    if i >= number then break end
    if line:find("^%s*%-%-") then lines[#lines + 1] = line else lines = {} end
  end
  return plain(lines)
end

-- The comment at the beginning of a file.
local function comment_of(path)
  local file <close> = io.open(path)
  local lines <const> = {}
  for line in file and file:lines() or function() end do
    if not line:find("^%-%-") then break end
    lines[#lines + 1] = line
  end
  return plain(lines)
end

local function options_of(chain)
  local declared <const> = calls.options{chain = chain}
  local lines <const> = {}
  for name, kind in pairs(declared and declared.kinds or {}) do
    if type(name) == "string" and not kind.positional then
      local default <const> = kind.default ~= nil and ", by default " .. check.shown(kind.default)
      lines[#lines + 1] = ("  %s: %s%s"):format(name, kind.says, default or "")
    end
  end
  table.sort(lines)
  if #lines > 0 then table.insert(lines, 1, "options:") end
  return lines
end

local function row_of(value)
  for _, row in ipairs(core.rows) do
    if core.ops[row.name] == value then return row end
  end
end

-- Descriptions of the core's functions that are not operators.
local CORE <const> = {
  get_threads = {"get_threads()", "how many threads operators use"},
  is_tensor = {"is_tensor(x)", "whether x is a tensor"},
  manual_seed = {"manual_seed(n)", "begins Braid's random numbers anew"},
  memory = {"memory()", "{live =, peak =}: bytes of tensors and their scratch"},
  scope = {"scope()", "until it closes, tensors made and not kept go with it",
    "@usage local _ <close> = braid.scope()"},
  set_threads = {"set_threads(n)", "how many threads operators use from here on"},
  set_winograd = {"set_winograd(on)", "whether 3x3 convolutions may go by Winograd's way; returns "
    .. "whether they did"},
}

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

local function of_called(value, chain)
  local name <const> = chain[#chain]
  local row <const> = row_of(value)
  local own <const> = CORE[name]
  if own and rawequal(require "braid"[name], value) then return {table.unpack(own)} end
  local parameters <const> = calls.parameters(value, row and row.name or name)
  local lines <const> = {parameters and ("%s(%s)"):format(table.concat(chain, "."),
    table.concat(parameters, ", ")) or table.concat(chain, ".")}
  if row then
    lines[2] = row.doc
    return lines
  end
  local f <const> = class.is_class(value) and own_method(value) or calls.function_of(value)
  local info <const> = f and debug.getinfo(f, "S")
  local path <const> = info and info.source:match("^@(.*)")
  local above = path and comment_above(path, info.linedefined) or {}
  if path and #above == 0 or class.is_class(value) then above = comment_of(path or "") end
  table.move(above, 1, #above, #lines + 1, lines)
  local options <const> = options_of(chain)
  table.move(options, 1, #options, #lines + 1, lines)
  if path then lines[#lines + 1] = ("(%s:%d)"):format(info.short_src, info.linedefined) end
  return lines
end

--- The help text of a value that the user named by a chain of names.
function M.text(value, chain)
  if type(value) == "function" or class.is_class(value) then
    return table.concat(of_called(value, chain), "\n")
  end
  if type(value) == "table" and folder.is_named(value) then return tostring(value) end
  local handle <const> = class.of(value)
  return handle and table.concat(of_called(handle, {tostring(handle):match("^class ([%w_.]+)")}),
    "\n") or nil
end

local PLACES <const> = {"nn", "F", "mtl", "data", "optim", "train", "plot", "io", "loss"}

--- Braid's names that contain a word, as lists of names.
function M.search(word)
  local braid <const>, found <const> = require "braid", {}
  word = word:lower()
  for _, name in ipairs(folder.names(braid)) do
    if name:lower():find(word, 1, true) then found[#found + 1] = {"braid", name} end
  end
  for _, place in ipairs(PLACES) do
    for _, name in ipairs(folder.names(braid[place])) do
      if name:lower():find(word, 1, true) then found[#found + 1] = {"braid", place, name} end
    end
  end
  return found
end

return M
