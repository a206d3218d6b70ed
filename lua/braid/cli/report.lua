--- `braid report DIR ...`: writes the page of a run, report.html, again from the files in its
-- directory.

local check <const> = require "braid.check"
local machine <const> = require "braid.cli.given.machine"
local report <const> = require "braid.train.report"

return {usage = "report DIR ...             write the page of a run, DIR/report.html, again",
  least = 1, most = math.huge, words = {"directory"}, options = {json = false},
  said = {json = "for machines: the paths of the pages"}, run = function(o, ...)
    local pages <const> = {}
    for _, dir in ipairs{...} do
      local ok <const>, path <const> = check.caught(report, dir)
      if not ok then check.fail("report: %s", (path:gsub("^train%.report: ", ""))) end
      pages[#pages + 1] = path
      if not o.json then print(path) end
    end
    if o.json then print(machine.text{pages = pages}) end
  end}
