--- `braid sweep DEFINITION ... --space "..."`: searches for good values, by train.sweep.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local networks <const> = require "braid.cli.given.networks"
local points <const> = require "braid.train.sweeping.points"
local pooled <const> = require "braid.cli.given.pooled"
local space_of <const> = require "braid.cli.given.space"

-- Options that go to train.sweep unchanged.
local SAME <const> = {
  trials = check.whole{from = 1, to = 1000000},
  method = check.optional(check.choice{"random", "halton", "grid", "asha"}),
  seed = check.whole{from = 0}, eta = check.whole{from = 2}, least = check.whole{from = 1},
  title = check.text(),
}
local TAKES <const> = {space = check.text(), seeds = "1", json = false}
local SAID <const> = {
  space = "options of training or of the definition: \"lr=log(1e-4, 1e-2) batch={32, 64} "
    .. "width=0.5..2\"",
  trials = "number of trials (a grid runs all)",
  method = "how values are chosen: random, halton, grid or asha", seed = "seed of the search (0)",
  seeds = "number of seeds of each trial, or the seeds: \"1,2,5\", \"1..5\"",
  eta = "with asha: 1/eta of the trials train on (3)",
  least = "with asha: epochs of the first rung", title = "title of the table", json = "print JSON",
}
pooled.declare(SAME, TAKES, SAID)

return {usage = "sweep DEFINITION ...       search for the values that train best",
  least = 1, most = math.huge, options = TAKES, said = SAID, words = {"model"},
  more = "trials are judged by validation; the same call continues from the results in --dir, and "
    .. "more --trials add to them",
  wrong = function(o)
    if not o.space then return "--space is missing, such as \"lr=log(1e-4, 1e-2)\"" end
    if not o.best then return "--best is missing, such as landmarks.failure" end
    return pooled.wrong(o)
  end,
  run = function(o, ...)
    local given <const> = pooled.read(SAME, o)
    given.space = space_of(o.space)
    local list <const> = networks.read({...}, o.options, points.free(points.read(given.space)))
    local sets <const>, tasks <const>, by_name <const> = networks.matched(o, list)
    given.tasks, given.train, given.val = tasks, sets.train, sets.val
    if #list > 1 then
      given.networks = by_name
    else
      local only <const> = by_name[list[1].name]
      given.net, given.loader = only[1], only.loader
    end
    pooled.print(o, braid.train.sweep(given), "sweep.json")
  end}
