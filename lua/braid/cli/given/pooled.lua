--- Options of the commands that train several networks, each in a process of its own: the options
-- of train.fit, options of the pool of processes, and the command's own options, which go to its
-- function unchanged.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local numbers <const> = require "braid.cli.given.numbers"
local training <const> = require "braid.cli.given.training"

local M <const> = {}

local POOL <const> = {dir = check.text(), jobs = check.whole{from = 1, to = 4096},
  threads = check.whole{from = 1, to = 4096}, tries = check.whole{from = 1}}
local SAID <const> = {
  dir = "directory of the trainings and results; the same call continues there",
  jobs = "trainings that run at once (one for each processor)",
  threads = "threads of each training (1)",
  tries = "how often a killed training is started (3)",
}

--- Adds the options to `takes`, the options of a command, and their descriptions to `said`.
function M.declare(own, takes, said)
  for _, options in ipairs{own, training.OPTIONS, POOL} do
    for name, kind in pairs(options) do takes[name] = kind end
  end
  for _, words in ipairs{training.SAID, SAID} do
    for name, text in pairs(words) do said[name] = text end
  end
end

--- A message about options that do not fit together, or nil.
function M.wrong(o)
  if not numbers.read(o.seeds) then
    return ("--seeds must be a number or a list such as 1,2,3 or 1..3, not '%s'"):format(o.seeds)
  end
  return not o.dir and "--dir, the directory of the trainings, is missing" or training.wrong(o)
end

--- The options for train.compare or train.sweep, without networks and data.
function M.read(own, o)
  local given <const> = training.fit(o)
  for _, options in ipairs{own, POOL} do
    for name in pairs(options) do given[name] = o[name] end
  end
  given.seeds, given.progress = numbers.read(o.seeds), not o.json
  return given
end

--- Prints the results, or with --json the file of this name in their directory.
function M.print(o, results, file)
  if not o.json then return print(results) end
  local text <const>, why <const> = files.read(o.dir .. "/" .. file)
  if not text then check.fail("%s", why) end
  print((text:gsub("\n$", "")))
end

return M
