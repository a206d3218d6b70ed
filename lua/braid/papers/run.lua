--- A run of an experiment, the `e` of its function run(e):
--
--   e.o, e.seeds, e.dir              its options, seeds and directory
--   e.quick, e.real                  whether it is a quick run; whether it has data as published
--   e:holds()                        what the data are: "mtfl", "celeba", "aflw", "cifar10" or
--                                    "faces" (rendered)
--   e:faces{size =, ...}             MTFL's data sets (options of data.mtfl), CelebA or AFLW with
--                                    its labels if the experiment's data name them, or rendered
--                                    faces
--   e:cifar{images =}                CIFAR-10's sets with its five pairs, or nil without data
--   e:compare(name, {...})           train.compare in a directory of its own; nil if time was up
--   e:history(name, network, o)      the history of a training of e:compare(name), or nil. o.part:
--                                    which of the network's parts; o.inner: a folder in the
--                                    training's folder; o.seed: the first seed by default
--   e:beside{...}                    a table of our numbers beside the paper's
--   e:figure(name, figure)           keeps a figure of braid.plot as name.svg
--   e:picture("name.png")            names a picture that a training wrote into e.dir
--   e:draw("name.png", f)            f(path) draws a picture; not called in processes that train
--   e:note("...")                    a sentence for the result
--
-- The directory gets result.json, .md and the figures. A run continues where it ended.

local check <const> = require "braid.check"
local cifar <const> = require "braid.papers.cifar"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local data <const> = require "braid.data"
local faces <const> = require "braid.papers.faces"
local engine <const> = require "braid.train.pool.engine"
local files <const> = require "braid.io.files"
local format <const> = require "braid.format"
local json <const> = require "braid.io.json"
local known <const> = require "braid.data.known"
local log <const> = require "braid.train.log"
local places <const> = require "braid.data.places"
local store <const> = require "braid.train.pool.store"
local train <const> = require "braid.train"
local verdicts <const> = require "braid.papers.verdicts"
local version <const> = require "braid.version"

local Run <const> = class "run of an experiment"

local DEEPEST <const> = 2 -- how many levels below the directory the data are looked for
local LEVEL <const> = 0.05 -- significance level of the tests
-- in tables with at most this many columns, each two rows have a sentence of their own
local FEW <const> = 2

--- given: name, dir, data (a path or nil), quick, seeds (a list), minutes, jobs, options
function Run:init(experiment, given)
  if given.data and not core.path_kind(given.data) then
    check.fail("papers: data: there is no %s", given.data)
  end
  self.experiment, self.given = experiment, given
  self.o, self.seeds, self.dir, self.quick = given.options, given.seeds, given.dir, given.quick
  self.real = given.data ~= nil
  self.begun, self.left = core.clock(), 0
  self.tables, self.figures, self.notes, self.used = {}, {}, {}, {}
end

-- ---- data -----------------------------------------------------------------------------------

function Run:holds()
  local path <const> = self.given.data
  if not path then return "faces" end
  if places.find(path, {"training.txt"}, DEEPEST) then return "mtfl" end
  local kind <const> = known.directory(path)
  return faces[kind] and kind or "cifar10"
end

--- The data sets of faces. Without a path of data they are rendered faces with the same labels, and
-- the option `faces` is their number (4000).
function Run:faces(given)
  local o <const> = check.copy("papers: faces", given)
  local count <const> = o.faces or 4000
  o.faces = nil
  if self.given.data then
    local kind <const> = self:holds()
    if faces[kind] then return self:other_faces(kind, o) end
    self.used.data = "MTFL"
    return data.mtfl(self.given.data, o)
  end
  self.used.data = ("%d rendered faces"):format(count)
  return data.faces{n = count, seed = 1, size = math.max(o.size or 0, 40), channels = o.channels}
end

-- CelebA or AFLW in the form of MTFL.
function Run:other_faces(kind, o)
  local takes <const> = table.concat(self.experiment.data, ", ")
  if not (", " .. takes .. ","):find(", " .. kind .. ",", 1, true) then
    check.fail("papers: data: these are %s, but the experiment takes %s", kind, takes)
  end
  local sets <const>, said <const> = faces[kind](self.given.data, o)
  self.used.data = said:match("^[^:]*")
  if not self.noted then self:note(said .. ".") end
  self.noted = true
  return sets
