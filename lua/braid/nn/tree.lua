--- The text of a module: its own line, and below it, indented, its submodules.

local class <const> = require "braid.class"
local described <const> = require "braid.nn.described"
local Report <const> = require "braid.nn.report"
local walk <const> = require "braid.nn.walk"

local DEEPEST <const> = 50 -- levels of modules that are printed

-- Adds the lines of a module's submodules. A part that is too deep, or was shown before, has only
-- its name.
local function tree(self, indent, lines, seen, depth)
  seen[self] = true
  for _, key in ipairs(walk.fields(self)) do
    local value <const> = self[key]
    if walk.is_module(value) then
      local again <const> = seen[value] and " as above" or depth == DEEPEST and " ..." or ""
      lines[#lines + 1] = ("%s%s: %s(%s)%s"):format(indent, key, getmetatable(value).__name,
        described(value), again)
      if again == "" then tree(value, indent .. "  ", lines, seen, depth + 1) end
    elseif walk.is_plain(value) and not seen[value] then
      tree(value, indent .. tostring(key) .. ".", lines, seen, depth)
    end
  end
  return lines
end

return function(module)
  local head <const> = ("%s(%s)"):format(getmetatable(module).__name, described(module))
  local report <const>, lines <const> = rawget(module, "pretrained"), {head}
  if class.is_a(report, Report) then lines[2] = "  " .. tostring(report) end
  return table.concat(tree(module, "  ", lines, {}, 1), "\n")
end
