--- `braid papers [NAME]`: lists the papers' experiments, or runs one.

local arguments <const> = require "braid.arguments"
local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local header <const> = require "braid.model.header"
local json <const> = require "braid.io.json"
local papers <const> = require "braid.papers"
local Run <const> = require "braid.papers.run"
local settings <const> = require "braid.cli.given.settings"

local SAID <const> = {
  data = "directory of the published data (without it, faces are rendered)",
  quick = "a small run of seconds, which checks the whole path",
  seeds = "number of seeds (3)", minutes = "time limit in minutes; the same call continues",
  out = "directory of all runs; each has a folder of its own", jobs = "trainings that run at once",
  about = "print what the file says about the paper",
  set = "options of the experiment: \"epochs=10 size=64\"", json = "print JSON",
}

-- How far an experiment's run is, as text.
local function state_of(dir)
  local result <const> = json.decode(files.read(dir .. "/result.json") or "")
  if type(result) ~= "table" then return "not begun" end
  if result.left > 0 then return ("%d trainings left"):format(result.left) end
  return result.quick and "quick run" or "done"
end

local function list(o)
  local paths <const>, rows <const> = papers.files(), {}
  for i, name in ipairs(check.sorted_keys(paths)) do
    local x <const> = papers.load(paths[name])
    rows[i] = {name = name, item = x.item, data = table.concat(x.data, " or "),
      minutes = x.minutes, state = state_of(o.out .. "/" .. name), title = x.title}
  end
  if o.json then return print(json.encode(rows)) end
  local wide <const> = {name = 4, data = 4, state = 5}
  for _, row in ipairs(rows) do
    for key, width in pairs(wide) do wide[key] = math.max(width, #row[key]) end
  end
  local form <const> = ("%%-%ds  %%-%ds  %%7s  %%-%ds  %%s")
    :format(wide.name, wide.data, wide.state)
  print(form:format("name", "data", "minutes", "state", "shows"))
  for _, row in ipairs(rows) do
    print(form:format(row.name, row.data, ("%d"):format(row.minutes), row.state, row.title))
  end
end

-- The experiment's options: its defaults, replaced by the options of a quick run, and these by the
-- options given.
local function options_of(x, o)
  local words <const> = {}
  local given <const> = settings("set", o.set)
  for key, value in pairs(o.quick and x.quick or {}) do
    if given[key] == nil then given[key] = value end
  end
  for _, key in ipairs(check.sorted_keys(given)) do
    words[#words + 1] = ("--%s=%s"):format(key, tostring(given[key]))
  end
  local read <const>, wrong <const> = arguments.read(words, x.options)
  return read or check.fail("--set: %s", wrong)
end

local function run(o, name)
  local full <const>, path <const> = papers.find(name)
  local x <const> = papers.load(path)
  local seeds <const> = {}
  for i = 1, o.seeds or (o.quick and 1 or 3) do seeds[i] = i end
  Run(x, {name = full, dir = o.out .. "/" .. full, data = o.data, quick = o.quick, seeds = seeds,
    minutes = o.minutes, jobs = o.jobs, options = options_of(x, o)}):go()
end

return {usage = "papers [NAME] [--data PATH]     list the papers' experiments, or run one",
  most = 1, said = SAID, options = {data = check.text(), quick = false,
    seeds = check.whole{from = 1}, minutes = check.number{above = 0}, out = "build/papers",
    jobs = check.whole{from = 1}, set = "", json = false, about = false},
  run = function(o, name)
    if not name then return list(o) end
    if o.about then return print(header.read(select(2, papers.find(name))).text) end
    return run(o, name)
  end}