end

--- CIFAR-10's sets with a label for each of five pairs of classes; nil without data. o: images, how
-- many of the training set (0: all).
function Run:cifar(given)
  local o <const> = check.copy("papers: cifar", given)
  if not self.given.data then return nil end
  self.used.data = o.images and o.images > 0 and ("CIFAR-10, %d pictures"):format(o.images)
    or "CIFAR-10"
  return cifar(self.given.data, o.images or 0)
end

-- ---- training -------------------------------------------------------------------------------

-- The minutes that are left, or nil if there is no limit.
local function minutes_left(self)
  local limit <const> = self.given.minutes
  return limit and math.max(limit - (core.clock() - self.begun) / 60, 1e-6)
end

--- Calls train.compare(given) with its jobs in the folder `name` of the run. -> the results, or nil
-- if the minutes were over before the first result.
function Run:compare(name, given)
  local o <const> = check.copy("papers: compare", given)
  o.dir, o.seeds = self.dir .. "/" .. name, o.seeds or self.seeds
  o.jobs, o.minutes = self.given.jobs, minutes_left(self)
  if not o.minutes and engine.is_first() then
    local r <const> = train.compare(o)
    self.left = self.left + r.left
    return r
  end
  local ok <const>, r <const> = check.caught(train.compare, o)
  if ok then
    self.left = self.left + r.left
    return r
  end
  -- The process of a job of another comparison goes on until it reaches that comparison.
  local late <const> = r:find(engine.LATE, 1, true)
  if engine.is_first() and not late then check.fail("%s", r) end
  self.left = self.left + 1
end

function Run:history(name, network, given)
  local o <const> = given or {}
  local dir <const> = ("%s/%s/%s%s/seed%d%s"):format(self.dir, name, store.folder(network),
    o.part and "/" .. store.folder(o.part) or "", o.seed or self.seeds[1],
    o.inner and "/" .. o.inner or "")
  if core.path_kind(dir .. "/metrics.jsonl") ~= "file" then return nil end
  return train.history.read(dir)
end

-- ---- the result -----------------------------------------------------------------------------

local COLUMN <const> = check.kind("{metric =, printed = {ROW = number}}", function(v)
  return type(v) == "table" and type(v.metric) == "string"
    and (v.printed == nil or type(v.printed) == "table")
end)
local BESIDE <const> = check.declare("papers: beside", {
  title = check.needed(check.text()), results = check.any(), rows = check.list{of = check.text()},
  columns = check.needed(check.list{of = COLUMN, least = 1}), names = check.map(check.text()),
})

-- The text of a cell in the paper's column.
local function printed_cell(value)
  return type(value) == "number" and format("%.4g", value) or value
end

