--- Experiments of papers, made again. Each is a file of examples/papers that begins with a comment
-- (what the paper says, section by section, and where the experiment differs) and returns
-- papers.experiment{...}:
--
--   paper     "002", the number under which the project knows it
--   item      "figure 3", the part of the paper that is repeated
--   title     what is measured, in a few words
--   data      {"mtfl"}: the data sets that it can use, the best first. Without a path of data,
--             rendered faces take the place of faces
--   minutes   how long it takes on two cores, with the usual options and three seeds
--   options   {epochs = {30, from = 1}, ...}: its own options, as braid.arguments takes them
--   quick     values of these options for a run of seconds, which only checks that all steps work
--   differs   sentences that say where the data or the protocol differ from the paper's
--   run       function(e): trains and lays out the result with the methods of e (papers/run.lua)
-- @usage braid papers 002_fig3_resnet18 --data path/to/mtfl --seeds 3 --minutes 120

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local nearest <const> = require "braid.nearest"

local M <const> = {}

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)papers/init%.lua$")
-- in a checkout and where Braid is installed
local PLACES <const> = {HOME .. "../../examples/papers/", HOME .. "experiments/"}

local Experiment <const> = class "experiment"

local DATA <const> = check.choice{"mtfl", "celeba", "aflw", "cifar10", "faces", "scenes"}
local DECLARED <const> = check.declare("papers.experiment", {
  paper = check.needed(check.choice{"000", "001", "002", "003", "004"}),
  item = check.needed(check.text()), title = check.needed(check.text()),
  data = check.needed(check.list{of = DATA, least = 1}),
  minutes = check.needed(check.number{above = 0}), options = check.map(check.any()),
  quick = check.map(check.any()), differs = check.list{of = check.text()},
  run = check.needed(check.call()),
}, function(o)
  for _, name in ipairs(check.sorted_keys(o.quick or {})) do
    if not (o.options or {})[name] then return ("quick: there is no option '%s'"):format(name) end
  end
end)

function Experiment:init(given)
  local o <const> = check.options(DECLARED, given)
  for key, value in pairs(o) do self[key] = value end
  self.options, self.quick, self.differs = o.options or {}, o.quick or {}, o.differs or {}
end

--- An experiment from its declaration.
M.experiment = Experiment

--- The experiments' files by name.
function M.files()
  local paths <const> = {}
  for _, place in ipairs(PLACES) do
    for _, file in ipairs(core.list_folder(place) or {}) do
      local name <const> = file:match("^(%d[%w_]*)%.lua$")
      if name then paths[name] = paths[name] or place .. file end
    end
  end
  return paths
end

--- The experiment in a file.
function M.load(path)
  local chunk <const>, why <const> = loadfile(path)
  if not chunk then check.fail("papers: %s", why) end
  local made <const> = chunk()
  if not class.is_a(made, Experiment) then
    check.fail("papers: %s must return the result of papers.experiment, not %s", path,
      check.shown(made))
  end
  return made
end

--- A part that several experiments share: the value that the file parts/NAME.lua beside them
-- returns.
function M.part(name)
  for _, place in ipairs(PLACES) do
    local path <const> = ("%sparts/%s.lua"):format(place, name)
    if core.path_kind(path) == "file" then return dofile(path) end
  end
  check.fail("papers: there is no parts/%s.lua", tostring(name))
end

--- The full name that a name, or its beginning, stands for, and its path.
function M.find(name)
  local paths <const>, found <const> = M.files(), {}
  if paths[name] then return name, paths[name] end
  for _, full in ipairs(check.sorted_keys(paths)) do
    if full:sub(1, #name) == name then found[#found + 1] = full end
  end
  if #found == 1 then return found[1], paths[found[1]] end
  if #found > 1 then
    check.fail("papers: '%s' may be %s", name, table.concat(found, " or "))
  end
  check.fail("papers: there is no '%s'; %s", name, nearest.hint(name, check.sorted_keys(paths)))
end

return M
