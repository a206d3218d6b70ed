--- `braid report DIR ...`: writes the page of a run, report.html, again from the files in its
-- directory.

local check <const> = require "braid.check"
local report <const> = require "braid.train.report"

return {usage = "report DIR ...             write the page of a run, DIR/report.html, again",
  least = 1, most = math.huge, words = {"directory"}, run = function(_, ...)
    for _, dir in ipairs{...} do
      local ok <const>, path <const> = check.caught(report, dir)
      if not ok then check.fail("report: %s", (path:gsub("^train%.report: ", ""))) end
      print(path)
    end
  end}