--- Adds a table with two columns for each metric: our numbers and the paper's. columns: a list of
-- {metric = "landmarks.failure", title =, percent =, direction =, printed = {ROW = number or
-- text}}; printed numbers are percents if ours are shown as percents. rows: the networks in order;
-- names: what the paper calls them. Does nothing if results is nil.
function Run:beside(given)
  local o <const> = check.options(BESIDE, given)
  local r <const> = o.results
  if not r or not engine.is_first() then return end
  local columns <const>, rows <const>, words <const> = {}, {}, {}
  for i, name in ipairs(o.rows or r.names) do rows[i] = {(o.names or {})[name] or name} end
  for _, c in ipairs(o.columns) do
    -- If trainings are left, perhaps no result has the metric yet.
    local of <const> = r.known[c.metric] and r:values(c.metric) or {}
    local title <const> = (c.title or c.metric):gsub(", %%$", "") -- the table says % itself
    columns[#columns + 1] = {name = c.metric, title = title .. ", ours",
      percent = c.percent, direction = c.direction}
    local beside <const> = c.printed and next(c.printed) ~= nil
    if beside then
      columns[#columns + 1] = {name = c.metric .. " printed", title = "paper"}
    end
    for i, name in ipairs(o.rows or r.names) do
      local list <const> = {} -- by seed
      for _, seed in ipairs(self.seeds) do list[#list + 1] = (of[name] or {})[seed] end
      rows[i][c.metric] = list
      rows[i][c.metric .. " printed"] = beside and printed_cell(c.printed[name]) or nil
    end
    local pairs_of <const> = c.printed and r.known[c.metric] and verdicts.pairs(r, c, LEVEL) or {}
    if #pairs_of > 0 then
      words[#words + 1] = ("%s: %s"):format(c.title or c.metric, verdicts.summary(pairs_of))
    end
    for _, pair in ipairs(#o.columns <= FEW and pairs_of or {}) do
      words[#words + 1] = "  " .. verdicts.words(pair, c, o.names or {})
    end
  end
  local shown <const> = train.table(columns, rows, {title = o.title})
  self.tables[#self.tables + 1] = {title = o.title, table = shown, words = words}
end

--- Keeps a figure of braid.plot; does nothing for nil.
function Run:figure(name, figure)
  if not figure or not engine.is_first() then return end
  local path <const> = ("%s/%s.svg"):format(self.dir, name)
  figure:save(path)
  self.figures[#self.figures + 1] = name .. ".svg"
end

function Run:picture(name)
  if engine.is_first() and core.path_kind(self.dir .. "/" .. name) == "file" then
    self.figures[#self.figures + 1] = name
  end
end

function Run:draw(name, f)
  if engine.is_first() then f(self.dir .. "/" .. name) end
  self:picture(name)
end

function Run:note(text) self.notes[#self.notes + 1] = text end

-- The options as words: "epochs 30, size 64".
local function settings(o)
  local words <const> = {}
  for i, name in ipairs(check.sorted_keys(o)) do words[i] = name .. " " .. tostring(o[name]) end
  return table.concat(words, ", ")
end

local function markdown(self)
  local x <const> = self.experiment
  local lines <const> = {("## %s: %s, %s"):format(self.given.name, x.paper, x.item), "", x.title
    .. ".", ""}
  local function add(...) table.move({...}, 1, select("#", ...), #lines + 1, lines) end
  for _, t in ipairs(self.tables) do
    add(t.table:markdown(), "")
    for _, words in ipairs(t.words) do add((words:gsub("^ *", "%0- "))) end
    add("")
  end
  for _, name in ipairs(self.figures) do add(("![%s](%s)"):format(name, name), "") end
  add(("Data: %s; %d seed%s; %s.%s"):format(self.used.data or "none", #self.seeds,
    #self.seeds == 1 and "" or "s", settings(self.o),
    self.left > 0 and (" %d trainings are not done yet."):format(self.left) or ""), "")
  for _, words in ipairs(x.differs) do add("- " .. words) end
  for _, words in ipairs(self.notes) do add("- " .. words) end
  return table.concat(lines, "\n")
end

local function write(self, name, text)
  local ok <const>, why <const> = files.write(self.dir .. "/" .. name, {text, "\n"})
  if not ok then check.fail("papers: %s", why) end
end

--- Runs the experiment, keeps its result and prints it.
function Run:go()
  log.make_folder("papers", self.dir)
  self.experiment.run(self)
  if not engine.is_first() then return end
  local x <const>, tables <const> = self.experiment, {}
  for i, t in ipairs(self.tables) do
    tables[i] = {title = t.title, csv = t.table:csv(), markdown = t.table:markdown(),
      words = t.words}
    print(t.table)
    for _, words in ipairs(t.words) do print("  " .. words) end
  end
  for _, words in ipairs(self.notes) do print(words) end
  write(self, "result.md", markdown(self))
  write(self, "result.json", json.encode{name = self.given.name, paper = x.paper, item = x.item,
    title = x.title, data = self.used.data, quick = self.quick, seeds = self.seeds,
    options = self.o, differs = x.differs, notes = self.notes, tables = tables,
    figures = self.figures, left = self.left, version = version,
    time = os.date("!%Y-%m-%dT%H:%M:%SZ")})
  print(("%s: %s/result.md"):format(self.left > 0 and "so far" or "whole", self.dir))
end

return Run
