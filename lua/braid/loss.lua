--- Losses: functions of a prediction and a target; see each operator's doc for options.

local ops <const> = require("braid.core").ops

return {mse = ops.mse, cross_entropy = ops.cross_entropy}
