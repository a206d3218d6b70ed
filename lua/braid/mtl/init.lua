--- Multi-task learning: kinds of tasks, networks of columns, the mixers between columns, and
-- measurements.

local folder <const> = require "braid.folder"

return folder("braid.mtl", {rooms = {"kinds", "measure", "mixers"}})
