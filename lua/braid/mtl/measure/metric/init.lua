--- Metrics by name. mtl.metric.auc{...} is a metric that needs no task; a task takes metrics by
-- name, mtl.classes{2, metrics = {"f1.macro", "auc"}}.
--
-- A metric takes batches of any size: observe(outputs, targets) adds a batch, and result() is the
-- value over the samples of all batches. It has the fields direction ("max" if more is better,
-- "min" if less is better), unit, and counts (what the value is taken over, such as "faces").
-- Samples without a label are left out and counted. An output of NaN counts as entirely wrong and
-- is never left out. An undefined result, such as an AUC without a positive sample, is nil and a
-- reason.
--
-- Words after the name are short forms of options: "f1.macro", "f1.yes" (a class), "auc.pr",
-- "failure.box.0.05", "error.diagonal", "ece.10".
-- @usage
-- local auc <const> = mtl.metric.auc()
-- for batch in batches do auc:observe(net(batch.image), batch.smile) end
-- print(auc:result())             -- 0.953, or nil and why

local folder <const> = require "braid.folder"

return folder("braid.mtl.measure.metric", {as = "braid.mtl.metric"})
