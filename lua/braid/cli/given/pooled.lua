--- Options of the commands that train several networks, each in a process of its own.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"

local M <const> = {}

M.OPTIONS = {dir = check.text(), jobs = check.whole{from = 1, to = 4096},
  threads = check.whole{from = 1, to = 4096}, tries = check.whole{from = 1}}
M.SAID = {
  dir = "a directory for the trainings and the results; the same call goes on from what is there",
  jobs = "trainings at once (a processor each)", threads = "of each training (1)",
  tries = "how often a training that was killed is started (3)",
}

--- Prints the results: for machines the file of that name in their directory.
function M.print(o, results, file)
  if not o.json then return print(results) end
  local text <const>, why <const> = files.read(o.dir .. "/" .. file)
  if not text then check.fail("%s", why) end
  io.write(text)
end

return M
