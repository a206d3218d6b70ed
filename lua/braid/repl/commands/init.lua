--- The functions that the prompt adds to the globals. A function's file has its name, is read at
-- the first call, and returns f(session, ...).

local core <const> = require "braid.core"

local M <const> = {}

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)init%.lua$")

--- The names of the functions, sorted.
function M.names()
  local names <const> = {}
  for _, file in ipairs(core.list_folder(HOME) or {}) do
    local name <const> = file:match("^([%w_]+)%.lua$")
    if name and name ~= "init" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local known <const> = {}

--- Whether a name is the name of such a function.
function M.has(name) return known[name] == true end

--- The functions by name, for a session.
function M.of(session)
  local functions <const> = {}
  for _, name in ipairs(M.names()) do
    known[name] = true
    functions[name] = function(...) return require("braid.repl.commands." .. name)(session, ...) end
  end
  return functions
end

--- The first comment line of a command's file.
function M.said(name)
  local file <close> = assert(io.open(HOME .. name .. ".lua"))
  return (file:read("l"):gsub("^%-%-%- ", ""))
end

--- The comment of a command's file, filled to a width.
function M.text(name, width)
  local comments <const> = require "braid.repl.comments"
  local paragraphs <const> = require "braid.repl.paragraphs"
  local path <const> = HOME .. name .. ".lua"
  local lines <const> = paragraphs.filled(comments.first(path), width)
  return table.concat(lines, "\n") .. "\n(" .. comments.short(path) .. ")"
end

return M
