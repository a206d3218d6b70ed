--- `braid compare DEFINITION ...`: compares networks on the same data, by train.compare.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local networks <const> = require "braid.cli.given.networks"
local pooled <const> = require "braid.cli.given.pooled"

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
  seeds = "number of seeds, or the seeds: \"1,2,5\", \"1..5\"",
  budget = "what all networks get the same amount of: epochs, seconds or macs",
  seconds = "seconds of each training, with --budget=seconds",
  same = "parameters: choose widths so that networks have about as many as the baseline",
  parameters = "number of parameters, with --same=parameters",
  baseline = "network over which the others' gains are measured",
  level = "level of the tests (0.05)", title = "title of the tables",
  take = "epoch that is measured: best on validation, or last",
  metrics = "columns of the table: \"landmarks.failure,pose.accuracy\"",
  csv = "file for the table as CSV", markdown = "file for the table in Markdown",
  latex = "file for the table in LaTeX", json = "print JSON",
}
pooled.declare(SAME, TAKES, SAID)

local function write(results, o)
  for _, name in ipairs{"csv", "markdown", "latex"} do
    if o[name] then
      local t <const> = results:table()
      local ok <const>, why <const> = files.write(o[name], {t[name](t), "\n"})
      if not ok then check.fail("compare: --%s: %s", name, why) end
    end
  end
end

return {usage = "compare DEFINITION ...     compare networks on the same data",
  least = 1, most = math.huge, options = TAKES, said = SAID, words = {"model"},
  more = "a DEFINITION may have options and a name: \"wide=dcnet width=2\"; the same call "
    .. "continues from the results in --dir",
  wrong = pooled.wrong,
  run = function(o, ...)
    local list <const> = networks.read({...}, o.options)
    local sets <const>, tasks <const>, by_name <const> = networks.matched(o, list)
    local given <const> = pooled.read(SAME, o)
    given.networks, given.tasks, given.order = by_name, tasks, {}
    for i, each in ipairs(list) do given.order[i] = each.name end
    given.train, given.val, given.test = sets.train, sets.val, sets.test
    for metric in o.metrics:gmatch("[^%s,]+") do
      given.metrics = given.metrics or {}
      given.metrics[#given.metrics + 1] = metric
    end
    local results <const> = braid.train.compare(given)
    write(results, o)
    pooled.print(o, results, "results.json")
  end}
