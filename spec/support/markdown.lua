--- Reads the project's Markdown pages, and the programs in them.

local shell <const> = require "spec.support.shell"

local M <const> = {}

--- The paths of all pages.
function M.pages()
  local pages <const> = {}
  local found <const> = shell.run("find . -name '*.md' ! -path './build*' | sort").out
  for path in found:gmatch("%./([^\n]+)") do pages[#pages + 1] = path end
  return pages
end

--- A page's Lua programs as {code =, output =}; output is nil if none follows.
function M.programs(page)
  local programs <const>, text <const> = {}, shell.read(page)
  for code, after in text:gmatch("```lua\n(.-)\n```()") do
    programs[#programs + 1] = {code = code .. "\n",
      output = text:match("^%s*```output\n(.-)```", after)}
  end
  return programs
end

--- Runs a program by the command `braid`. Returns whether it succeeded, and all that it printed.
function M.run(code, braid, directory)
  local path <const> = os.tmpname()
  shell.write(path, code)
  local result <const> = shell.run(("cd %s && %s %s 2>&1"):format(
    shell.quote(directory or shell.root), braid or shell.root .. "/build/braid", path))
  os.remove(path)
  return result.status == 0, result.out
end

--- A text with # for each number. The last digits differ between processors, so only the positions
-- of numbers are compared.
function M.form(text)
  return (text:gsub("%d+%.?%d*", "#"):gsub("[ \t]+", " "):gsub("%s+$", ""))
end

--- Wraps words at 120 columns. No line begins with a sign of a list or a heading.
function M.wrapped(text)
  local lines <const> = {""}
  for word in text:gsub("[*<]", "\\%0"):gmatch("%S+") do
    local line <const> = lines[#lines]
    if line == "" or #line + #word < 120 or word:find("^[-+#>%d]") then
      lines[#lines] = line == "" and word or line .. " " .. word
    else
      lines[#lines + 1] = word
    end
  end
  return table.concat(lines, "\n")
end

return M
