--- Makes examples/papers/README.md from the experiments and from the results that are kept in
-- examples/papers/results:
--
--   build/braid spec/support/papers_readme.lua >examples/papers/README.md
--   build/braid spec/support/papers_readme.lua build/papers >examples/papers/README.md
--
-- The second form first copies NAME/result.json of each finished run in the folder to
-- results/NAME.json. Quick runs are not copied, because they are not results. For an experiment
-- without a result, the page shows only the printed numbers that its file declares.

local braid <const> = require "braid"
local arguments <const> = require "braid.arguments"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local files <const> = require "braid.io.files"
local format <const> = require "braid.format"
local header <const> = require "braid.model.header"
local json <const> = require "braid.io.json"
local markdown <const> = require "spec.support.markdown"
local papers <const> = require "braid.papers"

local PLACE <const> = "examples/papers/"
local RESULTS <const> = PLACE .. "results/"

local HEAD <const> = [[
# The papers' tables and figures

`braid papers` lists these experiments. `braid papers NAME --data PATH` runs one, and goes on where
it was; `--quick` checks the whole path in seconds on rendered faces. Each file begins with what the
paper says and declares where it differs.

A result below comes from a run's own result.json, which `results/` keeps. "Ours" is the mean over
the seeds with its deviation, "paper" what is printed. Below a table stands which of the paper's
rankings held: each pair of rows that the paper orders is compared with a paired t test (Holm's
correction, 5%). Test data are read once, at the end of a training. This page is made by
`build/braid spec/support/papers_readme.lua`.

| experiment | of | shows | data | minutes | state |
|---|---|---|---|---:|---|
]]
local NO_RUN <const> = "No run is kept yet; these are the printed numbers."

-- ---- the numbers that an experiment declares ----------------------------------------------------

-- A run that trains nothing, and only collects the tables with the paper's numbers.
local Printed <const> = class "run without trainings"

-- Options that may be small, as in a quick run, because they only set how much is read or built.
local SMALL <const> = {"faces", "height", "images", "scenes", "width"}
local FACES <const> = 60

function Printed:init(x)
  self.o = assert(arguments.read({}, x.options))
  for _, name in ipairs(SMALL) do self.o[name] = x.quick[name] or self.o[name] end
  self.seeds, self.dir, self.quick, self.real = {1}, os.tmpname() .. ".d", true, false
  self.tables, self.notes, self.used = {}, {}, {}
end

function Printed:holds() return "faces" end

function Printed:faces(given)
  return braid.data.faces{n = FACES, size = math.max(given.size or 0, 40),
    channels = given.channels}
end

local function nothing() end
Printed.cifar, Printed.compare, Printed.history = nothing, nothing, nothing
Printed.figure, Printed.picture, Printed.draw = nothing, nothing, nothing

