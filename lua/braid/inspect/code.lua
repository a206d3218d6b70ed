--- Reads a text of Lua without running it: whether it compiles, which of Braid's names it uses, and
-- which options it reads.

local check <const> = require "braid.check"
local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

local OURS <const> = {nn = true, mtl = true, braid = true}
-- Globals that the sandbox of definitions lacks, and scripts have.
local OUTSIDE <const> = {require = true, io = true, os = true, package = true, dofile = true,
  loadfile = true, load = true, arg = true, debug = true}

-- The list without comments.
local function bare(text)
  local list <const> = {}
  for _, t in ipairs(tokens(text)) do
    if t.kind ~= "comment" then list[#list + 1] = t end
  end
  return list
end

-- The name of the second parameter of the function that the text returns; true if it returns
-- another value; nil if it returns nothing.
local function returned(list)
  for i, t in ipairs(list) do
    if t.text == "return" and t.depth == 0 then
      local f <const> = list[i + 1]
      if not f or f.text ~= "function" then return true end
      local second <const> = list[i + 4] and list[i + 4].text == "," and list[i + 5]
      return second and second.kind == "name" and second.text or ""
    end
  end
end

-- Whether a name is a variable: no field, and no key in a table's braces.
local function is_free(t, before, after)
  if t.kind ~= "name" or before and (before.text == "." or before.text == ":") then return false end
  local key <const> = after and after.text == "=" and before
    and (before.text == "{" or before.text == ",")
  return not key
end

--- {lines = of code, takes = {options}, uses = {names of Braid's}, outside = {globals that no
-- definition has}, returns = "function", "value" or nil, problem = why it does not compile}.
function M.read(text, name)
  local list <const>, lines <const>, at, line = bare(text), {}, 1, 1
  local options <const>, uses <const>, outside <const> = {}, {}, {}
  local given <const> = returned(list)
  for i, t in ipairs(list) do
    line, at = line + select(2, text:sub(at, t.from - 1):gsub("\n", "")), t.from
    lines[line] = true
    local before <const>, sign <const>, field <const> = list[i - 1], list[i + 1], list[i + 2]
    local free <const> = is_free(t, before, sign)
    local dotted <const> = free and sign and sign.text == "." and field and field.kind == "name"
    if dotted and OURS[t.text] then uses[t.text .. "." .. field.text] = true end
    if dotted and t.text == given then options[field.text] = true end
    if free and OUTSIDE[t.text] then outside[t.text] = true end
  end
  local chunk <const>, why <const> = load(text, "=" .. name, "t", {})
  return {lines = #check.sorted_keys(lines), takes = check.sorted_keys(options),
    uses = check.sorted_keys(uses), outside = check.sorted_keys(outside),
    returns = given and (given == true and "value" or "function") or nil,
    problem = not chunk and why or nil}
end

--- Words for running a definition of this many lines.
function M.sandboxed(lines)
  return ("%d line%s of Lua, in the sandbox of definitions: no files, no programs, bounded steps"):
    format(lines, lines == 1 and "" or "s")
end

return M
