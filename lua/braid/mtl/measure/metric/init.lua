--- Metrics, found by name: mtl.metric.auc{...} is one that runs alone; a task takes them by name,
-- mtl.classes{2, metrics = {"f1.macro", "auc"}}.
--
-- Each takes batches of any size and gives what all samples at once would: observe(outputs,
-- targets), then result(). A metric has the fields direction ("max" where more is better, "min"
-- where less is), unit, and counts (what it is taken over). Samples without a label are left out
-- and counted. An output of NaN counts as entirely wrong and is never left out. An undefined
-- result, such as an AUC without a positive, is nil and a reason.
--
-- Words behind the name are its options in short: "f1.macro", "f1.yes" (of a class), "auc.pr",
-- "failure.box.0.05", "error.diagonal", "ece.10".
-- @usage
-- local auc <const> = mtl.metric.auc()
-- for batch in batches do auc:observe(net(batch.image), batch.smile) end
-- print(auc:result())             -- 0.953, or nil and why

local folder <const> = require "braid.folder"

return folder("braid.mtl.measure.metric", {as = "braid.mtl.metric"})
