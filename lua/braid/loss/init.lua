--- Losses: functions of a prediction and a target. All take {reduction = "mean" | "sum" |
-- "none", mask =} besides what each says; a masked mean divides by the count of what is
-- valid, and a batch in which nothing is gives exactly 0 and zero gradients.

local M <const> = {}

for _, family in ipairs{"regression", "binary", "classes"} do
  for name, loss in pairs(require("braid.loss." .. family)) do M[name] = loss end
end

return M
