--- Indentation: two blanks for each line that leaves a block or a bracket open.

local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

local STEP <const> = "  "
local CLOSERS <const> = {["end"] = true, ["until"] = true, ["else"] = true, ["elseif"] = true,
  ["}"] = true, [")"] = true, ["]"] = true}

--- The indentation of the line after a text: the indentation of the last line, plus one step if the
-- last line leaves something open.
function M.of(text)
  local line <const> = text:match("[^\n]*$")
  local list <const> = tokens(line .. " nil")
  local first <const> = list[1].text
  local opens <const> = list[#list].depth > 0 or first == "else" or first == "elseif"
  return line:match("^%s*") .. (opens and STEP or "")
end

--- Moves a line one step back if it is only a word that closes a block. The editor calls this after
-- each typed character.
function M.closed(buffer)
  local start <const> = buffer:line_start()
  local blanks <const>, word <const> = buffer.text:sub(start, buffer.at - 1):match("^(%s+)(%S+)$")
  if not blanks or not CLOSERS[word] or start == 1 or #blanks < #STEP then return end
  local above <const> = buffer.text:sub(buffer:line_start(start - 1), start - 2)
  if blanks ~= M.of(above) then return end
  local at <const> = buffer.at
  buffer:replace(start, start + #STEP, "")
  buffer.at = at - #STEP
end

return M
