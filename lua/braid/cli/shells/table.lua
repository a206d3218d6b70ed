--- The table of commands, from which the completions of shells and the man page are made.
--
-- A row has name, usage (as -h shows it after "braid"), summary, more, options and words. An option
-- has name, said, flag, and for its value either values, a list, or path = "file" | "directory".
-- words lists the kinds of the words that the command takes: "model" (a network by name or file),
-- "network", "directory", "file", or a list of values. The last kind may repeat.

local arguments <const> = require "braid.arguments"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local definition <const> = require "braid.model.definition"
local folder <const> = require "braid.folder"

local M <const> = {}

-- Options whose values are paths; a command may have others, by `paths`.
local PATHS <const> = {dir = "directory", out = "directory", data = "file", config = "file",
  csv = "file", markdown = "file", latex = "file", prefix = "directory", python = "file"}

local function optimizers()
  local optim <const>, list <const> = require "braid.optim", {}
  for _, name in ipairs(folder.names(optim)) do
    local found <const> = optim[name]
    if class.is_class(found) and found.declared then list[#list + 1] = name end
  end
  return list
end

-- Options whose values are names in Braid.
local NAMES <const> = {
  optimizer = optimizers,
  weighting = function() return folder.names(require "braid.mtl.weighting") end,
}

local function option_of(name, kind, said, paths)
  local option <const> = {name = name, said = said, flag = kind.sort == "flag"}
  if kind.sort == "choice" then
    option.values = {}
    for i, value in ipairs(kind.values) do
      option.values[i] = value == true and "yes" or value == false and "no" or tostring(value)
    end
  elseif not option.flag then
    option.path = (paths or PATHS)[name] or PATHS[name]
    option.values = NAMES[name] and NAMES[name]()
  end
  return option
end

--- The names of the networks that come with Braid.
function M.models() return check.sorted_keys(definition.known()) end

-- The kinds of a command's words. A kind that stands for names becomes the list of these names.
local function words_of(words, commands)
  local list <const> = {}
  for i, kind in ipairs(words or {}) do
    list[i] = kind
    if kind == "model name" then list[i] = M.models() end
    if kind == "topic" then
      list[i] = table.move(M.models(), 1, #M.models(), #commands + 1,
        table.move(commands, 1, #commands, 1, {}))
    end
  end
  return list
end

--- The rows of all commands, sorted by name.
function M.rows()
  local commands <const> = folder("braid.cli", {internal = {"launcher"}})
  local rows <const>, names <const> = {}, folder.names(commands)
  for i, name in ipairs(names) do
    local command <const> = commands[name]
    local usage <const>, summary <const> = command.usage:match("^(.-)%s%s+(.*)$")
    local row <const> = {name = name, usage = usage, summary = summary, more = command.more,
      options = {}, words = words_of(command.words, names), many = (command.most or 0) > 1}
    local kinds <const> = arguments.kinds(command.options or {})
    for _, key in ipairs(check.sorted_keys(kinds)) do
      row.options[#row.options + 1] = option_of(key, kinds[key], command.said[key],
        command.paths)
    end
    if next(kinds) then
      row.options[#row.options + 1] = {name = "config", path = "file",
        said = "options by name, from a .json or .lua file; the command line wins"}
    end
    row.options[#row.options + 1] = {name = "help", flag = true, said = "explain the command's "
      .. "options"}
    rows[i] = row
  end
  return rows
end

--- The options of `braid` itself, with what they are.
M.OWN = {
  {"-e", "run code, or print the value of an expression"}, {"-m", "run a module"},
  {"-i", "start the prompt after a script"},
  {"--debug", "run a script; if it fails, look at its calls"},
  {"--version", "print the version"}, {"--help", "list all commands"},
}

return M
