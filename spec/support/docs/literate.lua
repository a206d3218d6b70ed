--- Reads a literate script: its comments at the left margin are text, the rest is code.
--
-- A comment is text if it begins at the start of a line, and at the start of the file or after an
-- empty line. The first sentence of the file is its title. Other comments belong to the code.

local shell <const> = require "spec.support.shell"

local M <const> = {}

local function lines_of(text)
  local lines <const> = {}
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

local function trimmed(list)
  while list[1] == "" do table.remove(list, 1) end
  while list[#list] == "" do list[#list] = nil end
  return list
end

-- Splits the lines of code into cells, where an empty line is followed by text.
local function cells_of(lines)
  local cells <const>, cell = {}, nil
  local function open(kind, line)
    cell = {kind = kind, line = line}
    cells[#cells + 1] = cell
  end
  local before = ""
  for number, line in ipairs(lines) do
    local said <const> = line:match("^%-%-%-? ?(.*)")
    if said and (before == "" or cell.kind == "text") then
      if not cell or cell.kind ~= "text" or before == "" then open("text", number) end
      cell[#cell + 1] = said
    else
      if not cell or cell.kind == "text" and line ~= "" then open("code", number) end
      if line ~= "" or cell.kind == "code" then cell[#cell + 1] = line end
    end
    before = line
  end
  return cells
end

--- A script in parts: {path =, name =, title =, cells}. A cell is {kind = "text" or "code", text =,
-- line = its first}.
function M.read(path)
  local script <const> = {path = path, name = path:match("([^/]+)%.lua$")}
  local found <const> = cells_of(lines_of(shell.read(path)))
  local first <const> = found[1]
  script.title = first[1]:match("^(.-)%.?$")
  local words <const> = table.concat(first, "\n")
  local title <const>, rest <const> = words:match("^(.-)%.%s+(.*)$")
  if title then
    script.title = title
    first[1] = rest
    for i = #first, 2, -1 do first[i] = nil end
  end
  for _, cell in ipairs(found) do
    cell.text = table.concat(trimmed(cell), "\n")
    for i = #cell, 1, -1 do cell[i] = nil end
    if cell.text ~= "" then script[#script + 1] = cell end
  end
  return script
end

--- The command that runs a script in any directory. One thread is enough for such scripts.
M.braid = "OMP_NUM_THREADS=1 " .. (shell.braid:find("^/") and "" or shell.root .. "/")
  .. shell.braid

local MARK <const> = "\1cell %d\1"

--- The script as one chunk that prints a mark before each cell of code; its lines stay in place.
function M.marked(script)
  local lines <const> = lines_of(shell.read(script.path))
  for i, cell in ipairs(script) do
    if cell.kind == "code" then
      lines[cell.line] = ("io.write(%q) "):format(MARK:format(i)):gsub("\\\n", "\\n")
        .. lines[cell.line]
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Runs a script with arguments in a directory that has a directory `build`. -> what each cell
-- printed, by its number; or nil and what went wrong.
function M.run(script, directory, arguments)
  local path <const> = directory .. "/" .. script.name .. ".lua"
  shell.write(path, M.marked(script))
  local result <const> = shell.run(("cd %s && mkdir -p build && %s %s %s"):format(
    shell.quote(directory), M.braid, shell.quote(path), arguments or ""))
  if result.status ~= 0 then return nil, script.path .. ": " .. result.err end
  local printed <const> = {}
  for number, text in result.out:gmatch("\1cell (%d+)\1([^\1]*)") do
    printed[math.tointeger(number)] = text:gsub("%s+$", "")
  end
  return printed
end

--- The paths of pictures that a cell of code writes, as its strings name them.
function M.pictures(cell)
  local list <const> = {}
  for path in cell.text:gmatch("[\"']([%w_./-]+%.%a+)[\"']") do
    local ending <const> = path:match("%.(%a+)$")
    if ending == "png" or ending == "svg" then list[#list + 1] = path end
  end
  return list
end

--- The paths of the lessons, in order.
function M.lessons()
  local paths <const> = {}
  for path in shell.run("ls examples/[0-9][0-9]_*.lua").out:gmatch("[^\n]+") do
    paths[#paths + 1] = path
  end
  return paths
end

return M
