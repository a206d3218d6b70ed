--- Losses: functions of a prediction and a target. Besides their own options, all take {reduction =
-- "mean" | "sum" | "none", mask =}. A masked mean divides by the number of valid values. A batch
-- without valid values gives exactly 0 and zero gradients.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local folder <const> = require "braid.folder"

local M <const> = {}

for _, family in ipairs{"regression", "binary", "classes"} do
  for name, loss in pairs(require("braid.loss." .. family)) do
    M[name] = check.fixed(name, loss)
  end
end
core.name_functions(M)

return folder.named(M, "braid.loss", function() end, function() return check.sorted_keys(M) end)