function Printed:note(text) self.notes[#self.notes + 1] = text end
function Printed:beside(given) self.tables[#self.tables + 1] = given end

local function shown(v) return type(v) == "number" and format("%.4g", v) or v or "" end

-- A table of the printed numbers, or nil if the paper prints none.
local function printed_table(given)
  local rows <const>, known <const>, columns <const> = {}, {}, {}
  for _, c in ipairs(given.columns) do
    if c.printed and next(c.printed) ~= nil then
      columns[#columns + 1] = c
      for _, name in ipairs(check.sorted_keys(c.printed)) do
        if not known[name] then rows[#rows + 1], known[name] = name, true end
      end
    end
  end
  if #columns == 0 then return nil end
  local head, line = "| network |", "|---|"
  for _, c in ipairs(columns) do head, line = head .. " " .. c.title .. " |", line .. "---:|" end
  local lines <const> = {"**" .. given.title .. "**", "", head, line}
  for _, name in ipairs(rows) do
    local cells <const> = {(given.names or {})[name] or name}
    for i, c in ipairs(columns) do cells[i + 1] = shown(c.printed[name]) end
    lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
  end
  return table.concat(lines, "\n")
end

local function declared(x)
  local e <const> = Printed(x)
  x.run(e)
  local out <const> = {}
  for _, given in ipairs(e.tables) do out[#out + 1] = printed_table(given) end
  for _, text in ipairs(e.notes) do
    if text:find("printed", 1, true) then out[#out + 1] = "- " .. text end
  end
  return out
end

-- ---- results ------------------------------------------------------------------------------------

local function result_of(path)
  local result <const> = json.decode(files.read(path) or "")
  return type(result) == "table" and result.quick == false and result or nil
end

local function settings(o)
  local words <const> = {}
  for i, name in ipairs(check.sorted_keys(o)) do words[i] = name .. " " .. tostring(o[name]) end
  return table.concat(words, ", ")
end

local function of_result(result)
  local out <const> = {}
  for _, t in ipairs(result.tables) do
    out[#out + 1] = t.markdown
    local words <const> = {}
    for i, text in ipairs(t.words) do words[i] = (text:gsub("^ *", "%0- ")) end
    if #words > 0 then out[#out + 1] = table.concat(words, "\n") end
  end
  out[#out + 1] = markdown.wrapped(("Data: %s; %d seed%s; %s."):format(result.data or "none",
    #result.seeds, #result.seeds == 1 and "" or "s", settings(result.options)))
  local notes <const> = {}
  for i, text in ipairs(result.notes) do notes[i] = "- " .. text end
  if #notes > 0 then out[#out + 1] = table.concat(notes, "\n") end
  return out
end

local function state_of(result)
  if not result then return "no run" end
  return result.left > 0 and ("%d trainings left"):format(result.left) or "done"
end

-- ---- the page -----------------------------------------------------------------------------------

-- The differences that the file declares, as a list.
local function differences(x)
  local lines <const> = {}
  for i, words in ipairs(x.differs) do lines[i] = "- " .. words end
  return "Where it differs:\n\n" .. table.concat(lines, "\n")
end

local function section(name, path, x, result)
  local about <const> = header.read(path).text
  local out <const> = {("## [%s](%s.lua)"):format(name, name)}
  for part in (about .. "\n\n"):gmatch("(.-)\n\n+") do out[#out + 1] = markdown.wrapped(part) end
  local parts <const> = result and of_result(result) or declared(x)
  if not result then
    out[#out + 1] = #parts > 0 and NO_RUN or "No run is kept yet; the paper prints no numbers here."
  end
  table.move(parts, 1, #parts, #out + 1, out)
  out[#out + 1] = differences(x)
  return table.concat(out, "\n\n") .. "\n"
end

local function page()
  local paths <const>, rows <const>, sections <const> = papers.files(), {}, {}
  for _, name in ipairs(check.sorted_keys(paths)) do
    local x <const> = papers.load(paths[name])
    local result <const> = result_of(RESULTS .. name .. ".json")
    rows[#rows + 1] = ("| [%s](#%s) | %s, %s | %s | %s | %d | %s |\n"):format(name, name, x.paper,
      x.item, x.title, table.concat(x.data, " or "), x.minutes, state_of(result))
    sections[#sections + 1] = section(name, paths[name], x, result)
  end
  return HEAD .. table.concat(rows) .. "\n" .. table.concat(sections, "\n")
end

--- Copies the results of the runs in a folder to results/. -> their names
local function keep(folder)
  local kept <const> = {}
  for _, name in ipairs(check.sorted_keys(papers.files())) do
    local path <const> = ("%s/%s/result.json"):format(folder, name)
    if result_of(path) then
      assert(files.write(RESULTS .. name .. ".json", {(assert(files.read(path)))}))
      kept[#kept + 1] = name
    end
  end
  return kept
end

if arg[0]:find("papers_readme%.lua$") then
  for _, name in ipairs(arg[1] and keep(arg[1]) or {}) do io.stderr:write("kept ", name, "\n") end
  io.write(page())
end
return {page = page, section = section}
