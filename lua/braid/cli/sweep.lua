--- `braid sweep DEFINITION ... --space "..."`: a search for good values, by train.sweep.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local networks <const> = require "braid.cli.given.networks"
local numbers <const> = require "braid.cli.given.numbers"
local points <const> = require "braid.train.sweeping.points"
local pooled <const> = require "braid.cli.given.pooled"
local space_of <const> = require "braid.cli.given.space"
local training <const> = require "braid.cli.given.training"

-- Options that go to train.sweep unchanged.
local SAME <const> = {
  trials = check.whole{from = 1, to = 1000000},
  method = check.optional(check.choice{"random", "halton", "grid", "asha"}),
  seed = check.whole{from = 0}, eta = check.whole{from = 2}, least = check.whole{from = 1},
  title = check.text(),
}
local TAKES <const> = {space = check.text(), seeds = "1", json = false}
local SAID <const> = {
  space = "\"lr=log(1e-4, 1e-2) batch={32, 64} width=0.5..2\": options of training, else of the "
    .. "definition",
  trials = "how many (a grid: all)", method = "random, halton, grid or asha",
  seed = "of the search (0)", seeds = "of the trainings: how many, or \"1,2,5\", \"1..5\"",
  eta = "of asha: the share that trains on is 1/eta (3)", least = "of asha: epochs of the first "
    .. "rung", title = "of the table", json = "for machines",
}
for _, part in ipairs{{SAME, {}}, {training.OPTIONS, training.SAID},
  {pooled.OPTIONS, pooled.SAID}} do
  for name, kind in pairs(part[1]) do TAKES[name] = kind end
  for name, words in pairs(part[2]) do SAID[name] = words end
end

return {usage = "sweep DEFINITION ...       a search for the values that train best",
  least = 1, most = math.huge, options = TAKES, said = SAID, words = {"model"},
  more = "judged by validation; the same call goes on with what is in --dir, and more --trials "
    .. "add to it",
  wrong = function(o)
    if not o.space then return "--space is missing, such as \"lr=log(1e-4, 1e-2)\"" end
    if not o.best then return "--best is missing, such as landmarks.failure" end
    if not numbers.read(o.seeds) then
      return ("--seeds must be a number or a list such as 1,2,3 or 1..3, not '%s'"):format(o.seeds)
    end
    return not o.dir and "--dir is missing: where the trainings go" or training.wrong(o)
  end,
  run = function(o, ...)
    local given <const> = training.fit(o)
    given.space = space_of(o.space)
    local list <const> = networks.read({...}, o.options, points.free(points.read(given.space)))
    local sets <const>, tasks <const>, by_name <const> = networks.matched(o, list)
    for name in pairs(SAME) do given[name] = o[name] end
    for name in pairs(pooled.OPTIONS) do given[name] = o[name] end
    given.tasks, given.train, given.val = tasks, sets.train, sets.val
    if #list > 1 then
      given.networks = by_name
    else
      local only <const> = by_name[list[1].name]
      given.net, given.loader = only[1], only.loader
    end
    given.seeds, given.progress = numbers.read(o.seeds), not o.json
    pooled.print(o, braid.train.sweep(given), "sweep.json")
  end}
