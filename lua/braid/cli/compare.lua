--- `braid compare DEFINITION ...`: networks against each other on the same data, by train.compare.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local networks <const> = require "braid.cli.given.networks"
local numbers <const> = require "braid.cli.given.numbers"
local pooled <const> = require "braid.cli.given.pooled"
local training <const> = require "braid.cli.given.training"

-- Options that go to train.compare unchanged.
local SAME <const> = {
  budget = check.optional(check.choice{"epochs", "seconds", "macs"}),
  seconds = check.number{above = 0}, same = check.optional(check.choice{"parameters"}),
  parameters = check.whole{from = 1}, baseline = check.text(),
  level = check.number{above = 0, below = 1}, title = check.text(),
  take = check.optional(check.choice{"best", "last"}),
}
local TAKES <const> = {seeds = "3", metrics = "", csv = check.text(), markdown = check.text(),
  latex = check.text(), json = false}
local SAID <const> = {
  seeds = "how many, or which: \"1,2,5\", \"1..5\"",
  budget = "what the networks have alike: epochs, seconds or macs", seconds = "of that budget",
  same = "parameters: each network as wide as gives it as many as the baseline, or the largest",
  parameters = "so many, with --same=parameters", baseline = "the network that others gain over",
  level = "of the tests (0.05)", title = "of the tables",
  take = "the epoch that counts: best by validation, or last",
  metrics = "columns of the table: \"landmarks.failure,pose.accuracy\"",
  csv = "a file for the table", markdown = "a file for the table", latex = "a file for the table",
  json = "for machines",
}
for _, part in ipairs{{SAME, {}}, {training.OPTIONS, training.SAID},
  {pooled.OPTIONS, pooled.SAID}} do
  for name, kind in pairs(part[1]) do TAKES[name] = kind end
  for name, words in pairs(part[2]) do SAID[name] = words end
end

local function write(results, o)
  for _, name in ipairs{"csv", "markdown", "latex"} do
    if o[name] then
      local t <const> = results:table()
      local ok <const>, why <const> = files.write(o[name], {t[name](t), "\n"})
      if not ok then check.fail("compare: --%s: %s", name, why) end
    end
  end
end

return {usage = "compare DEFINITION ...     networks against each other on the same data",
  least = 1, most = math.huge, options = TAKES, said = SAID, words = {"model"},
  more = "a DEFINITION may have options and a name: \"wide=dcnet width=2\"; the same call goes on "
    .. "with what is in --dir",
  wrong = function(o)
    if not numbers.read(o.seeds) then
      return ("--seeds must be a number or a list such as 1,2,3 or 1..3, not '%s'"):format(o.seeds)
    end
    return not o.dir and "--dir is missing: where the trainings go" or training.wrong(o)
  end,
  run = function(o, ...)
    local list <const> = networks.read({...}, o.options)
    local sets <const>, tasks <const>, by_name <const> = networks.matched(o, list)
    local given <const> = training.fit(o)
    for name in pairs(SAME) do given[name] = o[name] end
    for name in pairs(pooled.OPTIONS) do given[name] = o[name] end
    given.networks, given.tasks, given.order = by_name, tasks, {}
    for i, each in ipairs(list) do given.order[i] = each.name end
    given.train, given.val, given.test = sets.train, sets.val, sets.test
    given.seeds, given.progress = numbers.read(o.seeds), not o.json
    for metric in o.metrics:gmatch("[^%s,]+") do
      given.metrics = given.metrics or {}
      given.metrics[#given.metrics + 1] = metric
    end
    local results <const> = braid.train.compare(given)
    write(results, o)
    pooled.print(o, results, "results.json")
  end}
