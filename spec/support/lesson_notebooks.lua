--- Makes notebooks of some lessons in examples/. Each text and each piece of code becomes a cell:
--
--   build/braid spec/support/lesson_notebooks.lua
--
-- A notebook shows what a script writes to a file: a plot is shown instead of written, and a
-- picture that the script saves is loaded again and shown.

local json <const> = require "braid.io.json"
local literate <const> = require "spec.support.docs.literate"
local shell <const> = require "spec.support.shell"

local PLACE <const> = "examples/notebooks/"
local LESSONS <const> = {"03_network", "05_columns", "09_weighting"}

-- The code of a cell, as the notebook has it.
local function shown(text)
  text = text:gsub("\"build/lesson_", "\"/tmp/lesson_") -- a notebook's directory has no build
  text = text:gsub("(braid%.plot%.%w+)(%b())", function(name, given)
    local rest <const> = given:match("^%(\"[^\"]+\",%s*(.*)%)$")
    return rest and ("show(%s(%s))"):format(name, rest) or nil
  end)
  return (text:gsub("\n([ \t]*)(data%.show%b())", function(indent, call)
    local path <const> = call:match("\"([^\"]+%.png)\"")
    return path and ("\n%s%s\n%sshow(braid.load(%q))"):format(indent, call, indent, path) or nil
  end))
end

local function source_of(text)
  local lines <const> = {}
  for line in text:gmatch("[^\n]*\n?") do
    if line ~= "" then lines[#lines + 1] = line end
  end
  for i, line in ipairs(lines) do lines[i] = "    " .. json.encode(line) end
  return table.concat(lines, ",\n")
end

local function cell_of(number, cell, title)
  local is_code <const> = cell.kind == "code"
  local text <const> = is_code and shown(cell.text) or (title or "") .. cell.text
  return ('  {\n   "cell_type": "%s",\n   "id": "cell-%d",\n   "metadata": {},\n   "source": [\n'
    .. '%s\n   ]%s\n  }'):format(is_code and "code" or "markdown", number, source_of(text),
    is_code and ',\n   "execution_count": null,\n   "outputs": []' or "")
end

local TAIL <const> = [[
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "Braid",
   "language": "lua",
   "name": "braid"
  },
  "language_info": {
   "name": "lua"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
]]

local function page(name)
  local script <const>, cells <const> = literate.read(("examples/%s.lua"):format(name)), {}
  for i, cell in ipairs(script) do
    cells[i] = cell_of(i, cell, i == 1 and ("# %s\n\n"):format(script.title))
  end
  return '{\n "cells": [\n' .. table.concat(cells, ",\n") .. "\n" .. TAIL
end

local M <const> = {}

--- The notebooks by path.
function M.pages()
  local pages <const> = {}
  for _, name in ipairs(LESSONS) do pages[PLACE .. name .. ".ipynb"] = page(name) end
  return pages
end

if arg[0]:find("lesson_notebooks%.lua$") then
  for path, text in pairs(M.pages()) do shell.write(path, text) end
end
return M
