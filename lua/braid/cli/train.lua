--- `braid train DEFINITION`: trains a network of a definition file by train.fit, as a script does.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local json <const> = require "braid.io.json"
local matched <const> = require "braid.cli.given.matched"
local settings <const> = require "braid.cli.given.settings"
local tasks_of <const> = require "braid.cli.given.tasks"
local training <const> = require "braid.cli.given.training"

local TAKES <const> = {dir = check.text(), seed = {1, from = 0}, json = false,
  resume = {"auto", true, false}}
local SAID <const> = {
  dir = "the run's directory; the same call continues the run there",
  seed = "seed of the network and of the order of the samples",
  json = "print the last epoch as JSON",
  resume = "yes: there must be a run; no: there must be none",
}
for name, kind in pairs(training.OPTIONS) do TAKES[name] = kind end
for name, words in pairs(training.SAID) do SAID[name] = words end

return {usage = "train DEFINITION ...       train a network, or continue its run",
  least = 1, most = 1, options = TAKES, said = SAID, words = {"model"},
  wrong = function(o)
    if o.resume == true and not o.dir then return "--resume=yes wants the --dir of the run" end
    return training.wrong(o)
  end,
  run = function(o, path)
    local tasks
    local function make()
      local options <const> = settings("options", o.options)
      options.tasks = tasks
      braid.manual_seed(o.seed)
      return braid.model(path, options)
    end
    local sets <const>, loaders <const> = matched.open(o, function(sets)
      tasks = tasks_of(o.tasks, sets)
      return {make()}
    end)
    local fit <const> = training.fit(o)
    fit.loader, fit.seed, fit.dir = training.loader(o, loaders[1]), o.seed, o.dir
    fit.net, fit.train, fit.val, fit.resume = make(), sets.train, sets.val, o.resume
    fit.progress = not o.json
    local history <const> = braid.train.fit(fit)
    if o.json then
      print(json.encode(require "braid.train.log".plain(history[#history])))
    end
  end}
