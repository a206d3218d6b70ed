--- DCNet with a quarter of the channels: many small operators.

local wide <const> = require "spec.bench.networks.dcnet"

return {
  title = "DCNet width 16, 64x64", batch = 16, image = {3, 64, 64}, tasks = wide.tasks,
  quick = true, -- compared on one and on all threads even with --quick
  net = wide.at_width(0.25),
}
