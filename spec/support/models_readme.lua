--- Makes models/README.md from the comments at the beginning of models/*.lua:
--
--   build/braid spec/support/models_readme.lua >models/README.md
--
-- A comment begins with the network's name and, in brackets, its authors. Its other parts begin
-- with "Decisions:", "Options:" and "Parameters". Indented lines become code.

local header <const> = require "braid.model.header"
local pages <const> = require "spec.support.markdown"

local HEAD <const> = [[
# Published networks

Each file is one network: a function of the tasks and of options, so a definition of your own is a
file like these. `braid.model("models/dcnet.lua", {tasks = tasks})` builds one, from any directory.
Brackets after an option hold its default. All networks also take `pretrained`; section 5 in
[examples/](../examples/README.md) explains it, `head` and `groups`.

The first comments of the files make this page (`build/braid spec/support/models_readme.lua`), and
the suite counts the parameters. MTFL's five tasks are landmarks, gender, smile, glasses and pose.

| file | network | parameters |
|---|---|---|
]]

-- A part in Markdown. Its indented lines become a block of code.
local function markdown(text)
  local out <const>, prose = {}, {}
  local function flush()
    if #prose > 0 then out[#out + 1] = pages.wrapped(table.concat(prose, " ")) end
    prose = {}
  end
  for line in text:gmatch("[^\n]+") do
    if line:find("^  ") then
      flush()
      local last <const> = out[#out]
      if last:find("^```") then
        out[#out] = last:gsub("```$", line:gsub("%%", "%%%%") .. "\n```")
      else
        out[#out + 1] = "```text\n" .. line .. "\n```"
      end
    else
      prose[#prose + 1] = line
    end
  end
  flush()
  return table.concat(out, "\n\n")
end

local function section(path)
  local file <const> = path:match("[^/]+$")
  local read <const> = header.read(path)
  local out <const> = {("## [%s](%s)"):format(file:gsub("%.lua$", ""), file)}
  for i, part in ipairs(read.parts) do
    out[#out + 1] = markdown(part):gsub("^%a+", i > 1 and "**%0**" or "%0", 1)
  end
  return table.concat(out, "\n\n") .. "\n", read.title, read.parameters
end

local function page()
  local rows <const>, sections <const> = {}, {}
  local pipe <const> = assert(io.popen("LC_ALL=C ls models/*.lua"))
  for path in pipe:lines() do
    local text <const>, title <const>, count <const> = section(path)
    local file <const> = path:match("[^/]+$")
    sections[#sections + 1] = text
    local name <const> = file:gsub("%.lua$", "")
    rows[#rows + 1] = ("| [%s](#%s) | %s | %s |\n"):format(name, name, title, count)
  end
  pipe:close()
  return HEAD .. table.concat(rows) .. "\n" .. table.concat(sections, "\n")
end

if arg[0]:find("models_readme%.lua$") then io.write(page()) end
return page
